"""How far apart two distributions are: entropy, cross-entropy, KL, Jensen-Shannon, total variation.

Each quantity is written once, as the two functions a and b of  E_p[a(x)] + E_q[b(x)]  ("terms", of log p and log q).
The same terms are summed for arrays of probabilities, integrated for densities and averaged by Monte Carlo.
"""
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..checks import numbers
from .density import Density, as_density, common_box
from .quadrature import integrate

LOG2 = float(np.log(2.0))
MASS = 1e-6               # how far from 1 the integral of a density may be
NOTHING = 1e-15           # what integrates to less mass than this adds nothing, even where a logarithm is infinite
Terms = Callable[..., tuple[Any, Any]]


# ------------------------------------------------------------------------------------------------- terms

def log_ratio(log_p, log_q):
    """s = log p − log q, the logit of D*; 0 where both are 0 and D* is arbitrary."""
    with np.errstate(invalid="ignore"):
        s = log_p - log_q
    return np.where(np.isneginf(log_p) & np.isneginf(log_q), 0.0, s)


def entropy_terms(x, log_p, log_q):
    """H(p) = E_p[−log p]                                                                       Eq. (6.6)"""
    return -log_p, None


def cross_entropy_terms(x, log_p, log_q):
    """H(p, q) = E_p[−log q]                                                                    Eq. (6.7)"""
    return -log_q, None


def kl_terms(x, log_p, log_q):
    """KL(p‖q) = E_p[log p − log q]                                                             Eq. (6.8)"""
    return log_ratio(log_p, log_q), None


def jsd_terms(x, log_p, log_q):
    """JSD(p, q) = ¼ (E_p + E_q)[s tanh(s/2) − 2 log cosh(s/2)], s = log p − log q              Eq. (6.12)

    The same number as Eq. (6.11), without its cancellation where p ≈ q: the bracket is a square, s²/4 + …
    """
    u = np.minimum(np.abs(log_ratio(log_p, log_q)) / 2, 350.0)        # both ends are flat there: tanh u = 1
    near = 2 * u * np.tanh(u) - 2 * np.log1p(2 * np.sinh(u / 2)**2)   # log cosh u = log(1 + 2 sinh²(u/2))
    far = 2 * LOG2 - 2 * np.log1p(np.exp(-2 * u)) - 4 * u / (np.exp(2 * u) + 1)
    h = np.where(u < 0.5, near, far) / 4
    return h, h


def total_variation_terms(x, log_p, log_q):
    """TV(p, q) = ½ (E_p + E_q)|tanh(s/2)|, since |p − q| = (p + q)|tanh(s/2)|                  Eq. (6.14)"""
    r = np.abs(np.tanh(log_ratio(log_p, log_q) / 2)) / 2
    return r, r


# -------------------------------------------------------------------------------------------- quantities

def entropy(p: Any, support: Any = None, tol: float = 1e-12) -> float:
    """H(p) = −∫ p log p dx, or −Σ p log p                                                      Eq. (6.6)

    p: probabilities (an array of sum 1) or a density (see `Density`); `support` is where densities are integrated,
    `tol` to what precision. In nats. The entropy of a density can be negative. 0 log 0 = 0.
    """
    return total(entropy_terms, p, p, support, tol)


def cross_entropy(p: Any, q: Any, support: Any = None, tol: float = 1e-12) -> float:
    """H(p, q) = −∫ p log q dx, or −Σ p log q; inf where q = 0 < p                              Eq. (6.7)"""
    return total(cross_entropy_terms, p, q, support, tol)


def kl(p: Any, q: Any, support: Any = None, tol: float = 1e-12) -> float:
    """KL(p‖q) = ∫ p log(p/q) dx, or Σ p log(p/q)                                               Eq. (6.8)

    Not symmetric; at least 0; inf where q = 0 < p. A plain function that underflows to 0 reads as q = 0, with a
    warning: give `Density(…, log_density=)` for the finite value.
    """
    return total(kl_terms, p, q, support, tol)


def jsd(p: Any, q: Any, support: Any = None, tol: float = 1e-12) -> float:
    """JSD(p, q) = ½ KL(p‖m) + ½ KL(q‖m), m = (p + q)/2; in [0, log 2]                          Eqs. (6.11), (6.12)

    Symmetric; 0 only for p = q, log 2 only for disjoint supports, Eq. (7.1). Computed in the form of Eq. (6.12).
    """
    return min(max(total(jsd_terms, p, q, support, tol), 0.0), LOG2)


def jsd_distance(p: Any, q: Any, support: Any = None, tol: float = 1e-12) -> float:
    """√JSD(p, q): a metric, which JSD itself is not                                            Eq. (6.13)

    Endres & Schindelin (2003), A new metric for probability distributions.
    """
    return float(np.sqrt(jsd(p, q, support, tol)))


def total_variation(p: Any, q: Any, support: Any = None, tol: float = 1e-12) -> float:
    """TV(p, q) = ½ ∫ |p − q| dx, or ½ Σ |p − q|; in [0, 1]                                     Eq. (6.14)

    |p − q| has an edge where the densities cross; in two dimensions allow tol=1e-5.
    """
    return min(total(total_variation_terms, p, q, support, tol), 1.0)


# -------------------------------------------------------------------------------------------- evaluation

