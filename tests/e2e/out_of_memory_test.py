"""The kernel's own out-of-memory kill, in a control group of a real size: it takes the engine that grew, and nobody else."""

import os
import re
import shutil
from pathlib import Path

import pytest

import tiny_models
from control import api
from residency_test import engine_of, said
from server import START_S, named_by
from waiting import until

LIMIT = 300_003_328  # of the group, whole pages: the server, two tiny engines of some 50 MB, and no more than that by far
SLOW_S = 200
ROOT = Path("/sys/fs/cgroup")


class Group:
    """A control group with a bound on memory, of either version. OSError or TypeError where none can be made."""

    def __init__(self, name):
        second = (ROOT / "cgroup.controllers").exists()
        self.folder = (ROOT if second else ROOT / "memory") / name
        self.told = "memory.events" if second else "memory.oom_control"
        self.folder.mkdir()
        try:
            (self.folder / ("memory.max" if second else "memory.limit_in_bytes")).write_text(str(LIMIT))
            if (swap := self.folder / ("memory.swap.max" if second else "memory.swappiness")).exists():
                swap.write_text("0")
            self.killed()
        except (OSError, TypeError):
            self.folder.rmdir()
            raise

    def enter(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def killed(self):
        return int(re.search(r"^oom_kill (\d+)", (self.folder / self.told).read_text(), re.M)[1])

    def remove(self):
        until("the group is empty", lambda: not (self.folder / "cgroup.procs").read_text().split(), 20)
        self.folder.rmdir()


@pytest.fixture
def group():
    try:
        group = Group(f"faelled-test-{os.getpid()}")
    except (OSError, TypeError) as why:
        pytest.skip(f"no control group with a memory of its own can be made here: {why}")
    yield group
    group.remove()


def growing_engine(folder):
    """The real engine, but for the model `hungry`: that one takes more and more."""
    shutil.copy(Path(named_by("FAELLED_LLAMA_SERVER")).resolve(), folder / "engine")
    script = folder / "llama-server"
    script.write_text(f"""#!/bin/sh
case " $* " in *" --alias hungry "*)
  word=more at=0
  while [ ${{#word}} -lt 1000000 ]; do word="$word$word"; done
  while :; do at=$((at + 1)); eval "word$at=\\$word"; done  # never much at once, which could be refused
esac
exec "{folder}/engine" "$@"
""")
    script.chmod(0o755)
    return script


@pytest.mark.timeout(600)
def test_the_kernel_takes_the_engine_that_grew_and_the_others_serve_on_needs_root(group, make_server, tmp_path):
    names = ("steady", "hungry")
    models = [{"id": name, "engine": "llama", "file": str(tiny_models.make(tmp_path / f"{name}.gguf", seed=at)), "concurrency": 2,
               "context_tokens": 512, "threads": 1} for at, name in enumerate(names)]
    # More than the group has: else a reading that sees it grow would say first that it does not fit.
    server = make_server(models, llama_server=str(growing_engine(tmp_path)), residency={"memory_gb": 4})
    server.spawn(preexec_fn=group.enter)
    server.url = until("the server listens", server.address, START_S)
    server.until_ready("steady")
    steady = engine_of(server, "steady")
    assert "this machine (or its cgroup) has 300 MB" in server.log_text(), "the group's bound, not what the machine has"

    before = group.killed()
    refused = server.chat("hungry", max_tokens=5)
    assert refused.status_code == 503, refused.text
    until("the kernel has killed it", lambda: group.killed() > before, SLOW_S)
    words = "the engine was ended by signal 9 (Killed), not by us: the kernel does that where memory runs out"

    def why():
        return next(model["detail"] for model in api(server, "GET", "/api/residency")[1]["models"] if model["id"] == "hungry")

    try:
        until("the operator reads why", lambda: why() == words, SLOW_S)
    finally:
        print(why())  # what it said instead
    assert said(server.chat("steady", max_tokens=5))
    assert server.alive() and engine_of(server, "steady") == steady
    server.stop()
