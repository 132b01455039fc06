#!/usr/bin/env python3
"""The database away for a while, under load: what was served and refused meanwhile, how the journal grew, how soon all was
in the ledger afterwards, and whether ledger, clients and engine count the same. Started by ./dev outage."""

import argparse
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/e2e"))

import tempfile  # noqa: E402

from fake_engine import FakeEngine  # noqa: E402
from postgres import Postgres  # noqa: E402
from server import SECRET, Server  # noqa: E402
from waiting import until  # noqa: E402

MIB = 1024 * 1024


class Phase:
    """What clients saw while it lasted."""

    def __init__(self, name):
        self.name = name
        self.statuses = Counter()
        self.slowest_s = 0.0
        self.begun = time.monotonic()
        self.took_s = 0.0

    def row(self):
        refused = sum(count for status, count in self.statuses.items() if status != 200)  # or no answer at all
        return f"{self.name:8} {self.took_s:8.1f} s {self.statuses[200]:9} served {refused:6} refused {self.slowest_s * 1000:8.0f} ms slowest"


class Clients:
    def __init__(self, url, rate, count=8):
        self.url, self.pause_s = url, count / rate
        self.phase = Phase("before")
        self.phases = [self.phase]
        self.ids = Counter()
        self.errors = Counter()  # requests that ended without an answer, by their words
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {SECRET}"
            while not self.over.wait(self.pause_s):
                begun = time.monotonic()
                status, request_id, error = self.one(session)
                with self.lock:
                    self.phase.statuses[status] += 1
                    self.phase.slowest_s = max(self.phase.slowest_s, time.monotonic() - begun)
                    if error:
                        self.errors[error] += 1
                    else:
                        self.ids[request_id] += 1

    def one(self, session):
        """Status, request id and error of one request: 0, None and its words where there was no answer."""
        try:
            answer = session.post(self.url + "/v1/chat/completions", timeout=60,
                                  json={"model": "fake", "messages": [{"role": "user", "content": "hello"}]})
            return answer.status_code, answer.headers["x-request-id"], None
        except (requests.RequestException, KeyError) as error:
            return 0, None, f"{type(error).__name__}: {error}"[:200]

    def next_phase(self, name):
        with self.lock:
            self.phase.took_s = time.monotonic() - self.phase.begun
            self.phase = Phase(name)
            self.phases.append(self.phase)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        self.phase.took_s = time.monotonic() - self.phase.begun


def size_of(folder):
    return sum(path.stat().st_size for path in folder.iterdir())


def main():
    parser = argparse.ArgumentParser(prog="./dev outage", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="how long the database is away (default 30)")
    parser.add_argument("--rate", type=float, default=50, help="requests a second (default 50)")
    options = parser.parse_args()
    database, engine = Postgres(), FakeEngine()
    server = Server(Path(tempfile.mkdtemp(prefix="faelled-outage-")), [engine.model()], **database.config())
    try:
        server.start()
        clients = Clients(server.url, options.rate)
        journal = server.data / "journal"
        until("requests are served", lambda: clients.phase.statuses[200] > options.rate, 60)
        journal_before = size_of(journal)
        clients.next_phase("away")
        database.stop()
        acts = Counter()
        end = time.monotonic() + options.seconds
        while (left := end - time.monotonic()) > 0:
            acts[server.faelled("member", "add", f"m{sum(acts.values())}", check=False).returncode] += 1
            time.sleep(min(left, 5))
        journal_away = size_of(journal)
        database.start()
        clients.next_phase("after")
        back = time.monotonic()
        until("the store is back", lambda: server.get("/readyz", secret=None).json()["store"], 60)
        up_s = time.monotonic() - back
        until("requests go on", lambda: clients.phase.statuses[200] > options.rate, 60)
        clients.end()
        rows = Counter(row["request_id"] for row in server.rows())
        for phase in clients.phases:
            print(phase.row())
        print(f"administrative acts while away: {acts[1]} refused, {acts[0]} done")
        print(f"journal: {journal_before / MIB:.0f} MiB before, {journal_away / MIB:.0f} MiB at the end of the outage")
        print(f"the store was used again {up_s:.1f} s after the database answered")
        print(f"clients saw {sum(clients.ids.values())} answers, the engine counted {len(engine.calls)}, the ledger has "
              f"{sum(rows.values())} rows")
        exact = rows == clients.ids and len(engine.calls) == sum(clients.ids.values())
        print("each exactly once" if exact else "THEY DIFFER")
        for words, times in clients.errors.most_common():
            print(f"NO ANSWER, {times} times: {words}")
        return 0 if exact and not acts[0] and not clients.errors else 1
    finally:
        server.end()
        engine.close()
        database.end()


if __name__ == "__main__":
    sys.exit(main())
