"""The game at its optimum: V(D, G), the optimal discriminator, C(G), and the two losses of the generator at D*.

p is the density of the data, q that of the generator's samples.
"""
from typing import Any

import numpy as np

from ..checks import flag, fraction, numbers
from ..functional import log_sigmoid, sigmoid
from .density import Density, as_density
from .divergences import is_array, jsd, log_ratio, probabilities, total

LOG4 = float(np.log(4.0))


def pointwise_value(y: Any, a: Any, b: Any) -> np.ndarray:
    """f(y) = a log y + b log(1 − y), largest at y = a/(a + b)                                  Eq. (6.4)

    y in [0, 1], a and b at least 0, broadcast against each other; 0 log 0 = 0.
    """
    y, a, b = numbers(y, "y"), numbers(a, "a"), numbers(b, "b")
    for name, bad in (("y must lie in [0, 1]", ~((y >= 0) & (y <= 1))),
                      ("a must be finite and at least 0", ~((a >= 0) & (a < np.inf))),
                      ("b must be finite and at least 0", ~((b >= 0) & (b < np.inf)))):
        if bad.any():
            raise ValueError(f"{name}: y is a probability, a = p(x) and b = q(x) are densities")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(a == 0, 0.0, a * np.log(y)) + np.where(b == 0, 0.0, b * np.log1p(-y))


# --------------------------------------------------------------------------------- the optimal discriminator

class OptimalDiscriminator:
    """D*(x) as a function of x, and its logit; made by `optimal_discriminator`."""

    def __init__(self, p: Density, q: Density, on_real: float, on_fake: float):
        self.p, self.q, self.on_real, self.on_fake = p, q, on_real, on_fake

    def __call__(self, x: Any) -> np.ndarray:
        """D*(x) in [0, 1]; x (n,) or (n, d) -> (n,)."""
        return sigmoid(self.logit(x))

    def logit(self, x: Any) -> np.ndarray:
        """log D*/(1 − D*) = log(αp + βq) − log((1 − α)p + (1 − β)q); ±inf where D* is 1 or 0."""
        return _optimal_logit(self.p.log(x), self.q.log(x), self.on_real, self.on_fake)


def optimal_discriminator(p: Any, q: Any, real_label: float = 1.0, fake_label: float = 0.0, flip: float = 0.0) -> Any:
    """D* = (αp + βq)/(p + q)                                                                   Eqs. (1.3), (6.5)

    p, q: densities -> a function of x; arrays of probabilities -> the array of D*. α `real_label` and β `fake_label`
    are the targets that D is trained to; a share `flip` of all labels is swapped, which makes them
    α' = (1 − ε)α + εβ and β' = (1 − ε)β + εα. Where p = q = 0, D* is arbitrary and ½ is returned.
    """
    for name, value in (("real_label", real_label), ("fake_label", fake_label), ("flip", flip)):
        fraction(value, name)
    on_real, on_fake = ((1 - flip) * a + flip * b for a, b in ((real_label, fake_label), (fake_label, real_label)))
    if is_array(p) or is_array(q):
        w_p, w_q = probabilities(p, q)
        with np.errstate(divide="ignore"):
            return sigmoid(_optimal_logit(np.log(w_p), np.log(w_q), on_real, on_fake))
    return OptimalDiscriminator(as_density(p, "p"), as_density(q, "q"), on_real, on_fake)


def _optimal_logit(log_p, log_q, on_real: float, on_fake: float):
    if (on_real, on_fake) == (1.0, 0.0):
        return log_ratio(log_p, log_q)                                                    # D* = p/(p + q), Eq. (1.3)
    with np.errstate(divide="ignore"):
        a, b, not_a, not_b = np.log([on_real, on_fake, 1 - on_real, 1 - on_fake])
    return log_ratio(np.logaddexp(a + log_p, b + log_q), np.logaddexp(not_a + log_p, not_b + log_q))


# -------------------------------------------------------------------------------------------------- values