def total(terms: Terms, p: Any, q: Any, support: Any = None, tol: float = 1e-12) -> float:
    """E_p[a] + E_q[b] with a, b = terms(x, log p, log q), by summation or by quadrature.

    p and q are both arrays of probabilities, or both densities. Where a term is infinite on a set that has mass, so is
    the result; where it is infinite on a set without mass, that set adds nothing (0 log 0 = 0).
    """
    if is_array(p) or is_array(q):
        return _sum(terms, p, q, support)
    P = as_density(p, "p")
    Q = P if q is p else as_density(q, "q")
    box, breaks = common_box([P, Q], support)
    small = [np.inf]

    def integrand(x):
        w_p, log_p = P.both(x)
        w_q, log_q = (w_p, log_p) if Q is P else Q.both(x)
        small[0] = min(small[0], float(np.min(w_q, where=w_q > 0, initial=np.inf)))
        return np.stack([w_p, w_q, *_split(terms(x, log_p, log_q), w_p, w_q)], 1)

    mass_p, mass_q, finite, plus, minus = integrate(integrand, box, breaks, tol).value
    if support is None:
        check_tails((P, Q), box, lambda x: integrand(x)[:, 2], tol, finite)
    check_mass(P, mass_p, box)
    check_mass(Q, mass_q, box)
    if plus > NOTHING and small[0] < 1e-290 and not Q.exact_log:
        warnings.warn(f"{Q.name} underflows to 0 where {P.name} has mass, and the result is inf; for the finite value "
                      f"give theory.Density(…, log_density=…)", RuntimeWarning, stacklevel=3)
    return _joined(finite, plus, minus)


def is_array(p: Any) -> bool:
    return isinstance(p, np.ndarray | list | tuple)


def probabilities(p: Any, q: Any) -> tuple[np.ndarray, np.ndarray]:
    """p and q as float64; TypeError unless both are arrays of numbers, ValueError unless these are at least 0, of sum 1
    and in one shape."""
    if not (is_array(p) and is_array(q)):
        raise TypeError("p and q must be of one kind: both arrays of probabilities, or both densities")
    w_p, w_q = _probabilities(p, "p"), _probabilities(q, "q")
    if w_p.shape != w_q.shape:
        raise ValueError(f"p has the shape {w_p.shape} and q {w_q.shape}: give both over the same outcomes")
    return w_p, w_q


def _probabilities(p: Any, name: str) -> np.ndarray:
    w = numbers(p, name)
    if not np.isfinite(w).all() or (w < 0).any() or abs(w.sum() - 1) > MASS:
        raise ValueError(f"{name} must be probabilities, numbers of at least 0 with sum 1; got sum {w.sum():g} and "
                         f"least value {w.min() if w.size else float('nan'):g}: divide counts by their sum")
    return w


def _sum(terms: Terms, p: Any, q: Any, support: Any) -> float:
    w_p, w_q = probabilities(p, q)
    if support is not None:
        raise ValueError("support= belongs to densities, and these are arrays of probabilities: leave it out")
    with np.errstate(divide="ignore"):
        log_p, log_q = np.log(w_p), np.log(w_q)
    finite, plus, minus = _split(terms(None, log_p, log_q), w_p, w_q)
    return _joined(finite.sum(), plus.sum(), minus.sum(), 0.0)


def _split(ab: tuple, w_p: np.ndarray, w_q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p·a + q·b where finite, and the weight on which it is +inf and −inf."""
    finite, plus, minus = np.zeros_like(w_p), np.zeros_like(w_p), np.zeros_like(w_p)
    for w, term in zip((w_p, w_q), ab, strict=True):
        if term is not None:
            ok = np.isfinite(term) & (w > 0)
            finite += np.where(ok, w, 0.0) * np.where(ok, term, 0.0)
            plus += np.where(term == np.inf, w, 0.0)
            minus += np.where(term == -np.inf, w, 0.0)
    return finite, plus, minus


def _joined(finite: float, plus: float, minus: float, nothing: float = NOTHING) -> float:
    if plus > nothing and minus > nothing:
        raise ValueError("the expectation is inf − inf and has no value: p and q do not fit the question")
    return float(np.inf if plus > nothing else -np.inf if minus > nothing else finite)


def check_tails(densities: Sequence[Density], box: np.ndarray, f: Callable, tol: float, value: float) -> None:
    """ValueError where the integral of f, `value` in the box, goes on at an end of the box at which a density does.

    One dimension. What is beyond is about f · the length of the box where f falls as a power does, and less where it
    falls faster.
    """
    for side in (0, 1) if len(box) == 1 else ():
        end = box[0, side]
        goes_on = any(d.endless[side] and d.box is not None and d.box[0, side] == end for d in densities)
        rest = abs(float(f(box[:, [side]])[0])) * np.ptp(box) if goes_on else 0.0
        if rest > tol * max(1.0, abs(value)):
            raise ValueError(f"the integral goes on beyond {end:g}, by about {rest:.1g}: the tails fall so slowly that "
                             f"it may be infinite. Allow a larger tol=, or say with support=(lo, hi) where it ends")


def check_mass(p: Density, mass: float, box: np.ndarray) -> None:
    """ValueError unless the mass of p in the box is 1."""
    if abs(mass - 1) > MASS:
        where = " x ".join(f"({a:g}, {b:g})" for a, b in box)
        raise ValueError(f"{p.name} integrates to {mass:.7g} over the support {where}, and a density integrates to 1: "
                         f"widen support=, divide {p.name} by its integral, or name its narrow peaks with "
                         f"theory.Density(…, breaks=)")
