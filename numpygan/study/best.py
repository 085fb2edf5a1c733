"""Training that keeps the generator of its best validation likelihood, and goes on where it was stopped."""
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import checkpoint
from ..archive import CheckpointError
from ..averaging import Averaged
from ..gan import GAN
from ..metrics import SIGMAS, parzen_curve

SAMPLES = 10_000


class Best:
    """A GAN in training, with its averaged generator if `mean` is given, its validation curve, and the best θ of G.

    `curve` rows: epoch, mean log-likelihood of the validation images, the σ that it was taken with.
    """

    def __init__(self, gan: GAN, mean: Averaged | None, rng: np.random.Generator):
        self.gan, self.mean, self.rng = gan, mean, rng
        self.curve: list[tuple[float, float, float]] = []
        self.theta = gan.G.theta.copy()
        self.seconds = 0.0

    @property
    def epochs(self) -> int:
        return int(self.curve[-1][0]) if self.curve else 0

    @property
    def best_epoch(self) -> int:
        return int(max(self.curve, key=lambda row: row[1])[0])

    def train(self, data: Any, valid: np.ndarray, epochs: int, batch: int, patience: int, file: Path,
              told: Callable[[str], Any] = lambda text: None) -> None:
        """Up to `epochs` in all; ends when `patience` of them have brought nothing better. Saved after each."""
        while self.epochs < epochs and (not self.curve or self.epochs - self.best_epoch < patience):
            start = time.thread_time()
            self.gan.fit(data, epochs=1, batch=batch, rng=self.rng, callbacks=[] if self.mean is None else [self.mean])
            self._measure(valid)
            self.seconds += time.thread_time() - start
            self.save(file)
            told(f"epoch {self.epochs} of {epochs}: {self.curve[-1][1]:.1f} on validation images")

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n samples of the best generator so far."""
        return self.gan.G.forward(self.gan.draw(n, rng), theta=self.theta)[0]

    def _measure(self, valid):
        theta = self.gan.G.theta if self.mean is None else self.mean.theta
        x = self.gan.G.forward(self.gan.draw(SAMPLES, np.random.default_rng(1)), theta=theta)[0]
        log_p = parzen_curve(valid, x)
        if not self.curve or log_p.max() > max(row[1] for row in self.curve):
            self.theta = theta.copy()
        self.curve.append((self.epochs + 1, float(log_p.max()), SIGMAS[int(log_p.argmax())]))

    # ------------------------------------------------------------------------------------------------ on disk

    def save(self, file: Path) -> None:
        """All that going on needs, whole or not at all."""
        extra = {"best": self.theta, "curve": np.array(self.curve), "seconds": np.array([self.seconds])}
        extra |= {} if self.mean is None else self.mean.arrays()
        checkpoint.save(file, self.gan, self.rng, extra)

    @classmethod
    def load(cls, file: Path) -> "Best":
        """What `save` wrote; CheckpointError for another file."""
        gan, rng, extra, _ = checkpoint.load(file, GAN)
        if rng is None or not {"best", "curve", "seconds"} <= set(extra):
            raise CheckpointError(f"{file} is no checkpoint of this study: remove it, and the run starts anew")
        mean = Averaged.of(extra, gan.G)
        found = cls(gan, mean, rng)
        found.theta, found.seconds = extra["best"], float(extra["seconds"][0])
        found.curve = [(float(epoch), float(log_p), float(sigma)) for epoch, log_p, sigma in extra["curve"]]
        return found
