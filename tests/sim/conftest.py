import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def sim():
    """sim("workload", "overload", …): what `faelled sim …` did, with status, out and err."""
    binary = os.environ.get("FAELLED_BINARY")
    assert binary, "FAELLED_BINARY names no faelled"

    def run(*words):
        return subprocess.run([binary, "sim", *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    return run
