"""A webhook on loopback that behaves as it is told, and remembers every request that it got."""

import json
import socket
import struct
import threading
import time
from collections import Counter

ANSWER = b"HTTP/1.1 %d Word\r\nContent-Length: 2\r\nConnection: close\r\n%s\r\nok"


class Webhook:
    """Serves on a port of its own; `behave` gets how often a message came and its title."""

    def __init__(self, behave=lambda times, title: "ok"):
        self.behave = behave
        self.received = []  # the JSON of every whole request
        self.headers = []
        self.accepted = Counter()  # title -> how often it was taken, though perhaps not answered
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ending = False
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def url(self):
        return f"json://127.0.0.1:{self.port}/secret-path-4711"

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    def talk(self, sock):
        try:
            with sock:
                self.answer(sock)
        except OSError:
            return

    def answer(self, sock):
        times = self.connections
        if self.behave(times, None) == "reset before":
            reset(sock)
            return
        head, body = read_request(sock)
        title = body["title"]
        self.received.append(body)
        self.headers.append(head)
        how = self.behave(times, title)
        if how in ("ok", "slow", "reset after", "hang", "endless body", "drip body"):
            self.accepted[title] += 1
        getattr(self, how.replace(" ", "_"), self.status)(sock, how)

    def status(self, sock, how):
        code, _, where = how.partition(" ")
        extra = f"Location: {where}\r\n".encode() if where else b""
        sock.sendall(ANSWER % (200 if how == "ok" else int(code), extra))

    def slow(self, sock, how):
        time.sleep(0.2)
        self.status(sock, "ok")

    def reset_after(self, sock, how):
        reset(sock)

    def hang(self, sock, how):
        while not self.ending:
            time.sleep(0.05)

    def endless_body(self, sock, how):
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not self.ending:
            sock.sendall(b"x" * 65536)

    def drip_body(self, sock, how):
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not self.ending:
            sock.sendall(b"x")
            time.sleep(0.05)

    def drip_headers(self, sock, how):
        sock.sendall(b"HTTP/1.1 200 OK\r\n")
        while not self.ending:
            sock.sendall(b"X-A: 1\r\n"[:1])
            time.sleep(0.05)

    def close(self):
        self.ending = True
        self.listener.close()


def reset(sock):
    """Close a connection so that the other side gets an error."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_request(sock):
    """Return the headers and the JSON body of a request."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(sock)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += received(sock)
    return head.decode(), json.loads(body)


def received(sock):
    piece = sock.recv(65536)
    if not piece:
        raise OSError("The other side has closed.")
    return piece
