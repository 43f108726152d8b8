"""A member on Python's websockets or python-socketio: says each line of its input, prints what it hears."""
import asyncio
import json
import sys

KIND, URL, ROOM, NAME = sys.argv[1:]


async def lines():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        yield line.decode().rstrip("\n")


async def over_websocket():
    import websockets

    async with websockets.connect(URL.replace("http", "ws") + "/chat", subprotocols=["chat.v1"]) as socket:
        await socket.send(json.dumps({"type": "hello", "name": NAME}))

        async def speak():
            number = 0
            async for text in lines():
                number += 1
                await socket.send(json.dumps({"type": "say", "room": ROOM, "id": str(number), "text": text}))

        speaking = None
        async for data in socket:
            message = json.loads(data)
            if message["type"] == "welcome":
                await socket.send(json.dumps({"type": "join", "room": ROOM}))
            elif message["type"] == "joined":
                print("ready", flush=True)
                speaking = asyncio.create_task(speak())
            elif message["type"] == "message":
                print(f"{message['from']}: {message['text']}", flush=True)
            elif message["type"] == "error":
                print(message["reason"], file=sys.stderr)
        del speaking


async def over_socketio():
    import socketio

    client = socketio.AsyncClient()

    @client.on("message", namespace="/chat")
    async def message(data):
        print(data["msg"].replace(":", ": ", 1), flush=True)

    @client.on("refused", namespace="/chat")
    async def refused(data):
        print(data["msg"], file=sys.stderr)

    await client.connect(URL, namespaces=["/chat"])
    await client.call("joined", {"name": NAME, "room": ROOM}, namespace="/chat")
    print("ready", flush=True)
    async for text in lines():
        await client.emit("text", {"msg": text}, namespace="/chat")
    await client.wait()


asyncio.run(over_websocket() if KIND == "websockets" else over_socketio())
