"""Which test programs need not be run again: what passed is kept until something changes that its program could see, as
Bazel and Gradle do. A mark beside the report holds the hash of all of that; a clone that is new has none."""

import hashlib
import os
import platform
import subprocess
from pathlib import Path

# They reach a program compiled into it, and so by its own bytes.
COMPILED = (".cpp", ".hpp")
COMPILED_FOLDER = "ui/"


def hash_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def surroundings(root):
    """What programs may read besides their own bytes: the tree's other files, the machine's packages and kernel, and the
    engine and model that they are given. None: it is not known, as outside a git checkout."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True)
    if listed.returncode:
        return None
    seen = hashlib.sha256()
    for name in sorted(set(listed.stdout.decode(errors="surrogateescape").split("\0"))):
        path = Path(root, name)
        if name and not name.endswith(COMPILED) and not name.startswith(COMPILED_FOLDER) and path.is_file():
            seen.update(f"{name}\0{hash_of(path)}\n".encode(errors="surrogateescape"))
    packages = Path("/var/lib/dpkg/status")
    seen.update(f"{platform.platform()} {hash_of(packages) if packages.is_file() else ''}\n".encode())
    for name, value in sorted(os.environ.items()):
        if name.startswith("FAELLED_"):
            path = Path(value)
            stat = path.stat() if path.is_file() else None
            seen.update(f"{name}={path.resolve() if stat else value} {stat and (stat.st_size, stat.st_mtime_ns)}\n".encode())
    return seen.hexdigest()


class Kept:
    def __init__(self, surroundings=None, again=False):
        """surroundings: None keeps nothing. again: everything is run, and what passes is kept."""
        self.surroundings, self.again = surroundings, again

    def key(self, programs, command, environment):
        """programs: those whose bytes matter; what is not there yet counts as nothing."""
        if self.surroundings is None:
            return None
        parts = [self.surroundings, *map(str, command), *(f"{name}={value}" for name, value in sorted(environment.items()))]
        parts += [hash_of(path) if Path(path).is_file() else "" for path in programs]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def holds(self, mark, key):
        return not self.again and key is not None and mark.is_file() and mark.read_text() == key

    def keep(self, mark, key):
        if key is not None:
            mark.write_text(key)
