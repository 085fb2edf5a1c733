"""`numpygan sample`: new samples from the generator of a run folder, as a picture or as an array."""
import math
from pathlib import Path

import numpy as np

from .. import data as datasets
from ..archive import CheckpointError
from ..files import atomic
from ..network import Network
from .options import Misuse
from .outputs import check_file
from .run import Run, State, pointwise
from .scale import unscaled
from .trainset import Described

CHUNK = 4096                    # rows at a time through the network
MAX_TILES = 10_000


def sample(folder: str, n: int, seed: int, out: str) -> int:
    """Write G(z) for n draws of z to `out`: .png, or .npz with `samples` (n, d) in the range of the data, float64
    where that is not [−1, 1].

    Misuse for another kind of file or when there is no such run; CheckpointError when its files are damaged.
    """
    suffix = Path(out).suffix.lower()
    if suffix not in (".png", ".npz"):
        raise Misuse(f"--out {out} is neither a .png nor a .npz file: choose one of these two endings")
    check_file(out, "--out")
    run = Run.open(folder)
    data = Described.of(run)
    state = run.load()
    if math.prod(data.shape) != state.gan.G.d_out:
        raise CheckpointError(f"{run['config.json']} tells of items of shape {data.shape}, and G makes "
                              f"{state.gan.G.d_out} columns: train again, or restore it")
    if suffix == ".png" and len(data.shape) > 1 and n > MAX_TILES:
        raise Misuse(f"a picture holds at most {MAX_TILES:,} images, and -n asks for {n:,}: write them to a .npz file")
    x = generate(state, n, np.random.default_rng(seed))
    if suffix == ".npz":
        x = unscaled(x, data.original)
        with atomic(out) as file:
            np.savez(file, samples=x)
    else:
        _draw(x, pointwise(state.gan.D), data, f"{data.name}: {n:,} samples G(z), seed {seed}", out)
    print(out)
    return 0


def generate(state: State, n: int, rng: np.random.Generator) -> np.ndarray:
    """n samples (n, d), of the averaged generator where there is one; some at a time through the network.

    FloatingPointError for samples that are NaN or infinite.
    """
    G = state.generator
    x = np.empty((n, G.d_out), G.dtype)                    # first: what is too much is said before the work
    for part in np.split(x, range(CHUNK, n, CHUNK)):
        z = state.gan.draw(len(part), rng)
        with np.errstate(over="ignore", invalid="ignore"):              # refused below, in a sentence
            part[...] = G(z)
    if not np.isfinite(x).all():
        raise FloatingPointError("G(z) holds NaN or infinity: its parameters are too large, so train again with a "
                                 "lower --lr-G")
    return x


def _draw(x: np.ndarray, D: Network | None, data: Described, title: str, out: str) -> None:
    from .. import plots
    title = plots.figure.literal(title)
    if len(data.shape) > 1:
        ax = plots.sample_grid(x, data.shape, data.range, title=title)
    elif data.name in datasets.NAMES:
        ax = plots.samples(x, datasets.load(data.name), np.random.default_rng(0), D=D, title=title)
    elif x.shape[1] == 1:
        ax = plots.samples_1d(x, x, D=D, title=title)
    else:
        ax = plots.principal(x, x, title=title) if x.shape[1] > 2 else plots.samples_2d(x, x, D=D, title=title)
    plots.save(ax, out)
