#!/usr/bin/env python3
"""The real Open WebUI in front of a Fælled: what works for a municipality that puts one where the other gateway stood.

check.py OPEN_WEBUI_VENV [--keep] [--picture FILE.png]; started by ./dev open-webui. Everything on loopback, in folders of its own. Prints a line
per check and, last, how many passed and failed."""

import argparse
import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from fake_engine import FakeEngine  # noqa: E402
from relay import Relay  # noqa: E402
from server import Server  # noqa: E402
from waiting import until  # noqa: E402

KEY = "sk-shared0000000000000000000000000001"
HOLDER = "sk-holder0000000000000000000000000001"
SECRET = "a-secret-of-thirty-two-characters-or-more"
START_S = 300
PEOPLE = {"admin": ("Admin", "admin@os2.example"), "anne": ("Anne Ørsted", "anne@aarhus.example"),
          "ole": ("Ole Æbelø", "ole@odense.example"), "eva": ("Eva Udefra", "eva@elsewhere.example")}
PASSWORD = "correct horse battery staple 1"


def settings(fake, secret_file):
    return {
        "models": [fake.model("small", concurrency=1, name="Lille model",
                              aliases=["OS2ai-default", {"name": "titles", "lane": "batch"}])],
        "keys": [{"member": "os2", "name": "open-webui", "secret": KEY, "show_waiting": "da"},
                 {"member": "os2", "name": "holder", "secret": HOLDER}],
        "front_ends": [{"name": "open-webui", "key": {"member": "os2", "name": "open-webui"},
                        "token": {"secret_file": str(secret_file)},
                        "members": [{"email_domain": "aarhus.example", "member": "aarhus"},
                                    {"email_domain": "odense.example", "member": "odense"},
                                    {"email_domain": "os2.example", "member": "os2"}]}],
    }


def environment(folder, gateway_url):
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return kept | {
        "OPENAI_API_BASE_URL": gateway_url + "/v1", "OPENAI_API_KEY": KEY, "ENABLE_OLLAMA_API": "false",
        "ENABLE_FORWARD_USER_INFO_HEADERS": "true", "FORWARD_USER_INFO_HEADER_JWT_SECRET": SECRET,
        "TASK_MODEL_EXTERNAL": "titles", "BYPASS_MODEL_ACCESS_CONTROL": "true", "ENABLE_SIGNUP": "true",
        "DEFAULT_USER_ROLE": "user", "WEBUI_SECRET_KEY": "only for this check, never anywhere else",
        "DATA_DIR": str(folder), "OFFLINE_MODE": "true", "HF_HUB_OFFLINE": "1", "RAG_EMBEDDING_ENGINE": "openai",
        "ENABLE_VERSION_UPDATE_CHECK": "false", "ANONYMIZED_TELEMETRY": "false", "DO_NOT_TRACK": "true",
        "SCARF_NO_ANALYTICS": "true", "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost",
    }


class OpenWebUi:
    """The program as people run it, and its own HTTP API as its page uses it."""

    def __init__(self, venv, folder, gateway_url):
        self.tokens = {}
        self.log_path = folder / "open-webui.log"
        data = folder / "open-webui"
        data.mkdir()
        port = self.free_port()
        self.url = f"http://127.0.0.1:{port}"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([Path(venv) / "bin/open-webui", "serve", "--host", "127.0.0.1", "--port", str(port)],
                                            cwd=data, env=environment(data, gateway_url), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, start_new_session=True)
        self.begun = time.monotonic()
        until("Open WebUI answers", self.healthy, START_S)
        self.start_s = time.monotonic() - self.begun

    @staticmethod
    def free_port():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return listener.getsockname()[1]

    def healthy(self):
        assert self.process.poll() is None, f"it ended:\n{self.log_path.read_text(errors='replace')[-3000:]}"
        try:
            return requests.get(self.url + "/health", timeout=2).ok
        except requests.RequestException:
            return False

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def call(self, method, path, person=None, body=None, **options):
        headers = {"Authorization": f"Bearer {self.tokens[person]}"} if person else {}
        answer = requests.request(method, self.url + path, json=body, headers=headers, timeout=60, **options)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer

    def sign_up(self, person):
        name, email = PEOPLE[person]
        body = {"name": name, "email": email, "password": PASSWORD}
        self.tokens[person] = self.call("POST", "/api/v1/auths/signup", body=body).json()["token"]

    def add(self, person):
        """The administrator lets somebody in, as a login by OIDC would."""
        name, email = PEOPLE[person]
        self.call("POST", "/api/v1/auths/add", "admin", {"name": name, "email": email, "password": PASSWORD, "role": "user"})

    def sign_in(self, person):
        body = {"email": PEOPLE[person][1], "password": PASSWORD}
        self.tokens[person] = self.call("POST", "/api/v1/auths/signin", body=body).json()["token"]

    def models(self, person):
        return [model["id"] for model in self.call("GET", "/api/models", person).json()["data"]]

    def chat(self, person, content, model="OS2ai-default", stream=False):
        body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": content}]}
        return self.call("POST", "/api/chat/completions", person, body, stream=stream)


