"""One tensor: its analytic gradient beside the numeric one."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .derivative import (
    COMPLEX_STEP,
    LIMIT,
    STEPS,
    Function,
    central_difference,
    complex_step,
    directions,
    numeric,
    relative,
    signs,
)
from .diagnosis import explain
from .report import GradientError, Report, Row


class Gradient(NamedTuple):
    """An analytic gradient, and the function that it should be the gradient of.

    `f` gives the outputs when its argument is added to the tensor; L = Σ w · f.
    """
    name: str
    analytic: np.ndarray
    f: Function
    w: np.ndarray
    owner: str                              # whose it is, for the message
    rows: int                               # the batch size, for the message; 0: no part of it
    mistakes: Sequence[tuple[str, np.ndarray]] = ()     # (what to say, the gradient that one would have computed then)
    point: np.ndarray | None = None         # the tensor itself, for the message


def compare(gradient: Gradient, report: Report, rng: np.random.Generator, floor: float) -> np.ndarray:
    """Enter the error of one gradient in the report, or raise GradientError. Returns the numeric derivatives."""
    name, a = gradient.name, gradient.analytic
    V = directions(a.shape, rng)
    target = np.tensordot(V, a, a.ndim)
    found = numeric(gradient.f, gradient.w, V, target, rng, floor)
    error = relative(target, found.values)
    if not error <= found.tolerance:
        raise GradientError(f"{gradient.owner}: {accuse(gradient, found.method, rng)}")
    along = "" if len(V) == a.size else f", {len(V)} random directions"
    nothing = "" if found.values.any() else " (both are 0)"
    report.add(Row(name, f"{found.method}{along}{nothing}", error, found.tolerance))
    if found.why:
        report.note(f"{name} by central differences: {found.why}")
    return found.values


def accuse(gradient: Gradient, method: str, rng: np.random.Generator) -> str:
    """The message for a gradient that is wrong, from entries of it taken one by one."""
    a = gradient.analytic
    index = np.arange(a.size)
    if a.size > LIMIT:
        index = np.unique(np.append(rng.choice(a.size, LIMIT, replace=False), _culprit(gradient, method, rng)))
    n = np.array([_derivative(gradient, method, np.array([i]), np.ones(1)) for i in index])
    return explain(gradient.name, a, index, n, method, rows=gradient.rows, mistakes=gradient.mistakes,
                   point=gradient.point)


def _derivative(gradient, method, index, values):
    """φ' along the direction that has `values` at the flat `index` and 0 elsewhere."""
    v = np.zeros(gradient.analytic.size)
    v[index] = values
    v = v.reshape(gradient.analytic.shape)
    if method == COMPLEX_STEP:
        return complex_step(gradient.f, gradient.w, v)
    return central_difference(gradient.f, gradient.w, v, STEPS[1])


def _culprit(gradient, method, rng):
    """An entry that is wrong, by halving: of two halves, on to the one that is further off."""
    a = gradient.analytic.reshape(-1)
    s = signs(a.shape, rng)
    index = np.arange(a.size)
    while len(index) > 1:
        halves = np.array_split(index, 2)
        off = [abs(np.sum(a[h] * s[h]) - _derivative(gradient, method, h, s[h])) for h in halves]
        index = halves[int(np.argmax(off))]
    return index
