"""A gateway some of whose calls of the system fail, and some of its allocations (faults.cc)."""
import errno
import mmap
import os
import pathlib
import struct
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent / "faults.cc"
# In the order of the library's own; the errors that each may have.
KINDS = {
    "new": [errno.ENOMEM], "malloc": [errno.ENOMEM], "accept4": [errno.EMFILE, errno.ECONNABORTED, errno.EINTR, errno.ENOMEM], "socket": [errno.EMFILE, errno.ENOMEM],
    "connect": [errno.ECONNREFUSED, errno.ENETUNREACH, errno.EADDRNOTAVAIL], "bind": [errno.EADDRINUSE, errno.ENOMEM], "listen": [errno.EADDRINUSE],
    "read": [errno.EINTR, errno.EIO], "recv": [errno.ECONNRESET, errno.EINTR], "recvmsg": [errno.ECONNRESET, errno.EINTR],
    "write": [errno.EINTR, errno.EPIPE], "send": [errno.ECONNRESET, errno.EINTR], "sendmsg": [errno.ECONNRESET, errno.EINTR],
    "writev": [errno.EINTR, errno.ENOSPC], "epoll_ctl": [errno.ENOMEM, errno.ENOSPC], "epoll_wait": [errno.EINTR], "epoll_create1": [errno.EMFILE],
    "open": [errno.EMFILE, errno.EACCES], "fopen": [errno.EMFILE, errno.EACCES], "opendir": [errno.EMFILE, errno.EACCES], "stat": [errno.EACCES, errno.EIO],
    "mmap": [errno.ENOMEM], "eventfd": [errno.EMFILE], "timerfd_create": [errno.EMFILE], "timerfd_settime": [errno.EINVAL], "getsockname": [errno.ENOBUFS],
    "getpeername": [errno.ENOTCONN], "getsockopt": [errno.ENOBUFS], "setsockopt": [errno.ENOMEM, errno.EINVAL], "inotify_init1": [errno.EMFILE],
    "inotify_add_watch": [errno.ENOSPC], "pthread_create": [errno.EAGAIN],
}
NAMES = list(KINDS)
SLOT = struct.Struct("qqqq")


def library(binary):
    """Built once beside the binary."""
    out = pathlib.Path(binary).resolve().parent / "faults.so"
    if not out.exists() or out.stat().st_mtime < SOURCE.stat().st_mtime:
        subprocess.run([os.environ.get("CXX", "c++"), "-std=c++20", "-O1", "-g", "-shared", "-fPIC", "-fno-builtin", str(SOURCE), "-o", str(out) + ".new", "-ldl"], check=True)
        os.replace(str(out) + ".new", out)
    return out


class Faults:
    """What fails in the processes that `environment` is given to."""

    def __init__(self, binary):
        self.file = tempfile.NamedTemporaryFile()
        self.file.write(bytes(4096))
        self.file.flush()
        self.map = mmap.mmap(self.file.fileno(), 4096)
        self.environment = {"LD_PRELOAD": str(library(binary)), "TIDEGATE_TEST_FAULTS": self.file.name}

    def _slot(self, kind):
        at = NAMES.index(kind) * SLOT.size
        return at, SLOT.unpack(self.map[at:at + SLOT.size])

    def arm(self, kind, number, error):
        """The `number`th call from now on fails."""
        at = NAMES.index(kind) * SLOT.size
        self.map[at + 24:at + 32] = struct.pack("q", error)
        self.map[at:at + 8] = struct.pack("q", number)

    def disarm(self):
        for kind in NAMES:
            at = NAMES.index(kind) * SLOT.size
            self.map[at:at + 8] = bytes(8)

    def calls(self, kind):
        return self._slot(kind)[1][1]

    def fired(self, kind):
        return self._slot(kind)[1][2]
