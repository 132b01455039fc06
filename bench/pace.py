"""How fast this machine is just now. Neighbours that share its cores, caches and memory make all of it slower by a tenth to
a third, for half a minute at a time: what is measured in one minute says little of the next, where nobody knows the pace of both."""

import hashlib
import itertools
import os
import statistics
import threading
import time

WORK = b"\x01" * (4 << 20)
EVERY_S = 0.5  # 1 % of a core
AROUND_S = 2  # before and after what is asked about: a single reading says little


class Pace:
    """Times a fixed piece of work all along, in a thread of its own, on each core in turn, whose neighbours differ: seconds of
    its processor time, so that who waits for a core is not taken for a slow machine."""

    def __init__(self):
        self.readings = []  # (when, seconds), by time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for core in itertools.cycle(sorted(os.sched_getaffinity(0))):
            os.sched_setaffinity(0, {core})  # of this thread alone
            begun = time.thread_time()
            hashlib.sha256(WORK).digest()
            self.readings.append((time.monotonic(), time.thread_time() - begun))
            if self._ended.wait(EVERY_S):
                return

    def stop(self):
        self._ended.set()
        self._thread.join()

    def over(self, begun, ended):
        """Mean seconds of the work between two moments of time.monotonic(), and a little around them."""
        near = [seconds for when, seconds in self.readings if begun - AROUND_S <= when <= ended + AROUND_S]
        if not near:
            raise ValueError("nothing was read of that time")
        return statistics.mean(near)
