"""Waiting without fixed sleeps: until something holds, or a deadline has passed."""

import time

STEP_S = 0.01


class TooLate(AssertionError):
    pass


def until(what, holds, within_s=10.0):
    """What `holds` returned once it is true. `what` is said when it never was."""
    deadline = time.monotonic() + within_s
    while True:
        if answer := holds():
            return answer
        if time.monotonic() > deadline:
            raise TooLate(f"{what}: not within {within_s} s")
        time.sleep(STEP_S)


class Stopwatch:
    def __init__(self):
        self.begun = time.monotonic()

    @property
    def s(self):
        return time.monotonic() - self.begun
