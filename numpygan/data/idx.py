"""IDX: the file format of MNIST, read from gzip without trusting a byte of it."""
import gzip
import hashlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np

from .protocol import DataError
from .rows import read_bounded


def read_idx(path: Path, shape: tuple[int, ...]) -> tuple[np.ndarray, str]:
    """The uint8 array of this shape in a gzip IDX file, and the sha256 of the file.

    The format: a magic number (00 00 08 k: bytes, k axes), k counts of four bytes, high byte first, then the
    entries in C order. DataError unless magic number, counts and exact size are right; never more than
    the expected size plus one byte is unpacked, whatever the file claims or holds.
    """
    size = 4 + 4 * len(shape) + int(np.prod(shape))
    most = size + size // 100 + 4096                     # gzip cannot need much more than what it holds
    packed = read_bounded(path, most, f", although it should unpack to {size}: replace it by the original file")
    raw = _unpack(packed, size, path)
    magic = struct.unpack(">I", raw[:4].rjust(4, b"\0"))[0]
    if magic != 0x0800 + len(shape):
        raise DataError(f"{path} begins with the magic number {magic}, not {0x0800 + len(shape)}: it is no IDX "
                        f"file of bytes with {len(shape)} axes, so replace it by the original file")
    counts = tuple(int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(len(shape)))
    if counts != shape:
        raise DataError(f"{path} says that it holds an array of shape {counts}, not {shape}: "
                        "replace it by the original file")
    if len(raw) != size:
        found = "more" if len(raw) > size else f"{len(raw)}"
        raise DataError(f"{path} unpacks to {found} bytes, not exactly {size}: "
                        "replace it by the original file")
    x = np.frombuffer(raw, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)
    return x, hashlib.sha256(packed).hexdigest()


def _unpack(packed: bytes, size: int, path: Path) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            return file.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:      # BadGzipFile is an OSError
        raise DataError(f"{path} is not a whole gzip file ({error}): "
                        "replace it by the original file") from error
