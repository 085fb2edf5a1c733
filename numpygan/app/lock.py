"""One process at a time writes into a folder. The system opens the lock when that process ends, however it ends."""
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:                                  # Windows
    import msvcrt

FAR = 1 << 20                                        # Windows locks bytes; this one is never written


class Held(Exception):
    """Another process holds the lock; `process` is its number, or 0 where that cannot be read."""

    def __init__(self, process: int):
        super().__init__(process)
        self.process = process


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; Held where another process does.

    A file that a killed process left is taken over. A folder that is moved takes its lock with it: one that is made
    anew under its name has none. Where no lock can be made (a folder that is read-only or has gone, a file system
    without locks) the block runs without one: if it cannot write there either, that error says more.
    """
    handle = _taken(path)
    try:
        yield
    finally:
        if handle is not None:
            with contextlib.suppress(OSError):       # while it is held, and only this one
                if os.path.samestat(os.fstat(handle), os.stat(path)):
                    path.unlink()
            os.close(handle)


def _taken(path: Path) -> int | None:
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:
            return None
        try:
            _lock(handle)
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                os.truncate(handle, 0)
                os.write(handle, str(os.getpid()).encode())
                return handle
            os.close(handle)                         # its holder removed it between the two lines: make a new one
        except BlockingIOError:
            os.close(handle)
            raise Held(_process(path)) from None
        except FileNotFoundError:
            os.close(handle)
        except OSError:                              # no locks here, or no room for the number
            return handle


def _lock(handle: int) -> None:
    """BlockingIOError where another process holds it."""
    if os.name != "nt":
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    os.lseek(handle, FAR, os.SEEK_SET)
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)   # type: ignore[attr-defined,unused-ignore]
    except PermissionError as error:
        raise BlockingIOError from error
    os.lseek(handle, 0, os.SEEK_SET)


def _process(path: Path) -> int:
    try:
        return int(path.read_bytes()[:20])
    except (OSError, ValueError):
        return 0
