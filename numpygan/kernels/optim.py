"""The optimisers, compiled: one pass over the flat vectors, which are updated in place and returned.

Adam's pass, and the norms of long vectors, are shared with the team.
"""
import math

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

from . import passes, team
from .support import ODD, alike, closed, floats, jit, opened, piece_of, vectors, whole

TOGETHER = not config.DISABLE_JIT               # type: ignore[attr-defined]
PIECE, MOST = 2**12, 64         # numbers that are worth a piece of their own; pieces that are enough
LONG = 8 * PIECE                # a vector that is worth sharing


@intrinsic
def _word(typingctx, job, i):
    """Word i of a job, a number of entries."""
    def code(context, builder, signature, args):
        words = builder.bitcast(args[0], ir.PointerType(ir.IntType(64)))
        return builder.load(builder.gep(words, [args[1]]))
    return types.int64(job, types.int64), code


@intrinsic
def _from(typingctx, job, i, start, count):
    """`count` entries from `start` on of the vector whose address is word i of a job."""
    kind = types.Array(job.dtype, 1, "C")
    def code(context, builder, signature, args):
        array, word = context.make_array(kind)(context, builder), ir.IntType(64)
        size = word(job.dtype.bitwidth // 8)
        vectors = builder.bitcast(args[0], ir.PointerType(args[0].type))
        first = builder.gep(builder.load(builder.gep(vectors, [args[1]])), [args[2]])
        shape, steps = cgutils.pack_array(builder, [args[3]]), cgutils.pack_array(builder, [size])
        arrayobj.populate_array(array, first, shape, steps, size, None)
        return array._getvalue()
    return kind(job, *[types.int64] * 3), code


@intrinsic
def _square(typingctx, x):
    """x² in float64."""
    def code(context, builder, signature, args):
        x = args[0] if args[0].type == ir.DoubleType() else builder.fpext(args[0], ir.DoubleType())
        return builder.fmul(x, x)
    return types.float64(x), code


_min = whole(lambda builder, a, b: builder.select(builder.icmp_signed("<", a, b), a, b))
_max = whole(lambda builder, a, b: builder.select(builder.icmp_signed(">", a, b), a, b))
_parts = whole(lambda builder, a, b: builder.udiv(builder.add(a, builder.sub(b, b.type(1))), b))     # a / b, upwards


@intrinsic
def _store(typingctx, job, index, x):
    """Write x to entry `index` of the float64 vector whose address is word 1 of a job."""
    def code(context, builder, signature, args):
        words = builder.bitcast(args[0], ir.PointerType(ir.PointerType(ir.DoubleType())))
        builder.store(args[2], builder.gep(builder.load(builder.gep(words, [ir.IntType(64)(1)])), [args[1]]))
        return context.get_dummy_value()
    return types.void(job, types.int64, types.float64), code


@intrinsic
def _put(typingctx, job, i, value):
    """Write word i of a job."""
    def code(context, builder, signature, args):
        words = builder.bitcast(args[0], ir.PointerType(ir.IntType(64)))
        builder.store(args[2], builder.gep(words, [args[1]]))
        return context.get_dummy_value()
    return types.void(job, types.int64, types.int64), code


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
    real = theta.dtype.type
    _adam(theta, g, m, v, real(step), real(beta1), real(rest1), real(beta2), real(rest2), real(scale), real(eps))
    return True


@jit
def _cut(job, n, word):
    """Into how many pieces n numbers are cut; how many each has is noted."""
    piece = _max(PIECE, _parts(n, 64 * MOST) * 64)
    _put(job, word, piece)
    return _parts(n, piece)


def _adam_piece(job, index, desk):
    """Piece `index` of the update whose vectors, their length and seven numbers a job names; −1: how many there are."""
    n = _word(job, 4)
    if index < 0:
        return _cut(job, n, 6)
    start, c = index * _word(job, 6), _from(job, 5, 0, 7)
    n = _min(n - start, _word(job, 6))                      # a loop from 0 is vectorised, one from `start` is not
    _adam(_from(job, 0, start, n), _from(job, 1, start, n), _from(job, 2, start, n), _from(job, 3, start, n),
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
    n, total = _word(job, 2), 0.0
    if index < 0:
        return _cut(job, n, 3)
    start = index * _word(job, 3)
    n = _min(n - start, _word(job, 3))
    q = _parts(n - 3, 4) if n > 3 else 0
    a, b, c = _from(job, 0, start, q), _from(job, 0, start + q, q), _from(job, 0, start + 2 * q, q)
    d = _from(job, 0, start + 3 * q, n - 3 * q)
    for i in range(q):
        total += (_square(a[i]) + _square(b[i])) + (_square(c[i]) + _square(d[i]))
    for i in range(q, d.size):
        total += _square(d[i])
    _store(job, index, total)
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
        if TOGETHER and _update(theta, g, m, v, numbers):
            return theta, m, v
    except ODD:
        pass
    vectors(theta, g, m, v)
    with opened(_adam_at_once, passes._adam):
        _update(theta, g, m, v, numbers)
    return theta, m, v


def _update(theta, g, m, v, numbers):
    """True where the vectors are of one length, and have been updated."""
    if theta.size < LONG or not TOGETHER:
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
        if TOGETHER and g.size > 0:
            return _norm(g)
    except ODD:
        pass
    g = floats(g)
    if g.ndim != 1:
        raise ValueError(f"expected a vector, got shape {g.shape}")
    with opened(_square_sum, passes._sum):
        return _norm(g)


def _norm(g):
    if g.size < LONG or not TOGETHER:
        return math.sqrt(_square_sum(g))
    sums = np.empty(MOST + 1)
    team.asked(passes._sum, g, sums, piece_of(_squares_piece, g.dtype.char))
    return math.sqrt(sums[MOST])
