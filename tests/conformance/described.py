"""An API that is asked what its description allows and what it does not: schemathesis makes the requests, bounded in number
and from one seed, and judges each answer. What it finds and is left so stands in described_deviations.txt with the reason."""

import os
import socket
from pathlib import Path

import requests
import urllib3
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from requests.adapters import HTTPAdapter
from schemathesis import GenerationMode, checks

SEED = int(os.environ.get("FAELLED_SEED", "20261125"))
EXAMPLES = 20  # of each operation, each in two kinds
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "negative_data_rejection", "positive_data_acceptance"]
CALL_S_MAX = 20
DEVIATIONS = Path(__file__).with_name("described_deviations.txt")


def deviations(api):
    """operation → {check: reason}."""
    found = {}
    for line in DEVIATIONS.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        words, _, reason = line.partition("  # ")
        of, check, operation = words.strip().split(" ", 2)
        assert reason.strip(), f"no reason is given for {words}"
        assert check in CHECKS, f"{check} is no check"
        if of == api:
            found.setdefault(operation, {})[check] = reason.strip()
    return found


def without_security(description):
    """Who asks is the caller's to say, not a part of what may be right or wrong in a request."""
    description.pop("security", None)
    description.get("components", {}).pop("securitySchemes", None)
    for path in description["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                operation.pop("security", None)
    return description


def judges(left_out=()):
    return [checks.CHECKS.get_one(name) for name in CHECKS if name not in left_out]


def asked(api, operation, kind, send):
    """Asks and judges. `kind`: "positive" or "negative"; `send(case)` makes the call."""
    chosen = judges(deviations(api).get(operation.label, {}))

    @seed(SEED)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate], derandomize=False,
              suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=GenerationMode[kind.upper()]))
    def ask(case):
        case.validate_response(send(case), checks=chosen)

    print(f"FAELLED_SEED={SEED}")
    try:
        ask()
    except Unsatisfiable:
        # An operation without a body, to which nothing wrong can be said.
        assert kind == "negative" and not operation.body, operation.label


class _UnixPool(urllib3.connectionpool.HTTPConnectionPool):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def _new_conn(self):
        path = self.path

        class Connection(urllib3.connection.HTTPConnection):
            def connect(self):
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.settimeout(CALL_S_MAX)
                self.sock.connect(str(path))

        return Connection("localhost")


class UnixAdapter(HTTPAdapter):
    """Everything over one unix socket."""

    def __init__(self, path):
        super().__init__()
        self.pool = _UnixPool(path)

    def get_connection_with_tls_context(self, *_, **__):
        return self.pool


def over_unix_socket(path):
    session = requests.Session()
    session.mount("http://", UnixAdapter(path))
    return session
