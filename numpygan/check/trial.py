"""One layer at one random point: what it was given and what came out, with every contract on the way."""
import copy
import math
from typing import Any

import numpy as np

from .. import engine as engines
from ..layers import Context, Layer
from .contract import Untouched, calling, draw, gradients, named, nearby, pair, tensor
from .derivative import EPS, Kink, relative, signs
from .report import GradientError

PASSES = 1000           # of a layer with a state, before it is checked
LINES = 5               # along which x, dy and the parameters move, to see what rounds on the way
LINE = 4e-8             # the part of itself that each moves by, or up to twice as much
USUAL = 8.0             # roundings that the tolerances are made for
MAX_ROUNDINGS = 1e6     # that can be excused


class Trial:
    """A layer with parameters p, state s, input x, upstream dy, and the outcome in float64: y, dx, grads."""

    def __init__(self, layer: Layer, x_shape: tuple[int, int], engine: str, rng: np.random.Generator,
                 wide: float = 1.0):
        self.layer, self.engine, self.who = layer, engine, named(layer)
        shapes, d_out = pair(layer.shapes(x_shape[1]), f"{self.who}: shapes must return {{name: shape}} and d_out")
        if taken := {"x", "x_dot"} & set(shapes):
            raise GradientError(f"{self.who} has a parameter {taken.pop()!r}, and so has the input: which of the two "
                                f"gradients is meant could not be told. Call the parameter something else")
        p = {name: np.zeros(shape) for name, shape in shapes.items()}
        given = dict(p)
        layer.init(p, rng)
        if any(p[name] is not v for name, v in given.items()):
            raise GradientError(f"{self.who}.init must fill the arrays that it is given, which are views of the "
                                f"network's vector: write p[name][...] = values, not p[name] = values")
        self.p = {name: nearby(value, rng) for name, value in p.items()}
        self.x = wide * draw(rng, *x_shape)
        self.s = self._settled(rng)
        self.seed: int | None = None                    # of a training pass; None: evaluation
        rows = len(self.forward(self.p, self.x)[0]) if layer.batchwise else x_shape[0]          # rows may merge
        self.shape = (rows, d_out)
        self.dy = draw(rng, *self.shape)
        self.y, self.dx, self.grads = self.run(np.float64)

    def _settled(self, rng):
        """The state after many training passes: a power iteration has converged, running moments are no zeros."""
        s = {name: np.array(value, float) for name, value in self.layer.state(self.x.shape[1]).items()}
        self.layer.init_state(self.p, s, rng)
        for _ in range(PASSES if s else 0):
            c = Context(engines.ops("numpy"), rng, state=s, new={})
            self.layer.forward(self.p, self.x, c)
            self._declared(c.new, s)
            s = s | c.new
        return s

    def _declared(self, new, state):
        """What is proposed must be what `state` declares."""
        for name, v in new.items():
            if name not in state or np.shape(v) != state[name].shape:
                raise GradientError(f"{self.who}.forward proposes {name!r} of shape {np.shape(v)} as new state, and "
                                    f"state(d_in) declares {({k: v.shape for k, v in state.items()})}")

    @property
    def gradients(self) -> dict[str, np.ndarray]:
        """dx and those of the parameters, by name."""
        return {"x": self.dx, **self.grads}

    def training(self) -> "Trial":
        """The same point in a training pass."""
        other = copy.copy(self)
        other.seed = 1
        other.y, other.dx, other.grads = other.run(np.float64)
        return other

    def roundings(self) -> float:
        """How many roundings of float64 the results are off; 1 where that is usual. Raises Kink where that is too many.

        Gradients against the largest of them all: one that is 0 but for roundings is off by all it has.
        """
        most = max(self._noise(np.random.default_rng(seed)) for seed in range(LINES)) / EPS
        if not most <= MAX_ROUNDINGS:
            raise Kink(f"what {self.who} computes is off by {most * EPS:.1g} of its largest entry, by rounding alone. "
                       f"Are numbers subtracted that are nearly equal, or is something float32 on the way?")
        return most if most > USUAL else 1.0

    def _noise(self, rng):
        """How far results are off, as a part of the largest, by what is rounded on the way, and by one rounding before.

        The fourth difference of five points on a line cancels what is smooth. If each is off by σ, it is by √70 σ
        (Moré & Wild 2011).
        """
        other, sizes = copy.copy(self), [size_of(self.y)] + [self.steepest()] * (1 + len(self.p))
        given = [*self.p.values(), self.x, self.dy]
        v = [rng.uniform(1, 2, a.shape) for a in given]
        fourth = [0.0] * len(sizes)
        for k, weight in zip((-2, -1, 0, 1, 2), (1, -4, 6, -4, 1), strict=True):
            *p, other.x, other.dy = [a * (1 + k * LINE * b + EPS * signs(a.shape, rng))
                                     for a, b in zip(given, v, strict=True)]
            other.p = dict(zip(self.p, p, strict=True))
            y, dx, grads = other.run(np.float64)
            results = y, dx, *(grads[name] for name in self.p)
            fourth = [d + weight * a / size for d, a, size in zip(fourth, results, sizes, strict=True)]
        return max(np.abs(d).max() for d in fourth) / math.sqrt(70)

    def distance(self, y: np.ndarray, dx: np.ndarray, grads: dict[str, np.ndarray]) -> float:
        """How far these results are from those of the trial, as a part of the largest y and the largest gradient."""
        pairs = [(dx, self.dx), *((grads[k], self.grads[k]) for k in grads)]
        return max(relative(y, self.y), max(np.abs(a - b).max() for a, b in pairs) / self.steepest())

    def steepest(self) -> float:
        """The largest entry of all gradients."""
        return size_of(self.dx, *self.grads.values())

    def at(self, dtype: Any = np.float64) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """Fresh copies of p, x, dy."""
        return {name: np.array(v, dtype) for name, v in self.p.items()}, self.x.astype(dtype), self.dy.astype(dtype)

    def forward(self, p: dict[str, np.ndarray], x: np.ndarray, engine: str | None = None,
                later: int = 0) -> tuple[np.ndarray, Any]:
        """y, cache; the random numbers are the same in every call, and others in a `later` one."""
        rng = None if self.seed is None else np.random.default_rng(self.seed + later)
        state = {name: v.astype(x.real.dtype) for name, v in self.s.items()}
        for v in state.values():
            v.flags.writeable = False
        c = Context(engines.ops(engine or self.engine), rng, state=state, new={})
        given = "None, as in every evaluation" if rng is None else "given"
        with calling(f"{self.who}.forward with x {x.shape} {x.dtype}; c.rng is {given}"):
            out = self.layer.forward(p, x, c)
        self._declared(c.new, state)
        return pair(out, f"{self.who}: forward must return two things, y and cache")

    def backward(self, p: dict[str, np.ndarray], cache: Any, dy: np.ndarray, want_dx: bool = True,
                 want_g: bool = True) -> tuple[Any, Any]:
        """dx, grads."""
        with calling(f"{self.who}.backward with dy {dy.shape} {dy.dtype}; c.rng is None: masks belong in the cache"):
            out = self.layer.backward(p, cache, dy, Context(engines.ops(self.engine), None, want_dx, want_g))
        dx, grads = pair(out, f"{self.who}: backward must return two things, dx and {{name: gradient}}")
        return dx, gradients(grads)

    def run(self, dtype: Any) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Forward and backward, checked for shapes, dtypes and arrays changed in place."""
        p, x, dy = self.at(dtype)
        before = Untouched(x=x, p=p)
        y, cache = self.forward(p, x)
        before.verify(f"{self.who}.forward")
        tensor(y, "y", self.shape, dtype, f"{self.who}.forward")
        before = Untouched(x=x, dy=dy, y=y, p=p, cache=cache)
        dx, grads = self.backward(p, cache, dy)
        before.verify(f"{self.who}.backward")
        tensor(dx, "dx", x.shape, dtype, f"{self.who}.backward")
        if not isinstance(grads, dict) or set(grads) != set(p):
            got = f"those of {sorted(grads)}" if isinstance(grads, dict) else f"a {type(grads).__name__}"
            raise GradientError(f"{self.who}.backward must return a dict with the gradients of {sorted(p)}, got {got}")
        for name, d in grads.items():
            tensor(d, f"d{name}", p[name].shape, dtype, f"{self.who}.backward", len(x))
        return y, dx, grads

    def moved(self, name: str, delta: np.ndarray) -> np.ndarray:
        """y when `delta` is added to x or to a parameter, by `functional`: the function to differentiate."""
        p, x, _ = self.at()
        if name == "x":
            return self.forward(p, x + delta, "numpy")[0]
        return self.forward({**p, name: p[name] + delta}, x, "numpy")[0]


def size_of(*arrays: np.ndarray) -> float:
    """The largest entry, or 1 where all are 0 but for roundings: what `relative` divides by."""
    size = max(float(np.abs(a).max()) for a in arrays)
    return size if size >= 1e-12 else 1.0
