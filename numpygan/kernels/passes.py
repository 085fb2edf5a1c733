"""A dense layer in compiled code: its products as jobs for machine code, and what goes on around them.

Three ways: tiles for most layers; sums of rows where y has few columns (`_thin`), or x has (`_narrow`).
"""
import functools

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

from . import team, tiles
from .support import REALS, address_of, closed_jit, inner_jit, jit

THIN = 4                        # so few columns, of x or of y, would leave most of a tile empty
WORDS, BYTES = tiles.WORDS, 8 * tiles.WORDS
SHARE = team.SHARE
SLICE, BLOCKS = 2**14, 4        # entries of a gradient that are worth a piece of their own; pieces that are enough
ROOM = 4 + 1 + THIN             # rows that a block of `_narrow` needs
MISFIT = -1                     # what compiled code answers to shapes that do not belong together


# ------------------------------------------------------------------------------------------ jobs for machine code

@intrinsic
def _call(typingctx, work, job, piece):
    """work(job, piece), for the address of compiled code."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        function = builder.inttoptr(args[0], ir.PointerType(ir.FunctionType(word, [word, word])))
        return builder.call(function, args[1:])
    return types.int64(types.int64, types.int64, types.int64), code


@intrinsic
def _share(typingctx, board, work, job, pieces, called):
    """What the team of that board answers to a job (see `team`): 0 when it is done; the number of its pieces where
    helpers must be called first, which takes Python."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        place = builder.add(args[0], word(8 * SHARE))
        share = builder.load(builder.inttoptr(place, ir.PointerType(word)))
        answer = args[3]
        with builder.if_else(builder.icmp_signed("!=", share, word(0))) as (there, missing):
            with there:
                kind = ir.PointerType(ir.FunctionType(word, [word] * 5))
                done, from_there = builder.call(builder.inttoptr(share, kind), args), builder.block
            with missing:
                from_missing = builder.block
        answer = builder.phi(word)
        answer.add_incoming(done, from_there)
        answer.add_incoming(args[3], from_missing)
        return answer
    return types.int64(*[types.int64] * 5), code


@intrinsic
def _jobs(typingctx, like):
    """The address of room for three jobs."""
    def code(context, builder, signature, args):
        with builder.goto_entry_block():
            room = builder.alloca(ir.ArrayType(ir.IntType(64), 3 * WORDS))
        return builder.ptrtoint(room, ir.IntType(64))
    return types.int64(like), code


@intrinsic
def _write(typingctx, job, first, words):
    """Write the words of a job, of which the first is a number of any type."""
    def code(context, builder, signature, args):
        job, first, words = args
        builder.store(first, builder.inttoptr(job, ir.PointerType(first.type)))
        for i in range(len(signature.args[2])):
            place = builder.add(job, ir.IntType(64)(8 * i + 8))
            builder.store(builder.extract_value(words, i), builder.inttoptr(place, ir.PointerType(ir.IntType(64))))
        return context.get_dummy_value()
    return types.void(job, first, words), code


@inner_jit
def _describe(a, a_turned, b, b_turned, bias, slope, c, job, work):
    """Describe the product c = f(a b + bias) to `work`, in `job`: the number of pieces it would be done in."""
    _write(job, c.dtype.type(slope), (
        a.ctypes.data, a.strides[a_turned], a.strides[1 - a_turned],
        b.ctypes.data, b.strides[b_turned], b.strides[1 - b_turned], np.int64(bias.ctypes.data) if bias.size > 0 else 0,
        c.ctypes.data, c.strides[0], c.shape[0], a.shape[1 - a_turned], c.shape[1]))
    return _call(work, job, -1)


@closed_jit
def _forward(a, a_turned, b, b_turned, bias, slope, c, work, board, called):
    """c ← f(a b + bias): 0 when it is done, MISFIT, or what `_share` answers."""
    rows, depth = a.shape[a_turned], a.shape[1 - a_turned]
    if (rows == 0 or rows != c.shape[0] or depth != b.shape[b_turned] or b.shape[1 - b_turned] != c.shape[1]
            or (bias.size > 0 and bias.size != c.shape[1])):
        return MISFIT
    job = _jobs(work)
    pieces = _describe(a, a_turned, b, b_turned, bias, slope, c, job, work)
    if pieces > 1:
        return _share(board, work, job, pieces, called)
    return _call(work, job, 0)


