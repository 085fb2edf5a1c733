"""Expectations: by quadrature, by Monte Carlo with a standard error, and through a change of variables."""
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import logsumexp

from ..checks import finite, function, numbers, whole
from . import divergences, game
from .density import Density, as_density, common_box
from .divergences import check_mass, check_tails
from .quadrature import KRONROD, MAX_POINTS, NODES, integrate

TERMS = {
    "entropy": divergences.entropy_terms, "cross_entropy": divergences.cross_entropy_terms,
    "kl": divergences.kl_terms, "jsd": divergences.jsd_terms, "total_variation": divergences.total_variation_terms,
    "value": game.value_terms, "minimax_generator_value": game.minimax_generator_terms,
    "non_saturating_generator_value": game.non_saturating_generator_terms,
}


class Estimate(NamedTuple):
    """A Monte Carlo estimate: the mean, and the standard error of the mean."""
    value: float
    error: float


def expectation(f: Callable, p: Any, support: Any = None, tol: float = 1e-12) -> float:
    """E_p[f(x)] = ∫ p(x) f(x) dx, by quadrature.

    f takes what p takes, x (n,) or (n, d), and gives n numbers.
    """
    P = as_density(p, "p")
    box, breaks = common_box([P], support)

    def integrand(x):
        w = P(x)
        return np.stack([w, w * _at(f, x)], 1)

    mass, mean = integrate(integrand, box, breaks, tol).value
    if support is None:
        check_tails([P], box, lambda x: integrand(x)[:, 1], tol, mean)
    check_mass(P, mass, box)
    return float(mean)


def monte_carlo(quantity: str | Callable, p: Any, q: Any = None, *, n: int, rng: np.random.Generator) -> Estimate:
    """E_p[a] + E_q[b] ≈ mean a(xᵢ) + mean b(yᵢ), xᵢ ~ p, yᵢ ~ q, and its standard error        Eq. (6.20)

    quantity: `theory.kl`, `theory.jsd`, `theory.value`, … or its name. n draws from each of p and q, in any number of
    dimensions; both need `density` and `sample`. The error is √(var a/n + var b/n): the true value lies within
    two errors in 95 of 100 runs. jsd(…) ** 0.5 has no such average.
    """
    name = quantity if isinstance(quantity, str) else getattr(quantity, "__name__", repr(quantity))
    if name not in TERMS:
        raise ValueError(f"{name} is not an expectation under p and q: choose one of {', '.join(TERMS)}")
    _at_least_two(n)
    if q is None and name != "entropy":
        raise TypeError(f"{name} compares two distributions: pass q as well")
    P = as_density(p, "p")
    Q = P if q is None else as_density(q, "q")
    drawn = [source.sample(n, rng) for source in (P, Q)]
    if drawn[0].shape != drawn[1].shape:
        raise ValueError(f"the samples of p and q have the shapes {drawn[0].shape} and {drawn[1].shape}: "
                         f"give two distributions of one dimension")
    value, variance = 0.0, 0.0
    for side, x in enumerate(drawn):
        term = TERMS[name](x, P.log(x), Q.log(x))[side]
        if term is not None:
            part = mean_and_error(term)
            value, variance = value + part.value, variance + part.error**2
    return Estimate(value, variance**0.5)


def mean_and_error(values: Any) -> Estimate:
    """mean v and √(Σ(v − mean)²/(n(n − 1)))                                                    Eq. (6.20)

    values (n,), n >= 2; where one is infinite so are both results. NaN is refused.
    """
    v = numbers(values, "values").ravel()
    _at_least_two(v.size)
    if np.isnan(v).any():
        raise ValueError("one of the values to average is NaN: look for 0/0 in the function")
    if np.isinf(v).any():
        if np.isposinf(v).any() and np.isneginf(v).any():
            raise ValueError("the values to average hold both inf and -inf, and have no mean")
        return Estimate(float(v[np.isinf(v)][0]), float("inf"))
    return Estimate(float(v.mean()), float(v.std(ddof=1) / np.sqrt(v.size)))


def change_of_variables(f: Callable, G: Callable, p_z: Any, p_g: Any, z_support: Any = None,
                        support: Any = None, tol: float = 1e-12) -> tuple[float, float]:
    """E_z[f(G(z))] and E_{x~p_g}[f(x)], which are equal when p_g is the density of G(z)        Eq. (6.1)"""
    function(G, "G", "lambda z: 2 * z")
    return (expectation(lambda z: _at(f, _rows_like(G(z), z)), p_z, z_support, tol),
            expectation(f, p_g, support, tol))


