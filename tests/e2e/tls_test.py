"""TLS at the edge: who is let in, with what, and what happens when certificates change."""

import json
import os
import shutil
import socket
import ssl
import time

import pytest
import requests

from certificates import Authority, openssl
from fake_engine import FakeEngine
from server import SECRET
from waiting import until
from wire import Wire, events


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def pair(authority, tmp_path):
    """The server's files, to be replaced by the test."""
    certificate, key = authority.issue("faelled")
    return shutil.copy(certificate, tmp_path / "tls.crt"), shutil.copy(key, tmp_path / "tls.key")


@pytest.fixture
def tls_server(make_server, fake, authority, pair):
    def make(start=True, config=None, **tls):
        server = make_server([fake.model()], tls={"listen": "127.0.0.1:0", "certificate": str(pair[0]), "key": str(pair[1]),
                                                  **tls}, **(config or {}))
        return server.start() if start else server
    return make


def port_of(url):
    return int(url.rpartition(":")[2])


def s_client(server, *words, text=""):
    return openssl("s_client", "-connect", f"127.0.0.1:{port_of(server.tls_url)}", *words, text=text, check=False)


def metric(server, name):
    return next(float(line.split()[-1]) for line in server.metrics().splitlines() if line.startswith(name))


def replace(pair, certificate, key):
    for new, at in ((certificate, pair[0]), (key, pair[1])):
        shutil.copy(new, str(at) + ".new")
        os.replace(str(at) + ".new", at)


def subject_now(server, authority):
    with Wire(server.tls_url, tls=authority.client()) as wire:
        return dict(entry[0] for entry in wire.socket.getpeercert()["subject"])["commonName"]


def test_a_chat_streams_under_tls_and_the_plain_address_stays(tls_server, authority):
    server = tls_server()
    assert server.tls_url.startswith("https://127.0.0.1:") and server.url.startswith("http://127.0.0.1:")
    with Wire(server.tls_url, tls=authority.client()) as wire:
        for _ in range(3):
            assert wire.chat("fake", {"do": "stream", "pieces": 3}).head().status == 200
            assert events(wire.body())[-1] == "[DONE]"
    answer = requests.post(server.tls_url + "/v1/chat/completions", verify=str(authority.ca),
                           headers={"Authorization": f"Bearer {SECRET}"}, timeout=20,
                           json={"model": "fake", "messages": [{"role": "user", "content": "x" * 3_000_000}]})
    assert answer.status_code == 200 and answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    plain = server.chat("fake")
    assert plain.status_code == 200 and "Strict-Transport-Security" not in plain.headers


def test_the_one_address_speaks_tls_where_tls_has_none_of_its_own(make_server, fake, authority, pair):
    server = make_server([fake.model()], tls={"certificate": str(pair[0]), "key": str(pair[1])}).start(ready=False)
    assert server.url == server.tls_url
    assert requests.get(server.url + "/livez", verify=str(authority.ca), timeout=10).text == "ok\n"
    plain = requests.get(server.url.replace("https", "http") + "/livez", timeout=10)
    assert plain.status_code == 400 and "begin it with https" in plain.text


def test_a_hang_up_under_tls_frees_the_engine(tls_server, fake, authority):
    server = tls_server()
    wire = Wire(server.tls_url, tls=authority.client()).chat("fake", {"do": "stream", "pieces": 1000, "gap_s": 0.05})
    wire.head().until(b"data: ")
    call = fake.busy()[-1]
    left = time.monotonic()
    wire.close()
    until("the engine is left", lambda: call.hung_up, 5)
    assert call.hung_up - left < 1


