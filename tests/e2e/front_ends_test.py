"""Shared front ends and keys of another gateway: who is behind a request, and what they see while they wait."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from openai import OpenAI

from server import SECRET
from waiting import until
from wire import error_of

SHARED = "sk-shared0000000000000000000000000001"
SHOWS = "sk-shows00000000000000000000000000001"
TOKEN_SECRET = "a-secret-of-thirty-two-characters"


def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(email="ida@aarhus.example", subject="u-ida", secret=TOKEN_SECRET, algorithm="HS256", **claims):
    """As Open WebUI signs it, or, with other arguments, as a forger would."""
    now = int(time.time())
    claims = {"sub": subject, "email": email, "name": "Ida Østergaard", "role": "user", "iss": "open-webui", "iat": now,
              "exp": now + 300} | claims
    text = part(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()) + b"." + part(json.dumps(claims).encode())
    signature = b"" if algorithm == "none" else hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return (text + b"." + part(signature)).decode()


@pytest.fixture(scope="module")
def server(module_server, fake, tmp_path_factory):
    secret_file = tmp_path_factory.mktemp("secret") / "open-webui"
    secret_file.write_text(TOKEN_SECRET + "\n")
    return module_server(
        [fake.model("small", concurrency=1, aliases=["OS2ai-default", {"name": "titles", "lane": "batch"},
                                                     {"name": "hidden", "listed": False}])],
        keys=[{"member": "demo", "name": "first", "secret": SECRET},
              {"member": "os2", "name": "open-webui", "secret": SHARED},
              {"member": "os2", "name": "shows", "secret": SHOWS, "show_waiting": "da"}],
        members=[{"id": "aarhus", "name": "Aarhus Kommune"}],
        front_ends=[{"name": "open-webui", "key": {"member": "os2", "name": "open-webui"},
                     "token": {"secret_file": str(secret_file)},
                     "members": [{"email_domain": "aarhus.example", "member": "aarhus"},
                                 {"claim": "kommune", "value": "0461", "member": "odense"}]}])


def ask(server, user_token=None, secret=SHARED, **headers):
    if user_token:
        headers["X-OpenWebUI-User-Jwt"] = user_token
    body = {"model": "small", "messages": [{"role": "user", "content": "hello"}]}
    return server.post("/v1/chat/completions", body, secret, headers=headers)


def test_people_behind_one_key_have_rows_of_their_own(server):
    ida = ask(server, token())
    ole = ask(server, token("ole@odense.example", "u-ole", name="Ole Æbelø", kommune="0461"))
    assert (ida.status_code, ole.status_code) == (200, 200), (ida.text, ole.text)
    ida_row, ole_row = (server.row_of(answer.headers["x-request-id"]) for answer in (ida, ole))
    assert (ida_row["member"], ole_row["member"]) == ("aarhus", "odense")
    assert ida_row["caller"].startswith("usr_") and ida_row["caller"] != ole_row["caller"]
    users = json.loads(server.faelled("user", "list", "odense", "--json").stdout)["users"]
    assert [user["name"] for user in users] == ["Ole Æbelø"]
    again = ask(server, token())
    assert server.row_of(again.headers["x-request-id"])["caller"] == ida_row["caller"]


@pytest.mark.parametrize("what, bad", [
    ("forged", lambda: token(secret="another-secret-of-32-characters!!")),
    ("expired", lambda: token(iat=int(time.time()) - 600, exp=int(time.time()) - 300)),
    ("of no algorithm", lambda: token(algorithm="none")),
    ("of another issuer", lambda: token(iss="elsewhere")),
    ("valid for a year", lambda: token(exp=int(time.time()) + 365 * 86400)),
    ("no token", lambda: "nonsense"),
])
def test_a_bad_token_is_refused_with_a_clear_word(server, what, bad):
    before = len(server.rows())
    answer = ask(server, bad())
    assert answer.status_code == 401
    assert error_of(answer.json())["code"] == "invalid_user_token", what
    assert "not accepted" in answer.json()["error"]["message"]
    assert len(server.rows()) == before


def test_the_shared_key_alone_is_nobody(server):
    assert ask(server).status_code == 401
    plain = ask(server, **{"X-OpenWebUI-User-Id": "u-ida", "X-OpenWebUI-User-Email": "ida@aarhus.example"})
    assert plain.status_code == 401 and error_of(plain.json())["code"] == "invalid_user_token"
    assert server.get("/v1/models", SHARED).status_code == 200, "the list of models is nobody's work"


def test_others_cannot_name_a_person(server):
    answer = ask(server, token(), secret=SECRET, **{"X-OpenWebUI-User-Email": "ida@aarhus.example"})
    assert answer.status_code == 200
    row = server.row_of(answer.headers["x-request-id"])
    assert row["member"] == "demo" and row["caller"].startswith("key_")


def test_people_of_no_member_are_told_so(server):
    answer = ask(server, token("eva@elsewhere.example", "u-eva"))
    assert answer.status_code == 403 and "belongs to no member" in error_of(answer.json())["message"]
    assert "eva@elsewhere.example" not in server.log_text()


def test_the_operator_sees_what_a_token_leads_to(server):
    good = server.faelled("front-end", "test", token(subject="u-new"))
    for words in ("believed: it is valid", "aarhus (e-mail domain aarhus.example)", "(made when first seen)", "is let in"):
        assert words in good.stdout, good.stdout
    bad = server.faelled("front-end", "test", token(secret="another-secret-of-32-characters!!"), check=False)
    assert bad.returncode == 1 and "NOT believed" in bad.stdout and "is refused" in bad.stdout
    assert "ida@aarhus.example" in bad.stdout
    assert "open-webui" in server.faelled("front-end", "list").stdout


def test_people_are_known_again_after_a_restart(make_server, fake, tmp_path):
    secret_file = tmp_path / "secret"
    secret_file.write_text(TOKEN_SECRET)
    server = make_server([fake.model("small")], keys=[{"member": "os2", "name": "shared", "secret": SHARED}],
                         front_ends=[{"name": "f", "key": {"member": "os2", "name": "shared"},
                                      "token": {"secret_file": str(secret_file)}, "default_member": "os2"}]).start()
    first = server.row_of(ask(server, token()).headers["x-request-id"])["caller"]
    server.stop()
    server.start()
    assert server.row_of(ask(server, token()).headers["x-request-id"])["caller"] == first
    users = json.loads(server.faelled("user", "list", "os2", "--json").stdout)["users"]
    assert [user["id"] for user in users] == [first]


def test_a_short_secret_is_refused_at_the_start(make_server, fake, tmp_path):
    secret_file = tmp_path / "secret"
    secret_file.write_text("short\n")
    server = make_server([fake.model("small")], keys=[{"member": "os2", "name": "shared", "secret": SHARED}],
                         front_ends=[{"name": "f", "key": {"member": "os2", "name": "shared"},
                                      "token": {"secret_file": str(secret_file)}, "default_member": "os2"}])
    server.spawn()
    assert server.process.wait(20) == 1
    assert "shorter than 32 characters" in server.log_text() and "openssl rand" in server.log_text()


# Aliases.

def test_an_alias_leads_to_its_model(server):
    listed = [model["id"] for model in server.get("/v1/models").json()["data"]]
    assert listed == ["small", "OS2ai-default", "titles"]
    answer = server.chat("OS2ai-default")
    assert answer.json()["model"] == "OS2ai-default"
    assert "x-faelled-lane" not in answer.headers
    assert server.row_of(answer.headers["x-request-id"])["model"] == "small"
    assert server.chat("hidden").status_code == 200


def test_an_alias_may_mark_work_that_nobody_waits_for(server):
    assert server.chat("titles").headers["x-faelled-lane"] == "batch"
    assert server.chat("titles", stream=True).headers["x-faelled-lane"] == "batch"


# Waiting, for clients that take no notice of comments.

@pytest.fixture
def taken_place(server, fake):
    """The model's only place, held until close()."""
    before = len(fake.calls)
    holder = server.chat("small", json.dumps({"do": "stall", "pieces": 1}), stream=True)
    until("the place is taken", lambda: len(fake.calls) > before)
    yield holder
    holder.close()


