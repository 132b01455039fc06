"""What a vLLM on a GPU does with files before it serves, from a process of its own: libcuda (read from 550.163 and seen
to fail on 580.159) reads its own maps and status and names a thread by fopen(…, "wb"); Triton moves what it has compiled
into its cache from a folder beside it. Without these there are no tokens."""

import ctypes
import os
import threading


def init():
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    libc.fclose.argtypes = [ctypes.c_void_p]
    for name in ("maps", "status"):
        os.close(os.open(f"/proc/self/{name}", os.O_RDONLY))
    comm = libc.fopen(f"/proc/self/task/{threading.get_native_id()}/comm".encode(), b"wb")
    if not comm:
        raise OSError("Error 304: OS call failed or operation not supported on this OS")
    libc.fclose(comm)


def compile_kernel():
    cache = os.environ["TRITON_CACHE_DIR"]
    kernel = os.path.join(cache, "kernel.cubin")
    if os.path.exists(kernel):
        return
    part = os.path.join(cache, "tmp.pid_1")
    os.makedirs(part, exist_ok=True)
    with open(os.path.join(part, "kernel.cubin"), "wb") as file:
        file.write(b"sm_90")
    os.replace(os.path.join(part, "kernel.cubin"), kernel)
    os.rmdir(part)


def start():
    pid = os.fork()
    if pid == 0:
        try:
            init()
            compile_kernel()
        except OSError as error:
            print(f"RuntimeError: {error}", flush=True)
            os._exit(1)
        os._exit(0)
    if os.waitpid(pid, 0)[1] != 0:
        os._exit(1)
