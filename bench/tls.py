#!/usr/bin/env python3
"""What TLS costs the gateway beside nginx: CPU of a kept-alive request with and without, and of a handshake. See README.md."""

import argparse
import json
import pathlib
import shutil
import socket
import ssl
import statistics
import subprocess
import tempfile

import gateways
import proctree
from compare import GATEWAY_CORE, LOAD_CORE, REPO, wait_ready

CONNECTIONS, REQUESTS, HANDSHAKES = 16, 10_000, 2_000
BODY = json.dumps({"model": "mock", "messages": [{"role": "user", "content": "x" * 1800}]}).encode()
REQUEST = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateways.KEY}\r\n"
           f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n").encode() + BODY
# The same as ours: no session is resumed.
NGINX_TLS = """listen 127.0.0.1:{tls_port} ssl backlog=4096;
    ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_tickets off; ssl_session_cache off;
    listen 127.0.0.1:{port}"""


def make_certificate(folder, kind):
    certificate, key = folder / f"{kind}.crt", folder / f"{kind}.key"
    how = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ecdsa" else ["rsa:2048"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", *how, "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-days", "2"], check=True, capture_output=True)
    return certificate, key


def start(name, folder, mock_port, options, pair):
    """(process, plain port, TLS port)"""
    folder.mkdir()
    gateway = gateways.STARTERS[name](folder, mock_port, options)
    tls_port = gateways.free_port()
    if name == "nginx":
        config = folder / "nginx.conf"
        listen = f"listen 127.0.0.1:{gateway.port}"
        config.write_text(config.read_text().replace(listen, NGINX_TLS.format(
            port=gateway.port, tls_port=tls_port, certificate=pair[0], key=pair[1])))
    else:
        with open(folder / "faelled.yaml", "a", encoding="utf-8") as config:
            config.write(f"tls: {{ listen: \"127.0.0.1:{tls_port}\", certificate: {pair[0]}, key: {pair[1]} }}\n")
    with open(folder / "log", "wb") as log:
        process = proctree.start(gateway.argv, GATEWAY_CORE, cwd=gateway.cwd, stdout=log, stderr=log)
    wait_ready(gateway.port)
    return process, gateway.port, tls_port


def connect(port, context):
    plain = socket.create_connection(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname="localhost") if context else plain


def read_answer(connection):
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    while len(body) < length:
        body += connection.recv(65536)


def request_us(pid, port, context):
    connections = [connect(port, context) for _ in range(CONNECTIONS)]
    for connection in connections:  # not the first one: it pays for the handshake
        connection.sendall(REQUEST)
        read_answer(connection)
    before = proctree.cpu_s(pid)
    for _ in range(REQUESTS // CONNECTIONS):
        for connection in connections:
            connection.sendall(REQUEST)
        for connection in connections:
            read_answer(connection)
    spent = proctree.cpu_s(pid) - before
    for connection in connections:
        connection.close()
    return spent / (REQUESTS // CONNECTIONS * CONNECTIONS) * 1e6


def handshake_us(pid, port, context):
    before = proctree.cpu_s(pid)
    for _ in range(HANDSHAKES):
        connect(port, context).close()
    return (proctree.cpu_s(pid) - before) / HANDSHAKES * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=REPO / "build" / "bench", help="build folder made with -DFAELLED_BENCH=ON")
    parser.add_argument("--faelled", default=REPO / "build" / "bench" / "faelled", help="our binary")
    parser.add_argument("--runs", type=int, default=3, help="rounds; the table shows medians")
    options = parser.parse_args()
    options.places = 1024
    folder = pathlib.Path(tempfile.mkdtemp(prefix="faelled-bench-"))
    processes, lines = [], []
    try:
        mock = proctree.start([pathlib.Path(options.build) / "bench" / "bench_mock"], LOAD_CORE, stdout=subprocess.PIPE, text=True)
        processes.append(mock)
        mock_port = json.loads(mock.stdout.readline())["port"]
        for kind in ("ecdsa", "rsa"):
            pair = make_certificate(folder, kind)
            context = ssl.create_default_context(cafile=str(pair[0]))
            found = {name: {"plain": [], "tls": [], "handshake": []} for name in ("nginx", "faelled")}
            running = {name: start(name, folder / f"{name}-{kind}", mock_port, options, pair) for name in found}
            processes += [entry[0] for entry in running.values()]
            for _ in range(options.runs):
                for name, (process, plain_port, tls_port) in running.items():
                    found[name]["plain"].append(request_us(process.pid, plain_port, None))
                    found[name]["tls"].append(request_us(process.pid, tls_port, context))
                    found[name]["handshake"].append(handshake_us(process.pid, tls_port, context))
            for name, values in found.items():
                median = {key: statistics.median(all_of) for key, all_of in values.items()}
                lines.append(f"| {name}, {kind.upper()} | {median['plain']:.1f} | {median['tls']:.1f} | "
                             f"{median['tls'] - median['plain']:.1f} | {median['handshake']:.0f} | {1e6 / median['handshake']:,.0f} |")
            for process, *_ in running.values():
                proctree.stop(process)
    finally:
        for process in processes:
            proctree.stop(process)
        shutil.rmtree(folder)
    print("| gateway, key | CPU µs per request, plain | under TLS | TLS's part | CPU µs per handshake | handshakes per CPU second |\n"
          "|---|---|---|---|---|---|")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
