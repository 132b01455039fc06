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


def verified(path):
    return subprocess.run(["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True)


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_every_line(installed, unit):
    done = verified(installed / unit)
    ours = [line for line in done.stderr.splitlines() if unit.partition(".")[0] in line]
    assert done.returncode == 0 and not ours, done.stderr
    # It exits with 0 on a line that it passes over: that it says nothing counts only where it would have said something.
    misspelt = installed / f"misspelt-{unit}"
    misspelt.write_text(re.sub(r"^\[(Service|Timer)\]$", r"[\1]\nNonsense=1", (installed / unit).read_text(), flags=re.MULTILINE))
    assert re.search(rf"{re.escape(misspelt.name)}:\d+: Unknown key.*Nonsense", verified(misspelt).stderr), verified(misspelt).stderr


@pytest.mark.parametrize("unit", EXPOSURE_MAX)
def test_little_is_left_open(root, unit):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(root / "deploy/systemd" / unit)],
                          capture_output=True, text=True)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found.group(1)) <= EXPOSURE_MAX[unit], done.stdout


@pytest.fixture(scope="module")
def groups():
    """systemd's own groups of system calls, by name."""
    listed = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter"], capture_output=True, text=True)
    found = {}
    for line in listed.stdout.splitlines():
        if line.startswith("@"):
            group = found[line.strip()] = set()
        elif line.startswith("    ") and not line.lstrip().startswith("#"):
            group.add(line.strip())
    assert "@system-service" in found, listed.stderr
    return found


def allowed_calls(text, groups):
    """What a unit's filter leaves (systemd.exec(5)): the first line allows, each later one adds or, after ~, takes away."""
    def members(names):
        return {call for name in names for call in (members(groups[name]) if name.startswith("@") else {name})}

    allowed = None
    for value in re.findall(r"^SystemCallFilter=(.+)$", text, re.MULTILINE):
        calls = members(value.lstrip("~").split())
        if allowed is None:
            assert not value.startswith("~"), "it is a list of what is allowed"
            allowed = calls | members(["@default"])
        else:
            allowed = allowed - calls if value.startswith("~") else allowed | calls
    return allowed


def called(root):
    """System calls by number and by the C library's name for them, as the server's sources make them; the doctor is no server, nor is a backup."""
    numbered, named = set(), set()
    for path in [path for folder in ("src", "apps") for path in (root / folder).rglob("*.[ch]pp")]:
        if path.parent.name not in ("doctor", "backup") and not re.search(r"(_test|testing)\.[ch]pp$", path.name):
            text = path.read_text()
            numbered |= set(re.findall(r"\bsyscall\(SYS_(\w+)", text))
            named |= set(re.findall(r"(?<![\w>])::([a-z]\w*)\(", text))
    return numbered, named


def test_the_filter_lets_the_server_start_and_confine_its_engines(root, groups):
    allowed = allowed_calls((root / "deploy/systemd/faelled.service").read_text(), groups)
    numbered, named = called(root)
    assert {"capset", "seccomp", "landlock_restrict_self", "pidfd_open"} <= numbered, "the sources are read"
    assert {"prctl", "setrlimit", "setpriority", "process_vm_readv"} <= named
    named &= groups["@known"] - {"syscall"}
    assert (numbered | named | {"prlimit64", "clone3", "execve"}) - allowed == set()
    assert not {"mount", "ptrace", "init_module", "reboot", "setuid"} & allowed


def test_what_serving_can_do_without_does_not_keep_the_server_down(root):
    """A check refuses an expired certificate and a database that is away for a while; a server starts with both."""
    assert "ExecStartPre" not in (root / "deploy/systemd/faelled.service").read_text()


def test_answers_get_the_time_that_any_configuration_may_promise_them(root):
    parsed = re.search(r'"drain_s", limits\.drain, 0, (\d+)', "".join(file.read_text() for file in sorted((root / "src/config").glob("*.cpp"))))
    timeout = re.search(r"^TimeoutStopSec=(\d+)$", (root / "deploy/systemd/faelled.service").read_text(), re.MULTILINE)
    assert parsed and timeout and int(timeout.group(1)) > int(parsed.group(1)) + 10, (parsed, timeout)


def test_the_documents_make_backups_as_the_units_user(root):
    """Who makes the passphrase as root gives it to that user; a backup made by root leaves root's files in the data folder."""
    texts = [path.read_text() for folder in ("docs", "deploy/systemd") for path in (root / folder).rglob("*") if path.is_file()
             and path.suffix in (".md", ".service")]
    made = [line for text in texts for line in text.splitlines() if "> /etc/faelled/backup.pass" in line]
    assert len(made) >= 2 and all("chown faelled: /etc/faelled/backup.pass" in line for line in made), made
    typed = [command for text in texts for command in re.findall(r"(?:^    |`)((?:[\w -]+ )?faelled backup (?!as root)[^`\n]+)", text, re.MULTILINE)]
    assert typed and all(command.startswith("runuser -u faelled -- ") for command in typed), typed


def test_commands_in_the_units_are_ones_that_the_program_has(root):
    import os
    binary = os.environ["FAELLED_BINARY"]
    for name in UNITS:
        for command in re.findall(r"/usr/local/bin/faelled (\w[\w-]*)([^'\n]*)", (root / "deploy/systemd" / name).read_text()):
            help_text = subprocess.run([binary, command[0], "--help"], capture_output=True, text=True)
            assert help_text.returncode == 0, command
            for option in re.findall(r"--[\w-]+", command[1]):
                assert option in help_text.stdout, f"{name}: {command[0]} has no {option}"
