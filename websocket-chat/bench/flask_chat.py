"""The module's chat: Flask-SocketIO with rooms. MODE is threading (Werkzeug's server, as in the module) or gevent."""
import logging
import os

MODE = os.environ["MODE"]
if MODE == "gevent":
    from gevent import monkey

    monkey.patch_all()

from flask import Flask, request  # noqa: E402
from flask_socketio import SocketIO, emit, join_room  # noqa: E402

logging.getLogger("werkzeug").setLevel(logging.ERROR)
app = Flask(__name__)
socketio = SocketIO(app, async_mode=MODE)
members = {}


@socketio.on("joined", namespace="/chat")
def joined(message):
    members[request.sid] = (message["room"], message["name"])
    join_room(message["room"])
    emit("status", {"msg": message["name"] + " has entered the room."})


@socketio.on("text", namespace="/chat")
def text(message):
    room, name = members[request.sid]
    emit("message", {"msg": name + ":" + message["msg"]}, room=room)


@socketio.on("disconnect", namespace="/chat")
def gone(*_reason):
    members.pop(request.sid, None)


if __name__ == "__main__":
    options = {"allow_unsafe_werkzeug": True} if MODE == "threading" else {}
    socketio.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), **options)
