"""A release, its bill of materials and its signature; and the bundle that installs without a network."""

import hashlib
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from server import named_by


def shell(root, script, **environment):
    """With the functions of ./dev at hand."""
    head = 'root="$1"; shift; for part in common setup release; do source "$root/scripts/$part.sh"; done; '
    done = subprocess.run(["bash", "-c", head + script, "-", str(root)], capture_output=True, text=True,
                          env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def packed(root, tmp_path_factory):
    """Packed twice, into folders of different names."""
    folders = [tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("elsewhere")]
    for folder in folders:
        shell(root, f'pack "{named_by("FAELLED_BINARY")}" "{folder}"')
    return folders


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def test_the_same_binary_packs_to_the_same_bytes(packed):
    first, second = map(digests, packed)
    assert first == second and len(first) == 2


def test_the_tarball_tells_nothing_of_who_made_it(packed):
    (file,) = packed[0].glob("*.tar.gz")
    assert file.read_bytes()[4:8] == b"\0\0\0\0", "gzip's own time"
    with tarfile.open(file) as tar:
        members = tar.getmembers()
    assert {member.mtime for member in members} == {members[0].mtime}
    assert all((member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "") for member in members)
    names = {member.name.partition("/")[2] for member in members}
    assert {"bin/faelled", "LICENSE", "sbom.cdx.json", "deploy/systemd/faelled.service", "docs/configuration.md"} <= names
    assert not [member.name for member in members if member.mode & 0o022]


@pytest.fixture(scope="module")
def bom(packed):
    (file,) = packed[0].glob("*.cdx.json")
    return json.loads(file.read_text())


def test_the_bill_of_materials_is_cyclonedx(packed):
    validation = pytest.importorskip("cyclonedx.validation.json")
    from cyclonedx.schema import SchemaVersion
    (file,) = packed[0].glob("*.cdx.json")
    assert validation.JsonStrictValidator(SchemaVersion.V1_5).validate_str(file.read_text()) is None


def test_the_bill_names_every_library_that_the_binary_loads(bom):
    names = {component["name"] for component in bom["components"]}
    listed = subprocess.run(["ldd", named_by("FAELLED_BINARY")], capture_output=True, text=True).stdout
    for word, package in (("libssl", "libssl3"), ("libsqlite3", "libsqlite3-0"), ("libfmt", "libfmt9"), ("libc.so", "libc6")):
        if word in listed:
            assert package in names
    assert {"libboost1.81-dev", "node-llhttp", "svelte"} <= names
    for component in bom["components"]:
        assert component["version"] and component["purl"].startswith("pkg:"), component
    hashed = [component for component in bom["components"] if component.get("hashes")]
    assert len(hashed) > len(bom["components"]) * 0.8
    references = [component["bom-ref"] for component in bom["components"]]
    assert len(references) == len(set(references))


def ours(root, pattern):
    return [path for path in root.rglob(pattern) if not {"node_modules", "build"} & set(path.relative_to(root).parts)]


def test_what_is_pinned_is_pinned_by_hash(root):
    """Every lock file of Node packages and every list of Python packages: nothing comes by its name alone."""
    locks, lists = ours(root, "package-lock.json"), ours(root, "*requirements*.txt")
    assert {"ui", "browser", "sdk"} <= {lock.parent.name for lock in locks}
    assert {"e2e", "open_webui", "vllm"} <= {file.parent.name for file in lists}
    for lock in locks:
        for path, entry in json.loads(lock.read_text())["packages"].items():
            assert not path or entry.get("link") or entry["integrity"].startswith("sha512-"), f"{lock}: {path}"
    for file in lists:
        for block in re.split(r"\n(?=\S)", file.read_text().replace("\\\n", " ")):
            if block and not block.startswith("#"):
                assert "==" in block and "--hash=sha256:" in block, f"{file}: {block[:80]}"


# What a name of scripts/pins.sh ends in where it is fetched, and where its hash stands.
HASH_OF = {"package": "{stem}_package_sha256", "file": "{stem}_sha256", "project": "{stem}_parts_sha256", "wheel": "{stem}_sha256_{machine}"}


def test_every_pin_of_what_is_fetched_has_its_hash(root):
    text = (root / "scripts/pins.sh").read_text()
    pins = {name: [value] for name, value in re.findall(r'^(\w+)="?([^"(\n]+)"?$', text, re.MULTILINE)}
    pins |= {name: words.split() for name, words in re.findall(r"^(\w+)=\(([^)]*)\)$", text, re.MULTILINE)}
    assert set(pins) == set(re.findall(r"^(\w+)=", text, re.MULTILINE)), "all of it is read"
    lists = "".join(file.read_text() for file in ours(root, "*requirements*.txt"))
    for name, values in pins.items():
        stem, kind, *machine = name.split("_", 2)
        if "sha256" in name:
            assert values and all(re.fullmatch("[0-9a-f]{64}", value) for value in values), name
        elif kind == "project" and any(other.startswith(f"{stem}_wheel_") for other in pins):
            continue  # where the wheels lie, which have hashes of their own
        elif kind in HASH_OF:
            assert HASH_OF[kind].format(stem=stem, machine="".join(machine)) in pins, f"{name} is fetched without a hash"
        elif kind == "version":
            listed = re.search(rf"^{stem}[\w-]*=={re.escape(values[0].partition('+')[0])} ", lists, re.MULTILINE)
            assert listed or any(other.startswith(stem) and "sha256" in other for other in pins), name
        else:
            assert kind in ("flags", "portable", "mib"), f"is {name} fetched?"


def test_nothing_is_fetched_without_a_hash(root):
    texts = [(root / name).read_text() for name in ("run", "test", "dev")] + [path.read_text() for path in ours(root, "*.sh")]
    calls = [line for text in texts for line in re.findall(r"^ *fetch \w.*", text, re.MULTILINE)]
    calls += [line for path in ours(root, "*.py") if path.parent.name != "scripts" for line in re.findall(r'fetch\.py", *".*', path.read_text())]
    assert len(calls) >= 5 and all("--sha256" in call for call in calls), calls
    installed = re.findall(r"pip install .*", "".join(texts))
    assert installed and all("--require-hashes" in line for line in installed), installed


def test_a_signature_proves_the_sums_and_a_turned_bit_does_not_pass(root, packed, tmp_path):
    key, public = tmp_path / "release.private", tmp_path / "release.public"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
    folder = packed[0]
    shell(root, f'sign "{folder}" "{key}"')
    verify = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", str(public), "-in", "SHA256SUMS", "-sigfile", "SHA256SUMS.sig"]
    assert subprocess.run(verify, cwd=folder, capture_output=True).returncode == 0
    assert subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder).returncode == 0
    sums = folder / "SHA256SUMS"
    text = sums.read_text()
    sums.write_text(text.replace(text[0], "0" if text[0] != "0" else "1", 1))
    assert subprocess.run(verify, cwd=folder, capture_output=True).returncode != 0