def deltas(answer):
    """What a stream of Open WebUI says, delta by delta."""
    for line in answer.iter_lines(chunk_size=1):
        if line.startswith(b"data: ") and line != b"data: [DONE]":
            for choice in json.loads(line[6:]).get("choices", []):
                yield choice.get("delta", {})


def signed_token(secret=SECRET, **claims):
    """One made by hand, as a stranger might."""
    now = int(time.time())
    claims = {"sub": "stranger", "email": "anne@aarhus.example", "name": "Anne", "role": "user", "iss": "open-webui", "iat": now,
              "exp": now + 300} | claims

    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (text + b"." + part(hmac.new(secret.encode(), text, hashlib.sha256).digest())).decode()


class Checks:
    def __init__(self, faelled, fake, relay, ui, picture):
        self.faelled, self.fake, self.relay, self.ui, self.picture = faelled, fake, relay, ui, picture

    def rows_of(self, member):
        return [row for row in self.faelled.rows() if row["member"] == member]

    def users_of(self, member):
        users = json.loads(self.faelled.faelled("user", "list", member, "--json").stdout)["users"]
        return {user["id"]: user["name"] for user in users}

    def check_people_sign_in(self):
        """The first account is the administrator's, who lets three others in."""
        self.ui.sign_up("admin")
        for person in ("anne", "ole", "eva"):
            self.ui.add(person)
            self.ui.sign_in(person)

    def check_models_are_listed(self):
        """Both people see the model under its id and the old gateway's name."""
        for person in ("anne", "ole"):
            assert {"small", "OS2ai-default", "titles"} <= set(self.ui.models(person)), self.ui.models(person)

    def check_a_chat_is_answered(self):
        answer = self.ui.chat("anne", "hello").json()
        assert answer["choices"][0]["message"]["content"], answer

    def check_a_chat_streams(self):
        words = [delta["content"] for delta in deltas(self.ui.chat("ole", json.dumps({"do": "stream", "pieces": 5}), stream=True))
                 if delta.get("content")]
        assert len(words) == 5, words

    def check_the_place_in_line_is_shown(self):
        """While somebody else has the only place, it is seen as thinking; then the answer comes, and only the answer."""
        holder = self.hold_the_place()
        try:
            answer = self.ui.chat("anne", "hello", stream=True)
            seen, said = "", ""
            for delta in deltas(answer):
                seen += delta.get("reasoning_content") or ""
                said += delta.get("content") or ""
                if "nummer 1" in seen and holder:
                    holder.close()
                    holder = None
        finally:
            if holder:
                holder.close()
        assert "Venter i kø: nummer 1." in seen, (seen, said)
        assert said and "Venter" not in said, said

    def hold_the_place(self):
        before = len(self.fake.calls)
        holder = requests.post(self.faelled.url + "/v1/chat/completions", stream=True, timeout=60,
                               headers={"Authorization": f"Bearer {HOLDER}"},
                               json={"model": "small", "stream": True,
                                     "messages": [{"role": "user", "content": json.dumps({"do": "stall", "pieces": 1})}]})
        until("the place is taken", lambda: len(self.fake.calls) > before)
        return holder

    def check_titles_go_into_the_batch_lane(self):
        mark = len(self.relay.answered)
        body = {"model": "OS2ai-default", "messages": [{"role": "user", "content": "hello"},
                                                       {"role": "assistant", "content": "hi"}]}
        self.ui.call("POST", "/api/v1/tasks/title/completions", "ole", body)
        answered = bytes(self.relay.answered[mark:])
        assert b"x-faelled-lane: batch" in answered, answered[:500]
        assert b'"model":"titles"' in answered, answered[-500:]

    def check_usage_is_under_the_right_persons(self):
        """One shared key, two people of two members, each with their own rows."""
        found = {}
        for member, person in (("aarhus", "anne"), ("odense", "ole")):
            users, rows = self.users_of(member), self.rows_of(member)
            assert list(users.values()) == [PEOPLE[person][0]], users
            assert rows and {row["caller"] for row in rows} == set(users), rows
            found[member] = len(rows)
        keys = {row["key"] for row in self.rows_of("aarhus") + self.rows_of("odense")} if "key" in self.faelled.rows()[0] else set()
        assert len(keys) <= 1, keys
        assert found == {"aarhus": 2, "odense": 2}, found

    def check_people_of_no_member_are_told_so(self):
        headers = {"Authorization": f"Bearer {self.ui.tokens['eva']}"}
        body = {"model": "small", "messages": [{"role": "user", "content": "hello"}]}
        answer = requests.post(self.ui.url + "/api/chat/completions", json=body, headers=headers, timeout=60)
        assert not answer.ok and "belongs to no member" in answer.text, (answer.status_code, answer.text[:300])

    def check_the_operator_can_try_a_token(self):
        """Tokens that Open WebUI really sent, pasted into the command line: of a member's person, and of nobody's."""
        name = b"X-OpenWebUI-User-Jwt: "
        tokens = [part.split(b"\r\n", 1)[0].decode() for part in bytes(self.relay.sent).split(name)[1:]]
        for token, status in ((tokens[0], 0), (tokens[-1], 1)):
            tried = self.faelled.faelled("front-end", "test", token, "--json", check=False)
            trial = json.loads(tried.stdout)
            assert trial["believed"] and trial["front_end"] == "open-webui", trial
            assert tried.returncode == status and bool(trial["member"]) == (status == 0), (tried.returncode, trial)

    def check_nobody_else_can_name_a_person(self):
        """A forged token, a token of another secret, and plain headers."""
        chat = {"model": "small", "messages": [{"role": "user", "content": "hello"}]}

        def ask(key, **headers):
            return requests.post(self.faelled.url + "/v1/chat/completions", json=chat, timeout=60,
                                 headers={"Authorization": f"Bearer {key}", **headers})

        before = len(self.rows_of("aarhus"))
        assert ask(KEY, **{"X-OpenWebUI-User-Jwt": signed_token("another secret of thirty-two characters")}).status_code == 401
        assert ask(KEY, **{"X-OpenWebUI-User-Email": "anne@aarhus.example", "X-OpenWebUI-User-Id": "x"}).status_code == 401
        assert ask(HOLDER, **{"X-OpenWebUI-User-Jwt": signed_token()}).status_code == 200, "a key of nobody's front end"
        assert len(self.rows_of("aarhus")) == before

    def check_the_page_shows_the_place_in_line(self):
        """Chromium with Open WebUI's own page, while the only place is taken."""
        holder = self.hold_the_place()
        try:
            done = subprocess.run(["node", HERE / "screenshot.mjs", self.ui.url, self.ui.tokens["anne"], self.picture],
                                  capture_output=True, text=True, timeout=240)
        finally:
            holder.close()
        assert done.returncode == 0, done.stderr

    ORDER = ["check_people_sign_in", "check_models_are_listed", "check_a_chat_is_answered", "check_a_chat_streams",
             "check_the_place_in_line_is_shown", "check_titles_go_into_the_batch_lane", "check_usage_is_under_the_right_persons",
             "check_people_of_no_member_are_told_so", "check_the_operator_can_try_a_token", "check_nobody_else_can_name_a_person"]


