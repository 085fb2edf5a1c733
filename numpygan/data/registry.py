"""Data by its name or its path."""
import difflib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..files import expanded
from .curve import moons, swiss_roll
from .digits import digits
from .gaussian import gaussian
from .images import images
from .mixture import grid, ring
from .mnist import fashion_mnist, mnist
from .npfile import npy, npz
from .protocol import Data, DataError
from .uniform import uniform

NAMES: dict[str, Callable[..., Any]] = {
    "digits": digits, "mnist": mnist, "fashion_mnist": fashion_mnist, "ring": ring, "grid": grid,
    "gaussian": gaussian, "moons": moons, "swiss_roll": swiss_roll, "uniform": uniform}


def load(name_or_path: Any, root: Any = None, dtype: Any = np.float32, **options: Any) -> Data:
    """Data by its name (one of NAMES, made with `options`) or its path: .npy, .npz or a folder of images.

    A file that bears a name of the list is reached as ./digits. root: where mnist and fashion_mnist are
    looked for first. `gaussian` is N(4, 1.25²) unless told otherwise, so that there is something to learn
    from N(0, 1) noise. DataError suggests the nearest name where there is neither such a name nor such a
    path.
    """
    name = str(name_or_path)
    if name in NAMES:
        if name in ("mnist", "fashion_mnist"):
            options["root"] = root
        if name == "gaussian":
            options = {"mean": 4.0, "std": 1.25, **options}
        takes = inspect.signature(NAMES[name]).parameters
        if unknown := sorted(set(options) - set(takes)):
            raise TypeError(f"{name} has no option {unknown[0]!r}: it takes {', '.join(takes)}")
        return NAMES[name](dtype=dtype, **options)
    path = expanded(name_or_path)
    if path.is_dir():
        return images(path, dtype=dtype, **options)
    readers = {".npy": npy, ".npz": npz}
    if path.suffix.lower() in readers and path.is_file():       # of a pipe or a device nobody knows the end
        return readers[path.suffix.lower()](path, dtype=dtype, **options)
    if path.exists():
        table = path.suffix.lower() in (".csv", ".txt", ".tsv", ".dat")
        how = "; numpy.save(file, numpy.loadtxt(table, delimiter=',')) makes a .npy of a table" if table else ""
        raise DataError(f"{path} is not data that can be read: "
                        f"give a .npy or .npz file, or a folder of images{how}")
    raise DataError(_unknown(name))


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.lower().replace("-", "_"), NAMES, 1, 0.5)
    hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(NAMES)}, or give a path that exists"
    return f"{name!r} is neither a data set, nor a .npy or .npz file, nor a folder of images: {hint}"
