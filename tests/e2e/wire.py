"""HTTP by hand: a client that can stop reading, hang up, or say what no library would."""

import json
import socket
from urllib.parse import urlsplit

from server import SECRET


class Wire:
    """One connection. Reads with a deadline; close() is an abrupt goodbye."""

    def __init__(self, url, timeout_s=20, receive_buffer=None):
        parts = urlsplit(url)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout_s)
        self.socket.connect((parts.hostname, parts.port))
        self.buffer = b""
        self.status = 0
        self.headers = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def request(self, method, path, body=b"", secret=SECRET, headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: test", f"Content-Length: {len(body)}", "Content-Type: application/json"]
        lines += [f"Authorization: Bearer {secret}"] if secret else []
        lines += [f"{name}: {value}" for name, value in dict(headers).items()]
        return self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def chat(self, model, todo, stream=True, secret=SECRET, headers=(), **fields):
        content = todo if isinstance(todo, str) else json.dumps(todo)
        return self.request("POST", "/v1/chat/completions", {"model": model, "stream": stream, **fields,
                            "messages": [{"role": "user", "content": content}]}, secret, headers)

    def more(self):
        """False: the other side has closed."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self.buffer += data
        return bool(data)

    def head(self):
        """Status and headers; the rest stays in the buffer."""
        while b"\r\n\r\n" not in self.buffer:
            assert self.more(), f"closed before the head was whole: {self.buffer!r}"
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return self

    def until(self, mark):
        """Everything up to and with the mark."""
        while mark not in self.buffer:
            assert self.more(), f"closed before {mark!r} came: {self.buffer[-500:]!r}"
        end = self.buffer.index(mark) + len(mark)
        taken, self.buffer = self.buffer[:end], self.buffer[end:]
        return taken

    def body(self):
        """The whole body of an answer, whichever way its end is told; the connection can be used again."""
        if self.status in (204, 304):
            return b""
        if "content-length" in self.headers:
            length = int(self.headers["content-length"])
            while len(self.buffer) < length:
                assert self.more(), "closed in the middle of the body"
            taken, self.buffer = self.buffer[:length], self.buffer[length:]
            return taken
        if self.headers.get("transfer-encoding") == "chunked":
            taken = b""
            while size := int(self.until(b"\r\n").strip() or b"0", 16):
                while len(self.buffer) < size + 2:
                    assert self.more(), "closed in the middle of a chunk"
                taken += self.buffer[:size]
                self.buffer = self.buffer[size + 2:]
            self.until(b"\r\n")
            return taken
        return self.rest()

    def rest(self):
        while self.more():
            pass
        taken, self.buffer = self.buffer, b""
        return taken

    def answer(self):
        """Head and body: status and JSON."""
        self.head()
        body = self.body()
        return self.status, json.loads(body) if body else None


def events(stream):
    """The data of each event in a stream's bytes or text."""
    text = stream.decode() if isinstance(stream, bytes) else stream
    return [line[6:] for line in text.split("\n") if line.startswith("data: ")]


def error_of(answer):
    """The error of an answer, whose shape clients rely on."""
    error = answer["error"]
    assert {"message", "type", "param", "code"} <= set(error), error
    assert isinstance(error["message"], str) and error["message"], error
    return error
