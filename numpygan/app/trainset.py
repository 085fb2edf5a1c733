"""The training set of a run: by name or path, scaled, described in the run's config, and found again as it was."""
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import data as datasets
from ..checks import image
from ..files import expanded
from .options import Misuse
from .run import Run
from .scale import scaled
from .terminal import interactive


def load(name: str, root: str | None = None) -> tuple[Any, tuple[float, float] | None]:
    """Data by name or path, in [−1, 1] where it is finite, and the range it had if that was another.

    Misuse for an unknown name, DataError for data that is missing or damaged.
    """
    if root is not None and not expanded(root).is_dir():
        raise Misuse(f"--root names {root}, which is not a folder")
    if not name:
        raise Misuse(f"DATA is no name: choose from {', '.join(datasets.NAMES)}, or give a path")
    if Path(name).name != _readable(Path(name).name):
        raise Misuse(f"the name {_readable(name)} is not in UTF-8, and no picture could show it: rename the file")
    known = name in datasets.NAMES
    options: dict[str, Any] = {}
    if name in ("mnist", "fashion_mnist") and interactive():
        options["progress"] = Download()
    if not known and not expanded(name).is_dir():          # numbers far from 0 are rounded after the scaling only
        options["dtype"] = np.float64
    try:
        data, original = scaled(datasets.load(name, root, **options), np.float32)
    except datasets.DataError as error:
        if known or expanded(name).exists():
            raise
        raise Misuse(str(error)) from error
    if len(data.shape) > 1 and not image(data.shape):        # else the first picture would end the run
        raise datasets.DataError(f"{name} holds items of shape {data.shape}, and images are (h, w) or (h, w, 3): save "
                                 f"x.reshape(len(x), -1) for points without a picture of their own")
    return data, original


def load_of(run: Run, config: dict[str, Any]) -> Any:
    """The data that the run was trained on, as it was; Misuse when it is another now."""
    name = config["recipe"]["data"]
    data, original = load(name, config["root"])
    if _fingerprint(describe(data, original)) != _fingerprint(config["data"]):
        raise Misuse(f"the data {name} is not that of {run.folder} any more: bring it back, or train anew")
    return data


def describe(data: Any, original: tuple[float, float] | None) -> dict[str, Any]:
    """What config.json tells of the data: its size, its range, where it is from and whether those bytes are known."""
    finite = bool(np.isfinite(data.range).all())
    return {"name": data.name, "n": data.n, "shape": list(data.shape), "range": list(data.range) if finite else None,
            "range_before_scaling": None if original is None else list(original), "source": data.source}


class Described(NamedTuple):
    """What `describe` wrote into the config of a run, as far as pictures and arrays need it."""
    name: str
    shape: tuple[int, ...]
    range: tuple[float, float]
    original: tuple[float, float] | None

    @classmethod
    def of(cls, run: Run) -> "Described":
        told = run.read_config()["data"]
        (low, high), original = told["range"] or (-np.inf, np.inf), told["range_before_scaling"]
        return cls(told["name"], tuple(told["shape"]), (float(low), float(high)),
                   None if original is None else (float(original[0]), float(original[1])))


def _fingerprint(described: dict[str, Any]) -> Any:
    """What must not change between a run and its resumption: the bytes, wherever they lie."""
    files = (described.get("source") or {}).get("files", [])
    return described.get("n"), described.get("shape"), [file.get("sha256") for file in files]


def _readable(name):
    """The name with ? for each byte that is no UTF-8."""
    return name.encode(errors="replace").decode()


def name_of(data: str) -> str:
    """What a run on that data is called in its folder's name and in its pictures."""
    return data if data in datasets.NAMES else Path(data).stem or "run"


class Download:
    """Progress of a download, for whoever watches."""

    def __init__(self) -> None:
        self.bars: dict[str, Any] = {}

    def __call__(self, name: str, done: int, total: int) -> None:
        from tqdm import tqdm
        if name not in self.bars:
            self.bars[name] = tqdm(total=total, desc=name, unit="B", unit_scale=True)
        bar = self.bars[name]
        bar.update(done - bar.n)
        if done == total:
            bar.close()
