"""The gateways that are compared: how each is started before the mock, tuned as its own documentation advises."""

import os
import pathlib
import shutil
import socket
import subprocess

KEY = "sk-test0000000000000000000000000001"
REPO = pathlib.Path(__file__).resolve().parent.parent
VLLM_ROUTER = "0.1.17"  # as bench/requirements.txt pins it
NEED_VLLM_ROUTER = 'root="$1"; source "$1/scripts/common.sh"; source "$1/scripts/setup.sh"; need_vllm_router; echo "$vllm_router"'
CONNECTIONS_MAX = 16384


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cache_dir():
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "faelled"


class Gateway:
    """`argv` starts it on `port`; `note` says in the table what it does for a request."""

    def __init__(self, name, note, argv, port, cwd=None):
        self.name, self.note, self.argv, self.port, self.cwd = name, note, argv, port, cwd


NGINX = """
daemon off;
worker_processes 1;
worker_rlimit_nofile {fds};
pid {folder}/nginx.pid;
error_log stderr warn;
{user}
events {{ worker_connections {connections}; multi_accept on; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000; keepalive_timeout 300s;
  client_body_buffer_size 64k; client_max_body_size 8m; tcp_nodelay on;
  map $http_authorization $member {{ default ""; "Bearer {key}" bench; }}
  upstream mock {{
    server 127.0.0.1:{upstream};
    keepalive {connections}; keepalive_requests 100000000; keepalive_timeout 300s;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      if ($member = "") {{ return 401; }}
      proxy_pass http://mock;
      proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_read_timeout 300s;
    }}
  }}
}}
"""


def nginx(folder, upstream, _options):
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        raise SystemExit("nginx is missing: apt-get install nginx-light")
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, upstream=upstream, key=KEY, connections=CONNECTIONS_MAX,
                                   fds=2 * CONNECTIONS_MAX, user="user root;" if os.geteuid() == 0 else ""))
    return Gateway("nginx", "key check", [program, "-e", "stderr", "-p", str(folder), "-c", str(config)], port)


def vllm_router(folder, upstream, _options):
    installed = subprocess.run(["bash", "-c", NEED_VLLM_ROUTER, "-", REPO], stdout=subprocess.PIPE, text=True, check=True)
    program = pathlib.Path(installed.stdout.strip()) / "bin" / "vllm-router"
    port = free_port()
    return Gateway(f"vllm-router {VLLM_ROUTER}", "no key, metrics",
                   [str(program), "--host", "127.0.0.1", "--port", str(port), "--worker-urls",
                    f"http://127.0.0.1:{upstream}", "--policy", "random", "--log-level", "error",
                    "--prometheus-port", str(free_port())], port, cwd=folder)


FAELLED = """
listen: 127.0.0.1:{port}
data: {folder}/data
keys:
  - {{ member: demo, name: bench, secret: {key} }}
models:
  - {{ id: mock, engine: openai, url: "http://127.0.0.1:{upstream}/v1", upstream_model: mock, concurrency: {places} }}
"""


def faelled(folder, upstream, options):
    program = pathlib.Path(options.faelled).resolve()
    if not program.exists():
        raise SystemExit(f"{program} is missing: build it with ./dev bench, or leave faelled out of --gateways")
    return ours(program, "faelled", folder, upstream, options)


def before(folder, upstream, options):
    """An earlier build of ours, for what a change costs: only in the same run do two figures compare."""
    return ours(pathlib.Path(options.before).resolve(), "faelled before", folder, upstream, options)


def ours(program, name, folder, upstream, options):
    port = free_port()
    config = folder / "faelled.yaml"
    config.write_text(FAELLED.format(port=port, folder=folder, key=KEY, upstream=upstream, places=options.places))
    return Gateway(name, "key, allow-list, journal, ledger, metrics",
                   [str(program), "serve", "--config", str(config)], port, cwd=folder)


STARTERS = {"nginx": nginx, "vllm-router": vllm_router, "faelled": faelled, "before": before}
