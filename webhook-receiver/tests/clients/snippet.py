"""Subscribes to a token as webhook.site's documentation shows it for Python, and prints what arrives."""

import sys

import socketio

url, token = sys.argv[1:]
client = socketio.Client()


@client.event
def connect():
    client.emit("subscribe", {"channel": f"private-token.{token}", "auth": {"headers": {"Api-Key": "none"}}})


@client.on("request.created")
def created(channel, data):
    request = data["request"]
    print("received", channel, request["method"], request["content"], flush=True)


client.connect(url, transports=["websocket"])
client.wait()
