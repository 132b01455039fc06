"""What a process and all its descendants cost, read from /proc: CPU seconds and proportional memory."""

import ctypes
import os
import signal
import subprocess
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def _stat(pid):
    """The fields after the command's name: state, parent, … None for a process that has gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def tree(root):
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(name)):
            children.setdefault(int(fields[1]), []).append(int(name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def cpu_s(root):
    """User + system, with threads that have ended and children that were waited for. Resolution 10 ms."""
    total = 0
    for pid in tree(root):
        if fields := _stat(pid):
            total += sum(int(ticks) for ticks in fields[11:15])
    return total / TICKS_PER_SECOND


def fine_cpu_s(root):
    """Nanosecond resolution, without threads that have ended: for a process at rest."""
    total = 0
    for pid in tree(root):
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total / 1e9


def pss_mib(root):
    """Proportional set size: pages shared by several processes are counted once between them."""
    total = 0
    for pid in tree(root):
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            pass
    return total / 1024


_libc = ctypes.CDLL(None)


def _die_with_parent():
    _libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def start(argv, core, **options):
    """Starts argv pinned to one core (None: anywhere); it ends when we do, however we end."""
    pinned = ["taskset", "-c", str(core), *argv] if core is not None else list(argv)
    return subprocess.Popen(pinned, preexec_fn=_die_with_parent, **options)


def stop(process, seconds_max=15):
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(seconds_max)
    except subprocess.TimeoutExpired:
        for pid in tree(process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait()


def until(condition, what, seconds_max=30):
    """What it said in the end, which is true."""
    end = time.monotonic() + seconds_max
    while not (said := condition()):
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {seconds_max} s")
        time.sleep(0.05)
    return said