def pushforward(p_z: Any, inverse: Callable, abs_det: Callable, support: Any, G: Callable | None = None) -> Density:
    """p_g(x) = p_z(G⁻¹(x)) · |det ∂G⁻¹/∂x|, the density of x = G(z)                            Eq. (6.2)

    inverse: x -> z and abs_det: x -> |det| of its Jacobian, both on x (n,) or (n, d). `support` is where x lives.
    With `G` the density can be sampled. Only an invertible G has such a density: one that maps to fewer dimensions
    than x has puts all mass on a set of volume 0.
    """
    P = as_density(p_z, "p_z")
    for name, value in (("inverse", inverse), ("abs_det", abs_det), *([] if G is None else [("G", G)])):
        function(value, name, "lambda x: x / 2")
    def draw(n, rng):
        z = P.sample(n, rng)
        return G(z[:, 0] if z.shape[1] == 1 else z)
    def log_density(x):
        with np.errstate(divide="ignore"):
            return P.log(inverse(x)) + np.log(abs_det(x))
    return Density(lambda x: P(inverse(x)) * abs_det(x), support, log_density=log_density,
                   sample=None if G is None else draw, name="p_g")


def smoothed(p: Any, std: float, support: Any = None) -> Density:
    """p_s(x) = ∫ p(t) N(x; t, s²) dt, the density of x + sε: instance noise                    Eq. (7.11)

    One dimension, std s > 0. The integral is a sum over the Kronrod nodes of boxes that resolve p and are at most 2s
    wide; log p_s is taken in logarithms and does not underflow.
    """
    if finite(std, "std").ndim or std <= 0:
        raise ValueError(f"std must be a finite number greater than 0, got {std!r}")
    P = as_density(p, "p")
    box, breaks = common_box([P], support)
    if len(box) != 1:
        raise ValueError("smoothed is for densities in one dimension")
    done = integrate(lambda x: P(x)[:, None], box, breaks)
    check_mass(P, done.value[0], box)
    parts = np.ceil((done.hi - done.lo)[:, 0] / (2 * std))
    if parts.sum() * len(NODES) > MAX_POINTS:
        raise ValueError(f"std {std:g} is so small beside the support {tuple(box[0].tolist())} that {P.name} smoothed "
                         f"is {P.name} itself: give a larger one")
    parts = parts.astype(int)
    edges = [np.linspace(a, b, k + 1) for (a,), (b,), k in zip(done.lo, done.hi, parts, strict=True)]
    half = np.concatenate([np.diff(e) / 2 for e in edges])
    centre = np.concatenate([e[:-1] for e in edges]) + half
    t = (centre[:, None] + half[:, None] * NODES).ravel()
    weight = P(t) * (half[:, None] * KRONROD).ravel()
    t, log_w = t[weight > 0], np.log(weight[weight > 0] / (std * np.sqrt(2 * np.pi)))

    def log_density(x):
        z = [logsumexp(log_w - 0.5 * ((part[:, None] - t) / std)**2, axis=1)
             for part in np.array_split(x, 1 + len(x) * len(t) // 4_000_000)]
        return np.concatenate(z)
    def draw(n, rng):
        return P.sample(n, rng)[:, 0] + std * rng.standard_normal(n)
    lo, hi = box[0]
    return Density(lambda x: np.exp(log_density(x)), (lo - 12 * std, hi + 12 * std), log_density=log_density,
                   sample=draw, breaks=[lo, hi, *np.concatenate(breaks)], name=P.name)


def _at(f: Callable, x: np.ndarray) -> np.ndarray:
    """f at the rows x (n, d), as n numbers; in one dimension f is given (n,)."""
    y = numbers(function(f, "f", "np.cos")(x[:, 0] if x.ndim == 2 and x.shape[1] == 1 else x), "f(x)")
    if y.shape not in ((len(x),), (len(x), 1)):
        raise ValueError(f"the function gives the shape {y.shape} for {len(x)} points: it must give one number each")
    return y.reshape(-1)


def _rows_like(x: Any, z: np.ndarray) -> np.ndarray:
    x = numbers(x, "G(z)")
    if x.ndim == 0 or len(x) != len(z):
        raise ValueError(f"G gives the shape {x.shape} for {len(z)} rows of noise: it must give a row for each")
    return x.reshape(len(z), -1)


def _at_least_two(n: int) -> None:
    if isinstance(n, int | np.integer) and n < 2:
        raise ValueError(f"a standard error needs n >= 2 draws, got {n}")
    whole(n, "n", 2)
