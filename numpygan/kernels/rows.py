"""What goes on in a dense layer beside its products, row by row: pieces of work for the team (see `team`).

Also the products themselves where y has few columns (`_thin`, `_thin_backward`) or x has (`_narrow`): most of a tile
would be empty. `_thin` is given a `tiles.JOB`, the pieces of a backward pass are given the words slope, x, y, dy, W,
dx (0: it is not wanted), da, sums (where the room of the first block begins), stride (bytes from there to the next
one's), block, rows, depth, cols, and wanted (are dW and db?).
"""
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

from .support import jit, whole

THIN = 4                        # so few columns are few
LONGEST = 2**15                 # numbers for which there is room on a desk
SLICE, BLOCKS = 2**12, 4        # numbers that are worth a piece of their own; pieces that are enough
ROOM = 4 + 1 + THIN             # rows, as long as the longer of x's and y's, that a block needs


def thin(depth: int, cols: int) -> bool:
    """Is a product of that depth and with so many columns made by `_thin`?"""
    return cols <= THIN and depth <= LONGEST


def _behind(builder, address, i, stride, pointer):
    """The place i strides behind an address, as a pointer."""
    return builder.inttoptr(builder.add(address, builder.mul(i, stride)), pointer)


def _array(context, builder, kind, address, i, stride, count):
    """`count` numbers that lie there, as an array of that kind."""
    array, size = context.make_array(kind)(context, builder), count.type(kind.dtype.bitwidth // 8)
    shape, steps = cgutils.pack_array(builder, [count]), cgutils.pack_array(builder, [size])
    arrayobj.populate_array(array, _behind(builder, address, i, stride, array.data.type), shape, steps, size, None)
    return array._getvalue()


@intrinsic
def _word(typingctx, job, i):
    """Word i of a job."""
    def code(context, builder, signature, args):
        words = builder.bitcast(args[0], ir.PointerType(ir.IntType(64)))
        return builder.load(builder.gep(words, [args[1]]))
    return types.int64(job, types.int64), code


@intrinsic
def _put(typingctx, job, i, value):
    """Write word i of a job."""
    def code(context, builder, signature, args):
        words = builder.bitcast(args[0], ir.PointerType(ir.IntType(64)))
        builder.store(args[2], builder.gep(words, [args[1]]))
        return context.get_dummy_value()
    return types.void(job, types.int64, types.int64), code


@intrinsic
def _slope(typingctx, job):
    """The first word of a job: a number of the arrays' type."""
    def code(context, builder, signature, args):
        return builder.load(args[0])
    return job.dtype(job), code


@intrinsic
def _vector(typingctx, job, address, i, stride, count):
    """`count` numbers, as an array, that lie i strides (in bytes) behind an address."""
    kind = types.Array(job.dtype, 1, "C")
    def code(context, builder, signature, args):
        return _array(context, builder, kind, *args[1:])
    return kind(job, *[types.int64] * 4), code


@intrinsic
def _four(typingctx, job, address, i, stride, count):
    """Four such arrays, from i on."""
    kind = types.Array(job.dtype, 1, "C")
    def code(context, builder, signature, args):
        arrays = [_array(context, builder, kind, args[1], builder.add(args[2], args[2].type(q)), *args[3:])
                  for q in range(4)]
        return context.make_tuple(builder, signature.return_type, arrays)
    return types.UniTuple(kind, 4)(job, *[types.int64] * 4), code


@intrinsic
def _number(typingctx, job, address, i, stride):
    """The number that lies i strides behind an address."""
    def code(context, builder, signature, args):
        return builder.load(_behind(builder, *args[1:], args[0].type))
    return job.dtype(job, *[types.int64] * 3), code


@intrinsic
def _write(typingctx, job, address, i, stride, x):
    """Write x there."""
    def code(context, builder, signature, args):
        builder.store(args[4], _behind(builder, *args[1:4], args[0].type))
        return context.get_dummy_value()
    return types.void(job, *[types.int64] * 3, job.dtype), code


@intrinsic
def _through(typingctx, y, dy, slope):
    """dy where y > 0, else slope · dy: a choice, not the branches of Python's `if`, over which Numba takes long."""
    def code(context, builder, signature, args):
        y, dy, slope = args
        return builder.select(builder.fcmp_ordered(">", y, y.type(0.0)), dy, builder.fmul(slope, dy))
    return y(y, y, y), code


_min = whole(lambda builder, a, b: builder.select(builder.icmp_signed("<", a, b), a, b))
_max = whole(lambda builder, a, b: builder.select(builder.icmp_signed(">", a, b), a, b))
_div = whole(lambda builder, a, b: builder.udiv(a, b))
_parts = whole(lambda builder, a, b: builder.udiv(builder.add(a, builder.sub(b, b.type(1))), b))     # a / b, upwards


@jit
def _cut(job, word, rows, width):
    """Into how many blocks rows of that width are cut; how many rows each has, a multiple of four, is noted."""
    blocks = _max(1, _min(BLOCKS, _div(rows * width, SLICE)))
    block = 4 * _parts(rows, 4 * blocks)
    _put(job, word, block)
    return _parts(rows, block)


def _thin(job, index, desk):
    """Block `index` of the rows of a product with few columns: each entry is the scalar product of two rows.

    −1: how many blocks there are.
    """
    a, a_row, b, b_row, b_col, bias = (_word(job, 1), _word(job, 2), _word(job, 4), _word(job, 5), _word(job, 6),
                                       _word(job, 7))
    c, c_row, rows, depth, cols = _word(job, 8), _word(job, 9), _word(job, 10), _word(job, 11), _word(job, 12)
    if index < 0:
        return _cut(job, 13, rows, depth)
    top, factor, column = index * _word(job, 13), _slope(job), _vector(job, desk, 1, 64, depth)
    bottom, zero, size = _min(top + _word(job, 13), rows), column.dtype.type(0), column.itemsize
    for j in range(cols):
        for p in range(depth):
            column[p] = _number(job, b + j * b_col, p, b_row)
        start = _number(job, bias, j, size) if bias else zero
        for i in range(top, bottom):
            row, total = _vector(job, a, i, a_row, depth), zero
            for p in range(column.size):
                total += row[p] * column[p]
            total += start
            _write(job, c + j * size, i, c_row, _through(total, total, factor))
    return 0


def _thin_backward(job, index, desk):
    """All gradients of block `index` of the rows, for few columns of y: dW and dx as sums of rows of x and of W.

    The block's room holds dW, db, a column of W and one of dW.
    """
    x, y, dy, W, dx = _word(job, 1), _word(job, 2), _word(job, 3), _word(job, 4), _word(job, 5)
    sums, rows, k, m, wanted = _word(job, 7), _word(job, 10), _word(job, 11), _word(job, 12), _word(job, 13)
    if index < 0:
        return _cut(job, 9, rows, k)
    top, factor, d = index * _word(job, 9), _slope(job), _vector(job, desk, 1, 64, 4)
    bottom, zero, size = _min(top + _word(job, 9), rows), d.dtype.type(0), d.itemsize
    row, line, here = k * size, m * size, sums + index * _word(job, 8)
    column, along = _vector(job, here, k + 1, line, k), _vector(job, here + row, k + 1, line, k)
    for j in range(m):
        on, of, total = y + j * size, dy + j * size, zero
        for p in range(k):
            column[p], along[p] = _number(job, W + j * size, p, line), zero
        for i in range(top, bottom, 4):
            many = _min(4, bottom - i)
            for q in range(many):
                d[q] = _through(_number(job, on, i + q, line), _number(job, of, i + q, line), factor)
                total += d[q]
            if wanted * many == 4:
                a, b, c, e = _four(job, x, i, row, k)
                d0, d1, d2, d3 = d[0], d[1], d[2], d[3]
                for p in range(along.size):
                    along[p] += (d0 * a[p] + d1 * b[p]) + (d2 * c[p] + d3 * e[p])
            else:
                for q in range(wanted * many):
                    a, d0 = _vector(job, x, i + q, row, k), d[q]
                    for p in range(along.size):
                        along[p] += d0 * a[p]
            for q in range(many if dx else 0):
                to, d0 = _vector(job, dx, i + q, row, k), d[q]
                if j:
                    for p in range(to.size):
                        to[p] += d0 * column[p]
                else:
                    for p in range(to.size):
                        to[p] = d0 * column[p]
        for p in range(k):
            _write(job, here + j * size, p, line, along[p])
        _write(job, here + j * size, k, line, total)
    return 0


def _narrow(job, index, desk):
    """All gradients of block `index` of the rows, for few columns of x: what `_before` does, and while four rows of da
    are near, dW += xᵀ da and dx = da Wᵀ. The block's room holds dW, db and those four rows."""
    x, y, dy, W, dx = _word(job, 1), _word(job, 2), _word(job, 3), _word(job, 4), _word(job, 5)
    sums, rows, k, m, wanted = _word(job, 7), _word(job, 10), _word(job, 11), _word(job, 12), _word(job, 13)
    if index < 0:
        return _cut(job, 9, rows, m)
    top, factor, here = index * _word(job, 9), _slope(job), sums + index * _word(job, 8)
    bottom, all_sums = _min(top + _word(job, 9), rows), _vector(job, here, 0, 0, (k + 1) * m)
    zero, size = all_sums.dtype.type(0), all_sums.itemsize
    row, line = m * size, k * size
    near = here + (k + 1) * row
    da, db = _vector(job, near, 0, row, 4 * m), _vector(job, here, k, row, m)
    a, b, c, d = _four(job, near, 0, row, m)
    for j in range(all_sums.size):
        all_sums[j] = zero
    for i in range(top, bottom, 4):
        many = _min(4, bottom - i)
        of, on = _vector(job, dy, i, row, many * m), _vector(job, y, i, row, many * m)
        for j in range(of.size):
            da[j] = _through(on[j], of[j], factor)
        for j in range(many * m, 4 * m):
            da[j] = zero
        inputs = _vector(job, x, i, line, many * k)
        if wanted:
            for j in range(m):
                db[j] += (a[j] + b[j]) + (c[j] + d[j])
        for p in range(k if wanted else 0):
            dW = _vector(job, here, p, row, m)
            x0, x1 = inputs[p], inputs[k + p] if many > 1 else zero
            x2, x3 = inputs[2 * k + p] if many > 2 else zero, inputs[3 * k + p] if many > 3 else zero
            for j in range(m):
                dW[j] += (x0 * a[j] + x1 * b[j]) + (x2 * c[j] + x3 * d[j])
        for q in range(many if dx else 0):
            near_row, to = _vector(job, near, q, row, m), _vector(job, dx, i + q, line, k)
            for p in range(to.size):
                along, total = _vector(job, W, p, row, m), zero
                for j in range(m):
                    total += near_row[j] * along[j]
                to[p] = total
    return 0


def _before(job, index, desk):
    """da ← f′ dy for block `index` of the rows and, if it is wanted, db, the sums of its columns, in the block's room.

    Four rows at a time, while they are in the nearest cache.
    """
    y, dy, da, rows, m = _word(job, 2), _word(job, 3), _word(job, 6), _word(job, 10), _word(job, 12)
    if index < 0:
        return _cut(job, 9, rows, m)
    top, factor = index * _word(job, 9), _slope(job)
    bottom = _min(top + _word(job, 9), rows)
    db = _vector(job, _word(job, 7), index, _word(job, 8), m * _word(job, 13))
    zero, row = db.dtype.type(0), m * db.itemsize
    for j in range(db.size):
        db[j] = zero
    for i in range(top, bottom, 4):
        many = _min(4, bottom - i)
        to, of = _vector(job, da, i, row, many * m), _vector(job, dy, i, row, many * m)
        on = _vector(job, y, i, row, many * m)
        for j in range(to.size):
            to[j] = _through(on[j], of[j], factor)
        if many == 4:
            a, b, c, d = _four(job, da, i, row, m)
            for j in range(db.size):
                db[j] += (a[j] + b[j]) + (c[j] + d[j])
        else:
            for q in range(many):
                a = _vector(job, da, i + q, row, m)
                for j in range(db.size):
                    db[j] += a[j]
    return 0
