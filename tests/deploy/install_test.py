"""install.sh of the bundle against a dpkg and a systemctl that say what a machine in trouble says."""

import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

SAY = """#!/bin/sh
printf '%s' "${0##*/}" >>"$SAID"; for word; do printf '|%s' "$word" >>"$SAID"; done; echo >>"$SAID"
"""
# What dpkg knows stands in $STATE: NAME:ARCHITECTURE STATUS VERSION.
PROGRAMS = {
    "id": "#!/bin/sh\necho 0\n",
    "dpkg": SAY + """case "$1" in
  --print-architecture) echo amd64 ;;
  --audit) cat "$AUDIT" ;;
  --compare-versions) exec /usr/bin/dpkg "$@" ;;
esac
""",
    "dpkg-deb": "#!/bin/sh\nsed -n \"s/^$3: //p\" \"$2\"\n",
    "dpkg-query": """#!/bin/sh
line="$(grep "^$4[: ]" "$STATE")" || exit 1
set -- "$3" $line
printf '%s\\n' "$1" | sed "s/\\${db:Status-Status}/$3/; s/\\${Version}/$4/"
""",
    "systemctl": "#!/bin/sh\ncat \"$ACTIVE\"; grep -qx active \"$ACTIVE\"\n",
} | {name: SAY for name in ("groupadd", "useradd", "chgrp", "chown")} | {"getent": "#!/bin/sh\nexit 1\n"}


class Machine:
    def __init__(self, folder, root):
        self.root, self.bundle, self.programs = folder / "root", folder / "a bundle", folder / "programs"
        for made in (self.root, self.bundle / "packages", self.programs):
            made.mkdir(parents=True)
        for name, text in PROGRAMS.items():
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)
        self.files = {name: folder / name.lower() for name in ("SAID", "STATE", "AUDIT", "ACTIVE")}
        for file in self.files.values():
            file.write_text("")
        self.files["ACTIVE"].write_text("inactive\n")
        shutil.copy(root / "scripts/install.sh", self.bundle)
        (self.bundle / "architecture").write_text("amd64\n")
        (self.bundle / "packages/libone_2_amd64.deb").write_text("Package: libone\nArchitecture: amd64\nVersion: 2\n")
        (self.bundle / "llama-server").write_text("new engine\n")
        release = folder / "faelled-1"
        (release / "bin").mkdir(parents=True)
        (release / "bin/faelled").write_text("#!/bin/sh\necho 1\n")
        (release / "bin/faelled").chmod(0o755)
        shutil.copytree(root / "deploy", release / "deploy")
        with tarfile.open(self.bundle / "faelled-1.tar.gz", "w:gz") as tar:
            tar.add(release, "faelled-1")
        files = [path for path in self.bundle.rglob("*") if path.is_file()]
        (self.bundle / "SHA256SUMS").write_text("".join(
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(self.bundle)}\n" for path in files))

    def knows(self, name, text):
        self.files[name].write_text(text)

    def install(self):
        environment = {name: str(path) for name, path in self.files.items()}
        return subprocess.run(["sh", str(self.bundle / "install.sh")], capture_output=True, text=True,
                              env={**environment, "FAELLED_ROOT": str(self.root), "PATH": f"{self.programs}:{os.environ['PATH']}"})

    def said(self, program):
        return [line.split("|")[1:] for line in self.files["SAID"].read_text().splitlines() if line.split("|")[0] == program]

    def installed(self):
        return [Path(file).name for words in self.said("dpkg") if words[0] == "-i" for file in words[1:]]


@pytest.fixture
def machine(tmp_path, root):
    return Machine(tmp_path, root)


@pytest.mark.parametrize("state, wanted", [
    ("libone:amd64 installed 2", False), ("libone:amd64 installed 3", False), ("libone:amd64 installed 1", True),
    ("libone:amd64 unpacked 2", True), ("libone:amd64 half-installed 2", True), ("libone:amd64 config-files 2", True), ("", True)])
def test_only_what_is_wholly_there_is_left_out(machine, state, wanted):
    machine.knows("STATE", state + "\n")
    done = machine.install()
    assert done.returncode == 0, done.stderr
    assert machine.installed() == (["libone_2_amd64.deb"] if wanted else [])
    assert "Installed 1." in done.stdout


def test_what_an_earlier_run_left_half_done_is_finished_first(machine):
    machine.knows("AUDIT", "libone is unpacked but not configured\n")
    assert machine.install().returncode == 0
    calls = [words[0] for words in machine.said("dpkg")]
    assert "--configure" in calls and calls.index("--configure") < calls.index("-i")


@pytest.mark.parametrize("state", ["active", "activating"])
def test_a_running_service_is_not_updated_under_its_feet(machine, state):
    machine.knows("ACTIVE", state + "\n")
    done = machine.install()
    assert done.returncode == 1
    assert "systemctl stop faelled" in done.stderr and "backup" in done.stderr
    assert not machine.installed() and not list(machine.root.iterdir())


def test_an_engine_in_use_is_replaced_whole(machine):
    old = machine.root / "usr/local/bin/llama-server"
    old.parent.mkdir(parents=True)
    old.write_text("old engine\n")
    with old.open() as running:
        assert machine.install().returncode == 0
        assert running.read() == "old engine\n"
    assert old.read_text() == "new engine\n" and old.stat().st_mode & 0o777 == 0o755
    assert {path.name for path in old.parent.iterdir()} == {"faelled", "llama-server"}


def test_the_data_folder_is_there_for_a_restore_and_its_users_alone(machine):
    data = machine.root / "var/lib/faelled"
    assert machine.install().returncode == 0
    assert data.is_dir() and data.stat().st_mode & 0o777 == 0o700
    assert ["faelled:", str(data)] in machine.said("chown")
    data.chmod(0o750)
    machine.files["SAID"].write_text("")
    assert machine.install().returncode == 0
    assert data.stat().st_mode & 0o777 == 0o750
    assert not machine.said("chown")
