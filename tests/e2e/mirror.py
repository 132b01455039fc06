"""A server of model files on this machine that waits, cuts and lies when told to, and speaks like a hub too."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = 16 * 1024


def git_id(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Mirror:
    """`files`: path and bytes. What is asked under /OWNER/REPO/resolve/REVISION/NAME is sent on to /store/NAME, as a hub does;
    where put_repository() made that repository, to /store/OWNER/REPO/COMMIT/NAME."""

    def __init__(self, tls=None):
        self.tls = tls  # an ssl.SSLContext
        self.files = {}
        self.repositories = {}  # "owner/repo", and of that each revision with its commit and what the hub lists of it
        self.asked = []  # (method, path, range or None)
        self.tokens = []  # the Authorization of each of these
        self.moved = {}  # path and where it is sent on to
        self.hold_at = None  # so many bytes of a file are sent, and the rest when `go` is set
        self.go = threading.Event()
        self.cut_at = None  # the connection ends after so many bytes
        self.ranges = True
        self.left = 0  # clients that went before they had everything
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                mirror.answer(self)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.go.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def put(self, path, content):
        """Its address and its hash."""
        self.files[path] = content
        return self.url + path, hashlib.sha256(content).hexdigest()

    def put_repository(self, repository, files, revision="main"):
        """A commit with these files, which is the revision from now on. Those of 1000 bytes and more are kept as by LFS."""
        siblings = []
        for name, content in files.items():
            sibling = {"rfilename": name, "size": len(content), "blobId": git_id(content)}
            if len(content) >= 1000:
                sibling["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
            siblings.append(sibling)
        commit = hashlib.sha1(json.dumps(siblings).encode()).hexdigest()
        listing = {"id": repository, "sha": commit, "siblings": siblings}
        self.repositories.setdefault(repository, {}).update({commit: listing, revision: listing})
        self.files.update({f"/store/{repository}/{commit}/{name}": content for name, content in files.items()})
        return commit

    def whole_gets(self):
        """Questions for a file, without those for some of its beginning."""
        return [(path, wanted) for method, path, wanted in list(self.asked)
                if method == "GET" and "/resolve/" not in path and not path.startswith("/api/") and (wanted is None or wanted.endswith("-"))]

    def answer(self, request):
        wanted = request.headers.get("Range")
        self.asked.append((request.command, request.path, wanted))
        self.tokens.append(request.headers.get("Authorization"))
        if request.path in self.moved:
            return self.head(request, 302, {"Location": self.moved[request.path], "Content-Length": "0"})
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/([^?]+)\?blobs=true", request.path):
            return self.list(request, self.repositories.get(found[1], {}).get(found[2]))
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", request.path):
            listing = self.repositories.get(found[1], {}).get(found[2])
            return self.send_on(request, "/store/" + (f"{found[1]}/{listing['sha']}/" if listing else "") + found[3])
        content = self.files.get(request.path)
        if content is None:
            return self.head(request, 404, {"Content-Length": "0"})
        first, last = 0, len(content) - 1
        if wanted and self.ranges:
            found = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
            first, last = int(found[1]), min(int(found[2] or last), last)
            if first > last:
                return self.head(request, 416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
        part = content[first:last + 1]
        headers = {"Content-Length": str(len(part)), "ETag": f'"{hashlib.md5(content).hexdigest()}"'}
        if wanted and self.ranges:
            self.head(request, 206, headers | {"Content-Range": f"bytes {first}-{last}/{len(content)}"})
        else:
            self.head(request, 200, headers)
        if request.command == "GET":
            self.send(request, part, first, wanted is None or wanted.endswith("-"))

    def list(self, request, listing):
        text = json.dumps(listing).encode() if listing else b""
        self.head(request, 200 if listing else 404, {"Content-Length": str(len(text)), "Content-Type": "application/json"})
        request.wfile.write(text)

    def send_on(self, request, path):
        content = self.files.get(path)
        if content is None:
            return self.head(request, 404, {"Content-Length": "0"})
        self.head(request, 302, {"Location": self.url + path, "Content-Length": "0", "X-Linked-Size": str(len(content)),
                                 "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"'})

    @staticmethod
    def head(request, status, headers):
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()

    def send(self, request, part, first, whole):
        try:
            for at in range(0, len(part), BLOCK):
                if whole and self.cut_at is not None and first + at >= self.cut_at:
                    request.close_connection = True
                    return
                if whole and self.hold_at is not None and first + at >= self.hold_at:
                    while not self.go.wait(0.05):
                        request.wfile.flush()
                        if self.has_left(request):
                            raise ConnectionResetError
                request.wfile.write(part[at:at + BLOCK])
        except (ConnectionError, TimeoutError):
            self.left += 1
            request.close_connection = True

    @staticmethod
    def has_left(request):
        request.connection.setblocking(False)
        try:
            return request.connection.recv(1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            request.connection.setblocking(True)
