"""`numpygan study digits`: the default recipe on handwritten digits, beside its anchors."""
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .. import data as datasets
from ..app.options import Misuse
from ..classifier import Classifier, train_classifier
from ..metrics import class_shares, confident_share, nearest_distance, within_class_distance
from ..presets import PRESETS, build

SAMPLES = 1000


class Row(NamedTuple):
    """What the table says of one set of samples."""
    name: str
    confident: float            # share of which the classifier is at least 90 % sure
    fewest: float               # share of the rarest class
    most: float                 # share of the commonest class
    within: float               # mean distance within a class, as a multiple of that of held-out digits
    nearest: float              # median distance to the nearest training digit, likewise


def digits(seeds: int = 3) -> Iterator[Row]:
    """The default recipe trained on two thirds of the digits, judged beside the held-out third and three anchors.

    The classifier sees the same two thirds. Yields a row as soon as it is known: anchors first, then a run per seed.
    """
    rng = np.random.default_rng(123)
    known, held_out = datasets.digits().split(2 / 3, rng)
    labels, right = np.asarray(known.labels), np.asarray(held_out.labels)
    judge = train_classifier(known.x, labels, rng)

    def row(name: str, x: np.ndarray) -> Row:
        shares = class_shares(judge, x)
        return Row(name, confident_share(judge, x), shares.min(), shares.max(),
                   _within(judge, x) / _within(judge, held_out.x),
                   nearest_distance(x, known.x) / nearest_distance(held_out.x, known.x))

    accuracy = 100 * judge.accuracy(held_out.x, right)
    yield row(f"held-out digits (classifier {accuracy:.1f} % right)", held_out.x)
    yield row("training digits", known.x)
    yield row("a Gaussian per class", _class_gaussians(known.x, labels, rng))
    yield row("noise, U(−1, 1)", rng.uniform(-1, 1, (SAMPLES, known.x.shape[1])).astype(np.float32))
    recipe = PRESETS["digits"]
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        gan = build(recipe, known, rng)
        gan.fit(known, steps=recipe.steps, batch=recipe.batch, k=recipe.k, rng=rng)
        yield row(f"numpygan train, seed {seed}", gan.sample(SAMPLES, rng))


def _within(judge: Classifier, x: np.ndarray) -> float:
    return within_class_distance(x, judge.probabilities(x).argmax(axis=1))


def _class_gaussians(x, labels, rng):
    """As many samples of the Gaussian with the mean and covariance of each class, cut off at [−1, 1]."""
    drawn = [rng.multivariate_normal(c.mean(axis=0), np.cov(c.T), SAMPLES // 10, method="svd")
             for c in (x[labels == k].astype(np.float64) for k in range(10))]
    return np.clip(np.concatenate(drawn), -1, 1).astype(np.float32)


def main(seeds: int | None = None, quick: bool = False, jobs: int | None = None, out: str | None = None) -> int:
    """Print the table of `digits`, row by row: three seeds, one with `quick`. It keeps no files and has no workers."""
    for option, value in (("--jobs", jobs), ("--out", out)):
        if value:
            raise Misuse(f"study digits prints row by row from one process and keeps no files: leave {option} out")
    width = 48
    print(f"{'1,000 samples of':<{width}} confident   class shares   within class   nearest")
    for r in digits(seeds or (1 if quick else 3)):
        print(f"{r.name:<{width}} {100 * r.confident:7.1f} %  {100 * r.fewest:4.1f} to {100 * r.most:4.1f} %  "
              f"{r.within:9.2f} x  {r.nearest:8.2f} x", flush=True)
    return 0
