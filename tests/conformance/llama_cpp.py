"""llama.cpp's own server tests, from the source distribution that carries it: fetched once, pinned by hash, never
committed. They speak to the gateway as to a server that somebody else has started."""

import json
import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree
from pathlib import Path

from sdk_suite import ROOT, cache

ARCHIVE = "llama_cpp_python-0.3.36.tar.gz"  # llama.cpp 0.5.0
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
INSIDE = ARCHIVE.removesuffix(".tar.gz") + "/vendor/llama.cpp/tools/server/tests/"
FILES = ["unit/test_chat_completion.py", "unit/test_completion.py", "unit/test_embedding.py", "unit/test_rerank.py", "unit/test_tool_call.py"]
DESELECTED = Path(__file__).with_name("llama_cpp_deselected.txt")
RUN_S_MAX = 300

# What the suite does to reach a llama-server of its own, made into what reaches the gateway: the path begins with /v1, the
# key is sent, and a request names the model that the server would have been started with.
SHIM = '''
_request, _stream_request = ServerProcess.make_request, ServerProcess.make_stream_request


def _ours(self, path, data, headers):
    if isinstance(data, dict) and data.get("model") is None:
        data = {**data, "model": self.model_alias}
    headers = {"Authorization": "Bearer " + os.environ["GATEWAY_KEY"], **(headers or {})}
    return path if path.startswith("/v1/") else "/v1" + path, data, headers


def _make_request(self, method, path, data=None, headers=None, **more):
    path, data, headers = _ours(self, path, data, headers)
    return _request(self, method, path, data, headers, **more)


def _make_stream_request(self, method, path, data=None, headers=None, **more):
    path, data, headers = _ours(self, path, data, headers)
    return _stream_request(self, method, path, data, headers, **more)


ServerProcess.make_request, ServerProcess.make_stream_request = _make_request, _make_stream_request
'''


def fetched():
    archive = cache() / ARCHIVE
    subprocess.run([sys.executable, ROOT / "scripts/fetch.py", "pypi", "llama-cpp-python", ARCHIVE, archive, "--sha256", SHA256], check=True)
    return archive


def unpacked(folder, secret):
    """The suite in `folder`, with the shim. Its two small libraries are stood in for: it downloads and locks nothing here."""
    with tarfile.open(fetched()) as archive:
        archive.extractall(folder, [member for member in archive if member.name.startswith(INSIDE) and member.isfile()])
    suite = Path(folder) / INSIDE
    (suite / "wget.py").write_text("")
    (suite / "filelock.py").write_text("from contextlib import nullcontext as FileLock\n")
    with open(suite / "utils.py", "a", encoding="utf-8") as utils:
        utils.write(SHIM)
    for file in FILES:
        path = suite / file
        path.write_text(path.read_text().replace('api_key="dummy"', f'api_key="{secret}"'))
    return suite


def pytest(suite, names, *words, port=9, secret=""):
    environment = {**os.environ, "DEBUG_EXTERNAL": "1", "PORT": str(port), "GATEWAY_KEY": secret, "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not slow", *words, *names]
    return subprocess.run(command, cwd=suite, env=environment, capture_output=True, text=True, timeout=RUN_S_MAX)


def names_of(suite):
    listed = pytest(suite, FILES, "--collect-only", "-q")
    names = [line for line in listed.stdout.splitlines() if "::" in line and line.startswith("unit/")]
    assert len(names) > 100, listed.stdout + listed.stderr
    return names


def results(suite, port, secret, names):
    """name → what went wrong ('' for nothing), of the tests named."""
    report = suite / "report.xml"
    done = pytest(suite, names, "-q", f"--junitxml={report}", port=port, secret=secret)
    assert report.exists(), done.stdout + done.stderr
    found = {}
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname').replace('.', '/')}.py::{case.get('name')}"
        wrong = next((case.find(kind) for kind in ("failure", "error", "skipped") if case.find(kind) is not None), None)
        found[name] = "" if wrong is None else (wrong.get("message") or wrong.text or "failed")
    return found


if __name__ == "__main__":  # against a server that runs: PORT SECRET
    import tempfile
    place = unpacked(tempfile.mkdtemp(prefix="faelled-llama-cpp-"), sys.argv[2])
    print(json.dumps(results(place, int(sys.argv[1]), sys.argv[2], FILES), indent=1))
