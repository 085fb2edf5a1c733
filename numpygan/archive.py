"""Named arrays in one .npz file: never a pickle, checked before it is believed."""
import contextlib
import hashlib
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from .files import atomic

DTYPES = ("float32", "float64", "uint8")
MAX_ARRAYS = 64
CHECKSUM = "sha256"


class CheckpointError(ValueError):
    """A file that is not a whole checkpoint, or not one that can be read here; the message says what to do."""


def write(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> Path:
    """Write the arrays and their checksum: plain NumPy, which `numpy.load` opens too. Whole or not at all."""
    path = Path(path)
    digest = np.frombuffer(checksum(arrays), np.uint8)
    with atomic(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:
        for name, x in {**arrays, CHECKSUM: digest}.items():
            with packed.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(x), version=(1, 0), allow_pickle=False)
    return path


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The arrays of a file that `write` wrote.

    Every size that the file claims is compared with the bytes that are there before memory is taken.
    CheckpointError when the file is truncated, changed, packed or no such file at all; OSError when it cannot be
    opened.
    """
    path = os.fspath(path)                            # a number would be taken for an open file
    with damage_named(path), zipfile.ZipFile(path) as file:
        arrays = {name: array(file, info) for name, info in members(file, os.path.getsize(path)).items()}
    found = arrays.pop(CHECKSUM, None)
    if found is None or found.tobytes() != checksum(arrays):
        raise CheckpointError(f"{path} does not agree with its own checksum: it was changed or damaged after it was "
                              f"written, so take another copy")
    return arrays


def checksum(arrays: Mapping[str, np.ndarray]) -> bytes:
    """sha256 over name, dtype, shape and bytes of every array, in order of their names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        x = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}\0{x.dtype.str}\0{x.shape}\0".encode())
        digest.update(x.tobytes())
    return digest.digest()


@contextlib.contextmanager
def damage_named(path: str | os.PathLike) -> Iterator[None]:
    """Whatever a damaged archive raises, as one sentence that names the file."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{path} {error}") from None
    except OSError as error:
        if error.strerror:                            # from the system: no such file, no permission, …
            raise
        raise CheckpointError(f"{path} is damaged ({error}): take another copy") from error
    except (zipfile.BadZipFile, ValueError, EOFError, RuntimeError, NotImplementedError, KeyError, TypeError,
            OverflowError, SyntaxError, RecursionError, MemoryError) as error:
        reason = str(error).split("\n")[0][:80] or type(error).__name__
        raise CheckpointError(f"{path} is damaged or no checkpoint ({reason}): take another copy") from error


def members(file: zipfile.ZipFile, size: int, packed: int = 0) -> dict[str, zipfile.ZipInfo]:
    """The arrays of the archive by name; each must lie in the file of that size as it is, unpacked.

    `packed`: deflated ones are taken too, if they unpack to no more than that many bytes.
    """
    found: dict[str, zipfile.ZipInfo] = {}
    for info in file.infolist():
        name = info.filename.removesuffix(".npy")
        if name == info.filename or name in found:
            raise CheckpointError(f"holds {info.filename[:80]!r}, which does not belong into it")
        if info.compress_type == zipfile.ZIP_DEFLATED and packed:
            if info.file_size > packed:
                raise CheckpointError(f"holds {name[:80]!r} of {info.file_size} bytes, more than any array of this "
                                      f"network needs")
        elif info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise CheckpointError(f"holds {name[:80]!r} packed, and checkpoints are not")
        if not 0 <= info.header_offset <= size - info.compress_size:
            raise CheckpointError(f"is truncated: {name[:80]!r} should have {info.compress_size} bytes")
        found[name] = info
    if len(found) > MAX_ARRAYS or sum(info.compress_size for info in found.values()) > size:
        raise CheckpointError("claims more than it holds: it was made up or damaged")
    return found


def array(file: zipfile.ZipFile, info: zipfile.ZipInfo, dtypes: tuple[str, ...] = DTYPES) -> np.ndarray:
    """One array, read only when its header, its member and the list of dtypes agree."""
    with file.open(info) as member:
        version = np.lib.format.read_magic(member)
        if version != (1, 0):
            raise CheckpointError(f"holds {info.filename[:80]!r} in version {version} of the .npy format, not (1, 0)")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(member)
        if dtype.name not in dtypes or not dtype.isnative:
            raise CheckpointError(f"holds {info.filename[:80]!r} of type {dtype.str[:20]}, and such files hold only "
                                  f"{', '.join(dtypes)}")
        content = member.read()                       # to its end, which checks the CRC; no longer than the file
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(content):
        raise CheckpointError(f"claims that {info.filename[:80]!r} has shape {str(shape)[:80]}, and holds "
                              f"{len(content)} bytes of it")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C").copy()
