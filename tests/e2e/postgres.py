"""A real PostgreSQL for tests: a server in a folder of its own, on a loopback port, with a password; ended by its pid.
initdb refuses root, so root hands it to the user that Debian's package makes."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from waiting import until

PASSWORD = "test-password-0000000000000001"
BINARIES = Path("/usr/lib/postgresql/15/bin")
START_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="faelled-postgres-"))
        self.folder.chmod(0o711)
        self.home = self.folder / "pg"
        self.home.mkdir()
        self.port = free_port()
        self.process = None
        secret = self.folder / "password"
        secret.write_text(PASSWORD + "\n")
        self.password_file = secret
        secret.chmod(0o600)
        theirs = self.home / "password"
        shutil.copy(secret, theirs)
        if os.geteuid() == 0:
            shutil.chown(self.home, "postgres")
            shutil.chown(theirs, "postgres")
        subprocess.run(self.as_its_user(BINARIES / "initdb", "-D", self.home / "data", "-U", "faelled", "-A", "scram-sha-256",
                                        "--pwfile", theirs, "-E", "UTF8", "--locale=C", "--no-sync"),
                       check=True, capture_output=True, cwd="/")
        self.start()

    @staticmethod
    def as_its_user(*command):
        """It ends with us, however we end."""
        user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        return ["setpriv", "--pdeathsig", "INT", *user, *map(str, command)]

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.as_its_user(BINARIES / "postgres", "-D", self.home / "data", "-k", self.home, "-p", self.port,
                                 "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "full_page_writes=off"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        until("PostgreSQL answers", self.answers, START_S)
        return self

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        return subprocess.run([BINARIES / "pg_isready", "-q", "-h", self.home, "-p", str(self.port)]).returncode == 0

    def stop(self, how=signal.SIGINT):
        """Cuts every session off; returns when it has ended. SIGQUIT: as a crash would."""
        self.process.send_signal(how)
        self.process.wait(60)

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database="postgres"):
        return f"postgresql://faelled@127.0.0.1:{self.port}/{database}"

    def config(self, database="postgres"):
        """What a server's configuration says to use it."""
        return {"store": self.url(database), "store_password_file": str(self.password_file)}

    def sql(self, statement, database="postgres"):
        done = subprocess.run([BINARIES / "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", self.url(database), "-c", statement],
                              capture_output=True, text=True, env={**os.environ, "PGPASSWORD": PASSWORD})
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def new_database(self, name):
        self.sql(f"CREATE DATABASE {name}")
        return name
