"""A front end that its client certificate proves: it may name people in plain headers, and nobody else may."""

import json

import pytest
import requests

from certificates import Authority
from server import SECRET
from wire import error_of

PERSON = {"X-OpenWebUI-User-Id": "u-ole", "X-OpenWebUI-User-Email": "ole@odense.example",
          "X-OpenWebUI-User-Name": "Ole %C3%86bel%C3%B8", "X-User-Groups": "Alle,Odense%20Kommune"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(module_server, fake, authority):
    certificate, key = authority.issue("faelled")
    return module_server(
        [fake.model()],
        tls={"listen": "127.0.0.1:0", "certificate": str(certificate), "key": str(key), "client_ca": str(authority.ca),
             "client_certificates": "optional"},
        front_ends=[{"name": "chat", "certificate": "chat.odense.example", "groups_header": "X-User-Groups",
                     "members": [{"group": "Odense Kommune", "member": "odense"}]}])


def ask(server, authority, client=None, secret=None, headers=PERSON):
    certificate = tuple(map(str, client)) if client else None
    keys = {"Authorization": f"Bearer {secret}"} if secret else {}
    return requests.post(server.tls_url + "/v1/chat/completions", verify=str(authority.ca), cert=certificate, timeout=60,
                         headers={**headers, **keys}, json={"model": "fake", "messages": [{"role": "user", "content": "hello"}]})


@pytest.fixture(scope="module")
def front_end(authority):
    return authority.issue("chat.odense.example", names="DNS:chat.odense.example")


def test_its_certificate_is_enough_to_name_a_person(server, authority, front_end):
    answer = ask(server, authority, front_end)
    assert answer.status_code == 200, answer.text
    row = server.row_of(answer.headers["x-request-id"])
    assert row["member"] == "odense" and row["caller"].startswith("usr_")
    users = json.loads(server.faelled("user", "list", "odense", "--json").stdout)["users"]
    assert [user["name"] for user in users] == ["Ole Æbelø"]


def test_it_must_say_who_asks(server, authority, front_end):
    answer = ask(server, authority, front_end, headers={})
    assert answer.status_code == 401 and error_of(answer.json())["code"] == "invalid_user_token"


def test_a_person_of_no_member_is_told_so(server, authority, front_end):
    answer = ask(server, authority, front_end, headers=PERSON | {"X-User-Groups": "Alle"})
    assert answer.status_code == 403 and "belongs to no member" in answer.text


def test_another_certificate_of_the_same_authority_names_nobody(server, authority):
    other = authority.issue("other.example", names="DNS:other.example")
    assert ask(server, authority, other).status_code == 401
    answer = ask(server, authority, other, secret=SECRET)
    assert server.row_of(answer.headers["x-request-id"])["member"] == "demo"


def test_without_a_certificate_the_headers_say_nothing(server, authority):
    assert ask(server, authority).status_code == 401
    answer = ask(server, authority, secret=SECRET)
    assert server.row_of(answer.headers["x-request-id"])["member"] == "demo"
    plain = server.chat("fake", secret=SECRET)
    assert server.row_of(plain.headers["x-request-id"])["member"] == "demo"
