"""Derivatives of derivatives: `jvp` and `jvp_backward` of a layer that has them."""
import functools
from typing import Any

import numpy as np

from .. import engine as engines
from ..layers import Context
from .comparison import Gradient, compare
from .contract import Untouched, calling, draw, gradients, pair, tensor
from .derivative import DIRECTIONS, EPS, relative, signs
from .report import GradientError, Report, Row
from .trial import Trial


class Twice:
    """A trial with a direction ẋ and a second upstream dẏ; both methods of it in either dtype."""

    def __init__(self, trial: Trial, rng: np.random.Generator):
        self.trial, self.layer = trial, trial.layer
        self.x_dot, self.dy_dot = draw(rng, *trial.x.shape), draw(rng, *trial.shape)
        for dtype in (np.float32, np.float64):
            self.y_dot, self.gradients = self.run(dtype)

    def jvp(self, p: dict, cache: Any, x_dot: np.ndarray, engine: str) -> tuple[Any, Any]:
        """ẏ and what jvp_backward needs."""
        with calling(f"{self.trial.who}.jvp"):
            out = self.layer.jvp(p, cache, x_dot, Context(engines.ops(engine)))  # type: ignore[attr-defined]
        return pair(out, f"{self.trial.who}: jvp must return two things, y_dot and a cache")

    def run(self, dtype: Any, with_dy: bool = True) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """ẏ, and the gradients of Σ dy · y + Σ dẏ · ẏ in x, ẋ and every parameter."""
        p, x, dy = self.trial.at(dtype)
        x_dot, dy_dot, who = self.x_dot.astype(dtype), self.dy_dot.astype(dtype), self.trial.who
        _, cache = self.trial.forward(p, x)
        before = Untouched(x=x, x_dot=x_dot, p=p, cache=cache)
        y_dot, dots = self.jvp(p, cache, x_dot, self.trial.engine)
        before.verify(f"{who}.jvp")
        tensor(y_dot, "y_dot", dy.shape, dtype, f"{who}.jvp")
        self.jvp(p, cache, 1 - x_dot, self.trial.engine)                     # keeps what it needs for itself
        before = Untouched(x=x, x_dot=x_dot, dy=dy, dy_dot=dy_dot, y_dot=y_dot, p=p, cache=cache, cache_dot=dots)
        c = Context(engines.ops(self.trial.engine))
        with calling(f"{who}.jvp_backward" + ("" if with_dy else ", dy = None, which stands for 0")):
            out = self.layer.jvp_backward(                                   # type: ignore[attr-defined]
                p, cache, dots, dy if with_dy else None, dy_dot, c)
        before.verify(f"{who}.jvp_backward")
        if not isinstance(out, tuple) or len(out) != 3 or not isinstance(out[2], dict) or set(out[2]) != set(p):
            raise GradientError(f"{who}.jvp_backward must return dx, dx_dot and the gradients of {sorted(p)}")
        dx = np.zeros_like(x) if out[0] is None else out[0]                  # None says that it is zero
        found = {"x": dx, "x_dot": out[1], **gradients(out[2])}
        for name, g in found.items():
            tensor(g, f"d{name}", p.get(name, x).shape, dtype, f"{who}.jvp_backward", len(x))
        return y_dot, found

    def moved(self, name: str, delta: np.ndarray) -> np.ndarray:
        """y and ẏ when one thing moves, by `functional`: the function to differentiate."""
        p, x, _ = self.trial.at()
        moved = {"x": x, "x_dot": self.x_dot, **p}
        moved[name] = moved[name] + delta
        x, x_dot = moved.pop("x"), moved.pop("x_dot")
        y, cache = self.trial.forward(moved, x, "numpy")
        return np.stack([y, self.jvp(moved, cache, x_dot, "numpy")[0]])


def second_derivatives(trial: Trial, label: str, report: Report, rng: np.random.Generator, roundings: float) -> None:
    """ẏ = J ẋ, Eq. (10.6), and the gradients of Σ dy · y + Σ dẏ · ẏ, Eq. (10.7)."""
    twice = Twice(trial, rng)
    report.add(_jvp(twice, label, rng, roundings))
    floor = 8 * EPS * roundings * max(np.abs(g).max() for g in twice.gradients.values())
    w = np.stack([trial.dy, twice.dy_dot])
    plain = {"x": trial.dx, "x_dot": trial.dx, **trial.grads}
    for name, g in twice.gradients.items():
        mistakes = [("it is what backward gives: is the second derivative missing?", plain[name])]
        compare(Gradient(f"jvp_backward: d{name}{label}", g, functools.partial(twice.moved, name), w, trial.who,
                         len(trial.x), mistakes), report, rng, floor)
    _without_dy(twice, floor)


def _jvp(twice, label, rng, roundings):
    """⟨dy, ẏ⟩ = ⟨Jᵀ dy, ẋ⟩, Jᵀ dy being backward, which is known to be right                   Eq. (2.24)"""
    trial = twice.trial
    p, x, _ = trial.at()
    _, cache = trial.forward(p, x)
    W = [signs(trial.shape, rng) for _ in range(DIRECTIONS)]
    forward = np.array([np.sum(w * twice.y_dot) for w in W])
    back = np.array([np.sum(trial.backward(p, cache, w)[0] * twice.x_dot) for w in W])
    row = Row(f"jvp: y_dot{label}", "adjoint test with backward", relative(forward, back),
              max(1e-13, 50 * EPS * roundings))
    if not row.error <= row.tolerance:
        raise GradientError(f"{trial.who}: jvp is not J ẋ: ⟨dy, ẏ⟩ = {forward[0]:.6g}, but ⟨backward(dy), ẋ⟩ = "
                            f"{back[0]:.6g}")
    return row


def _without_dy(twice, floor):
    """dy = None stands for zero: the difference to dy is one ordinary backward pass."""
    trial = twice.trial
    _, gradients = twice.run(np.float64, with_dy=False)
    plain = {"x": trial.dx, "x_dot": np.zeros_like(trial.dx), **trial.grads}
    for name, g in gradients.items():
        if not np.abs(twice.gradients[name] - plain[name] - g).max() <= 1e-13 * np.abs(plain[name]).max() + floor:
            raise GradientError(f"{trial.who}: jvp_backward with dy = None, which stands for 0, gives another d{name}")
