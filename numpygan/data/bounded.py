"""The bytes of a file, unless it has more than it can need: what nobody should open is not read into memory."""

from pathlib import Path

from .errors import DataError


def read_bounded(path: Path, most: int, advice: str) -> bytes:
    """All bytes of the file; DataError where it cannot be read, or has more than `most`, which ends with the advice."""
    try:
        with open(path, "rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): check the file and its permissions") from error
    if len(content) > most:
        raise DataError(f"{path} has more than {most} bytes{advice}")
    return content