# The bundle

INSIDE = r"""
set -eu
/bundle/install.sh
dpkg --force-depends --unpack /bundle/packages/libfmt9_*.deb >/dev/null   # as where an update was cut off
/bundle/install.sh | grep -q Installed   # again: an update
test -z "$(dpkg --audit)"
test -z "$(ls -A /etc/faelled | grep -v faelled.yaml)"
/usr/local/bin/faelled check /etc/faelled/faelled.yaml
/usr/local/bin/llama-server --version 2>&1 | head -n 1
test "$(stat -c '%U %a' /var/lib/faelled)" = 'faelled 700'
setpriv --reuid faelled --regid faelled --clear-groups /usr/local/bin/faelled serve --config /etc/faelled/faelled.yaml 2>/tmp/log &
server=$!
for i in $(seq 300); do [ -S /var/lib/faelled/control.sock ] && break; sleep 0.1; done
/usr/local/bin/faelled member add aarhus --name Aarhus --config /etc/faelled/faelled.yaml
/usr/local/bin/faelled member list --config /etc/faelled/faelled.yaml
kill $server; wait $server
echo all is well
"""
LOOPBACK_UP = ("import fcntl, socket, struct; s = socket.socket(); "
               "fcntl.ioctl(s, 0x8914, struct.pack('16sH14x', b'lo', 0x49))")  # SIOCSIFFLAGS: IFF_UP | IFF_LOOPBACK | IFF_RUNNING


def mirror():
    """Where this machine's own packages come from."""
    listed = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"],
                            capture_output=True, text=True).stdout
    return next(line.split(" ")[0] for line in listed.splitlines() if line.endswith(" bookworm"))


@pytest.mark.timeout(900)
@pytest.mark.skipif(os.geteuid() != 0, reason="a bare machine is made with debootstrap, which needs root")
def test_a_bare_machine_installs_the_bundle_without_a_network_needs_root(root, tmp_path):
    bundle, machine = tmp_path / "bundle", tmp_path / "machine"
    shell(root, f'bundle "{named_by("FAELLED_BINARY")}" "$(realpath "$FAELLED_LLAMA_SERVER")" "{bundle}"')
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "faelled/debian-12-minbase.tar"
    if not base.exists():
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", str(machine), mirror()], check=True, capture_output=True)
        subprocess.run(["tar", "-C", str(machine), "--numeric-owner", "-cf", f"{base}.new", "."], check=True)
        os.replace(f"{base}.new", base)
    else:
        machine.mkdir()
        subprocess.run(["tar", "-C", str(machine), "-xf", str(base)], check=True)
    assert not (machine / "usr/lib/x86_64-linux-gnu/libfmt.so.9").exists(), "a bare machine"
    subprocess.run(["cp", "-r", str(bundle), str(machine / "bundle")], check=True)
    inside = f"python3 -c \"{LOOPBACK_UP}\" && exec chroot '{machine}' /bin/sh -c \"$INSIDE\""
    done = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
                           f"mount -t proc proc '{machine}/proc' && {inside}"], capture_output=True, text=True,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "INSIDE": INSIDE})
    assert done.returncode == 0 and done.stdout.endswith("all is well\n"), done.stdout[-2000:] + done.stderr[-2000:]
    assert "Aarhus" in done.stdout
    assert oct((machine / "etc/faelled/faelled.yaml").stat().st_mode & 0o777) == "0o640"
