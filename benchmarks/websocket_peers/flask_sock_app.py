"""flask-sock as its documentation shows it: one handler a connection, woken by a queue, sending for itself."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

from flask import Flask
from flask_sock import Sock

from benchmarks.websocket_peers.message import message

app = Flask(__name__)
sock = Sock(app)
room: dict[int, queue.Queue[str]] = {}


def send_each_second() -> None:
    sequence = 0
    while True:
        time.sleep(1)
        text = message(sequence)
        for one in list(room.values()):
            one.put(text)
        sequence += 1


def handler(ws: Any) -> None:
    if not room:
        threading.Thread(target=send_each_second, daemon=True).start()
    mine = room[id(ws)] = queue.Queue()
    try:
        while ws.connected:
            ws.send(mine.get())
    finally:
        del room[id(ws)]


sock.route("/ws")(handler)
