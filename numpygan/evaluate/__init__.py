"""`numpygan evaluate RUN`: the numbers that apply to the samples of a run, beside anchors and the protocol."""
import json
import warnings

import numpy as np

from ..app.run import Run
from ..app.sample import generate
from ..app.terminal import interactive, say
from ..app.trainset import load_of
from . import images, points
from .board import Board

ROWS = 5                        # of each table: the run and four anchors


def evaluate(folder: str, n: int | None = None, seed: int = 0, as_json: bool = False) -> int:
    """Print the table of the run in that folder, as text or as JSON; the exit status.

    n: samples in each row, by default 2,500 of points and up to 10,000 of images. Misuse where there is no such run or
    too little data; CheckpointError when its files are damaged.
    """
    found = table(folder, n, seed)
    print(json.dumps(found.plain(), indent=2, ensure_ascii=False, allow_nan=False) if as_json else found.text())
    return 0


def table(folder: str, n: int | None = None, seed: int = 0) -> Board:
    """The table that `evaluate` prints."""
    from tqdm import tqdm
    run = Run.open(folder)
    config = run.read_config()
    state = run.load()
    data = load_of(run, config)
    rng = np.random.default_rng([seed, 1])
    if len(data.shape) > 1:
        parts, n = images.split(data, n, config["root"], rng)
    else:
        parts, n = None, points.size(data, n)
    x = generate(state, n, np.random.default_rng(seed))
    averaged = "" if state.average is None else ", averaged G"
    title = f"{run.folder}: {n:,} samples after {len(state.gan.history):,} steps{averaged}, seed {seed}"
    say("measuring")
    with tqdm(total=ROWS, disable=not interactive(), unit="row", dynamic_ncols=True) as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)          # k-means tells of empty clusters: no matter here
        if parts is None:
            return points.board(x, data, rng, title, bar.update)
        return images.board(x, data, rng, title, bar.update, parts)