def test_only_tls_1_2_and_1_3_with_modern_ciphers_are_spoken(tls_server):
    server = tls_server()
    assert "Protocol  : TLSv1.2" in s_client(server, "-tls1_2")
    assert "New, TLSv1.3" in s_client(server, "-tls1_3")
    for words in (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
                  ["-tls1_2", "-cipher", "AES128-SHA256"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"]):
        assert "Cipher is (NONE)" in s_client(server, *words), words
    assert "ALPN protocol: http/1.1" in s_client(server, "-alpn", "h2,http/1.1")
    assert "no application protocol" in s_client(server, "-alpn", "h2")


def test_nothing_is_resumed_renegotiated_or_sent_early(tls_server):
    server = tls_server()
    said = s_client(server, "-tls1_3", text="GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert "New Session Ticket" not in said
    said = s_client(server, "-tls1_2")
    assert "TLS session ticket:" not in said and "Session-ID: \n" in said
    said = s_client(server, "-tls1_2", text="R\n")  # asks for a renegotiation
    assert "no renegotiation" in said, said


@pytest.mark.parametrize("mode", ["optional", "required"])
def test_a_client_certificate_must_come_from_our_authority(tls_server, authority, stranger, mode):
    server = tls_server(client_ca=str(authority.ca), client_certificates=mode)
    with Wire(server.tls_url, tls=authority.client(*authority.issue("front"))) as wire:
        assert wire.request("GET", "/v1/models").head().status == 200

    def refused(*own):
        try:
            with Wire(server.tls_url, tls=authority.client(*own)) as wire:
                return not wire.request("GET", "/v1/models").receive()
        except (ssl.SSLError, ConnectionError):
            return True

    before = metric(server, "faelled_tls_handshakes_refused_total")
    assert refused(*stranger.issue("front"))
    assert refused(*authority.issue("late", days=-1))
    assert refused() == (mode == "required")
    until("counted", lambda: metric(server, "faelled_tls_handshakes_refused_total") - before >= 2 + (mode == "required"))
    lines = [line for line in server.log() if line["message"] == "a TLS handshake was refused"]
    assert len(lines) == 1 and "not trusted here" in lines[0]["cause"], lines


def test_a_renewed_certificate_is_taken_without_a_restart(tls_server, authority, pair):
    server = tls_server()
    assert subject_now(server, authority) == "faelled"
    assert 1.9 < metric(server, "faelled_tls_certificate_days") < 2.1
    with Wire(server.tls_url, tls=authority.client()) as running:
        running.chat("fake", {"do": "stream", "pieces": 100, "gap_s": 0.05}).head()
        replace(pair, *authority.issue("renewed", days=30))
        until("the new one is served", lambda: subject_now(server, authority) == "renewed", 15)
        assert events(running.body())[-1] == "[DONE]", "a running answer goes on"
        assert running.request("GET", "/v1/models").head().status == 200
    assert metric(server, "faelled_tls_certificate_days") > 29
    assert any(line["message"] == "the certificate was read again" and line["subject"] == "CN=renewed" for line in server.log())


def test_a_broken_renewal_leaves_the_former_certificate(tls_server, authority, pair):
    server = tls_server()
    replace(pair, authority.issue("renewed")[0], pair[1])
    until("it is said", lambda: metric(server, "faelled_tls_certificate_broken") == 1, 15)
    assert subject_now(server, authority) == "faelled"
    line = next(line for line in server.log() if "cannot be used" in line["message"])
    assert line["level"] == "error" and "tls.key holds the key of another certificate" in line["cause"]
    replace(pair, *authority.issue("mended"))
    until("mended", lambda: subject_now(server, authority) == "mended", 15)
    assert metric(server, "faelled_tls_certificate_broken") == 0


def test_slow_and_broken_handshakes_hold_nobody_up(tls_server, authority):
    server = tls_server(config={"limits": {"handshake_s": 0.5}})
    port = port_of(server.tls_url)
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    for one in slow[:25]:
        one.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", port)) as noise:
            noise.sendall(os.urandom(300))
    with Wire(server.tls_url, tls=authority.client()) as wire:
        assert wire.request("GET", "/v1/models").head().status == 200
    until("all are gone", lambda: metric(server, "faelled_connections") <= 1, 10)
    assert metric(server, "faelled_tls_handshakes_refused_total") == 100
    assert len([line for line in server.log() if "handshake" in line["message"]]) == 1, "not a line for each"
    for one in slow:
        one.settimeout(5)
        while one.recv(1000):
            pass
        one.close()


def test_a_mistake_is_told_with_its_line(tls_server, authority, stranger, tmp_path):
    server = tls_server(start=False)

    def check(**tls):
        server.config["tls"].update(tls)
        server.write_config()
        done = server.faelled_check()
        return done.returncode, done.stdout + done.stderr

    def line_of(key):
        return next(n for n, line in enumerate(server.file.read_text().splitlines(), 1) if f'"{key}"' in line)

    os.chmod(server.config["tls"]["key"], 0o600)
    status, said = check()
    assert status == 0 and "tls.crt expires on" in said and "warning: " in said
    status, said = check(certificate=str(authority.issue("lasting", days=300)[0]), key=str(authority.folder / "lasting.key"))
    os.chmod(authority.folder / "lasting.key", 0o644)
    status, said = check()
    assert status == 0 and "lasting.key can be read by everybody" in said and "chmod 640" in said
    other = stranger.issue("other")[1]
    for wrong, why in (({"key": str(other)}, "holds the key of another certificate"),
                       ({"key": str(tmp_path / "none.key")}, "none.key cannot be read"),
                       ({"key": str(authority.folder / "lasting.key"), "client_ca": str(other), "client_certificates": "required"},
                        "holds no certificate of an authority")):
        status, said = check(**wrong)
        key = list(wrong)[0] if len(wrong) == 1 else "client_ca"
        assert status == 1 and why in said and f":{line_of(key)}:" in said, said
        assert server.spawn().wait(10) == 1 and why in server.log_text()
    expired = authority.issue("late", days=-1)
    status, said = check(certificate=str(expired[0]), key=str(expired[1]), client_ca=str(authority.ca))
    assert status == 1 and "late.crt expired on" in said and f":{line_of('certificate')}:" in said


def test_a_server_with_an_expired_certificate_starts_and_says_so(tls_server, authority, pair):
    replace(pair, *authority.issue("late", days=-1))
    server = tls_server()
    assert server.chat("fake").status_code == 200
    assert metric(server, "faelled_tls_certificate_days") < 0
    assert any("expired on" in line.get("warning", "") for line in server.log())


def test_sign_in_links_and_cookies_are_for_tls(tls_server, authority):
    server = tls_server(config={"public_url": "https://faelled.example.dk"})
    link = json.loads(server.faelled("user", "sign-in-link", json.loads(
        server.faelled("user", "add", "demo", "Anna", "--json").stdout)["id"], "--json").stdout)["url"]
    assert link.startswith("https://faelled.example.dk/sign-in#")
    answer = requests.post(server.tls_url + "/api/session", json={"token": link.partition("#")[2]}, verify=str(authority.ca), timeout=10)
    assert answer.status_code == 200 and "; Secure" in answer.headers["Set-Cookie"]
    page = requests.get(server.tls_url + "/", verify=str(authority.ca), timeout=10)
    assert page.status_code == 200
    for name, value in (("X-Frame-Options", "DENY"), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
                        ("Cross-Origin-Opener-Policy", "same-origin"), ("Strict-Transport-Security", "max-age=31536000")):
        assert page.headers[name] == value
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_without_a_public_address_links_begin_with_the_tls_address(tls_server):
    server = tls_server()
    user = json.loads(server.faelled("user", "add", "demo", "Anna", "--json").stdout)["id"]
    link = json.loads(server.faelled("user", "sign-in-link", user, "--json").stdout)["url"]
    assert link.startswith(server.tls_url + "/sign-in#")


def test_an_engine_behind_tls_is_believed_only_with_a_good_certificate(make_server, authority, stranger, tmp_path):
    context = authority.server(*authority.issue("engine", "DNS:localhost"))
    engine = FakeEngine(tls=context)
    try:
        ca = tmp_path / "engine-ca.pem"
        shutil.copy(authority.ca, ca)
        server = make_server([engine.model(ca_file=str(ca)), engine.model("nobody"), engine.model("other", ca_file=str(stranger.ca)),
                              engine.model("name", ca_file=str(ca))])
        server.config["models"][3]["url"] = f"https://127.0.0.1:{engine.port}/v1"
        server.start(ready=False)
        server.until_ready("fake")
        answer = server.chat("fake", stream=True)
        assert events(answer.content)[-1] == "[DONE]"
        assert engine.calls[-1].headers["host"] == f"localhost:{engine.port}"
        for model, why in (("nobody", "not trusted here"), ("other", "not trusted here"), ("name", "another name")):
            until(f"{model} is failed", lambda m=model: server.model_state(m)["state"] == "failed", 30)
            assert why in server.model_state(model)["detail"], server.model_state(model)
            assert server.chat(model).status_code >= 500
        assert len(engine.calls) == 1, "nobody else's words reached it"
        context.load_cert_chain(*authority.issue("engine", "DNS:localhost", days=-1, file="expired"))
        server.stop()
        server.config["models"] = server.config["models"][:1]
        server.start(ready=False)
        until("it is away", lambda: "expired" in server.model_state("fake")["detail"], 30)
    finally:
        engine.close()


def test_an_engine_may_ask_for_our_certificate(make_server, authority):
    engine = FakeEngine(tls=authority.server(*authority.issue("engine"), asks_for=authority))
    own = authority.issue("gateway")
    try:
        server = make_server([engine.model(ca_file=str(authority.ca), certificate_file=str(own[0]), key_file=str(own[1])),
                              engine.model("anonymous", ca_file=str(authority.ca))]).start(ready=False)
        server.until_ready("fake")
        assert server.chat("fake").status_code == 200
        assert server.chat("anonymous").status_code >= 500
    finally:
        engine.close()


def test_a_proxy_is_known_by_its_certificate(tls_server, authority):
    server = tls_server(client_ca=str(authority.ca), client_certificates="optional",
                        config={"trusted_proxies": [{"certificate": "proxy.example.dk"}]})
    forged = {"X-Forwarded-For": "203.0.113.9"}

    def peer_after(own, secret):
        with Wire(server.tls_url, tls=authority.client(*own)) as wire:
            assert wire.request("GET", "/v1/models", secret=secret, headers=forged).head().status == 401
        return [line["peer"] for line in server.log() if line["message"] == "a key was refused"]

    proxy, other = authority.issue("proxy.example.dk"), authority.issue("other.example.dk")
    assert peer_after(other, "sk-wrong0000000000000000001")[-1].startswith("127.0.0.1:")
    assert peer_after(proxy, "sk-wrong0000000000000000002")[-1].startswith("203.0.113.9 by 127.0.0.1:")


def test_a_front_end_is_known_by_its_certificate_and_by_no_header(tls_server, authority, stranger):
    server = tls_server(client_ca=str(authority.ca), client_certificates="optional", config={"front_ends": [
        {"name": "chat", "certificate": "chat.example.dk", "members": [{"email_domain": "demo.example", "member": "demo"}]}]})
    person = {"X-OpenWebUI-User-Id": "7", "X-OpenWebUI-User-Email": "anna@demo.example", "X-OpenWebUI-User-Name": "Anna"}

    def status(own, **headers):
        with Wire(server.tls_url, tls=authority.client(*own)) as wire:
            status, answer = wire.chat("fake", "hello", stream=False, secret=None, headers={**person, **headers}).answer()
            return status, wire.headers["x-request-id"]

    good, request_id = status(authority.issue("chat.example.dk"))
    assert good == 200
    row = server.row_of(request_id)
    assert row["member"] == "demo" and row["user"]
    assert status(authority.issue("other.example.dk"))[0] == 401
    forged = {"X-Client-Cert": "chat.example.dk", "X-SSL-Client-S-DN": "CN=chat.example.dk", "X-Forwarded-Client-Cert": "Subject=chat.example.dk"}
    assert status((), **forged)[0] == 401
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        status(stranger.issue("chat.example.dk"))
