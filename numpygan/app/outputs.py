"""Where results may go: said before the work, not after it."""
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..files import expanded
from . import lock
from .options import Misuse

LOCK = ".lock"
KEPT = ("history.csv", "config.json", "checkpoint.npz")          # of a run: what cannot be drawn again


def folder(out: str | os.PathLike) -> Path:
    """The folder that results go to; Misuse where a file has its name, or a link on the way to it leads nowhere."""
    found = expanded(out)
    for place in (found, *found.parents):
        if place.is_symlink() and not place.exists():
            raise Misuse(f"{place} is a link to {os.readlink(place)}, which is not there: make that folder, or name "
                         f"another with --out")
    if found.exists() and not found.is_dir():
        raise Misuse(f"{found} is a file: name a folder with --out")
    return found


@contextlib.contextmanager
def locked(place: Path) -> Iterator[None]:
    """Hold the lock of that folder while the block runs; Misuse where another process holds it."""
    try:
        with lock.held(place / LOCK):
            yield
    except lock.Held as other:
        which = f" (process {other.process})" if other.process else ""
        raise Misuse(f"{place} is being written by another numpygan{which}: wait until it has ended, or stop "
                     f"it") from None


def check_file(path: str, option: str) -> None:
    """Misuse unless a file can be written there."""
    place = Path(os.path.realpath(path))                  # behind a link, where `atomic` writes
    if place.is_dir():
        raise Misuse(f"{option} {path} is a folder: name a file")
    if place.exists() and not place.is_file():            # such as /dev/null, which root could replace
        raise Misuse(f"{option} {path} is a device or a pipe, whose place a file would take: name a file")
    if place.name in KEPT and place.with_name("config.json").is_file():
        raise Misuse(f"{option} {path} is the {place.name} of a run, which would be lost: name another file")
    if not place.parent.is_dir():
        above = place.parent if Path(path).is_symlink() else Path(path).parent
        raise Misuse(f"{option} {path} lies in no folder: make {above} first, or name another")
    if not os.access(place.parent, os.W_OK):
        raise Misuse(f"{option} {path} lies in a folder that cannot be written: name another")
