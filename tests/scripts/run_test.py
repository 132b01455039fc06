"""The commands themselves: help, bad options, and that a signal ends a set-up with all its children."""

import os
import re
import shutil
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
    deadline = time.monotonic() + 60
    while not (pids.exists() and len(pids.read_text().split()) == 2) and time.monotonic() < deadline:
        os.sched_yield()
    children = [int(pid) for pid in pids.read_text().split()]
    assert len(children) == 2
    shell.send_signal(number)
    assert shell.wait(60) == 128 + number
    assert not [pid for pid in children if alive(pid)]


STUBS = 'need_packages() { :; }; build_preset() { :; }; cores=2'
FUZZER = '#!/bin/bash\necho $$ >>"%s"\nsleep 100 & echo $! >>"%s"\nwait\n'


@pytest.fixture
def dev(tmp_path):
    """./dev in a tree of its own, where nothing is to be built."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "dev", tmp_path)
    shutil.copy(ROOT / "scripts/common.sh", tmp_path / "scripts")
    (tmp_path / "scripts/setup.sh").write_text(STUBS)
    (tmp_path / "scripts/release.sh").touch()
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_that_fuzz_beside_each_other(dev, number):
    pids, folder = dev / "pids", dev / "build/asan/fuzz"
    folder.mkdir(parents=True)
    for name in ("json", "sse", "tls"):
        (folder / f"{name}_fuzz").write_text(FUZZER % (pids, pids))
        (folder / f"{name}_fuzz").chmod(0o755)
    shell = subprocess.Popen([dev / "dev", "fuzz", "--long"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             env={**os.environ, "XDG_CACHE_HOME": str(dev)},
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    deadline = time.monotonic() + 60
    while not (pids.exists() and len(pids.read_text().split()) == 4) and time.monotonic() < deadline:
        time.sleep(0.01)
    children = [int(pid) for pid in pids.read_text().split()]
    assert len(children) == 4, "as many targets at a time as there are cores"
    shell.send_signal(number)
    assert shell.wait(10) == 128 + number
    assert not [pid for pid in children if alive(pid)]
    assert len(pids.read_text().split()) == 4, "and no other begins"


def test_every_preset_that_dev_build_names_is_there():
    presets = set(re.findall(r'"name": "(\w+)"', (ROOT / "CMakePresets.json").read_text()))
    words = re.search(r"PRESET is one of ([\w, \n]+)\.", call("dev", "build", "--help").stdout).group(1)
    assert set(re.findall(r"\w+", words)) == presets - {"base"}


def test_run_builds_anew_when_what_the_web_ui_shows_has_changed():
    """What ./run looks at to start at once covers all that build_ui looks at."""
    line = re.search(r"^sources=.*$", (ROOT / "run").read_text(), re.MULTILINE).group()
    script = f'''source "$1/scripts/common.sh"; source "$1/scripts/setup.sh"; content_hash() {{ printf "%s\\n" "$@"; }}
{line}
echo "$sources"; up_to_date() {{ echo "$2" | sed "s/^/ui: /"; return 0; }}; mkdir -p "$build/ui"; build_ui'''
    done = subprocess.run(["bash", "-c", f'root="$1"; {script}', "-", str(ROOT)], capture_output=True, text=True, timeout=10)
    ui = {each.removeprefix("ui: ") for each in done.stdout.splitlines() if each.startswith("ui: ")}
    assert "docs/runbooks" in ui and ui <= set(done.stdout.splitlines()), done.stdout + done.stderr
