"""What goes on in a dense layer beside its products, row by row: pieces of work for the team (see `team`).

Also the products themselves where y has few columns (`_thin`, `_thin_backward`) or x has (`_narrow_backward`): most of
a tile would be empty. `_thin` is given a `tiles.JOB`, the pieces of a backward pass are given the words slope, x, y,
dy, W, dx (0: it is not wanted), da, sums (where the room of the first block begins), stride (bytes from there to the
next one's), block, rows, depth, cols, and wanted (are dW and db?).
"""
from numba.extending import intrinsic

from .intrinsics import array_at, ceil_div, four_arrays_at, number_at, put_number, put_word, smax, smin, udiv, words_of
from .support import jit

THIN = 4                        # so few columns are few
LONGEST = 2**15                 # numbers for which there is room on a desk
SLICE, BLOCKS = 2**12, 4        # numbers that are worth a piece of their own; pieces that are enough
ROOM = 4 + 1 + THIN             # rows, as long as the longer of x's and y's, that a block needs


def thin(depth: int, cols: int) -> bool:
    """Is a product of that depth and with so many columns made by `_thin`?"""
    return cols <= THIN and depth <= LONGEST


_words = words_of(14)


@intrinsic
def _slope(typingctx, job):
    """The first word of a job: a number of the arrays' type."""
    def code(context, builder, signature, args):
        return builder.load(args[0])
    return job.dtype(job), code


@intrinsic
def _through(typingctx, y, dy, slope):
    """dy where y > 0, else slope · dy: a choice, not the branches of Python's `if`, over which Numba takes long."""
    def code(context, builder, signature, args):
        y, dy, slope = args
        return builder.select(builder.fcmp_ordered(">", y, y.type(0.0)), dy, builder.fmul(slope, dy))
    return y(y, y, y), code


@jit
def _cut(job, word, rows, width):
    """Into how many blocks rows of that width are cut; how many rows each has, a multiple of four, is noted."""
    blocks = smax(1, smin(BLOCKS, udiv(rows * width, SLICE)))
    block = 4 * ceil_div(rows, 4 * blocks)
    put_word(job, word, block)
    return ceil_div(rows, block)


def _thin(job, index, desk):
    """Block `index` of the rows of a product with few columns: each entry is the scalar product of two rows.

    −1: how many blocks there are.
    """
    _, a, a_row, _, b, b_row, b_col, bias, c, c_row, rows, depth, cols, block = _words(job)
    if index < 0:
        return _cut(job, 13, rows, depth)
    top, factor, column = index * block, _slope(job), array_at(job, desk, 1, 64, depth)
    bottom, zero, size = smin(top + block, rows), column.dtype.type(0), column.itemsize
    for j in range(cols):
        for p in range(depth):
            column[p] = number_at(job, b + j * b_col, p, b_row)
        start = number_at(job, bias, j, size) if bias else zero
        for i in range(top, bottom):
            row, total = array_at(job, a, i, a_row, depth), zero
            for p in range(column.size):
                total += row[p] * column[p]
            total += start
            put_number(c + j * size, i, c_row, _through(total, total, factor))
    return 0


def _thin_backward(job, index, desk):
    """All gradients of block `index` of the rows, for few columns of y: dW and dx as sums of rows of x and of W.

    The block's room holds dW, db, a column of W and one of dW.
    """
    _, x, y, dy, W, dx, _, sums, stride, block, rows, k, m, wanted = _words(job)
    if index < 0:
        return _cut(job, 9, rows, k)
    top, factor, d = index * block, _slope(job), array_at(job, desk, 1, 64, 4)
    bottom, zero, size = smin(top + block, rows), d.dtype.type(0), d.itemsize
    row, line, here = k * size, m * size, sums + index * stride
    column, along = array_at(job, here, k + 1, line, k), array_at(job, here + row, k + 1, line, k)
    for j in range(m):
        on, of, total = y + j * size, dy + j * size, zero
        for p in range(k):
            column[p], along[p] = number_at(job, W + j * size, p, line), zero
        for i in range(top, bottom, 4):
            many = smin(4, bottom - i)
            for q in range(many):
                d[q] = _through(number_at(job, on, i + q, line), number_at(job, of, i + q, line), factor)
                total += d[q]
            if wanted * many == 4:
                a, b, c, e = four_arrays_at(job, x, i, row, k)
                d0, d1, d2, d3 = d[0], d[1], d[2], d[3]
                for p in range(along.size):
                    along[p] += (d0 * a[p] + d1 * b[p]) + (d2 * c[p] + d3 * e[p])
            else:
                for q in range(wanted * many):
                    a, d0 = array_at(job, x, i + q, row, k), d[q]
                    for p in range(along.size):
                        along[p] += d0 * a[p]
            for q in range(many if dx else 0):
                to, d0 = array_at(job, dx, i + q, row, k), d[q]
                if j:
                    for p in range(to.size):
                        to[p] += d0 * column[p]
                else:
                    for p in range(to.size):
                        to[p] = d0 * column[p]
        for p in range(k):
            put_number(here + j * size, p, line, along[p])
        put_number(here + j * size, k, line, total)
    return 0


