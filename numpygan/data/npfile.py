"""Your own data in NumPy's files, .npy and .npz, read without trusting what they claim."""
import hashlib
import math
import os
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..files import expanded
from .own import array
from .protocol import DataError
from .rows import Rows, source_of

DATA_KEYS, LABEL_KEYS = ("x", "samples"), ("labels", "y")
MAX_DEFLATE = 1032                      # deflate packs at most 1,032 bytes into one
DENSE, LARGE = 100, 1 << 28             # data worth learning from does not pack 100 to 1; above 256 MB that is a bomb
MAX_HEADER = 1 << 16                    # bytes; version 2 of the format allows four gigabytes
DAMAGE = (OSError, EOFError, TypeError, ValueError, RuntimeError, NotImplementedError, zlib.error, zipfile.BadZipFile)


def npy(path: Any, dtype: Any = np.float32) -> Rows:
    """A .npy file as data: an array (n, d), (n, h, w) or (n, h, w, c), as for `array`.

    DataError when the file is damaged, holds Python objects (never unpickled), or claims more than its size.
    """
    path = expanded(path)
    try:
        with open(path, "rb") as file:
            x = _read(file, path, os.fstat(file.fileno()).st_size)
    except DAMAGE as error:
        raise _damaged(path, error) from error
    return _rows(path, x, None, dtype)


def npz(path: Any, dtype: Any = np.float32) -> Rows:
    """A .npz file as data: the array `x` or `samples`, or the only array; labels in `labels` or `y` if there.

    What `numpygan sample --out FILE.npz` writes can be read. Errors as for `npy`.
    """
    path = expanded(path)
    try:
        with zipfile.ZipFile(path) as file:
            arrays = [info for info in file.infolist() if info.filename.endswith(".npy")]
            members = {info.filename.removesuffix(".npy"): info for info in arrays}
            if len(members) < len(arrays):
                raise DataError(f"{path} holds {_twice(arrays)[:80]} more than once: save it with numpy.savez")
            label_key = next((key for key in LABEL_KEYS if key in members), None)
            x = _member(file, members[_data_key(members, path)], path)
            labels = None if label_key is None else _member(file, members[label_key], path)
    except DAMAGE as error:
        raise _damaged(path, error) from error
    return _rows(path, x, labels, dtype)


def _data_key(members: dict[str, Any], path: Path) -> str:
    others = [key for key in members if key not in LABEL_KEYS]
    for key in (*DATA_KEYS, *(others if len(others) == 1 else ())):
        if key in members:
            return key
    names = ", ".join(name[:80] for name in sorted(members)[:10]) or "nothing"
    raise DataError(f"{path} must hold the array x or samples, or one array only, but it holds {names}: "
                    "save it with numpy.savez(path, x=x, labels=labels)")


def _twice(infos: list[zipfile.ZipInfo]) -> str:
    names = sorted(info.filename.removesuffix(".npy") for info in infos)
    return next(name for name, other in zip(names, names[1:], strict=False) if name == other)


def _member(file: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> np.ndarray:
    """One array of a .npz file, whose claimed size the bytes in the file must be able to unpack to."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{path} is packed in a way that NumPy does not use: save it with numpy.savez")
    packed = min(info.compress_size, path.stat().st_size)
    if info.file_size > (packed + 64) * (MAX_DEFLATE if info.compress_type else 1):
        raise DataError(f"{path} claims that {info.filename[:80]} unpacks from {packed} to {info.file_size} "
                        "bytes, which cannot be: save it again")
    if info.file_size > max(LARGE, DENSE * packed):
        raise DataError(f"{path} would unpack {packed} bytes to {info.file_size}, almost all of them the same: save "
                        f"it with numpy.savez, unpacked, if you mean it")
    with file.open(info) as member:
        return _read(member, path, info.file_size)            # to its very end, where the CRC is checked


def _read(file: IO[bytes], path: Path, size: int) -> np.ndarray:
    """The array in a .npy stream of `size` bytes: the header must agree with it before memory is taken."""
    shape, dtype = _header(file, path)
    if dtype.hasobject:
        raise DataError(f"{path} holds Python objects, which are never unpickled: save plain numbers")
    if dtype.kind not in "biufc":
        raise DataError(f"{path} holds {str(dtype)[:80]}, not numbers: save plain numbers")
    claimed = math.prod(shape) * dtype.itemsize
    held = size - file.tell()
    if min(shape, default=0) < 0 or claimed != held:
        raise DataError(f"{path} claims an array of shape {str(shape)[:80]}, {claimed} bytes, but holds {held}: "
                        "it is truncated or damaged, so save it again")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def _header(file: IO[bytes], path: Path) -> tuple[tuple[int, ...], np.dtype]:
    try:
        version = np.lib.format.read_magic(file)
        old = version == (1, 0)
        start = file.tell()
        length = int.from_bytes(file.read(2 if old else 4), "little")
        if length > MAX_HEADER:
            raise ValueError(f"a header of {length} bytes")
        file.seek(start)
        read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise
    except Exception as error:           # NumPy parses it as Python: a hostile header may raise anything
        raise DataError(f"{path} does not begin like a NumPy array ({str(error).splitlines()[0][:80]}): "
                        "save it with numpy.save or numpy.savez") from error
    return shape, dtype


def _rows(path: Path, x: np.ndarray, labels: np.ndarray | None, dtype: Any) -> Rows:
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    source = source_of(path.name, (path, digest, False))
    try:
        return array(x, labels, dtype=dtype, name=path.name, source=source)
    except (DataError, TypeError) as error:
        raise DataError(f"{path} is not usable as data: {error}") from error


def _damaged(path: Path, error: Exception) -> DataError:
    if isinstance(error, DataError):
        return error
    if isinstance(error, OSError) and error.strerror:
        return DataError(f"{path} cannot be read ({error.strerror}): check the path and its permissions")
    return DataError(f"{path} is damaged or not a NumPy file ({error}): "
                     "save it with numpy.save or numpy.savez")
