"""The optimisers, compiled: one pass over the flat vectors, which are updated in place and returned.

Adam's pass, and the norms of long vectors, are shared with the team. Moments of parameters whose gradient is 0, below a
ReLU that is never active, say, shrink from step to step until they are denormal, and stay so: see `denormals_off`.
"""
import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from . import passes, team
from .intrinsics import (
    array_at,
    ceil_div,
    denormals_as,
    denormals_off,
    four_arrays_at,
    put_number,
    put_word,
    smax,
    smin,
    udiv,
    word_at,
)
from .support import COMPILED, ODD_ARGUMENTS, alike, closed, floats, jit, opened, piece_of, vectors

PIECE, MOST = 2**12, 64         # numbers that are worth a piece of their own; pieces that are enough
LONG = 8 * PIECE                # a vector that is worth sharing


@intrinsic
def _square(typingctx, x):
    """x² in float64."""
    def code(context, builder, signature, args):
        x = args[0] if args[0].type == ir.DoubleType() else builder.fpext(args[0], ir.DoubleType())
        return builder.fmul(x, x)
    return types.float64(x), code


@jit
def _sgd(theta, g, lr):
    for i in range(theta.size):
        theta[i] -= lr * g[i]


@jit
def _momentum(theta, g, v, lr, mu):
    was = denormals_off() if COMPILED else 0
    for i in range(theta.size):
        v[i] = mu * v[i] + g[i]
        theta[i] -= lr * v[i]
    if COMPILED:
        denormals_as(was)


@jit
def _rmsprop(theta, g, s, lr, rho, rest, eps):
    was = denormals_off() if COMPILED else 0
    for i in range(theta.size):
        s[i] = rho * s[i] + rest * (g[i] * g[i])
        theta[i] -= lr * g[i] / (np.sqrt(s[i]) + eps)
    if COMPILED:
        denormals_as(was)


@jit
def _adam(theta, g, m, v, step, beta1, rest1, beta2, rest2, scale, eps):
    for i in range(theta.size):
        m[i] = beta1 * m[i] + rest1 * g[i]
        v[i] = beta2 * v[i] + rest2 * (g[i] * g[i])
        theta[i] -= step * m[i] / (np.sqrt(v[i]) * scale + eps)


@closed
@jit
def _adam_at_once(theta, g, m, v, step, beta1, rest1, beta2, rest2, scale, eps):
    """True where the vectors are of one length, and have been updated."""
    if theta.size == 0 or not (g.size == theta.size and m.size == theta.size and v.size == theta.size):
        return False
    real, was = theta.dtype.type, denormals_off() if COMPILED else 0
    _adam(theta, g, m, v, real(step), real(beta1), real(rest1), real(beta2), real(rest2), real(scale), real(eps))
    if COMPILED:
        denormals_as(was)
    return True


@jit
def _cut(job, n, word):
    """Into how many pieces n numbers are cut; how many each has is noted."""
    piece = smax(PIECE, ceil_div(n, 64 * MOST) * 64)
    put_word(job, word, piece)
    return ceil_div(n, piece)


def _adam_piece(job, index, desk):
    """Piece `index` of the update whose vectors, their length and seven numbers a job names; −1: how many there are."""
    n = word_at(job, 4)
    if index < 0:
        return _cut(job, n, 6)
    start, c = index * word_at(job, 6), array_at(job, word_at(job, 5), 0, 0, 7)
    n, size = smin(n - start, word_at(job, 6)), c.itemsize  # a loop from 0 is vectorised, one from `start` is not
    _adam(array_at(job, word_at(job, 0), start, size, n), array_at(job, word_at(job, 1), start, size, n),
          array_at(job, word_at(job, 2), start, size, n), array_at(job, word_at(job, 3), start, size, n),
          c[0], c[1], c[2], c[3], c[4], c[5], c[6])
    return 0


@jit
def _clip(theta, bound):
    for i in range(theta.size):
        x = theta[i]
        theta[i] = bound if x > bound else (-bound if x < -bound else x)      # comparisons: NaN stays NaN


@jit
def _average(old, new, beta, rest, out):
    for i in range(old.size):
        out[i] = beta * old[i] + rest * new[i]


@closed
@jit
def _square_sum(g):
    total = 0.0
    for i in range(g.size):
        total += np.float64(g[i]) * np.float64(g[i])
    return total


def _squares_piece(job, index, desk):
    """The sum of the squares of piece `index`; −1: how many pieces there are."""
    # Four quarters side by side: each lies on pages of its own, and the CPU reads ahead on each (.63 of the time).
    n, total = word_at(job, 2), 0.0
    if index < 0:
        return _cut(job, n, 3)
    whole = array_at(job, word_at(job, 0), 0, 0, n)
    start, size = index * word_at(job, 3), whole.itemsize
    n = smin(n - start, word_at(job, 3))
    first, q = word_at(job, 0) + start * size, udiv(n, 4)
    a, b, c, d = four_arrays_at(job, first, 0, q * size, q)
    rest = array_at(job, first, 4 * q, size, n - 4 * q)
    for i in range(q):
        total += (_square(a[i]) + _square(b[i])) + (_square(c[i]) + _square(d[i]))
    for i in range(rest.size):
        total += _square(rest[i])
    put_number(word_at(job, 1), index, 8, total)
    return 0


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

    Optimizations: all three in place, in one pass, by the team where they are long; the corrections of Eq. (5.7)
    are taken out of the loop.
    """
    lr, beta1, beta2, eps = float(lr), float(beta1), float(beta2), float(eps)       # see `closed`
    numbers = (lr / (1 - beta1**t), beta1, 1 - beta1, beta2, 1 - beta2, 1 / math.sqrt(1 - beta2**t), eps)
    try:                                                    # with vectors as they nearly always are
        if COMPILED and _update(theta, g, m, v, numbers):
            return theta, m, v
    except ODD_ARGUMENTS:
        pass
    vectors(theta, g, m, v)
    with opened(_adam_at_once, passes._adam):
        _update(theta, g, m, v, numbers)
    return theta, m, v


def _update(theta, g, m, v, numbers):
    """True where the vectors are of one length, and have been updated."""
    if theta.size < LONG or not COMPILED:
        return _adam_at_once(theta, g, m, v, *numbers)
    return team.asked(passes._adam, theta, g, m, v, *numbers, piece_of(_adam_piece, theta.dtype.char)) == 0


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
    try:                                                    # of a vector as it nearly always is
        if COMPILED and g.size > 0:
            return _norm(g)
    except ODD_ARGUMENTS:
        pass
    g = floats(g)
    if g.ndim != 1:
        raise ValueError(f"expected a vector, got shape {g.shape}")
    with opened(_square_sum, passes._sum):
        return _norm(g)


def _norm(g):
    if g.size < LONG or not COMPILED:
        return math.sqrt(_square_sum(g))
    sums = np.empty(MOST + 1)
    team.asked(passes._sum, g, sums, piece_of(_squares_piece, g.dtype.char))
    return math.sqrt(sums[MOST])
