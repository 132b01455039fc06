"""HTTP by hand: a client that can stop reading, hang up, or say what no library would."""

import json
import socket
import ssl
from urllib.parse import urlsplit

from server import SECRET


class Wire:
    """One connection. Reads with a deadline; close() is an abrupt goodbye."""

    def __init__(self, url, timeout_s=20, receive_buffer=None, tls=None):
        parts = urlsplit(url)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout_s)
        self.socket.connect((parts.hostname, parts.port))
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.raw = self.buffer = b""
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

    def receive(self):
        """False: the other side has closed."""
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, ssl.SSLEOFError):
            data = b""
        self.raw += data
        return bool(data)

    def head(self):
        """Status and headers; from then on `buffer` holds the body, whichever way its length is told."""
        while b"\r\n\r\n" not in self.raw:
            assert self.receive(), f"closed before the head was whole: {self.raw!r}"
        head, _, self.raw = self.raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.chunked = self.headers.get("transfer-encoding") == "chunked"
        length = 0 if self.status in (204, 304) else int(self.headers.get("content-length", -1))
        self.left = 0 if self.chunked else length  # of the body or the chunk; -1: until the connection closes
        self.over = self.left == 0 and not self.chunked
        self.buffer = b""
        self.unpack()
        return self

    def unpack(self):
        """Moves what of `raw` belongs to the body into `buffer`."""
        while not self.over and self.raw:
            if self.left == -1:
                self.buffer, self.raw = self.buffer + self.raw, b""
            elif self.left > 0:
                taken, self.raw = self.raw[:self.left], self.raw[self.left:]
                self.buffer += taken
                self.left -= len(taken)
                self.over = self.left == 0 and not self.chunked
            else:
                line, found, rest = self.raw.removeprefix(b"\r\n").partition(b"\r\n")
                if not found:
                    return
                self.left = int(line, 16)
                if self.left == 0:
                    if len(rest) < 2:
                        return
                    rest, self.over = rest[2:], True
                self.raw = rest

    def more(self):
        if self.over or not self.receive():
            return False
        self.unpack()
        return True

    def until(self, mark):
        """The body up to and with the mark."""
        while mark not in self.buffer:
            assert self.more(), f"ended before {mark!r} came: {self.buffer[-500:]!r}"
        end = self.buffer.index(mark) + len(mark)
        taken, self.buffer = self.buffer[:end], self.buffer[end:]
        return taken

    def body(self):
        """The rest of the body; the connection can be used again."""
        while self.more():
            pass
        assert self.over or self.left == -1, f"closed in the middle: {self.buffer[-500:]!r}"
        taken, self.buffer = self.buffer, b""
        return taken

    def rest(self):
        """Everything until the other side closes, as it came."""
        while self.receive():
            pass
        taken, self.raw = self.raw, b""
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
