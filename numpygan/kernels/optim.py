"""The optimisers, compiled: one pass over the flat vectors, which are updated in place and returned."""
import math

import numpy as np

from .support import alike, floats, jit, vectors


@jit
def _sgd(theta, g, lr):
    for i in range(theta.size):
        theta[i] -= lr * g[i]


@jit
def _momentum(theta, g, v, lr, mu):
    for i in range(theta.size):
        v[i] = mu * v[i] + g[i]
        theta[i] -= lr * v[i]


@jit
def _rmsprop(theta, g, s, lr, rho, rest, eps):
    for i in range(theta.size):
        s[i] = rho * s[i] + rest * (g[i] * g[i])
        theta[i] -= lr * g[i] / (np.sqrt(s[i]) + eps)


@jit
def _adam(theta, g, m, v, rate, decay1, decay2, scaling, tiny):
    real = theta.dtype.type
    step, beta1, beta2, scale, eps = real(rate), real(decay1), real(decay2), real(scaling), real(tiny)
    rest1, rest2 = real(1 - decay1), real(1 - decay2)
    for i in range(theta.size):
        m[i] = beta1 * m[i] + rest1 * g[i]
        v[i] = beta2 * v[i] + rest2 * (g[i] * g[i])
        theta[i] -= step * m[i] / (np.sqrt(v[i]) * scale + eps)


@jit
def _clip(theta, bound):
    for i in range(theta.size):
        x = theta[i]
        theta[i] = bound if x > bound else (-bound if x < -bound else x)      # comparisons: NaN stays NaN


@jit
def _average(old, new, beta, rest, out):
    for i in range(old.size):
        out[i] = beta * old[i] + rest * new[i]


@jit
def _square_sum(g):
    total = 0.0
    for i in range(g.size):
        total += np.float64(g[i]) * np.float64(g[i])
    return total


def sgd(theta, g, lr):
    """θ ← θ − lr · g                                                                           Eq. (5.1)

    Optimizations: in place.
    """
    vectors(theta, g)
    _sgd(theta, g, theta.dtype.type(lr))
    return theta


def momentum(theta, g, v, lr, mu):
    """v ← μ v + g,   θ ← θ − lr · v                                                            Eq. (5.2)

    Optimizations: both in place, in one pass.
    """
    vectors(theta, g, v)
    real = theta.dtype.type
    _momentum(theta, g, v, real(lr), real(mu))
    return theta, v


def rmsprop(theta, g, s, lr, rho, eps):
    """s ← ρ s + (1 − ρ) g²                                                                     Eq. (5.3)
    θ ← θ − lr · g / (√s + eps)                                                                 Eq. (5.4)

    Optimizations: both in place, in one pass.
    """
    vectors(theta, g, s)
    real = theta.dtype.type
    _rmsprop(theta, g, s, real(lr), real(rho), real(1 - rho), real(eps))
    return theta, s


def adam(theta, g, m, v, t, lr, beta1, beta2, eps):
    """m ← β₁ m + (1 − β₁) g                                                                    Eq. (5.5)
    v ← β₂ v + (1 − β₂) g²                                                                      Eq. (5.6)
    m̂ = m / (1 − β₁ᵗ),   v̂ = v / (1 − β₂ᵗ)                                                     Eq. (5.7)
    θ ← θ − lr · m̂ / (√v̂ + eps)                                                                 Eq. (5.8)

    Optimizations: all three in place, in one pass; the corrections of Eq. (5.7) taken out of the loop.
    """
    vectors(theta, g, m, v)
    rate, scaling = float(lr) / (1 - float(beta1)**t), 1 / math.sqrt(1 - float(beta2)**t)
    _adam(theta, g, m, v, rate, float(beta1), float(beta2), scaling, float(eps))
    return theta, m, v


def clip(theta, bound):
    """θ ← min(max(θ, −c), c)                                                                  Eq. (11.12)

    Optimizations: in place.
    """
    vectors(theta)
    _clip(theta, theta.dtype.type(bound))
    return theta


def average(old, new, beta):
    """β · old + (1 − β) · new                                                        Eqs. (11.4), (11.13)

    Optimizations: one pass, no temporaries. Not in place: what is averaged may be on a tape.
    """
    old, new = alike(old, new)
    out, real = np.empty_like(old), old.dtype.type
    _average(old.reshape(-1), new.reshape(-1), real(beta), real(1 - beta), out.reshape(-1))
    return out


def norm(g):
    """‖g‖ = √Σ gᵢ²   Optimizations: one pass, no temporaries, and no second pool of BLAS threads."""
    return float(np.sqrt(_square_sum(floats(g).reshape(-1))))
