"""The commands themselves: help, bad options, and that a signal ends a set-up with all its children."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def call(*words):
    return subprocess.run([str(ROOT / words[0]), *words[1:]], capture_output=True, text=True, timeout=30,
                          stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("command", ["run", "test", "dev"])
def test_each_command_explains_itself(command):
    done = call(command, "--help")
    assert done.returncode == 0 and "usage:" in done.stdout


def test_each_dev_command_explains_itself():
    listed = call("dev", "--help").stdout
    commands = [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "]
    assert {"build", "test", "fmt", "tidy", "fuzz", "bench", "lint", "clean"} <= set(commands)
    for command in commands:
        done = call("dev", command, "--help")
        assert done.returncode == 0 and f"usage: ./dev {command}" in done.stdout, command


@pytest.mark.parametrize("words, hint", [
    (("--port", "70000"), "is no port"), (("--port",), "needs a value"), (("--nonsense",), "unknown option"),
    (("--model", "absent.gguf"), "is no file"), (("--model", str(ROOT / "run")), "only GGUF"),
])
def test_run_refuses_what_it_cannot_do_before_it_changes_anything(words, hint):
    done = call("run", *words)
    assert done.returncode == 1 and hint in done.stderr


SETUP = """
root="$1"; source "$1/scripts/common.sh"
step bash -c 'trap "" TERM; echo $$ >"$0"; bash -c "echo \\$\\$ >>$0; sleep 100"; sleep 100' "$2"
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_step_under_way_and_its_stubborn_children(tmp_path, number):
    pids = tmp_path / "pids"
    shell = subprocess.Popen(["bash", "-c", SETUP, "-", str(ROOT), str(pids)], stderr=subprocess.DEVNULL,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    deadline = time.monotonic() + 10
    while not (pids.exists() and len(pids.read_text().split()) == 2) and time.monotonic() < deadline:
        os.sched_yield()
    children = [int(pid) for pid in pids.read_text().split()]
    assert len(children) == 2
    begun = time.monotonic()
    shell.send_signal(number)
    assert shell.wait(10) == 128 + number
    assert time.monotonic() - begun < 9
    assert not [pid for pid in children if alive(pid)]