def _narrow_backward(job, index, desk):
    """All gradients of block `index` of the rows, for few columns of x: what `_activation_backward` does, and while
    four rows of da are near, dW += xᵀ da and dx = da Wᵀ. The block's room holds dW, db and those four rows."""
    _, x, y, dy, W, dx, _, sums, stride, block, rows, k, m, wanted = _words(job)
    if index < 0:
        return _cut(job, 9, rows, m)
    top, factor, here = index * block, _slope(job), sums + index * stride
    bottom, all_sums = smin(top + block, rows), array_at(job, here, 0, 0, (k + 1) * m)
    zero, size = all_sums.dtype.type(0), all_sums.itemsize
    row, line = m * size, k * size
    near = here + (k + 1) * row
    da, db = array_at(job, near, 0, row, 4 * m), array_at(job, here, k, row, m)
    a, b, c, d = four_arrays_at(job, near, 0, row, m)
    for j in range(all_sums.size):
        all_sums[j] = zero
    for i in range(top, bottom, 4):
        many = smin(4, bottom - i)
        of, on = array_at(job, dy, i, row, many * m), array_at(job, y, i, row, many * m)
        for j in range(of.size):
            da[j] = _through(on[j], of[j], factor)
        for j in range(many * m, 4 * m):
            da[j] = zero
        inputs = array_at(job, x, i, line, many * k)
        if wanted:
            for j in range(m):
                db[j] += (a[j] + b[j]) + (c[j] + d[j])
        for p in range(k if wanted else 0):
            dW = array_at(job, here, p, row, m)
            x0, x1 = inputs[p], inputs[k + p] if many > 1 else zero
            x2, x3 = inputs[2 * k + p] if many > 2 else zero, inputs[3 * k + p] if many > 3 else zero
            for j in range(m):
                dW[j] += (x0 * a[j] + x1 * b[j]) + (x2 * c[j] + x3 * d[j])
        for q in range(many if dx else 0):
            near_row, to = array_at(job, near, q, row, m), array_at(job, dx, i + q, line, k)
            for p in range(to.size):
                along, total = array_at(job, W, p, row, m), zero
                for j in range(m):
                    total += near_row[j] * along[j]
                to[p] = total
    return 0


def _activation_backward(job, index, desk):
    """da ← f′ dy for block `index` of the rows and, if it is wanted, db, the sums of its columns, in the block's room.

    Four rows at a time, while they are in the nearest cache.
    """
    _, _, y, dy, _, _, da, sums, stride, block, rows, _, m, wanted = _words(job)
    if index < 0:
        return _cut(job, 9, rows, m)
    top, factor = index * block, _slope(job)
    bottom = smin(top + block, rows)
    db = array_at(job, sums, index, stride, m * wanted)
    zero, row = db.dtype.type(0), m * db.itemsize
    for j in range(db.size):
        db[j] = zero
    for i in range(top, bottom, 4):
        many = smin(4, bottom - i)
        to, of = array_at(job, da, i, row, many * m), array_at(job, dy, i, row, many * m)
        on = array_at(job, y, i, row, many * m)
        for j in range(to.size):
            to[j] = _through(on[j], of[j], factor)
        if many == 4:
            a, b, c, d = four_arrays_at(job, da, i, row, m)
            for j in range(db.size):
                db[j] += (a[j] + b[j]) + (c[j] + d[j])
        else:
            for q in range(many):
                a = array_at(job, da, i + q, row, m)
                for j in range(db.size):
                    db[j] += a[j]
    return 0