@intrinsic
def _word(typingctx, job, i):
    """Word i of a job."""
    def code(context, builder, signature, args):
        words = builder.bitcast(args[0], ir.PointerType(ir.IntType(64)))
        return builder.load(builder.gep(words, [args[1]]))
    return types.int64(job, types.int64), code


@intrinsic
def _pointer(typingctx, like, address):
    """An address as a pointer of that type."""
    def code(context, builder, signature, args):
        return builder.inttoptr(args[1], args[0].type)
    return like(like, types.int64), code


def _before(job, index):
    """da ← f′ dy for block `index` of the rows and, unless there is no place for them, the sums of its columns.

    Four rows at a time, while they are in the nearest cache.
    """
    y, dy, da, place = _word(job, 1), _word(job, 2), _word(job, 3), _word(job, 4)
    top, m = index * _word(job, 5), _word(job, 7)
    bottom, numbers = min(top + _word(job, 5), _word(job, 6)), carray(job, 1)
    zero, factor, row = numbers.dtype.type(0), numbers[0], m * numbers.itemsize
    sums = carray(_pointer(job, place + index * row), m if place else 0)
    for j in range(sums.size):
        sums[j] = zero
    for i in range(top, bottom, 4):
        many, at = min(4, bottom - i), i * row
        to, of, on = (carray(_pointer(job, da + at), many * m), carray(_pointer(job, dy + at), many * m),
                      carray(_pointer(job, y + at), many * m))
        for j in range(to.size):
            to[j] = of[j] if on[j] > zero else factor * of[j]
        if many == 4:
            a, b, c, d = (carray(_pointer(job, da + i * row), m), carray(_pointer(job, da + (i + 1) * row), m),
                          carray(_pointer(job, da + (i + 2) * row), m), carray(_pointer(job, da + (i + 3) * row), m))
            for j in range(sums.size):
                sums[j] += (a[j] + b[j]) + (c[j] + d[j])
        else:
            for p in range(i, i + many):
                a = carray(_pointer(job, da + p * row), m)
                for j in range(sums.size):
                    sums[j] += a[j]
    return 0


def _narrow(job, index):
    """All gradients of block `index` of the rows, for few columns of x: what `_before` does, and while the four rows of
    da are near, dW += xᵀ da and dx = da Wᵀ. The block's room holds those four rows, and its sums: db, then dW."""
    x, y, dy, W, dx = _word(job, 1), _word(job, 2), _word(job, 3), _word(job, 4), _word(job, 5)
    room, wanted, rows, m, k = _word(job, 6), _word(job, 7), _word(job, 9), _word(job, 10), _word(job, 11)
    top, bottom = index * _word(job, 8), min(index * _word(job, 8) + _word(job, 8), rows)
    numbers = carray(job, 1)
    zero, factor, size = numbers.dtype.type(0), numbers[0], numbers.itemsize
    here, row = room + index * ROOM * m * size, m * size
    da, db = carray(_pointer(job, here), 4 * m), carray(_pointer(job, here + 4 * row), m)
    a, b = carray(_pointer(job, here), m), carray(_pointer(job, here + row), m)
    c, d = carray(_pointer(job, here + 2 * row), m), carray(_pointer(job, here + 3 * row), m)
    sums = carray(_pointer(job, here + 4 * row), (k + 1) * m)
    for j in range(sums.size):
        sums[j] = zero
    for i in range(top, bottom, 4):
        many = min(4, bottom - i)
        of, on = carray(_pointer(job, dy + i * row), many * m), carray(_pointer(job, y + i * row), many * m)
        for j in range(of.size):
            da[j] = of[j] if on[j] > zero else factor * of[j]
        for j in range(many * m, 4 * m):
            da[j] = zero
        near = carray(_pointer(job, x + i * k * size), many * k)
        if wanted:
            for j in range(m):
                db[j] += (a[j] + b[j]) + (c[j] + d[j])
        for p in range(k if wanted else 0):
            dW = carray(_pointer(job, here + (5 + p) * row), m)
            x0, x1 = near[p], near[k + p] if many > 1 else zero
            x2, x3 = near[2 * k + p] if many > 2 else zero, near[3 * k + p] if many > 3 else zero
            for j in range(m):
                dW[j] += (x0 * a[j] + x1 * b[j]) + (x2 * c[j] + x3 * d[j])
        if dx:
            to = carray(_pointer(job, dx + i * k * size), many * k)
            for q in range(many):
                line = carray(_pointer(job, here + q * row), m)
                for p in range(k):
                    along, total = carray(_pointer(job, W + p * row), m), zero
                    for j in range(m):
                        total += line[j] * along[j]
                    to[q * k + p] = total
    return 0


