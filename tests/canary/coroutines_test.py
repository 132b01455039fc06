"""The compiler canary: a compiler that destroys a coroutine's temporary twice must not build Fælled."""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PROBES = 6


@pytest.mark.parametrize("flags", [["-O0"], ["-O2"], ["-O1", "-g", "-fsanitize=address,undefined"]], ids=" ".join)
def test_each_temporary_is_destroyed_exactly_once(tmp_path, flags):
    binary = tmp_path / "coroutines"
    subprocess.run(["clang++-19", "-std=c++23", "-Wall", "-fuse-ld=lld", *flags, str(HERE / "coroutines.cpp"), "-o",
                    str(binary)], check=True)
    done = subprocess.run([str(binary)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == PROBES
