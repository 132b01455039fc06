"""Which test programs and files of tests need not be run again: what passed is kept until something changes that it could
see, as Bazel and Gradle do. A mark beside the report holds the hash of all of that, and which tests passed; a clone that
is new has none. Not seen are the clock, cores and memory, what is installed outside Debian's packages and the cache, and
what a fuzz target found before. Tests that draw lots are run each time."""

import hashlib
import json
import os
import platform
import subprocess
from pathlib import Path

# They reach a program compiled into it, and so by its own bytes.
COMPILED = (".cpp", ".hpp")
COMPILED_FOLDER = "ui/"

# They change from one terminal to the next, and no test reads them.
OF_THE_TERMINAL = ("_", "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "TERM", "WINDOWID")
OF_THE_TERMINAL_BEGINS = ("CCACHE_", "SSH_", "XDG_RUNTIME_", "XDG_SESSION_", "DBUS_")


def hash_of(path):
    """Of its bytes and of whether it is a program; "" where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return f"{hashlib.file_digest(file, 'sha256').hexdigest()} {os.fstat(file.fileno()).st_mode & 0o111}"
    except OSError:
        return ""


def installed():
    """What the cache holds under names with a hash, and is whole: without it some tests skip themselves."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "faelled"
    whole = [path for mark in (".complete", "lib/python3*/site-packages/vllm-*.dist-info/METADATA") for path in cache.glob(f"*/{mark}")]
    return sorted(path.relative_to(cache).as_posix() for path in whole)


def surroundings(root, whole_tree=False):
    """What programs may read besides their own bytes: the tree's other files (whole_tree: all, and what is installed in the
    cache), the machine's packages and kernel, the environment, and the engine and model that it names. None: it is not
    known, as outside a git checkout."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True)
    if listed.returncode:
        return None
    seen = hashlib.sha256()
    for name in sorted(set(listed.stdout.decode(errors="surrogateescape").split("\0"))):
        path = Path(root, name)
        compiled = name.endswith(COMPILED) or name.startswith(COMPILED_FOLDER)
        if name and (whole_tree or not compiled):
            seen.update(f"{name}\0{hash_of(path)}\n".encode(errors="surrogateescape"))
    seen.update(f"{platform.platform()} {hash_of('/var/lib/dpkg/status')} {installed() if whole_tree else ''}\n".encode())
    for name, value in sorted(os.environ.items()):
        if name in OF_THE_TERMINAL or name.startswith(OF_THE_TERMINAL_BEGINS):
            continue
        path = Path(value)
        stat = path.stat() if name.startswith("FAELLED_") and path.is_file() else None
        seen.update(f"{name}={path.resolve() if stat else value} {stat and (stat.st_size, stat.st_mtime_ns)}\n".encode())
    return seen.hexdigest()


class Kept:
    def __init__(self, look=lambda whole_tree: None, again=False):
        """look: the surroundings as they are now; None keeps nothing. again: everything is run, and what passes is kept."""
        self.look, self.again = look, again

    @staticmethod
    def key(seen, files, command, environment):
        """seen: the surroundings. files: those whose bytes matter; what is not there counts as nothing."""
        if seen is None:
            return None
        parts = [seen, *map(str, command), *(f"{name}={value}" for name, value in sorted(environment.items()))]
        parts += [hash_of(path) for path in files]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def passed(self, mark, key):
        """The tests that passed when all was as it is now; none where it was not."""
        if self.again or key is None:
            return []
        try:
            kept = json.loads(mark.read_text())
            return kept["tests"] if kept["key"] == key else []
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def keep(self, mark, key, tests):
        if key is not None:
            mark.write_text(json.dumps({"key": key, "tests": tests}))
