"""The earth mover's distance (Wasserstein-1): between samples, between densities, and its dual."""
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial import legendre

from ..checks import generator, no_nan, numbers, whole
from .density import as_density, common_box
from .divergences import check_mass, check_tails, is_array
from .quadrature import NODES, integrate

DEGREE = len(NODES) - 1
TO_LEGENDRE = np.linalg.inv(legendre.legvander(NODES, DEGREE))    # values at the 15 nodes -> coefficients


def wasserstein1(p: Any, q: Any, support: Any = None, tol: float = 1e-11) -> float:
    """W₁(p, q) = ∫ |F − G| dt, F and G the distribution functions                              Eqs. (7.4), (7.5)

    The least mean distance of all transport plans, Eq. (7.2). One dimension. p, q: samples (n,) and (m,), of any two
    sizes, where the integral is a finite sum and exact; or two densities. For samples in more dimensions see
    `sliced_wasserstein1`.
    """
    if is_array(p) or is_array(q):
        t, gap = _sample_gap(p, q, support)
        return float(np.abs(gap) @ np.diff(t))
    gap_of = _density_gap(p, q, support, tol)
    knots, _ = _pieces(gap_of)
    box = np.array([[knots[0], knots[-1]]])
    breaks = [np.concatenate([gap_of.edges, knots])]
    return float(integrate(lambda t: np.abs(gap_of(t[:, 0]))[:, None], box, breaks, tol).value[0])


def cdf(p: Any, support: Any = None, tol: float = 1e-12) -> Callable[[Any], np.ndarray]:
    """F(t) = ∫_{−∞}^t p(x) dx as a function of t: numbers in, numbers out                      Eq. (7.3)"""
    P = as_density(p, "p")
    F = _Antiderivative(lambda x: P(x), *_line([P], support), tol)
    check_mass(P, F.total, np.array([[F.edges[0], F.edges[-1]]]))
    return F


class Potential(NamedTuple):
    """A function with slopes −1, 0 and 1 through (knots, values), constant outside: 1-Lipschitz by construction."""
    knots: np.ndarray
    values: np.ndarray

    def __call__(self, x: Any) -> np.ndarray:
        """f(x), of the shape of x."""
        return np.interp(no_nan(x, "x"), self.knots, self.values)


def kantorovich(p: Any, q: Any, support: Any = None, tol: float = 1e-11) -> Potential:
    """f with f' = −sign(F − G): the best 1-Lipschitz critic, E_p f − E_q f = W₁(p, q)          Eq. (7.9)

    One dimension; samples or densities, as for `wasserstein1`. f(x) = 0 at the left end.
    """
    if is_array(p) or is_array(q):
        t, gap = _sample_gap(p, q, support)
        sign = np.sign(gap)
    else:
        t, sign = _pieces(_density_gap(p, q, support, tol))
    return Potential(t, np.concatenate([[0.0], np.cumsum(-sign * np.diff(t))]))


def sliced_wasserstein1(x: Any, y: Any, directions: int = 100, *, rng: np.random.Generator) -> float:
    """SW₁ = mean over random unit vectors u of W₁(⟨x, u⟩, ⟨y, u⟩)                              Eq. (7.10)

    x (n, d), y (m, d) -> the average over `directions` directions, uniform on the sphere. A lower bound of W₁ on
    average, and its equal for d = 1. Rabin et al. (2012), Wasserstein barycenter and its application to texture
    mixing.
    """
    x, y = _samples(x, "x"), _samples(y, "y")
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"x has {x.shape[1]} columns and y has {y.shape[1]}: compare samples of one dimension")
    whole(directions, "directions")
    u = generator(rng).standard_normal((directions, x.shape[1]))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    return float(np.mean([wasserstein1(x @ v, y @ v) for v in u]))


# ----------------------------------------------------------------------------------------------- samples

def _samples(x: Any, name: str) -> np.ndarray:
    """Samples as float64 (n, d); TypeError for what is no array, ValueError when it is empty or not finite."""
    if not is_array(x):
        raise TypeError(f"p and q must be of one kind: both samples, or both densities; {name} is {type(x).__name__}")
    x = numbers(x, name)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or x.size == 0:
        raise ValueError(f"{name} must be samples (n,) or (n, d) with n >= 1, got the shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinity: drop those rows, or mend what made them")
    return x


def _sample_gap(p: Any, q: Any, support: Any) -> tuple[np.ndarray, np.ndarray]:
    """The sorted points t of both samples, and F − G on each interval between them."""
    if support is not None:
        raise ValueError("support= belongs to densities, and these are samples: leave it out")
    x, y = _samples(p, "p"), _samples(q, "q")
    if x.shape[1] != 1 or y.shape[1] != 1:
        raise ValueError(f"samples of {x.shape[1]} and {y.shape[1]} columns: wasserstein1 is for one dimension, "
                         f"sliced_wasserstein1(x, y, rng=) for more")
    x, y = np.sort(x[:, 0]), np.sort(y[:, 0])
    t = np.sort(np.concatenate([x, y]))
    below_x, below_y = (np.searchsorted(v, t[:-1], side="right") for v in (x, y))
    return t, (below_x * len(y) - below_y * len(x)) / (len(x) * len(y))          # whole numbers: 0 is exactly 0


