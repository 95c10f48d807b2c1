"""Instructions that a process executes outside of the kernel, where the machine has counters of them (virtual ones seldom do)."""
import ctypes
import os
import platform
import struct

PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}.get(platform.machine())
HARDWARE, INSTRUCTIONS = 0, 1
EXCLUDE_KERNEL, EXCLUDE_HYPERVISOR = 1 << 5, 1 << 6
SIZE, CLOSE_ON_EXEC = 64, 8  # of struct perf_event_attr, first version


class Instructions:
    """Of the threads that `pid` has now. Errors: OSError, where they cannot be counted."""

    def __init__(self, pid, kind=HARDWARE, event=INSTRUCTIONS):
        if PERF_EVENT_OPEN is None:
            raise OSError(f"how to count on {platform.machine()} is not known here")
        library = ctypes.CDLL(None, use_errno=True)
        asked = struct.pack("IIQQQQQIIQ", kind, SIZE, event, 0, 0, 0, EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR, 0, 0, 0)
        self.files = []
        for thread in os.listdir(f"/proc/{pid}/task"):
            file = library.syscall(ctypes.c_long(PERF_EVENT_OPEN), asked, int(thread), -1, -1, ctypes.c_ulong(CLOSE_ON_EXEC))
            if file < 0:
                number = ctypes.get_errno()
                self.close()
                raise OSError(number, os.strerror(number))
            self.files.append(file)

    def now(self):
        return sum(struct.unpack("Q", os.read(file, 8))[0] for file in self.files)

    def close(self):
        for file in self.files:
            os.close(file)
        self.files = []
