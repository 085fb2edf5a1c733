"""Numeric derivatives: the complex step, the central difference, and which of the two can be believed.

Everything here differentiates φ(δ) = Σ w · f(δ) at δ = 0 along directions v: f is a function of the change of one
tensor, w the upstream gradient. An analytic gradient g must give φ'(0; v) = Σ g · v.
"""
import math
import warnings
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

from .report import GradientError

Function = Callable[[np.ndarray], np.ndarray]
T = TypeVar("T")

EPS, EPS32 = (float(np.finfo(dtype).eps) for dtype in (np.float64, np.float32))
COMPLEX_STEP, CENTRAL = "complex step", "central difference"
TOLERANCE = {COMPLEX_STEP: 1e-13, CENTRAL: 1e-7}
H = 1e-20                                                   # no subtraction, so it cannot be too small
STEPS = tuple(EPS ** (1 / 3) / s for s in (1, 16, 256))     # the best step of a smooth function, and two finer ones
LIMIT = 200                                                 # entries of a tensor that are checked one by one
POINTS = 20                                                 # that are tried, where there is no derivative
DIRECTIONS = 8                                              # random ones, for tensors that are larger
SAME = 1e-12                                                # two ways to compute one number
BLUR = 1e-4                                                 # slopes that differ by more than this part are a kink

SIDES = "the slopes on both sides differ. Does forward jump, round its input, or draw random numbers not from c.rng?"


class Kink(Exception):
    """At this point there is no derivative to compare with, and why: draw another point."""


class Unusable(Exception):
    """The complex step cannot be taken through this code."""


class Numeric(NamedTuple):
    """Derivatives along directions; `tolerance` is relative to the largest; `why` not the complex step, if so."""
    method: str
    values: np.ndarray
    tolerance: float
    why: str


def complex_step(f: Function, w: np.ndarray, v: np.ndarray) -> float:
    """φ'(0; v) = Im φ(i h v) / h,   h = 1e-20                                                 Eq. (2.22)

    Squire & Trapp 1998. Raises Unusable where f refuses complex input or says that it drops the imaginary part.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            y = np.asarray(f(1j * H * v))
            return float(np.sum(w * y.imag)) / H
    except Exception as e:                                  # f has just worked on real input
        raise Unusable(f"complex input gives {type(e).__name__}: {e}") from None


def central_difference(f: Function, w: np.ndarray, v: np.ndarray, h: float = STEPS[0]) -> float:
    """φ'(0; v) = (φ(h v) − φ(−h v)) / 2h + O(h²)                                              Eq. (2.23)

    The outputs are subtracted before they are summed, so that those that v does not reach cancel exactly.
    """
    return float(np.sum(w * (np.asarray(f(h * v)) - np.asarray(f(-h * v))))) / (2 * h)


def relative(a: np.ndarray, n: np.ndarray) -> float:
    """max|a − n| / max(max|a|, max|n|), absolute when both are below 1e-12; NaN when anything is."""
    size, difference = max(np.abs(a).max(), np.abs(n).max()), np.abs(a - n).max()
    return float(difference if size < 1e-12 else difference / size)


def close(a: float, b: float) -> bool:
    """The same number but for roundings; no number is close to NaN."""
    return math.isclose(a, b, rel_tol=SAME, abs_tol=SAME)


def signs(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """A random direction: every entry +1 or −1, so that no single error can hide."""
    return 2.0 * rng.integers(0, 2, shape) - 1


def directions(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Every unit vector of a small tensor, a few random directions of a large one; stacked."""
    size = math.prod(shape)
    if size <= LIMIT:
        return np.eye(size).reshape(size, *shape)
    return signs((DIRECTIONS, *shape), rng)


def numeric(f: Function, w: np.ndarray, V: np.ndarray, target: np.ndarray, rng: np.random.Generator,
            floor: float) -> Numeric:
    """Derivatives along each v of V, by the complex step if a central difference confirms it along one direction.

    `target` holds the analytic ones: a central difference that disagrees is taken again with a smaller step before
    it may accuse. `floor` is the rounding error of the analytic ones.
    """
    why = ""
    try:
        values = np.array([complex_step(f, w, v) for v in V])
        if _confirmed(f, w, signs(V.shape[1:], rng), np.abs(values).max()):
            return Numeric(COMPLEX_STEP, values, TOLERANCE[COMPLEX_STEP] + _part(floor, values, target), why)
        why = "the imaginary part is lost on the way (np.abs, .real, a cast?)"
    except Unusable as e:
        why = str(e)
    values, noise = _central(f, w, V, target, TOLERANCE[CENTRAL])
    return Numeric(CENTRAL, values, TOLERANCE[CENTRAL] + _part(floor + noise, values, target), why)


def _part(floor, values, target):
    """An absolute rounding error as a part of the largest derivative."""
    size = max(np.abs(values).max(), np.abs(target).max())
    return floor / size if size >= 1e-12 else floor


def _confirmed(f, w, v, size):
    """Does a central difference see the derivative that the complex step sees? Not so where np.abs dropped it."""
    seen = np.array([complex_step(f, w, v)])
    n, noise = _central(f, w, v[None], seen, 1e-5, size)
    _two_sided(f, w, v, max(size, abs(n[0])))
    return abs(n[0] - seen[0]) <= 1e-5 * max(size, abs(n[0])) + noise


def _central(f, w, V, target, tolerance, size=0.0):
    """Central differences along V and their rounding error. Raises Kink where none can be had."""
    terms = np.sum(np.abs(w * np.asarray(f(np.zeros(V.shape[1:])))))
    noise = [_rounding(terms, h) for h in STEPS]
    values = np.array([central_difference(f, w, v) for v in V])
    size = max(size, np.abs(values).max(), np.abs(target).max())
    used = noise[0]
    for k in np.flatnonzero(~(np.abs(values - target) <= tolerance * size + noise[0])):
        values[k], finer = _finer(f, w, V[k], target[k], tolerance * size, noise, size)
        used = max(used, finer)
        if not abs(values[k] - target[k]) <= tolerance * size + finer:
            break                                           # one that is certain is enough
    return values, used


def _finer(f, w, v, target, allowed, noise, size):
    """The derivative with smaller steps, and its rounding error: a step that crosses no kink agrees with the next."""
    values = [central_difference(f, w, v, h) for h in STEPS[1:]]
    for value, rounding in zip(values, noise[1:], strict=True):
        if abs(value - target) <= allowed + rounding:
            return value, rounding
    _two_sided(f, w, v, size)
    if not abs(values[0] - values[1]) <= BLUR * size + 2 * noise[-1]:
        raise Kink(SIDES)
    return values[0], noise[1]


def _two_sided(f, w, v, size):
    """Raises Kink where the slopes on both sides differ: there is nothing to compare with."""
    h, y = STEPS[-1], np.asarray(f(np.zeros(v.shape)))
    right, left = (np.sum(w * (np.asarray(f(t * v)) - y)) / t for t in (h, -h))
    if not abs(right - left) <= BLUR * size + 4 * _rounding(np.sum(np.abs(w * y)), h):
        raise Kink(SIDES)


def _rounding(terms, h):
    """What rounding adds to a difference over 2h of sums whose terms have that size."""
    return 8 * EPS * float(terms) / h


def at_smooth_points(trial: Callable[[np.random.Generator], T], seed: int) -> T:
    """trial(rng) at the first random point where no step crosses a kink."""
    for attempt in range(POINTS):
        try:
            return trial(np.random.default_rng([seed, attempt]))
        except Kink as e:
            why = e
    raise GradientError(f"at none of {POINTS} random points is there a derivative to compare with: {why}")