@closed_jit
def _thin(a, b, b_turned, bias, slope, c, column):
    """`_forward` for so few columns that each entry is the scalar product of two rows; `column` is room."""
    depth = a.shape[1]
    if (a.shape[0] == 0 or a.shape[0] != c.shape[0] or depth != b.shape[b_turned] or b.shape[1 - b_turned] != c.shape[1]
            or (bias.size > 0 and bias.size != c.shape[1]) or column.size != depth):
        return MISFIT
    zero, factor = c.dtype.type(0), c.dtype.type(slope)
    for j in range(c.shape[1]):
        for p in range(column.size):
            column[p] = b[j, p] if b_turned else b[p, j]
        for i in range(c.shape[0]):
            total = zero
            for p in range(column.size):
                total += a[i, p] * column[p]
            if bias.size > 0:
                total += bias[j]
            c[i, j] = total if total > zero else factor * total
    return 0


@jit
def _belong(x, y, dy, W, dW, db, dx, da):
    """Do the shapes of a backward pass belong together? Empty gradients are not wanted."""
    n, k, m = x.shape[0], W.shape[0], W.shape[1]
    return (n > 0 and x.shape[1] == k and y.shape[0] == dy.shape[0] == da.shape[0] == n
            and y.shape[1] == dy.shape[1] == da.shape[1] == m
            and (dW.size == 0 or (dW.shape[0] == k and dW.shape[1] == m and db.size == m))
            and (dx.size == 0 or (dx.shape[0] == n and dx.shape[1] == k)))


@closed_jit
def _thin_backward(x, y, dy, W, slope, dW, db, dx, da, along):
    """`_backward` for few columns of y, as sums of rows of x; `da` and `along` are room."""
    if not _belong(x, y, dy, W, dW, db, dx, da) or along.size != W.shape[0]:
        return MISFIT
    zero, factor = y.dtype.type(0), y.dtype.type(slope)
    n, few = y.shape
    for j in range(few):
        for i in range(n):
            da[i, j] = dy[i, j] if y[i, j] > zero else factor * dy[i, j]
        if dW.size > 0:
            total = zero
            for i in range(n):
                total += da[i, j]
            for p in range(along.size):
                along[p] = zero
            fours = n // 4 * 4
            for i in range(0, fours, 4):
                d0, d1, d2, d3 = da[i, j], da[i + 1, j], da[i + 2, j], da[i + 3, j]
                for p in range(along.size):
                    along[p] += (d0 * x[i, p] + d1 * x[i + 1, p]) + (d2 * x[i + 2, p] + d3 * x[i + 3, p])
            for i in range(fours, n):
                for p in range(along.size):
                    along[p] += da[i, j] * x[i, p]
            db[j] = total
            for p in range(along.size):             # dW[:, j] = along takes Numba three seconds
                dW[p, j] = along[p]
        if dx.size > 0:
            for p in range(along.size):
                along[p] = W[p, j]
            for i in range(n):
                d = da[i, j]
                for p in range(along.size):
                    dx[i, p] = d * along[p] + (dx[i, p] if j > 0 else zero)
    return 0


