"""Penalties on the gradient of D in its inputs, and their own gradients: derivatives of derivatives.

    P, g = penalty(D, x, x_fake, rng)

P is a term of D's loss and g = ∂P/∂θ_D; nothing is changed. With u = ∇ₓD held beside it,

    ∂P/∂θ = ∂/∂θ Σᵢ vᵢ · ∇ₓD(xᵢ),   v = ∂P/∂u held fixed                                       Eq. (10.14)

and the sum is the derivative of Σ D(xᵢ) along v: one tangent pass forward (`Network.jvp`), one pass back.
"""
import copy
from typing import Any

import numpy as np

from . import engine as engines
from .checks import number, numeric
from .layers import differentiates_twice
from .network import Network, Tape, check_network

STEP = 1e-20            # of the complex step: any size does, since nothing is subtracted
NEAR = 1e-7             # step of the differences that it is checked against, as a part of x


class R1:
    """P = (γ/2) mean ‖∇ₓD(x)‖² on real data                                                    Eq. (10.1)

    Mescheder, Geiger & Nowozin 2018, Eq. 9.
    """

    def __init__(self, gamma: float):
        self.gamma = number(gamma, "gamma")

    def __call__(self, D: Network, x: np.ndarray, x_fake: np.ndarray,
                 rng: np.random.Generator | None = None) -> tuple[float, np.ndarray]:
        """x (n, d) real, x_fake unused -> P, g shaped like D.theta."""
        return _penalised(D, x, rng, lambda u: engines.ops(D.engine).square_penalty(u, self.gamma))

    def __repr__(self) -> str:
        return f"R1(gamma={self.gamma})"


class R2:
    """P = (γ/2) mean ‖∇ₓD(x_fake)‖² on generated data                                          Eq. (10.2)

    Mescheder, Geiger & Nowozin 2018, Eq. 10.
    """

    def __init__(self, gamma: float):
        self.gamma = number(gamma, "gamma")

    def __call__(self, D: Network, x: np.ndarray, x_fake: np.ndarray,
                 rng: np.random.Generator | None = None) -> tuple[float, np.ndarray]:
        """x unused, x_fake (m, d) -> P, g shaped like D.theta."""
        return _penalised(D, x_fake, rng, lambda u: engines.ops(D.engine).square_penalty(u, self.gamma))

    def __repr__(self) -> str:
        return f"R2(gamma={self.gamma})"


class GradientPenalty:
    """P = λ mean (‖∇ₓD(x̂)‖ − 1)²,   x̂ = ε x + (1 − ε) x_fake, ε ~ U(0, 1) per row             Eq. (10.3)

    One norm per row. Where ∇ₓD = 0 the norm has a kink and its gradient is taken as 0.
    Gulrajani et al. 2017, Eq. 3 and Algorithm 1 (λ = 10).
    """

    def __init__(self, weight: float = 10.0):
        self.weight = number(weight, "weight")

    def __call__(self, D: Network, x: np.ndarray, x_fake: np.ndarray,
                 rng: np.random.Generator | None = None) -> tuple[float, np.ndarray]:
        """x (n, d), x_fake (n, d), rng draws ε -> P, g shaped like D.theta."""
        if not isinstance(rng, np.random.Generator):
            raise TypeError("GradientPenalty draws ε: pass rng=np.random.default_rng(0)")
        if np.shape(x) != np.shape(x_fake):
            raise ValueError(f"GradientPenalty pairs every real row with a fake one, got shapes {np.shape(x)} and "
                             f"{np.shape(x_fake)}: make the batches equal")
        check_network(D, "D")
        x, x_fake = D._input(numeric(x, "x"), D.theta), D._input(numeric(x_fake, "x_fake"), D.theta)
        e = rng.random((len(x), 1), dtype=np.float32).astype(D.dtype)
        x_hat = e * x + (1 - e) * x_fake
        return _penalised(D, x_hat, rng, lambda u: engines.ops(D.engine).norm_penalty(u, self.weight))

    def __repr__(self) -> str:
        return f"GradientPenalty(weight={self.weight})"