@contextmanager
def running(venv):
    with tempfile.TemporaryDirectory(prefix="faelled-open-webui-") as name:
        folder = Path(name)
        secret_file = folder / "open-webui.secret"
        secret_file.write_text(SECRET + "\n")
        fake = FakeEngine()
        (folder / "faelled").mkdir()
        config = settings(fake, secret_file)
        faelled = Server(folder / "faelled", config.pop("models"), **config)
        ui = relay = None
        try:
            faelled.start()
            where = urlsplit(faelled.url)
            relay = Relay((where.hostname, where.port))
            ui = OpenWebUi(venv, folder, f"http://127.0.0.1:{relay.port}")
            yield faelled, fake, relay, ui
        finally:
            if ui:
                ui.end()
            faelled.end()
            if relay:
                relay.close()
            fake.close()


def main(venv, keep, picture):
    passed = failed = 0
    with running(venv) as (faelled, fake, relay, ui):
        print(f"Open WebUI is up after {ui.start_s:.0f} s", flush=True)
        checks = Checks(faelled, fake, relay, ui, picture)
        for name in Checks.ORDER + (["check_the_page_shows_the_place_in_line"] if picture else []):
            begun = time.monotonic()
            words = name.removeprefix("check_").replace("_", " ")
            try:
                getattr(checks, name)()
            except Exception:
                failed += 1
                print(f"failed  {words}\n{traceback.format_exc()}", flush=True)
            else:
                passed += 1
                print(f"passed  {words}  ({time.monotonic() - begun:.1f} s)", flush=True)
        if keep:
            print(f"Open WebUI: {ui.url}\nFælled: {faelled.url}\nCtrl-C ends both.", flush=True)
            try:
                signal.pause()
            except KeyboardInterrupt:
                pass
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("venv")
    options.add_argument("--keep", action="store_true")
    options.add_argument("--picture")
    given = options.parse_args()
    sys.exit(main(given.venv, given.keep, given.picture))
