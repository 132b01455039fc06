"""The control API through the socket in the data folder, as the machine's owner."""

import http.client
import json
import socket
import sqlite3
from urllib.parse import quote, urlencode


class OwnersLine(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def api(server, method, path, body=None):
    """Status and parsed body."""
    line = OwnersLine(server.data / "control.sock")
    line.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
    answer = line.getresponse()
    text = answer.read().decode()
    line.close()
    return answer.status, json.loads(text) if text else None


def add(server, definition, **more):
    return api(server, "POST", "/api/catalogue", {"definition": definition, **more})


def change(server, definition, version, **more):
    return api(server, "PUT", "/api/catalogue/" + quote(definition["id"], safe=""),
               {"definition": definition, "version": version, **more})


def remove(server, model):
    return api(server, "DELETE", "/api/catalogue/" + quote(model, safe=""))


def catalogue(server):
    return {model["id"]: model for model in api(server, "GET", "/api/catalogue")[1]["models"]}


def pages(server, path, rows, **query):
    """The pages of a list of models, each with at most so many."""
    after = {}
    while True:
        status, page = api(server, "GET", f"{path}?{urlencode({'limit': rows, **query, **after})}")
        assert status == 200, page
        yield page
        if page["next"] is None:
            return
        after = {"after": page["next"]}


def keep(server, definitions, need):
    """Straight into the store of a server that is down and has run once, as it would have kept them."""
    with sqlite3.connect(server.data / "faelled.db") as db:
        db.executemany("INSERT INTO models (name, version, value, updated_at) VALUES (?, 1, ?, 0)",
                       ((one["id"], json.dumps({"version": 1, "definition": one, **need})) for one in definitions))