def _penalised(D: Network, x: np.ndarray, rng: np.random.Generator | None, penalty: Any) -> tuple[float, np.ndarray]:
    if any(layer.batchwise for layer in check_network(D, "D").layers):
        raise ValueError("a penalty needs ∇ₓD(xᵢ) row by row, and D has a layer that mixes the rows of a batch "
                         "(batchwise): leave that layer out, or leave the penalty out")
    before = None if D.twice else copy.deepcopy(rng)          # so that layers that draw can draw the same again
    logit, tape = D.forward(numeric(x, "x"), rng)
    u, _ = D.backward(tape, np.ones_like(logit), want_g=False)
    P, v = penalty(u)
    return P, (by_jvp(D, tape, v) if D.twice else by_complex_step(D, x, v, before, u))


def by_jvp(D: Network, tape: Tape, v: np.ndarray) -> np.ndarray:
    """g = ∂/∂θ Σᵢ vᵢ · ∇ₓD(xᵢ) by a tangent pass and its backward pass               Eqs. (10.6), (10.7), (10.14)

    tape of D at x, v (n, d) held fixed -> g shaped like D.theta.
    """
    y_dot, dots = check_network(D, "D").jvp(tape, v)
    return D.jvp_backward(tape, dots, np.ones_like(y_dot))


def by_complex_step(D: Network, x: np.ndarray, v: np.ndarray, rng: np.random.Generator | None = None,
                    u: np.ndarray | None = None) -> np.ndarray:
    """g = Im ∇_θ Σᵢ D(xᵢ + i h vᵢ) / h,   h = 10⁻²⁰                                           Eq. (10.15)

    The reference: `forward` and `backward` alone, f″ included, through `functional` in complex128; slower. With u, the
    gradient of D at x, it looks twice: ValueError where the imaginary part of `forward` is not Σ v · u, or that of
    `backward` not what a difference finds. Either would be wrong in silence.
    """
    check_network(D, "D")
    x = numeric(x, "x")
    for name, given in (("v", v), ("u", v if u is None else u)):
        if numeric(given, name).shape != x.shape:
            raise ValueError(f"{name} must have the shape of x, {x.shape}, got {np.shape(given)}")
    if u is not None:
        _backward_agrees(D, x[:4], rng)
    logit, tape = D.forward(x + 1j * STEP * np.asarray(v, np.float64), rng)
    if u is not None:
        _forward_agrees(D, logit.imag[:, 0] / STEP, np.sum(u * v, axis=1, dtype=np.float64))
    _, g = D.backward(tape, np.ones_like(logit), want_dx=False)
    return (g.imag / STEP).astype(D.dtype)


def _forward_agrees(D, step, along):
    """One part in a hundred, since in float32 a row close to a kink may lie on its other side."""
    if np.abs(step - along).sum() > 0.01 * np.abs(along).sum():
        raise ValueError(f"the complex step through {_slow(D)} does not find the derivative that backward gives: "
                         f"np.abs, np.maximum, .real or astype(float) in its forward lose the imaginary part (use "
                         f"c.ops, or write jvp and jvp_backward), or its backward is wrong (see numpygan.check.layer)")


def _backward_agrees(D, x, rng):
    """∇_θ Σ D(xᵢ + i h wᵢ), imaginary part, against (∇_θ Σ D(xᵢ + δ wᵢ) − ∇_θ Σ D(xᵢ − δ wᵢ)) / 2δ, w drawn.

    On a few rows near x, so that it costs little and none of them lies on a kink, which zeros among data may. A kink
    that lies between the two points is an accident; three times it is none.
    """
    draw, scale = np.random.default_rng(0), np.abs(x).mean(dtype=np.float64) or 1.0
    for _ in range(3):
        at, w = x + 0.01 * scale * draw.standard_normal(x.shape), scale * draw.standard_normal(x.shape)
        step, ahead, behind = (_g_at(D, at + h * w, rng) for h in (1j * STEP, NEAR + 0j, -NEAR + 0j))
        difference = (ahead - behind).real / (2 * NEAR)
        off, size = (np.linalg.norm(d) for d in (step.imag / STEP - difference, difference))
        if not off > 1e-4 * size + 1e-6 * np.linalg.norm(ahead.real):               # NaN is not a layer's mistake
            return
    raise ValueError(f"the complex step through {_slow(D)} does not find how backward changes with x: np.abs, "
                     f"np.maximum, .real or astype(float) in its backward lose the imaginary part: use c.ops, or write "
                     f"jvp and jvp_backward")


def _g_at(D, x, rng):
    logit, tape = D.forward(x, copy.deepcopy(rng))
    return D.backward(tape, np.ones_like(logit), want_dx=False)[1]


def _slow(D):
    return ", ".join(dict.fromkeys(repr(layer) for layer in D.layers if not differentiates_twice(layer)))