def test_waiting_is_shown_as_reasoning_by_the_official_sdk(server, taken_place):
    with OpenAI(base_url=server.url + "/v1", api_key=SHOWS, timeout=60, max_retries=0) as sdk:
        seen, words = [], []
        with sdk.chat.completions.create(model="small", messages=[{"role": "user", "content": "hello"}], stream=True) as stream:
            for chunk in stream:
                delta = chunk.choices[0].delta
                if thought := getattr(delta, "reasoning_content", None):
                    assert not words, "only before the first token"
                    seen.append(thought)
                    taken_place.close()
                words += [delta.content] if delta.content else []
    assert seen == ["Venter i kø: nummer 1.\n"]
    assert words


def test_waiting_is_no_part_of_the_answer_that_an_sdk_puts_together(server, taken_place):
    with OpenAI(base_url=server.url + "/v1", api_key=SHOWS, timeout=60, max_retries=0) as sdk:
        with sdk.chat.completions.stream(model="small", messages=[{"role": "user", "content": "hello"}],
                                         stream_options={"include_usage": True}) as stream:
            for event in stream:
                if event.type == "chunk" and getattr(event.chunk.choices[0].delta if event.chunk.choices else None,
                                                     "reasoning_content", None):
                    taken_place.close()
            answer = stream.get_final_completion()
    assert answer.choices[0].message.role in (None, "assistant"), "the fake engine says none; two would be put together"
    assert answer.choices[0].message.content and "Venter" not in answer.choices[0].message.content
    assert answer.usage.completion_tokens == 3


