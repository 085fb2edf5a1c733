"""The metrics for images: a classifier where there are labels, Fréchet, Parzen, and the nearest training image."""
from typing import Any, NamedTuple

import numpy as np

from .. import data as datasets
from .. import metrics
from ..app.options import Misuse
from ..app.terminal import say
from ..classifier import Classifier, train_classifier
from .board import Board, Column

MAX_SAMPLES = 10_000            # by default, where the data has as many
VALID = 1000                    # rows for σ
PROBE = 1000                    # samples whose nearest training image is looked for
CENTRES = 100
WIDEST = 2048                   # pixels whose covariance is still taken, where there is no classifier


class Parts(NamedTuple):
    """Real images by what they are for; pixels in [0, 1]."""
    trained: np.ndarray         # what G may have seen
    known: np.ndarray           # for the classifier and the anchors
    labels: np.ndarray | None
    valid: np.ndarray           # to choose σ
    test: np.ndarray            # what all are compared with
    test_labels: np.ndarray | None
    about: str


def board(x_fake: np.ndarray, data: Any, rng: np.random.Generator, title: str, step: Any, parts: Parts) -> Board:
    """x_fake (n, d), in the range of the data, beside its anchors. step() is called after each of the rows."""
    n = len(x_fake)
    x = unit(x_fake, data.range)
    clipped = float(np.mean((x < 0) | (x > 1)))
    x = np.clip(x, 0, 1)
    judge = _judge(parts, rng)
    protocol = [f"pixels in [0, 1]; {parts.about}; {n:,} samples in every row but that of k-means",
                *_about(parts, judge)]
    if clipped:
        protocol.append(f"{100 * clipped:.2f} % of the pixels of this run lay outside the range of the data and were "
                        f"cut off")
    found = Board(title, _columns(judge, parts), protocol)
    centres = metrics.centroids(parts.known, min(CENTRES, len(parts.known)), rng)
    rows = {"this run": x, "training images": parts.known[:n], f"{len(centres)} k-means centroids": centres,
            "a Gaussian, same moments": np.clip(metrics.gaussian_like(parts.known, n, rng), 0, 1),
            "noise, U(0, 1)": rng.random(x.shape, dtype=np.float32)}
    for name, samples in rows.items():
        found.score(name, samples)
        step()
    return found


def split(data: Any, n: int | None, root: str | None, rng: np.random.Generator) -> tuple[Parts, int]:
    """The parts of the data, and how many samples to draw; Misuse when it has too few rows.

    MNIST has test images. Of other data one half is compared with the other: G saw both.
    """
    order = rng.permutation(data.n)
    labels = None if data.labels is None else np.unique(data.labels, return_inverse=True)[1]     # 0, 1, … without gaps
    if data.name in ("mnist", "fashion_mnist"):
        test: Any = datasets.load(data.name, root, part="test")
        x_test, test_labels, about = test.x, test.labels, f"against the {test.n:,} test images of {data.name}"
    else:
        half, order = order[:data.n // 2], order[data.n // 2:]
        x_test, test_labels = data.x[half], None if labels is None else labels[half]
        about = f"against a random half of {data.name}, {len(half):,} images (G saw both halves)"
    first = min(VALID, len(order) // 4)
    valid, known = order[:first], order[first:]
    most = min(len(known), len(x_test))
    if first < 1 or most < 10 or (n or 0) > most:
        raise Misuse(f"{data.name} has {data.n:,} images, of which {most:,} are left to be compared with: "
                     + (f"ask for -n 10 to {most:,}" if most >= 10 else "too few to evaluate"))
    x, classes = unit(data.x, data.range), None if labels is None else labels[known]
    parts = Parts(x, x[known], classes, x[valid], unit(x_test, data.range), test_labels, about)
    return parts, n or min(most, MAX_SAMPLES)


def unit(x: np.ndarray, between: tuple[float, float]) -> np.ndarray:
    """x with the range (low, high) brought to [0, 1]."""
    low, high = between
    return (x - x.dtype.type(low)) / x.dtype.type(high - low)


# --------------------------------------------------------------------------------------------------- columns

def _judge(parts: Parts, rng: np.random.Generator) -> Classifier | None:
    if parts.labels is None:
        return None
    say("training the classifier")
    return train_classifier(2 * parts.known - 1, np.asarray(parts.labels), rng)


def _columns(judge, parts):
    """Classes where there is a judge of them; the Fréchet distance in its features, else in pixels if there are few."""
    def features(x):
        return x if judge is None else judge.features(2 * x - 1)
    columns = []
    if judge is not None:
        columns = [Column("confident %", ".1f", lambda x: 100 * metrics.confident_share(judge, 2 * x - 1)),
                   Column("rarest class %", ".1f", lambda x: 100 * metrics.class_shares(judge, 2 * x - 1).min()),
                   Column("commonest %", ".1f", lambda x: 100 * metrics.class_shares(judge, 2 * x - 1).max())]
    if judge is not None or parts.test.shape[1] <= WIDEST:
        real = features(parts.test)
        columns.append(Column("Fréchet", ".2f", lambda x: metrics.frechet_distance(real, features(x))))
    return [*columns,
            Column("Parzen", ".1f", lambda x: metrics.parzen(parts.valid, parts.test, x_fake=x).log_likelihood),
            Column("nearest", ".2f", lambda x: metrics.nearest_distance(x[:PROBE], parts.trained))]


def _about(parts: Parts, judge: Classifier | None) -> list[str]:
    lines = []
    if judge is not None and parts.test_labels is not None:
        right = 100 * judge.accuracy(2 * parts.test - 1, np.asarray(parts.test_labels))
        lines.append(f"classes by a classifier trained here on {len(parts.known):,} images, {right:.1f} % right on the "
                     f"others; confident: share of samples of which it is 90 % sure")
    if judge is not None or parts.test.shape[1] <= WIDEST:
        where = "the pixels" if judge is None else "its hidden layer"
        lines.append(f"Fréchet distance in {where}: compare it within this table only")
    lines.append(f"Parzen: mean log-likelihood in nats, σ chosen on {len(parts.valid):,} images; above training images "
                 f"means blurred, not better")
    first = min(PROBE, len(parts.trained) // 2)
    apart = metrics.nearest_distance(parts.trained[:first], parts.trained[first:])
    lines.append(f"nearest: median distance to the nearest training image, 0 for copies; between training images it is "
                 f"{apart:.2f}")
    return lines
