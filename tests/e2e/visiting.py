"""A signed-in visitor, and what is left behind in a data folder."""

import json

import requests


def everything_in(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def signed_in(server, member="demo", name="Somebody", role="user"):
    """A session of a new user of the member."""
    user = json.loads(server.faelled("user", "add", member, name, "--role", role, "--json").stdout)["id"]
    link = json.loads(server.faelled("user", "sign-in-link", user, "--json").stdout)["url"]
    session = requests.Session()
    answer = session.post(server.url + "/api/session", json={"token": link.partition("#")[2]})
    assert answer.status_code == 200, answer.text
    return session
