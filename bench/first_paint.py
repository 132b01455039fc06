#!/usr/bin/env python3
"""How soon the chat page is there on a slow computer, beside Open WebUI's where that is installed. See README.md."""

import argparse
import collections
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPO / "tests/e2e"), str(REPO / "tests/open_webui")]

from check import running  # noqa: E402
from fake_engine import FakeEngine  # noqa: E402
from server import Server  # noqa: E402


@contextlib.contextmanager
def our_page():
    fake = FakeEngine()
    with tempfile.TemporaryDirectory(prefix="faelled-first-paint-") as name:
        faelled = Server(Path(name), [fake.model("small", concurrency=1, name="Lille model")])
        try:
            faelled.start(demo=True)
            yield {"name": "faelled", "url": faelled.url + "/", "sign_in": faelled.said["sign_in"], "field": "#question"}
        finally:
            faelled.end()
            fake.close()


@contextlib.contextmanager
def open_webuis_page(venv):
    with running(venv) as (_, _, _, rival):
        rival.sign_up("admin")
        yield {"name": "open-webui", "url": rival.url + "/", "token": rival.tokens["admin"], "field": "#chat-input"}


def visits_of(pages, slower, visits):
    spec = json.dumps({"pages": pages, "slower": slower, "visits": visits})
    with subprocess.Popen(["node", REPO / "bench/first_paint.mjs", spec], stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            yield json.loads(line)
    if child.returncode:
        raise SystemExit(f"first_paint.mjs ended with {child.returncode}")


def measure(pages, options):
    seen = collections.defaultdict(list)
    for number, visit in enumerate(visits_of(pages, options.slower, options.visits), 1):
        seen[visit["slower"], visit["cache"], visit["name"]].append(visit)
        if sys.stderr.isatty():
            print(f"\r{number} of {len(options.slower) * options.visits * len(pages) * 2} visits\033[K\r", end="", file=sys.stderr, flush=True)
    print(f"load average {os.getloadavg()[0]:.1f}, medians of {options.visits} visits in turn, milliseconds (shortest to longest)\n")
    print("| processor | cache | page | first paint | writing field there | kB | requests |\n|---|---|---|---|---|---|---|")
    for (times, cache, name), visits in seen.items():
        def told(what):
            values = [visit[what] for visit in visits]  # noqa: B023
            return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"
        kilobytes, requests = (statistics.median(visit[what] for visit in visits) for what in ("bytes", "requests"))
        print(f"| {times} times slower | {cache} | {name} | {told('paint_ms')} | {told('field_ms')} | {kilobytes / 1000:.0f} | {requests:.0f} |")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--open-webui", metavar="FOLDER", help="its virtual environment")
    options.add_argument("--slower", type=int, nargs="+", default=[1, 4, 6], metavar="N", help="times that the processor is slower (1 4 6)")
    options.add_argument("--visits", type=int, default=7, metavar="N", help="of each page and processor (7)")
    given = options.parse_args()
    with contextlib.ExitStack() as stack:
        pages = [stack.enter_context(our_page())]
        if given.open_webui:
            pages.append(stack.enter_context(open_webuis_page(given.open_webui)))
        measure(pages, given)


if __name__ == "__main__":
    main()
