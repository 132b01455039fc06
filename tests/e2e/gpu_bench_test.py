"""bench/gpu.py whole, with vLLM's double for both sides and a driver that only tells. Its figures mean nothing, and go to a copy."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from folders_test import FAKE_VLLM, model_of
from server import binary

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "bench" / "gpu.py"
DOCUMENT = ROOT / "bench" / "README.md"
CARD = 5_200_000_000  # has room for one model, which needs 2.7 GB, beside what is left of one that sleeps, and not for two
WEIGHTS_MIB = 64  # of the double, whatever its files say
SECONDS_MAX = 100


def folder(path):
    path.mkdir()
    for name, content in model_of().items():
        if "/" not in name:
            (path / name).write_bytes(content)
    (path / "faults").write_text("slow")
    return path


@pytest.fixture
def driver(tmp_path):
    """The environment of a machine with one GPU, of which the doubles of this test have what is resident of them."""
    place = tmp_path / "driver"
    place.mkdir()
    subprocess.run(["clang-19", "-shared", "-fPIC", "-o", place / "libnvidia-ml.so.1", ROOT / "tests/fakes/nvml.c"], check=True)
    (place / "says").write_text(f"gpu GPU-0 {CARD} 0 0 A0\nresident 0 {tmp_path}/models/\n")
    return os.environ | {"LD_LIBRARY_PATH": str(place), "FAKE_NVML": str(place / "says")}


@pytest.fixture
def models(tmp_path):
    (tmp_path / "models").mkdir()
    return [folder(tmp_path / "models" / name) for name in ("first", "second")]


def run(*words, env=None):
    return subprocess.run([sys.executable, SCRIPT, "--faelled", binary(), *map(str, words)], capture_output=True, text=True, env=env,
                          timeout=SECONDS_MAX)


def rows_of(text):
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in rows if len(row) == 3}


def number(cell):
    return float(re.match(r"[\d.]+", cell)[0])


def test_sleep_wake_memory_and_throughput_of_both_are_written_into_the_document(tmp_path, models, driver):
    before = DOCUMENT.read_text()
    copy = tmp_path / "README.md"
    copy.write_text(before)
    done = run("--vllm", FAKE_VLLM, "--first", models[0], "--second", models[1], "--concurrency", 2, "--context", 128, "--tokens", 5, "--requests", 8,
               "--repeats", 2, "--document", copy, env=driver)
    assert done.returncode == 0, done.stderr[-3000:]
    assert DOCUMENT.read_text() == before
    text = copy.read_text()
    written = text.split("<!-- gpu -->")[1].split("<!-- end of gpu -->")[0]
    assert text.replace(written, "") == before.replace(before.split("<!-- gpu -->")[1].split("<!-- end of gpu -->")[0], "")
    assert written.strip() == done.stdout.strip() and ", A0, vLLM 0.0-double, first;" in written
    rows = rows_of(written)
    for what in ("first start to first token, s", "a later start to first token, s"):
        assert all(2 <= number(cell) < SECONDS_MAX for cell in rows[what]), rows[what]
    for level in ("level 1: ", "level 2: "):
        for what in ("falls asleep, s", "wakes, s", "asked asleep to first token, s"):
            assert all(re.fullmatch(r"\d+\.\d\d \(\d+\.\d\d to \d+\.\d\d\)", cell) for cell in rows[level + what]), rows[level + what]
        for ready, asleep in zip(rows["GPU memory, ready, MiB"], rows[level + "GPU memory, asleep, MiB"], strict=True):
            assert WEIGHTS_MIB - 8 < number(ready) - number(asleep) < WEIGHTS_MIB + 8, (ready, asleep)
        switch = rows[level + "the same, while another is ready and has to sleep first, s"]
        assert number(switch[0]) >= 0 and switch[1] == "–", switch
    assert all(number(cell) > 0 for cell in rows["2 clients: tokens/s"])
    assert all(re.fullmatch(r"\d+\.\d{3} / \d+\.\d{3}", cell) for cell in rows["2 clients: first token P50 / P95, s"])
    part = number(rows["2 clients: tokens/s, as a part of bare"][0])
    assert part == pytest.approx(number(rows["2 clients: tokens/s"][0]) / number(rows["2 clients: tokens/s"][1]), rel=0.01)


def test_without_a_gpu_starts_and_throughput_are_measured_where_that_is_asked_for(models):
    words = ("--vllm", FAKE_VLLM, "--first", models[0], "--concurrency", 1, "--context", 128, "--tokens", 3, "--requests", 2)
    done = run(*words)
    assert done.returncode == 2 and "NVIDIA" in done.stderr and "--processors" in done.stderr and not done.stdout, done.stderr
    done = run(*words, "--processors")
    assert done.returncode == 0, done.stderr[-3000:]
    assert set(rows_of(done.stdout)) == {"", "first start to first token, s", "1 clients: tokens/s", "1 clients: first token P50 / P95, s",
                                         "1 clients: tokens/s, as a part of bare"}


def test_what_is_missing_is_said_before_anything_runs(tmp_path, models, driver):
    nowhere = {"PATH": "/nowhere"}
    for words, env, said in [((), nowhere, "there is no vLLM: name its program with --vllm"),
                             (("--vllm", tmp_path / "no" / "vllm"), driver, "no/vllm; install vLLM"),
                             (("--vllm", FAKE_VLLM, "--second", tmp_path / "none"), driver, "--second: there is no"),
                             (("--vllm", FAKE_VLLM, "--document", ROOT / "dev"), driver, "needs the lines <!-- gpu -->"),
                             (("--vllm", FAKE_VLLM, "--document", tmp_path / "none.md"), driver, "--document: there is no"),
                             (("--vllm", FAKE_VLLM), driver | {"FAKE_NVML": "/nowhere"}, "names no GPU")]:
        done = run("--first", models[0], *words, env=env)
        assert done.returncode != 0 and said in done.stderr and not done.stdout, done.stderr


def test_a_vllm_for_processors_is_told_apart(tmp_path, models, driver):
    home = tmp_path / "python"
    (home / "lib/python3/site-packages/vllm-0.0+cpu.dist-info").mkdir(parents=True)
    (home / "bin").mkdir()
    (home / "bin/vllm").symlink_to(FAKE_VLLM)
    done = run("--vllm", home / "bin/vllm", "--first", models[0], env=driver)
    assert done.returncode == 2 and "was built for processors" in done.stderr, done.stderr


def test_a_model_that_cannot_be_served_ends_it_with_the_reason(models, driver):
    (models[0] / "config.json").write_text(json.dumps({"architectures": []}))
    done = run("--vllm", FAKE_VLLM, "--first", models[0], env=driver)
    assert done.returncode != 0 and not done.stdout and "config.json" in done.stderr, done.stderr
