"""Adaptive quadrature in one and two dimensions: the integrals behind every expectation of the theory."""
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

# The 15 nodes of Kronrod and, at every second of them, the 7 of Gauss (Piessens et al. 1983, QUADPACK, qk15).
_X = (0.991455371120812639206854697526329, 0.949107912342758524526189684047851, 0.864864423359769072789712788640926,
      0.741531185599394439863864773280788, 0.586087235467691130294144838258730, 0.405845151377397166906606412076961,
      0.207784955007898467600689403773245, 0.0)
_K = (0.022935322010529224963732008058970, 0.063092092629978553290700663189204, 0.104790010322250183839876322541518,
      0.140653259715525918745189590510238, 0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
      0.204432940075298892414161999234649, 0.209482141084727828012999174891714)
_G = (0.0, 0.129484966168869693270611432679082, 0.0, 0.279705391489276667901467771423780,
      0.0, 0.381830050505118944950369775488975, 0.0, 0.417959183673469387755102040816327)
NODES = np.array([*(-x for x in _X[:-1]), *_X[::-1]])
KRONROD = np.array([*_K[:-1], *_K[::-1]])
GAUSS = np.array([*_G[:-1], *_G[::-1]])

EPS, TINY = np.finfo(float).eps, np.finfo(float).tiny
CHUNK = 65_536           # points per call of the integrand: a few arrays of them fit the cache
MAX_POINTS = 8_000_000   # after which a slow integral is given up


class Integral(NamedTuple):
    """A finished integral: its m values, its error estimate, and the boxes [lo, hi] it was summed over."""
    value: np.ndarray        # (m,)
    error: float
    lo: np.ndarray           # (boxes, d)
    hi: np.ndarray           # (boxes, d)


def integrate(f: Callable[[np.ndarray], np.ndarray], box: np.ndarray, breaks: Sequence[np.ndarray] = (),
              tol: float = 1e-12) -> Integral:
    """∫ f dx ≈ Σ_boxes vol · Σ_k w_k f(x_k), all boxes of a round at once                      Eq. (6.19)

    f maps points (n, d) to m values each (n, m), box (d, 2), breaks one array per axis: where f peaks or jumps.
    Each box has the 15 Kronrod nodes per axis. Its error is judged by how far the Gauss rule of 7 of these nodes, on
    one axis at a time, is from it (Piessens et al. 1983); the boxes that are not yet good enough are halved along the
    axis with the larger error. In one dimension, so are boxes between whose outermost nodes a jump may be hidden.
    `tol` bounds the sum of errors, relative to the largest integral where that exceeds 1.

    ValueError when f is not finite, or when the tolerance is not reached.
    """
    if isinstance(tol, bool) or not isinstance(tol, int | float | np.floating) or not 0 < tol < np.inf:
        raise ValueError(f"tol must be a positive number, got {tol!r}: the error that the integral may have")
    lo, hi = _cells(box, breaks)
    rule = _rule(len(box))
    value, error, points = *_apply(f, lo, hi, rule), len(lo) * len(rule[0])
    while True:
        size = error.sum(1)
        bound = tol * max(1.0, float(np.abs(value.sum(0)).max()))
        done = size.sum() <= bound
        judged = _hidden(f, lo, hi, breaks) if done and len(box) == 1 else error
        divisible = hi - lo > np.maximum(64 * EPS * np.maximum(np.abs(lo), np.abs(hi)), TINY)
        axis = np.where(divisible, judged, -1.0).argmax(1)
        coarse = (judged.sum(1) > bound / (2 * len(size))) & divisible[np.arange(len(lo)), axis]
        points += 2 * int(coarse.sum()) * len(rule[0])
        if done and (len(box) > 1 or not coarse.any() or points > MAX_POINTS):
            return Integral(value.sum(0), float(size.sum()), lo, hi)
        if not coarse.any() or points > MAX_POINTS:
            return _given_up(Integral(value.sum(0), float(size.sum()), lo, hi), bound)
        new_lo, new_hi = _halves(lo[coarse], hi[coarse], axis[coarse])
        new_value, new_error = _apply(f, new_lo, new_hi, rule)
        lo, hi = np.concatenate([lo[~coarse], new_lo]), np.concatenate([hi[~coarse], new_hi])
        value, error = np.concatenate([value[~coarse], new_value]), np.concatenate([error[~coarse], new_error])


def _hidden(f: Callable, lo: np.ndarray, hi: np.ndarray, breaks: Sequence[np.ndarray]) -> np.ndarray:
    """The error (boxes, 1) that a jump beside the common end of two boxes, where no rule has a node, would make.

    There f changes by more than from one node to the next; at a break, whose place is known, it may.
    """
    order = np.argsort(lo[:, 0])
    half = (hi[order, 0] - lo[order, 0]) / 2
    x = (lo[order, 0] + half)[:, None] + half[:, None] * NODES[[0, 1, -2, -1]]
    y = f(x.reshape(-1, 1)).reshape(len(lo), 4, -1)
    step = np.abs(y[1:, 0] - y[:-1, 3])
    usual = np.abs(y[:-1, 3] - y[:-1, 2]) + np.abs(y[1:, 1] - y[1:, 0])
    jump = np.where(step > 2 * usual, step, 0.0).max(1) * (half[1:] + half[:-1]) * (1 - NODES[-1])
    jump[np.isin(lo[order[1:], 0], breaks[0] if len(breaks) else [])] = 0.0
    error = np.zeros((len(lo), 1))
    error[order[1:], 0] = jump
    error[order[:-1], 0] += jump
    return error