@jit
def _blocks(y, most):
    """In how many blocks the rows of y are worth sharing, and the rows of each, a multiple of four."""
    wanted = max(1, min(BLOCKS, most, y.size // SLICE))
    block = (y.shape[0] + 4 * wanted - 1) // (4 * wanted) * 4
    return (y.shape[0] + block - 1) // block, block


@jit
def _shared(board, work, job, pieces, called):
    """Have a job done, by the team where it is more than one piece: 0, or what `_share` answers."""
    if pieces > 1:
        return _share(board, work, job, pieces, called)
    return _call(work, job, 0)


@closed_jit
def _narrow_backward(x, y, dy, W, slope, dW, db, dx, room, narrow, board, called):
    """`_backward` for few columns of x, with room for ROOM rows of y for each of BLOCKS blocks."""
    if not _belong(x, y, dy, W, dW, db, dx, y) or room.shape[0] < BLOCKS * ROOM or room.shape[1] != y.shape[1]:
        return MISFIT
    job, wanted, (blocks, block) = _jobs(board), dW.size > 0, _blocks(y, BLOCKS)
    _write(job, y.dtype.type(slope), (
        x.ctypes.data, y.ctypes.data, dy.ctypes.data, W.ctypes.data, np.int64(dx.ctypes.data) if dx.size > 0 else 0,
        room.ctypes.data, 1 if wanted else 0, block, y.shape[0], y.shape[1], W.shape[0]))
    left = _shared(board, narrow, job, blocks, called)
    if left == 0 and wanted:
        for j in range(db.size):
            db[j] = 0
            for p in range(W.shape[0]):
                dW[p, j] = 0
        for i in range(blocks):
            for j in range(db.size):
                db[j] += room[i * ROOM + 4, j]
            for p in range(W.shape[0]):
                for j in range(db.size):
                    dW[p, j] += room[i * ROOM + 5 + p, j]
    return left


@closed_jit
def _backward(x, y, dy, W, slope, dW, db, dx, da, before, work, board, called):
    """All of `affine_leaky_relu_backward`; `da` is room. 0 when it is done, MISFIT, or what `_share` answers.

    The column sums of the blocks wait in dW, which is made after them.
    """
    if not _belong(x, y, dy, W, dW, db, dx, da):
        return MISFIT
    job, none, no, yes = _jobs(board), db[:0], np.int64(0), np.int64(1)     # literals: compiled once for each
    wanted, (blocks, block) = dW.size > 0, _blocks(y, W.shape[0])
    _write(job, y.dtype.type(slope), (y.ctypes.data, dy.ctypes.data, da.ctypes.data,
                                      np.int64(dW.ctypes.data) if wanted else 0, block, y.shape[0], y.shape[1]))
    left = _shared(board, before, job, blocks, called)
    if left > 0:
        return left
    count, most = 0, 0
    if wanted:
        for j in range(db.size):
            db[j] = dW[0, j]
        for i in range(1, blocks):
            for j in range(db.size):
                db[j] += dW[i, j]
        count = most = _describe(x, yes, da, no, none, 1.0, dW, job, work)
    if dx.size > 0:
        pieces = _describe(da, no, W, yes, none, 1.0, dx, job + (BYTES if count > 0 else 0), work)
        count, most = count + pieces, max(most, pieces)
    if most > 1:
        return _share(board, work, job, count, called)
    for i in range(count):
        _call(work, job, i)
    return 0


# ------------------------------------------------------------------------------------------- the way there, in Python

@functools.cache
def _piece_of(function, char):
    """The address of a function of pieces for a dtype with that character, compiled when first asked for."""
    return address_of(function, types.int64(types.CPointer(REALS[char]), types.int64))


def product(a, a_turned, b, b_turned, bias, slope, c):
    """c ← f(a b + bias), for C-contiguous arrays of which a or b may stand for its transpose; bias may be empty.

    Returns 0, or MISFIT; TypeError for arrays that the compiled code has not been opened to.
    """
    if c.shape[1] <= THIN and not a_turned:
        return _thin(a, b, b_turned, bias, slope, c, np.empty(a.shape[1], c.dtype))
    work, crew = tiles.work_of(c.dtype.char), team.current()
    answer = _forward(a, a_turned, b, b_turned, bias, slope, c, work, crew.address, 0)
    if answer > 0:
        crew.call(answer)
        answer = _forward(a, a_turned, b, b_turned, bias, slope, c, work, crew.address, 1)
    return answer


def gradients(x, y, dy, W, slope, dW, db, dx):
    """dW, db, dx ← the gradients of `product`, where they are not empty; returns and raises the same."""
    char, crew = y.dtype.char, team.current()
    if y.shape[1] <= THIN:
        return _thin_backward(x, y, dy, W, slope, dW, db, dx, np.empty_like(y), np.empty(len(W), char))
    if len(W) <= THIN:
        compiled, room = _narrow_backward, np.empty((BLOCKS * ROOM, y.shape[1]), char)
        ways = (_piece_of(_narrow, char),)
    else:
        compiled, room, ways = _backward, np.empty_like(y), (_piece_of(_before, char), tiles.work_of(char))
    answer = compiled(x, y, dy, W, slope, dW, db, dx, room, *ways, crew.address, 0)
    if answer > 0:
        crew.call(answer)
        answer = compiled(x, y, dy, W, slope, dW, db, dx, room, *ways, crew.address, 1)
    return answer


FORWARD, BACKWARD = (_thin, _forward), (_thin_backward, _narrow_backward, _backward)       # what they call
