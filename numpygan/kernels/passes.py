"""A dense layer in compiled code: its products as jobs for machine code, and what goes on around them.

Three ways: tiles for most layers; sums of rows where y has few columns (`_thin`), or x has (`_narrow`).
"""
import functools

from llvmlite import ir
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic

from . import team, tiles
from .support import closed_jit, jit, whole

THIN = 4                        # so few columns, of x or of y, would leave most of a tile empty
WORDS, BYTES = tiles.WORDS, 8 * tiles.WORDS
SHARE, DESK = team.SHARE, team.DESK
SLICE, BLOCKS = 2**14, 4        # entries of a gradient that are worth a piece of their own; pieces that are enough
ROOM = 4 + 1 + THIN             # rows that a block of `_narrow` needs
MISFIT = -1                     # what compiled code answers to shapes that do not belong together


# ------------------------------------------------------------------------------------------ jobs for machine code

@intrinsic
def _call(typingctx, work, job, piece, desk):
    """work(job, piece, desk), for the address of compiled code."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        function = builder.inttoptr(args[0], ir.PointerType(ir.FunctionType(word, [word] * 3)))
        return builder.call(function, args[1:])
    return types.int64(*[types.int64] * 4), code


@intrinsic
def _desk(typingctx, like):
    """The address of an empty desk (see `team`)."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        with builder.goto_entry_block():
            desk = builder.alloca(ir.ArrayType(ir.IntType(8), DESK))
        desk.align = 64
        builder.store(word(0), builder.bitcast(desk, ir.PointerType(word)))
        return builder.ptrtoint(desk, word)
    return types.int64(like), code


@intrinsic
def _address(typingctx, array):
    """Where an array begins; 0 if it is empty."""
    def code(context, builder, signature, args):
        array, none = context.make_array(signature.args[0])(context, builder, args[0]), ir.IntType(64)(0)
        return builder.select(_empty(builder, array), none, builder.ptrtoint(array.data, none.type))
    return types.int64(array), code


_min = whole(lambda builder, a, b: builder.select(builder.icmp_signed("<", a, b), a, b))
_max = whole(lambda builder, a, b: builder.select(builder.icmp_signed(">", a, b), a, b))