def value_of(D: Any, p: Any, q: Any, support: Any = None, logits: bool = False, tol: float | None = None) -> float:
    """V(D, G) = ∫ p log D + q log(1 − D) dx                                                    Eqs. (1.1), (6.3)

    D: a function x -> D(x) in [0, 1], an `OptimalDiscriminator` or a `Network`; with `logits`, x -> log D/(1 − D),
    which a `Network` always gives. For arrays of probabilities p and q, D is an array too. −inf where D = 0 on data
    or 1 on samples. `tol` is 1e-12, for a float32 network 1e-5.
    """
    network = hasattr(D, "theta") and hasattr(D, "forward")
    logits = flag(logits, "logits") or network
    if tol is None:
        tol = 1e-5 if network and D.theta.dtype == np.float32 else 1e-12
    if is_array(D) != is_array(p):
        raise TypeError("D, p and q must be of one kind: arrays over the same outcomes, or functions of x")
    if not (is_array(D) or callable(D)):
        raise TypeError(f"D must be a function of x, a network or an array, got {type(D).__name__}")
    if network and D.d_out != 1:
        raise ValueError(f"D must end in one column, the logit; this network has {D.d_out}")
    return total(lambda x, log_p, log_q: _log_D(D, x, logits, network, np.shape(log_p)), p, q, support, tol)


def _log_D(D: Any, x: Any, logits: bool, network: bool, shape: tuple) -> tuple[np.ndarray, np.ndarray]:
    """log D(x) and log(1 − D(x))."""
    if isinstance(D, OptimalDiscriminator):
        s = D.logit(x)
    else:
        s = _outputs(D, x, network)
        if s.shape != shape:
            raise ValueError(f"D gives the shape {s.shape} where p has {shape}: D gives one number for each x")
        if not logits:
            if not ((s >= 0) & (s <= 1)).all():
                raise ValueError(f"D must lie in [0, 1], and it runs from {s.min():g} to {s.max():g}: "
                                 f"pass logits=True if D gives log D/(1 − D)")
            with np.errstate(divide="ignore"):
                return np.log(s), np.log1p(-s)
    if np.isnan(s).any():
        raise ValueError("D is NaN somewhere on the support: it must be a number for every x")
    return log_sigmoid(s), log_sigmoid(-s)


def _outputs(D: Any, x: Any, network: bool) -> np.ndarray:
    if is_array(D):
        return numbers(D, "D")
    if network:
        return np.asarray(D(x.astype(D.theta.dtype)), np.float64)[:, 0]
    y = np.asarray(D(x[:, 0] if x.shape[1] == 1 else x), np.float64)
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def value(p: Any, q: Any, support: Any = None, tol: float = 1e-12) -> float:
    """max_D V(D, G) = V(D*, G) = E_p[log D*] + E_q[log(1 − D*)], by way of D*                  Eqs. (1.3), (6.3)

    Equal to `criterion`, which goes by way of JSD: between −log 4 (p = q) and 0 (disjoint supports).
    """
    return total(value_terms, p, q, support, tol)


def criterion(p: Any, q: Any, support: Any = None, tol: float = 1e-12) -> float:
    """C(G) = −log 4 + 2 JSD(p, q)                                                              Eq. (1.4)

    What G is judged by once D has answered; smallest, −log 4, exactly when q = p.
    """
    return -LOG4 + 2 * jsd(p, q, support, tol)


def value_terms(x, log_p, log_q):
    """log D* under p and log(1 − D*) under q, from s = log p − log q, the logit of D*."""
    s = log_ratio(log_p, log_q)
    return log_sigmoid(s), log_sigmoid(-s)


# ---------------------------------------------------------------------------- the losses of G at the optimal D

def minimax_generator_value(p: Any, q: Any, support: Any = None, tol: float = 1e-12) -> float:
    """E_q[log(1 − D*)] = KL(q‖m) − log 2, m = (p + q)/2                                        Eq. (6.15)"""
    return total(minimax_generator_terms, p, q, support, tol)


def non_saturating_generator_value(p: Any, q: Any, support: Any = None, tol: float = 1e-12) -> float:
    """−E_q[log D*] = KL(q‖p) − KL(q‖m) + log 2; inf where p = 0 < q                            Eq. (6.16)

    The two values add up to KL(q‖p): Eq. (6.17). With D* held fixed, the gradient is that of
    KL(q‖p) − 2 JSD: Eq. (6.18).
    """
    return total(non_saturating_generator_terms, p, q, support, tol)


def minimax_generator_terms(x, log_p, log_q):
    """log(1 − D*) under q."""
    return None, log_sigmoid(-log_ratio(log_p, log_q))


def non_saturating_generator_terms(x, log_p, log_q):
    """−log D* under q."""
    return None, -log_sigmoid(log_ratio(log_p, log_q))
