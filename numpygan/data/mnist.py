"""MNIST and Fashion-MNIST: gzip IDX files from the user's folders, or downloaded once."""
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import precision
from ..files import expanded
from . import download as net
from .idx import read_idx
from .protocol import DataError
from .rows import Rows, from_bytes, source_of


@dataclass(frozen=True)
class IdxFile:
    """One published file: its name, the shape of its array, its bytes and their sha256."""

    name: str
    shape: tuple[int, ...]
    size: int
    sha256: str


@dataclass(frozen=True)
class IdxSet:
    """A data set of IDX files: for each part the images and the labels; mirrors end in a slash."""

    name: str
    parts: dict[str, tuple[IdxFile, IdxFile]]
    mirrors: tuple[str, ...]


# Y. LeCun, C. Cortes, C. J. C. Burges; CC BY-SA 3.0.
MNIST = IdxSet(
    "mnist",
    {"train": (IdxFile("train-images-idx3-ubyte.gz", (60000, 28, 28), 9912422,
                       "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
               IdxFile("train-labels-idx1-ubyte.gz", (60000,), 28881,
                       "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c")),
     "test": (IdxFile("t10k-images-idx3-ubyte.gz", (10000, 28, 28), 1648877,
                      "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
              IdxFile("t10k-labels-idx1-ubyte.gz", (10000,), 4542,
                      "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"))},
    ("https://storage.googleapis.com/cvdf-datasets/mnist/",
     "https://ossci-datasets.s3.amazonaws.com/mnist/"))

# H. Xiao, K. Rasul, R. Vollgraf (2017), arXiv:1708.07747; MIT, Zalando SE. The hashes are those of
# keras.datasets.fashion_mnist and of TensorFlow Datasets, which agree; the last mirror is
# the one that the authors name.
FASHION_MNIST = IdxSet(
    "fashion_mnist",
    {"train": (IdxFile("train-images-idx3-ubyte.gz", (60000, 28, 28), 26421880,
                       "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
               IdxFile("train-labels-idx1-ubyte.gz", (60000,), 29515,
                       "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845")),
     "test": (IdxFile("t10k-images-idx3-ubyte.gz", (10000, 28, 28), 4422102,
                      "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
              IdxFile("t10k-labels-idx1-ubyte.gz", (10000,), 5148,
                      "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"))},
    ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
     "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
     "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"))


def mnist(root: Any = None, part: str = "train", dtype: Any = np.float32,
          mirrors: Sequence[str] | None = None, progress: net.Progress | None = None) -> Rows:
    """MNIST: 60,000 handwritten digits (part="test": 10,000), 28 × 28, in [−1, 1], with labels.

    The gzip IDX files are looked for in `root` (or a folder `mnist` in it), then in a folder `mnist` of the
    folder that the environment variable NUMPYGAN_DATA names, then in the user's cache folder; else they are
    downloaded there from `mirrors`, calling progress(name, bytes, of) as they come. Downloads are checked
    by their sha256; files of the user's own by magic number, counts and exact size, and `source` tells
    their sha256 and whether it is the published one. DataError says what to do when a file is missing or
    damaged.
    """
    return load_idx_set(MNIST, root, part, dtype, mirrors, progress)


def fashion_mnist(root: Any = None, part: str = "train", dtype: Any = np.float32,
                  mirrors: Sequence[str] | None = None, progress: net.Progress | None = None) -> Rows:
    """Fashion-MNIST: 60,000 pictures of clothes (part="test": 10,000), 28 × 28, in [−1, 1], with labels.

    The files are found as for `mnist`; the folder is called `fashion_mnist`.
    """
    return load_idx_set(FASHION_MNIST, root, part, dtype, mirrors, progress)


def load_idx_set(spec: IdxSet, root: Any, part: str, dtype: Any = np.float32,
                 mirrors: Sequence[str] | None = None, progress: net.Progress | None = None) -> Rows:
    """The rows of one part of an `IdxSet`, found, read and checked as `mnist` says."""
    if part not in spec.parts:
        raise ValueError(f"part must be {' or '.join(map(repr, spec.parts))}, not {part!r}: "
                         "choose one of them")
    dtype = precision(dtype)
    if not (progress is None or callable(progress)):
        raise TypeError(f"progress must be a function (name, bytes, of), got {progress!r}")
    if not (mirrors is None or isinstance(mirrors, list | tuple) and all(isinstance(m, str) for m in mirrors)):
        raise TypeError(f"mirrors must be a list of addresses that files are under, got {mirrors!r}")
    folder = find(spec, part, root)
    if folder is None:
        folder = fetch(spec, part, spec.mirrors if mirrors is None else mirrors, progress)
    read = [(file, *read_idx(folder / file.name, file.shape)) for file in spec.parts[part]]
    files = [(folder / file.name, digest, _known(spec, file, digest, folder)) for file, _, digest in read]
    images, labels = (array for _, array, _ in read)
    if labels.max() > 9:
        raise DataError(f"{files[1][0]} holds the label {labels.max()}, but the classes are 0 to 9: "
                        "replace it by the original file")
    source = source_of(spec.name, *files, part=part)
    return Rows(from_bytes(images, dtype), images.shape[1:], (-1.0, 1.0), labels.astype(np.int64), spec.name, source)


def find(spec: IdxSet, part: str, root: Any = None) -> Path | None:
    """The folder that holds the files of a part: in root, NUMPYGAN_DATA, the cache; None if nowhere.

    DataError when a folder that the user named does not exist, or holds one file of the two.
    """
    places = []
    if root is not None:
        folder = _folder(root, "root")
        places += [folder / spec.name, folder]
    if given := os.environ.get("NUMPYGAN_DATA"):
        places.append(_folder(given, "NUMPYGAN_DATA") / spec.name)
    for place in places:
        missing = _missing(spec, part, place)
        if not missing:
            return place
        if len(missing) == 1:
            raise DataError(f"{missing[0].name} is missing in {place}, where the other file of the pair lies: "
                            "put both there, or neither")
    cache = net.cache_folder() / spec.name                  # may be half full: then the rest is fetched
    return None if _missing(spec, part, cache) else cache


def fetch(spec: IdxSet, part: str, mirrors: Sequence[str], progress: net.Progress | None) -> Path:
    """Download what is missing of a part into the user's cache folder, and return that folder."""
    folder = net.cache_folder() / spec.name
    for file in _missing(spec, part, folder):
        urls = [mirror.rstrip("/") + "/" + file.name for mirror in mirrors]
        try:
            net.download(folder / file.name, urls, file.size, file.sha256, progress)
        except DataError as error:
            names = " and ".join(f.name for f in spec.parts[part])
            raise DataError(f"{spec.name} is not on this machine and could not be downloaded ({error}): "
                            f"put {names} into a folder {spec.name} and set NUMPYGAN_DATA to the folder "
                            "it is in") from error
    return folder


def _missing(spec: IdxSet, part: str, folder: Path) -> list[IdxFile]:
    return [file for file in spec.parts[part] if not (folder / file.name).is_file()]


def _folder(path: Any, what: str) -> Path:
    folder = expanded(path)
    if not folder.is_dir():
        raise DataError(f"{what} names {folder}, which is not a folder: correct it, or leave it out")
    return folder


def _known(spec: IdxSet, file: IdxFile, digest: str, folder: Path) -> bool:
    """Whether the bytes are the published ones; DataError when they are those of another data set."""
    for other in (MNIST, FASHION_MNIST):
        published = {f.sha256 for pair in other.parts.values() for f in pair}
        if other.name != spec.name and digest in published:
            raise DataError(f"{folder / file.name} is a file of {other.name}, not of {spec.name}: "
                            f"give the folder that holds {spec.name}")
    return digest == file.sha256