@intrinsic
def _share(typingctx, board, work, job, pieces, called):
    """What the team of that board answers to a job (see `team`): 0 when it is done; the number of its pieces where
    helpers must be called first, which takes Python."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        place = builder.add(args[0], word(8 * SHARE))
        share = builder.load(builder.inttoptr(place, ir.PointerType(word)))
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


def _turned(builder, pair, turned):
    """Both numbers of a pair, exchanged if `turned` is not 0."""
    (first, second), so = cgutils.unpack_tuple(builder, pair), builder.icmp_signed("!=", turned, turned.type(0))
    return builder.select(so, second, first), builder.select(so, first, second)


def _all(builder, *pairs):
    """Are the numbers of each pair the same?"""
    return functools.reduce(builder.and_, [builder.icmp_signed("==", a, b) for a, b in pairs])


def _empty(builder, array):
    return builder.icmp_signed("==", array.nitems, array.nitems.type(0))


@intrinsic
def _fit(typingctx, a, a_turned, b, b_turned, bias, c):
    """Do the shapes of a product belong together? The bias may be empty. (In LLVM's instructions: Numba would take
    longer over Python's `and` than over the product.)"""
    def code(context, builder, signature, args):
        a, b, bias, c = (context.make_array(signature.args[i])(context, builder, args[i]) for i in (0, 2, 4, 5))
        (n, k), (depth, m) = _turned(builder, a.shape, args[1]), _turned(builder, b.shape, args[3])
        rows, cols = cgutils.unpack_tuple(builder, c.shape)
        fit = _all(builder, (n, rows), (k, depth), (m, cols))
        none = builder.or_(_empty(builder, bias), _all(builder, (bias.nitems, m)))
        return builder.and_(builder.and_(fit, none), builder.not_(_empty(builder, a)))
    return types.boolean(a, types.int64, b, types.int64, bias, c), code


@intrinsic
def _describe(typingctx, a, a_turned, b, b_turned, bias, slope, c, job):
    """Describe the product c = f(a b + bias) in `job`, which is returned; `bias` is an address, or 0 for none.
    (In LLVM's instructions, since Numba would take longer over Python's words than over those that call it.)"""
    def code(context, builder, signature, args):
        a, b, c = (context.make_array(signature.args[i])(context, builder, args[i]) for i in (0, 2, 6))
        word, job = ir.IntType(64), args[7]
        words = [args[5], a.data, *_turned(builder, a.strides, args[1]), b.data, *_turned(builder, b.strides, args[3]),
                 args[4], c.data, builder.extract_value(c.strides, 0), *_turned(builder, a.shape, args[1]),
                 builder.extract_value(c.shape, 1)]
        for i, x in enumerate(words):
            builder.store(x, builder.inttoptr(builder.add(job, word(8 * i)), ir.PointerType(x.type)))
        return job
    return types.int64(a, types.int64, b, types.int64, types.int64, c.dtype, c, types.int64), code


@closed_jit
def _forward(a, a_turned, b, b_turned, bias, slope, c, work, board, called):
    """c ← f(a b + bias): 0 when it is done, MISFIT, or what `_share` answers."""
    if not _fit(a, a_turned, b, b_turned, bias, c):
        return MISFIT
    job = _describe(a, a_turned, b, b_turned, _address(bias), slope, c, _jobs(work))
    pieces = _call(work, job, -1, 0)
    if pieces > 1:
        return _share(board, work, job, pieces, called)
    return _call(work, job, 0, _desk(job))


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


def _before(job, index, desk):
    """da ← f′ dy for block `index` of the rows and, unless there is no place for them, the sums of its columns.

    Four rows at a time, while they are in the nearest cache.
    """
    y, dy, da, place = _word(job, 1), _word(job, 2), _word(job, 3), _word(job, 4)
    top, m = index * _word(job, 5), _word(job, 7)
    bottom, numbers = _min(top + _word(job, 5), _word(job, 6)), carray(job, 1)
    zero, factor, row = numbers.dtype.type(0), numbers[0], m * numbers.itemsize
    sums = carray(_pointer(job, place + index * row), m if place else 0)
    for j in range(sums.size):
        sums[j] = zero
    for i in range(top, bottom, 4):
        many, at = _min(4, bottom - i), i * row
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


def _narrow(job, index, desk):
    """All gradients of block `index` of the rows, for few columns of x: what `_before` does, and while the four rows of
    da are near, dW += xᵀ da and dx = da Wᵀ. The block's room holds those four rows, and its sums: db, then dW."""
    x, y, dy, W, dx = _word(job, 1), _word(job, 2), _word(job, 3), _word(job, 4), _word(job, 5)
    room, wanted, rows, m, k = _word(job, 6), _word(job, 7), _word(job, 9), _word(job, 10), _word(job, 11)
    top, bottom = index * _word(job, 8), _min(index * _word(job, 8) + _word(job, 8), rows)
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
        many = _min(4, bottom - i)
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
    if not _fit(a, 0, b, b_turned, bias, c) or column.size != a.shape[1]:
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


@intrinsic
def _belong(typingctx, x, y, dy, W, dW, db, dx, da):
    """Do the shapes of a backward pass belong together? Empty gradients are not wanted. (In LLVM's instructions, since
    all the `and` of it would take Numba longer than the pass itself.)"""
    def code(context, builder, signature, args):
        x, y, dy, W, dW, db, dx, da = (context.make_array(kind)(context, builder, value)
                                       for kind, value in zip(signature.args, args, strict=True))
        (n, k), (_, m) = cgutils.unpack_tuple(builder, x.shape), cgutils.unpack_tuple(builder, W.shape)

        def has(array, *shape):
            return _all(builder, *zip(cgutils.unpack_tuple(builder, array.shape), shape, strict=True))

        return functools.reduce(builder.and_, [
            builder.not_(_empty(builder, x)), has(W, k, m), has(y, n, m), has(dy, n, m), has(da, n, m),
            builder.or_(_empty(builder, dW), builder.and_(has(dW, k, m), has(db, m))),
            builder.or_(_empty(builder, dx), has(dx, n, k))])
    return types.boolean(x, y, dy, W, dW, db, dx, da), code


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
    wanted = _max(1, _min(BLOCKS, _min(most, y.size // SLICE)))
    block = (y.shape[0] + 4 * wanted - 1) // (4 * wanted) * 4
    return (y.shape[0] + block - 1) // block, block


@jit
def _shared(board, work, job, pieces, called):
    """Have a job done, by the team where it is more than one piece: 0, or what `_share` answers."""
    if pieces > 1:
        return _share(board, work, job, pieces, called)
    return _call(work, job, 0, _desk(job))


@closed_jit
def _narrow_backward(x, y, dy, W, slope, dW, db, dx, room, narrow, board, called):
    """`_backward` for few columns of x, with room for ROOM rows of y for each of BLOCKS blocks."""
    if not _belong(x, y, dy, W, dW, db, dx, y) or room.shape[0] < BLOCKS * ROOM or room.shape[1] != y.shape[1]:
        return MISFIT
    job, wanted, (blocks, block) = _jobs(board), dW.size > 0, _blocks(y, BLOCKS)
    _write(job, y.dtype.type(slope), (
        _address(x), _address(y), _address(dy), _address(W), _address(dx), _address(room),
        1 if wanted else 0, block, y.shape[0], y.shape[1], W.shape[0]))
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
    job, wanted, (blocks, block) = _jobs(board), dW.size > 0, _blocks(y, W.shape[0])
    _write(job, y.dtype.type(slope), (_address(y), _address(dy), _address(da), _address(dW), block,
                                      y.shape[0], y.shape[1]))
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
        count = most = _call(work, _describe(x, 1, da, 0, 0, 1.0, dW, job), -1, 0)
    if dx.size > 0:
        pieces = _call(work, _describe(da, 0, W, 1, 0, 1.0, dx, job + (BYTES if wanted else 0)), -1, 0)
        count, most = count + pieces, _max(most, pieces)
    if most > 1:
        return _share(board, work, job, count, called)
    desk = _desk(job)
    for i in range(count):
        _call(work, job, i, desk)
    return 0
