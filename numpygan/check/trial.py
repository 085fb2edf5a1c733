"""One layer at one random point: what it was given and what came out, with every contract on the way."""
import copy
from typing import Any

import numpy as np

from .. import engine as engines
from ..layers import Context, Layer
from .contract import Untouched, draw, named, nearby, pair, tensor
from .report import GradientError

PASSES = 1000           # of a layer with a state, before it is checked


class Trial:
    """A layer with parameters p, state s, input x, upstream dy, and the outcome in float64: y, dx, grads."""

    def __init__(self, layer: Layer, x_shape: tuple[int, int], engine: str, rng: np.random.Generator):
        self.layer, self.engine, self.who = layer, engine, named(layer)
        shapes, d_out = pair(layer.shapes(x_shape[1]), f"{self.who}: shapes must return {{name: shape}} and d_out")
        p = {name: np.zeros(shape) for name, shape in shapes.items()}
        layer.init(p, rng)
        self.p = {name: nearby(value, rng) for name, value in p.items()}
        self.x = draw(rng, *x_shape)
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

    def training(self) -> "Trial":
        """The same point in a training pass."""
        other = copy.copy(self)
        other.seed = 1
        other.y, other.dx, other.grads = other.run(np.float64)
        return other

    def at(self, dtype: Any = np.float64) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """Fresh copies of p, x, dy."""
        return {name: v.astype(dtype) for name, v in self.p.items()}, self.x.astype(dtype), self.dy.astype(dtype)

    def forward(self, p: dict[str, np.ndarray], x: np.ndarray, engine: str | None = None) -> tuple[np.ndarray, Any]:
        """y, cache; the random numbers are the same in every call."""
        rng = None if self.seed is None else np.random.default_rng(self.seed)
        state = {name: v.astype(x.real.dtype) for name, v in self.s.items()}
        for v in state.values():
            v.flags.writeable = False
        c = Context(engines.ops(engine or self.engine), rng, state=state, new={})
        out = self.layer.forward(p, x, c)
        self._declared(c.new, state)
        return pair(out, f"{self.who}: forward must return two things, y and cache")

    def backward(self, p: dict[str, np.ndarray], cache: Any, dy: np.ndarray, want_dx: bool = True,
                 want_g: bool = True) -> tuple[Any, Any]:
        """dx, grads."""
        out = self.layer.backward(p, cache, dy, Context(engines.ops(self.engine), None, want_dx, want_g))
        return pair(out, f"{self.who}: backward must return two things, dx and {{name: gradient}}")

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
        return self.moved_all({name: delta})

    def moved_all(self, deltas: dict[str, np.ndarray]) -> np.ndarray:
        """y when several things move at once."""
        p, x, _ = self.at()
        for name, delta in deltas.items():
            if name == "x":
                x = x + delta
            else:
                p[name] = p[name] + delta
        return self.forward(p, x, "numpy")[0]