# --------------------------------------------------------------------------------------------- densities

class _Antiderivative:
    """t -> ∫_{lo}^t f dx: the polynomial through the 15 nodes of each box of the quadrature, integrated exactly.

    Beyond the middle it is `whole`, the integral over all, minus what is to come: where the tails of a density are
    long, the roundings of all that came before would be a distance of their own.
    """

    def __init__(self, f: Callable, box: np.ndarray, breaks: list, tol: float, whole: float | None = None,
                 weight: Callable = lambda x: 1.0):
        def integrand(x):
            y = f(x) * weight(x)
            return np.stack([y, np.abs(y)], 1)
        done = integrate(integrand, box, breaks, tol)
        order = np.argsort(done.lo[:, 0])
        lo, hi = done.lo[order, 0], done.hi[order, 0]
        self.edges = np.concatenate([lo, hi[-1:]])
        self.half = (hi - lo) / 2
        x = (lo + self.half)[:, None] + self.half[:, None] * NODES
        values = f(x.reshape(-1, 1)).reshape(x.shape)
        c = legendre.legint(values @ TO_LEGENDRE.T, axis=1, lbnd=-1) * self.half[:, None]
        parts = c.sum(1)                                       # every Legendre polynomial is 1 at the right end
        self.total = float(parts.sum()) if whole is None else whole
        from_left, to_right = np.cumsum(parts) - parts, np.cumsum(parts[::-1])[::-1]
        mass = np.cumsum(np.abs(parts))
        self.start = np.where(mass <= mass[-1] / 2, from_left, self.total - to_right)
        self.c = c

    def __call__(self, t: Any) -> np.ndarray:
        t = np.clip(no_nan(t, "t"), self.edges[0], self.edges[-1])
        before = t == self.edges[0]
        i = np.clip(np.searchsorted(self.edges, t, side="right") - 1, 0, len(self.half) - 1)
        u = (t - self.edges[i]) / self.half[i] - 1
        value = self.start[i] + legendre.legval(u, np.moveaxis(self.c[i], -1, 0), tensor=False)
        return np.where(before, 0.0, value)


def _line(densities: list, support: Any) -> tuple[np.ndarray, list[np.ndarray]]:
    box, breaks = common_box(densities, support)
    if len(box) != 1:
        raise ValueError("distribution functions and wasserstein1 are for densities in one dimension: "
                         "in more, sliced_wasserstein1 compares samples")
    return box, breaks


def _density_gap(p: Any, q: Any, support: Any, tol: float) -> _Antiderivative:
    """F − G."""
    P, Q = as_density(p, "p"), as_density(q, "q")
    box, breaks = _line([P, Q], support)
    masses = integrate(lambda x: np.stack([P(x), Q(x)], 1), box, breaks, tol).value
    for density, mass in zip((P, Q), masses, strict=True):
        check_mass(density, mass, box)
    if support is None:                                    # beyond x, ∫ |F − G| is about |p − q| x²
        check_tails((P, Q), box, lambda x: np.ptp(box) * (P(x) - Q(x)), tol, 0.0)
    middle = np.median(np.concatenate([breaks[0], box[0]]))
    return _Antiderivative(lambda x: P(x) - Q(x), box, breaks, tol / 10, whole=0.0,
                           weight=lambda x: x[:, 0] - middle)


def _pieces(gap: _Antiderivative) -> tuple[np.ndarray, np.ndarray]:
    """The intervals on which F − G keeps its sign (their ends, by bisection from 17 points in each box), and the sign.

    Where F − G is below 1e-14 its sign is rounding, and it counts to its neighbours.
    """
    t = (gap.edges[:-1, None] + 2 * gap.half[:, None] * np.linspace(0, 1, 17)).ravel()
    sign = np.sign(np.where(np.abs(gap(t)) < 1e-14, 0.0, gap(t)))
    t, sign = t[sign != 0], sign[sign != 0]
    change = np.flatnonzero(sign[:-1] != sign[1:])
    a, b, side = t[change], t[change + 1], sign[change]
    for _ in range(60):
        middle = (a + b) / 2
        left = np.sign(gap(middle)) == side
        a, b = np.where(left, middle, a), np.where(left, b, middle)
    knots = np.concatenate([gap.edges[:1], (a + b) / 2, gap.edges[-1:]])
    first = sign[0] if len(sign) else 0.0
    return knots, first * (-1.0)**np.arange(len(knots) - 1)
