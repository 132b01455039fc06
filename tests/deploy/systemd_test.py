"""The units: judged by systemd itself."""

import re
import subprocess

import pytest

UNITS = ("faelled.service", "faelled-backup.service", "faelled-backup.timer")
EXPOSURE_MAX = {"faelled.service": 2.5, "faelled-backup.service": 1.5}  # of 10; systemd calls up to 2 "ok", above 7 "exposed"


@pytest.fixture(scope="module")
def installed(root, tmp_path_factory):
    """The units as they would lie on a machine, with programs where they name them."""
    folder = tmp_path_factory.mktemp("units")
    for name in UNITS:
        text = (root / "deploy/systemd" / name).read_text()
        (folder / name).write_text(text.replace("/usr/local/bin/faelled", "/bin/true"))
    return folder


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_every_line(installed, unit):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(installed / unit)], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if unit.partition(".")[0] in line]
    assert not ours, done.stderr


@pytest.mark.parametrize("unit", EXPOSURE_MAX)
def test_little_is_left_open(root, unit):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(root / "deploy/systemd" / unit)],
                          capture_output=True, text=True)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found.group(1)) <= EXPOSURE_MAX[unit], done.stdout


def test_commands_in_the_units_are_ones_that_the_program_has(root):
    import os
    binary = os.environ["FAELLED_BINARY"]
    for name in UNITS:
        for command in re.findall(r"/usr/local/bin/faelled (\w[\w-]*)([^'\n]*)", (root / "deploy/systemd" / name).read_text()):
            help_text = subprocess.run([binary, command[0], "--help"], capture_output=True, text=True)
            assert help_text.returncode == 0, command
            for option in re.findall(r"--[\w-]+", command[1]):
                assert option in help_text.stdout, f"{name}: {command[0]} has no {option}"
