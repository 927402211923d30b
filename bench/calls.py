"""Single requests over sockets that stay open, and clients that answer: what takes how long, one at a time."""

import base64
import hashlib
import hmac
import json
import socket
import time

from nodes import KEY

HUB = "bench"
END = b"\x1e"
SECONDS = 30


def quantiles(seconds):
    """p50 and p99 in microseconds."""
    ordered = sorted(seconds)
    return [ordered[int(len(ordered) * share)] * 1e6 for share in (0.5, 0.99)]


def timed(action, count, until=lambda answer: True):
    """How long each took."""
    times = []
    for number in range(count):
        begin = time.perf_counter()
        answer = action(number)
        times.append(time.perf_counter() - begin)
        if not until(answer):
            raise SystemExit(f"a call was answered {answer}")
    return times


def token(audience, **claims):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")
    head = part(b'{"alg":"HS256","typ":"JWT"}')
    body = part(json.dumps({"aud": audience, "exp": int(time.time()) + 3600, **claims}).encode())
    signed = hmac.new(KEY.encode(), head + b"." + body, hashlib.sha256).digest()
    return b".".join([head, body, part(signed)]).decode()


class Caller:
    """A back end of a node."""

    def __init__(self, node):
        self.port = node.port
        self.socket = socket.create_connection(("127.0.0.1", node.port), SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, method, path, body=b"", api="/api/v1"):
        path = f"{api}/hubs/{HUB}{path}"
        signed = token(f"http://localhost:{self.port}{path.split('?')[0]}")
        return (f"{method} {path} HTTP/1.1\r\nhost: localhost:{self.port}\r\nauthorization: Bearer {signed}\r\n"
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n").encode() + body

    def send(self, request):
        self.socket.sendall(request)

    def answer(self, has_body=True):
        return status_and_body(self.socket, has_body)

    def call(self, request):
        self.send(request)
        return self.answer(not request.startswith(b"HEAD"))[0]


class Client:
    """A client of a node, with JSON over a WebSocket."""

    def __init__(self, node, user=None, waits=True):
        claims = {} if user is None else {"asrs.s.uid": user}
        url = f"http://localhost:{node.port}/client/?hub={HUB}"
        access = token(url, **claims)
        self.socket = socket.create_connection(("127.0.0.1", node.port), SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        head = f"host: localhost:{node.port}\r\n"
        self.socket.sendall(f"POST /client/negotiate?hub={HUB}&negotiateVersion=1 HTTP/1.1\r\n{head}"
                             f"authorization: Bearer {access}\r\ncontent-length: 0\r\n\r\n".encode())
        negotiated = json.loads(status_and_body(self.socket)[1])
        self.id = negotiated["connectionId"]
        self.upgrade = (f"GET /client/?hub={HUB}&id={negotiated['connectionToken']}&access_token={access} HTTP/1.1\r\n{head}upgrade: websocket\r\n"
                        "connection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n").encode()
        if waits:
            self.begin()
            self.end_of_handshake()

    def begin(self):
        self.socket.sendall(self.upgrade)

    def end_of_handshake(self):
        status, _ = status_and_body(self.socket, False)
        if status != 101:
            raise SystemExit(f"the upgrade was answered {status}")
        self.say({"protocol": "json", "version": 1})
        if self.record() != {}:
            raise SystemExit("the handshake was refused")

    def say(self, message):
        payload = json.dumps(message).encode() + END
        # The mask is zero, so the bytes stay as they are.
        length = bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0x80 | 126]) + len(payload).to_bytes(2, "big")
        self.socket.sendall(b"\x81" + length + bytes(4) + payload)

    def record(self, seconds=None):
        """The next message that is not a ping. It must come within this time, if one is given."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            if end is not None and time.monotonic() > end:
                raise SystemExit(f"a client got no message in {seconds} s")
            head = self.take(2)
            length = head[1] & 0x7F
            length = int.from_bytes(self.take({126: 2, 127: 8}[length]), "big") if length > 125 else length
            payload = self.take(length)
            if head[0] & 0xF == 1 and (message := json.loads(payload.rstrip(END))).get("type") != 6:
                return message

    def take(self, count):
        while len(self.rest) < count:
            piece = self.socket.recv(65536)
            if not piece:
                raise SystemExit("a client was closed")
            self.rest += piece
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken


def status_and_body(one, has_body=True):
    text = b""
    while b"\r\n\r\n" not in text:
        piece = one.recv(65536)
        if not piece:
            raise SystemExit("a connection was closed")
        text += piece
    head, body = text.split(b"\r\n\r\n", 1)
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while has_body and len(body) < length:
        body += one.recv(65536)
    return int(head.split()[1]), body
