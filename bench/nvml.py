"""What the NVIDIA driver says of this machine's GPUs: their names, and how much of their memory is taken."""

import ctypes

MIB = 1 << 20


class NoGpu(Exception):
    """Why, in words."""


class _Memory(ctypes.Structure):
    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


class Gpus:
    """Through the driver's own library, as faelled and nvidia-smi ask it (NVML API Reference)."""

    def __init__(self):
        try:
            self.library = ctypes.CDLL("libnvidia-ml.so.1")
        except OSError:
            raise NoGpu("there is no NVIDIA driver (libnvidia-ml.so.1)") from None
        self.library.nvmlErrorString.restype = ctypes.c_char_p
        self.call("nvmlInit_v2")
        count = ctypes.c_uint()
        self.call("nvmlDeviceGetCount_v2", ctypes.byref(count))
        if count.value == 0:
            raise NoGpu("the NVIDIA driver names no GPU")
        self.handles = [ctypes.c_void_p() for _ in range(count.value)]
        for index, handle in enumerate(self.handles):
            self.call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(handle))

    def call(self, name, *words):
        status = getattr(self.library, name)(*words)
        if status != 0:
            raise NoGpu(f"the NVIDIA driver says to {name}: {self.library.nvmlErrorString(status).decode()}")

    def names(self):
        names = []
        for handle in self.handles:
            text = ctypes.create_string_buffer(96)
            self.call("nvmlDeviceGetName", handle, text, ctypes.c_uint(len(text)))
            names.append(text.value.decode())
        return names

    def taken_mib(self):
        """Of all of them, whoever took it."""
        taken = 0
        for handle in self.handles:
            memory = _Memory()
            self.call("nvmlDeviceGetMemoryInfo", handle, ctypes.byref(memory))
            taken += memory.used
        return taken / MIB
