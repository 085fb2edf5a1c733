"""A run folder: what a training run was given, and what it made."""
import contextlib
import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import __version__, checkpoint
from ..archive import CheckpointError
from ..averaging import Averaged
from ..files import expanded, sweep, write_json
from ..gan import GAN, Snapshots
from ..network import Network
from . import outputs
from .config import first_fault
from .options import Misuse
from .outputs import KEPT, LOCK

FILES = ("samples.png", "curves.png", "training.gif", *KEPT)
MAX_NUMBERS = 1 << 25                   # of all snapshots: 128 MB in every checkpoint


class State(NamedTuple):
    """What training goes on with."""
    gan: GAN
    rng: np.random.Generator
    snapshots: Snapshots
    average: Averaged | None

    @property
    def generator(self) -> Network:
        """The network that makes the samples: the averaged G, where there is one."""
        if self.average is None or self.average.theta is None:             # before its first step
            return self.gan.G
        return self.average.network(self.gan)


class Run:
    """The folder of one run. Every file in it is written whole or not at all."""

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)

    def __getitem__(self, name: str) -> Path:
        return self.folder / name

    @classmethod
    def create(cls, out: str | None, name: str, force: bool = False) -> "Run":
        """A new folder `out`, or runs/NAME-1, runs/NAME-2, … where there is no such folder yet.

        Misuse when `out` is not empty, unless `force`: then `clear` may be called, which removes the files of an
        earlier run.
        """
        if out is None:
            return cls(_numbered(Path("runs"), name))
        run = cls(outputs.folder(out))
        if run.folder.is_dir() and any(file.name != LOCK for file in run.folder.iterdir()) and not force:
            raise Misuse(f"{run.folder} is not empty: name another folder with --out, or replace the files of the run "
                         f"in it with --force")
        run.folder.mkdir(parents=True, exist_ok=True)
        return run

    @classmethod
    def open(cls, folder: str | os.PathLike) -> "Run":
        """The folder of a run that was begun; Misuse where there is none."""
        run = cls(expanded(folder))
        if not run["config.json"].is_file():
            what = f"{run.folder} holds no config.json" if run.folder.is_dir() else f"there is no folder {run.folder}"
            here = Path("runs", run.folder.name)
            example = here if (here / "config.json").is_file() else "runs/digits-1"
            raise Misuse(f"{what}: name one that numpygan train made, such as {example}")
        return run

    def clear(self) -> None:
        """Remove the files of an earlier run, and nothing else."""
        self.sweep()
        for file in FILES:
            self[file].unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a killed process left half-written."""
        sweep(self.folder, FILES)

    # ------------------------------------------------------------------------------------------------ config

    def read_config(self) -> dict[str, Any]:
        """The settings; CheckpointError when the file is not what `write_config` wrote."""
        try:
            config = json.loads(self["config.json"].read_bytes())
        except (ValueError, RecursionError) as error:
            raise CheckpointError(f"{self['config.json']} is damaged ({str(error)[:80]}): train again, or restore "
                                  f"it") from error
        if fault := first_fault(config):
            raise CheckpointError(f"{self['config.json']} has {fault}: train again, or restore it")
        return config

    def write_config(self, config: dict[str, Any]) -> None:
        write_json(self["config.json"], config)

    # ------------------------------------------------------------------------------------------------- state

    def save(self, state: State) -> None:
        """Write checkpoint.npz: all that going on needs, the frames of the animation and the averaged G included."""
        gan, rng, snapshots, average = state
        frames = {"snapshots.z": snapshots.z, "snapshots.steps": np.array([snapshots.every, *snapshots.steps], float),
                  "snapshots.samples": np.array(snapshots.samples, gan.G.dtype)}
        frames |= {} if average is None else average.arrays()
        checkpoint.save(self["checkpoint.npz"], gan, rng, frames)

    def load(self) -> State:
        """What `save` wrote; the average is None before its first step. Misuse where there is no checkpoint yet,
        CheckpointError where it is damaged."""
        path = self["checkpoint.npz"]
        if not path.is_file():
            raise Misuse(f"{self.folder} has no checkpoint.npz: the run ended before it wrote one, so train again")
        gan, rng, extra, file_format = checkpoint.load(path, GAN)
        if file_format == 1 and "average.theta" in extra and gan.G.state.size and "average.state" not in extra:
            raise CheckpointError(f"{path} has format 1, which kept an average of G's parameters and none of its "
                                  f"state; format {checkpoint.FORMAT}, that of numpygan {__version__}, needs both: "
                                  f"train again")
        try:
            every, *steps = (int(v) for v in extra["snapshots.steps"])
            snapshots = Snapshots(extra["snapshots.z"], every, max_snapshots(extra["snapshots.z"], gan.G))
            snapshots.steps, snapshots.samples = steps, list(extra["snapshots.samples"])
            average = Averaged.of(extra, gan.G)
        except (KeyError, ValueError, OverflowError) as error:
            raise CheckpointError(f"{path} is no checkpoint of a run folder ({error} is missing or wrong)") from error
        if rng is None or not _fits(gan, snapshots.z, extra["snapshots.samples"], len(steps)):
            raise CheckpointError(f"{path} is no checkpoint of a run folder: it lacks its random state or snapshots")
        return State(gan, rng, snapshots, average)

    # ----------------------------------------------------------------------------------------------- results

    def draw_samples(self, gan: GAN, data: Any, x_fake: np.ndarray, name: str) -> None:
        """samples.png: x_fake = G(z) as it is now, with what D answers where that can be drawn."""
        from .. import plots
        title = plots.figure.literal(f"{name}: {len(x_fake):,} samples G(z) after {len(gan.history):,} steps")
        plots.save(plots.samples(x_fake, data, _fixed(), D=pointwise(gan.D), title=title), self["samples.png"])

    def draw(self, state: State, data: Any, name: str) -> None:
        """samples.png, curves.png and training.gif, as far as there is something to show.

        The samples are the last snapshot, or those of the averaged G where there is one.
        """
        from .. import plots
        gan, snapshots, G = state.gan, state.snapshots, state.generator
        if snapshots.steps:
            if G is gan.G:
                self.draw_samples(gan, data, snapshots.samples[-1], name)
            else:
                self.draw_samples(gan, data, G(snapshots.z), f"{name}, averaged G")
            plots.animation(snapshots, data, self["training.gif"], _fixed(), title=plots.figure.literal(name))
        if len(gan.history):
            plots.save(plots.curves(gan.history, gan.loss)[0], self["curves.png"])


def max_snapshots(z: np.ndarray, G: Network) -> int:
    """How many snapshots G(z) a run keeps: at most 200, fewer of large images (128 MB in all), at least 2."""
    return min(200, max(2, MAX_NUMBERS // max(1, z.size // G.d_in * G.d_out)))


def pointwise(D: Network) -> Network | None:
    """D, or None where its answer at a point depends on the rest of the batch: then there is no picture of D(x)."""
    return None if any(layer.batchwise for layer in D.layers) else D


def environment() -> dict[str, Any]:
    """The versions and the machine that a result depends on, for config.json."""
    versions = {"python": platform.python_version(), "numpygan": __version__}
    for name in ("numpy", "numba", "scipy", "matplotlib"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {"versions": versions, "platform": platform.platform(), "cpus": os.cpu_count() or 1}


def _fits(gan, z, samples, n):
    """Are these the noise of snapshots and n snapshots of that GAN? With none, the samples have no shape to tell."""
    return (z.shape[1] == gan.G.d_in and np.isfinite(z).all() and np.isfinite(samples).all()
            and (samples.shape == (n, len(z), gan.G.d_out) if n else samples.size == 0))


def _fixed() -> np.random.Generator:
    """The generator of the real points in pictures: always the same, and never that of the training."""
    return np.random.default_rng(0)


def _numbered(parent, name):
    parent.mkdir(parents=True, exist_ok=True)
    n = 1
    while True:
        folder = parent / f"{name}-{n}"
        try:
            folder.mkdir()                        # made here or not at all: two runs at once get two folders
            return folder
        except FileExistsError:
            n += 1
