"""Files that appear under their name whole, or not at all."""
import contextlib
import csv
import io
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any


@contextlib.contextmanager
def atomic(path: str | os.PathLike) -> Iterator[IO[bytes]]:
    """An open binary file that takes the place of `path` when the block ends without an error.

    The bytes go to a temporary file in the same folder, are written through to the disk, and renamed: whenever the
    process dies, `path` holds the old bytes or the new ones. OSError, which names `path`, where they cannot be written.
    """
    path = Path(os.path.realpath(path))               # behind a link: the link stays
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_folder(path.parent)
    except OSError as error:
        if error.strerror and error.filename in (None, str(part), part):    # a temporary name says nothing
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with contextlib.suppress(OSError):            # gone already when all went well
            part.unlink()


def write_json(path: str | os.PathLike, content: Any) -> None:
    """`content` as indented JSON, whole or not at all; NaN and infinity are refused, JSON does not know them.

    A byte of a file's name that is no UTF-8 becomes an escape of JSON, and is read back as it was.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    with atomic(path) as file:
        file.write(text.encode(errors="backslashreplace") + b"\n")


def write_csv(path: str | os.PathLike, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """Rows below a header, every float with all its digits; whole or not at all."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    with atomic(path) as file:
        file.write(text.getvalue().encode())
    return Path(path)


def expanded(path: str | os.PathLike) -> Path:
    """The path with ~ as the home of the user; a ~name of nobody stays as it is, as in a shell."""
    return Path(os.path.expanduser(path))


def sweep(folder: Path, names: tuple[str, ...]) -> None:
    """Remove the temporary files that a killed process left beside those `names`."""
    for name in names:
        for part in folder.glob(f".{name}.*.part"):
            part.unlink(missing_ok=True)


def _sync_folder(folder):
    """Write the rename itself through, where the system lets a folder be opened (Windows does not)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