def _given_up(integral: Integral, bound: float) -> Integral:
    """The integral if only rounding stands in the way of the tolerance; otherwise a ValueError."""
    if integral.error <= 1000 * bound and integral.error < 1e-9:
        return integral
    raise ValueError(f"the integral is known to {integral.error:.1g} only, not to {bound:.1g} as asked: allow a larger "
                     f"tol=, narrow support=, or name peaks and jumps with theory.Density(…, breaks=)")


def _cells(box: np.ndarray, breaks: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The first boxes: cut at the breaks, and where that leaves more than 1/16 (in 2-D 1/8) of an axis."""
    axes = []
    for j, (a, b) in enumerate(box):
        cuts = np.asarray(breaks[j], float) if len(breaks) else np.empty(0)
        edges = np.unique(np.concatenate([[a, b], cuts[(cuts > a) & (cuts < b)]]))
        # Breaks that differ by rounding are one; near 0 only in two dimensions, where each costs a row of boxes.
        size = np.minimum(np.maximum(np.abs(edges[:-1]), np.abs(edges[1:])), b - a)
        near = 1e-13 * size if len(box) == 1 else 1e-9 * (b - a)
        edges = edges[np.concatenate([[True], np.diff(edges) > near])]
        edges[-1] = b
        parts = np.ceil(np.diff(edges) / (b - a) * (16 if len(box) == 1 else 8) - 1e-9).clip(1).astype(int)
        axes.append(np.concatenate([*(np.linspace(u, v, k + 1)[:-1] for u, v, k in
                                      zip(edges[:-1], edges[1:], parts, strict=True)), [b]]))
    lo = np.stack(np.meshgrid(*(e[:-1] for e in axes), indexing="ij"), -1).reshape(-1, len(box))
    hi = np.stack(np.meshgrid(*(e[1:] for e in axes), indexing="ij"), -1).reshape(-1, len(box))
    return lo, hi


def _rule(d: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (15^d, d) on [−1, 1]^d, and weights (1 + d, 15^d): Kronrod on all axes, Gauss on axis j in row 1 + j."""
    nodes = np.stack(np.meshgrid(*[NODES] * d, indexing="ij"), -1).reshape(-1, d)
    rows = []
    for gauss in range(-1, d):
        w = np.ones(1)
        for j in range(d):
            w = np.multiply.outer(w, GAUSS if j == gauss else KRONROD).ravel()
        rows.append(w)
    return nodes, np.stack(rows)


def _apply(f: Callable, lo: np.ndarray, hi: np.ndarray, rule: tuple) -> tuple[np.ndarray, np.ndarray]:
    """The integral over each box (boxes, m) and its error along each axis (boxes, d)."""
    nodes, weights = rule
    values, errors = [], []
    step = max(1, CHUNK // len(nodes))
    for i in range(0, len(lo), step):
        a, half = lo[i:i + step], (hi[i:i + step] - lo[i:i + step]) / 2
        x = (a + half)[:, None, :] + half[:, None, :] * nodes
        y = f(x.reshape(-1, x.shape[-1]))
        sums = np.einsum("jk,bkm->bjm", weights, y.reshape(len(a), len(nodes), -1))
        sums *= half.prod(1)[:, None, None]
        values.append(sums[:, 0])
        errors.append(_errors(sums, y.reshape(len(a), len(nodes), -1), weights[0], half.prod(1)).max(2))
    value = np.concatenate(values)
    if not np.isfinite(value).all():
        raise ValueError("the function under the integral is NaN or infinite somewhere on the support: "
                         "narrow support=, or mend the function")
    return value, np.concatenate(errors)


def _errors(sums: np.ndarray, y: np.ndarray, w: np.ndarray, volume: np.ndarray) -> np.ndarray:
    """Gauss against Kronrod, as QUADPACK reads it: when the two agree well, Kronrod's error is far smaller still."""
    gap = np.abs(sums[:, 1:] - sums[:, :1])
    mean = sums[:, :1] / (w.sum() * volume[:, None, None])
    spread = np.einsum("k,bkm->bm", w, np.abs(y - mean))[:, None] * volume[:, None, None]
    return np.where(spread > 0, spread * np.minimum(1.0, 200 * gap / np.where(spread > 0, spread, 1.0))**1.5, gap)


def _halves(lo: np.ndarray, hi: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each box cut in two along its axis."""
    rows = np.arange(len(lo))
    middle = (lo[rows, axis] + hi[rows, axis]) / 2
    left_hi, right_lo = hi.copy(), lo.copy()
    left_hi[rows, axis] = right_lo[rows, axis] = middle
    return np.concatenate([lo, right_lo]), np.concatenate([left_hi, hi])