def test_other_keys_get_comments_as_before(server, taken_place):
    answer = server.chat("small", stream=True)
    taken_place.close()
    assert "reasoning_content" not in answer.text and "[DONE]" in answer.text


# Keys of the old gateway.

def hashed(secret):
    return hashlib.sha256(secret.encode()).hexdigest()


def test_keys_of_litellm_work_as_they_are(server, tmp_path):
    file = tmp_path / "keys.json"
    old = ["sk-old-gateway-key-0001", "an old key of 33 characters....".replace(" ", "-"), "sk-old-blocked-key-0003", "sk-old-expired-0004"]
    rows = [{"token": hashed(secret), "key_alias": f"old {number}", "team_id": "team-1", "user_id": "ida" if number == 0 else None,
             "expires": "2020-01-01T00:00:00Z" if number == 3 else None, "blocked": number == 2, "spend": 1.5, "models": []}
            for number, secret in enumerate(old)]
    file.write_text(json.dumps({"keys": rows, "total_pages": 1}, indent=1))

    def run(*more, check=True):
        return server.faelled("key", "import", str(file), "--team", "team-1=aarhus", *more, check=check)

    shown = run()
    assert "3 keys to add (1 of them blocked, and so revoked), 0 here already, 1 expired and left out, 0 bad." in shown.stdout
    assert "Nothing was changed" in shown.stdout
    assert server.chat("small", secret=old[0]).status_code == 401
    assert "3 keys added" in run("--apply").stdout
    for secret in old[:2]:
        answer = server.chat("small", secret=secret)
        assert answer.status_code == 200, secret
        assert server.row_of(answer.headers["x-request-id"])["member"] == "aarhus"
    for secret in old[2:]:
        assert server.chat("small", secret=secret).status_code == 401
    assert "0 keys added, 3 here already" in run("--apply").stdout
    listed = json.loads(server.faelled("key", "list", "--json").stdout)["keys"]
    assert sum(key["name"].startswith("old ") for key in listed) == 3


def test_an_import_with_a_bad_line_does_nothing_and_names_it(server, tmp_path):
    file = tmp_path / "keys.csv"
    file.write_text("secret,name,member\nsk-import-good-0001,good,aarhus\nshort,bad,aarhus\nsk-import-lost-0002,lost,nowhere\n")
    done = server.faelled("key", "import", str(file), "--apply", check=False)
    assert done.returncode == 1
    assert f"{file}:3: its secret is shorter than 16 characters" in done.stderr
    assert "there is no member 'nowhere'" in done.stdout and "nothing was changed" in done.stderr
    assert "short," not in done.stdout + done.stderr
    assert server.chat("small", secret="sk-import-good-0001").status_code == 401
    missing = server.faelled("key", "import", str(tmp_path / "none.csv"), check=False)
    assert missing.returncode == 1 and "cannot be read" in missing.stderr
