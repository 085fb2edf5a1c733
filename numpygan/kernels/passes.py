"""A stack of dense layers in compiled code: every layer is a job or two for the team; and one product alone.

The layers are described by a `plan`, words at an address: what HEAD names, then for each layer what LAYER names.
Most layers are products in `tiles`; where x or y has few columns, `rows` goes through them.
"""
import functools

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from . import team, tiles
from .intrinsics import array_at, call, new_desk, put_word, select, smax, whole, word_at
from .rows import BLOCKS, ROOM
from .support import closed_jit, jit

WORDS, BYTES = tiles.WORDS, 8 * tiles.WORDS
SHARE = team.SHARE
MISFIT = -1                     # what compiled code answers to shapes that do not belong together

# "tiles", "forward" and "backward" are addresses of code; "hidden": the columns of all layers but the last;
# "parameters" of all layers; "widest": the most columns that a layer has, "widest_of_all": that it or x has. "one" and
# "slope" are numbers of the arrays' type; "stride", "x_row", "y_row", "size" and "sums_at" are bytes: from the room of
# a block of rows to that of the next, of a row of x and of y, of W, and before the "sums" numbers of the layer's
# gradient that are sums over blocks of rows ("by_rows": all of them, and dx is made row by row too).
HEAD = ("layers", "d_in", "d_out", "parameters", "hidden", "widest", "widest_of_all", "one", "tiles", "stride")
LAYER = ("depth", "cols", "slope", "forward", "backward", "x_row", "y_row", "size", "by_rows", "sums", "sums_at")
LAYERS, WIDEST, ONE, TILES, STRIDE = map(HEAD.index, ("layers", "widest", "one", "tiles", "stride"))
DEPTH, COLS, SLOPE, FORWARD, BACKWARD, X_ROW, Y_ROW, SIZE, BY_ROWS, SUMS, SUMS_AT = range(len(LAYER))
NEXT_LAYER = 8 * len(LAYER)


# ------------------------------------------------------------------------------------------ jobs for machine code

@intrinsic
def _address(typingctx, array):
    """Where an array begins; 0 if it is empty."""
    def code(context, builder, signature, args):
        array, none = context.make_array(signature.args[0])(context, builder, args[0]), ir.IntType(64)(0)
        return builder.select(_empty(builder, array), none, builder.ptrtoint(array.data, none.type))
    return types.int64(array), code


@intrinsic
def _write(typingctx, address, words):
    """Write words, one after the other, at an address, which is returned."""
    def code(context, builder, signature, args):
        place = builder.inttoptr(args[0], ir.PointerType(ir.IntType(64)))
        for i, word in enumerate(cgutils.unpack_tuple(builder, args[1])):
            builder.store(word, builder.gep(place, [ir.IntType(64)(i)]))
        return args[0]
    return types.int64(types.int64, words), code


_behind = whole(lambda builder, address, i, stride: builder.add(address, builder.mul(i, stride)))


@intrinsic
def _share(typingctx, board, work, job, pieces, called, desk):
    """What the team of that board answers to a job (see `team`): 0 when it is done; the number of its pieces where
    helpers must be called first, which takes Python."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        place = builder.add(args[0], word(8 * SHARE))
        share = builder.load(builder.inttoptr(place, ir.PointerType(word)))
        with builder.if_else(builder.icmp_signed("!=", share, word(0))) as (there, missing):
            with there:
                kind = ir.PointerType(ir.FunctionType(word, [word] * 6))
                done, from_there = builder.call(builder.inttoptr(share, kind), args), builder.block
            with missing:
                from_missing = builder.block
        answer = builder.phi(word)
        answer.add_incoming(done, from_there)
        answer.add_incoming(args[3], from_missing)
        return answer
    return types.int64(*[types.int64] * 6), code


@intrinsic
def _jobs(typingctx, like):
    """The address of room for three jobs."""
    def code(context, builder, signature, args):
        with builder.goto_entry_block():
            room = builder.alloca(ir.ArrayType(ir.IntType(64), 3 * WORDS))
        return builder.ptrtoint(room, ir.IntType(64))
    return types.int64(like), code


@jit
def _done(board, work, job, pieces, count, called, desk):
    """Have jobs done that have `count` pieces in all, and `pieces` at most: by the team, or at the desk where each
    has only one. 0, or what `_share` answers."""
    if pieces > 1:
        return _share(board, work, job, count, called, desk)
    put_word(desk, 0, 0)
    for i in range(count):
        call(work, job, i, desk)
    return 0


# ---------------------------------------------------------------------------------------------- one product alone

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
def _describe(typingctx, a, a_turned, b, b_turned, bias, c, job):
    """Describe the product c = a b + bias in `job`, which is returned; `bias` is an address, or 0 for none.
    (In LLVM's instructions, since Numba would take longer over Python's words than over those that call it.)"""
    def code(context, builder, signature, args):
        a, b, c = (context.make_array(signature.args[i])(context, builder, args[i]) for i in (0, 2, 5))
        word, job, one = ir.IntType(64), args[6], context.get_value_type(signature.args[5].dtype)(1.0)
        words = [one, a.data, *_turned(builder, a.strides, args[1]), b.data, *_turned(builder, b.strides, args[3]),
                 args[4], c.data, builder.extract_value(c.strides, 0), *_turned(builder, a.shape, args[1]),
                 builder.extract_value(c.shape, 1)]
        for i, x in enumerate(words):
            builder.store(x, builder.inttoptr(builder.add(job, word(8 * i)), ir.PointerType(x.type)))
        return job
    return types.int64(a, types.int64, b, types.int64, types.int64, c, types.int64), code


@closed_jit
def _product(a, a_turned, b, b_turned, bias, c, work, board, called):
    """c ← a b + bias, where a or b may stand for its transpose, and whose shapes its caller has checked: 0 when it is
    done, or what `_share` answers."""
    job = _describe(a, a_turned, b, b_turned, _address(bias), c, _jobs(work))
    pieces = call(work, job, -1, 0)
    return _done(board, work, job, pieces, pieces, called, new_desk())


# ------------------------------------------------------------------------------------------------ a stack of layers

def _named(builder, plan):
    """The words of the head of a plan, by name."""
    words = builder.inttoptr(plan, ir.PointerType(ir.IntType(64)))
    return {name: builder.load(builder.gep(words, [ir.IntType(64)(i)])) for i, name in enumerate(HEAD)}


@intrinsic
def _fit_forward(typingctx, x, theta, hidden, y, plan):
    """Do the shapes of a pass through the layers of that plan belong together?"""
    def code(context, builder, signature, args):
        x, theta, hidden, y = (context.make_array(kind)(context, builder, value)
                               for kind, value in zip(signature.args, args[:4], strict=False))
        head, (n, d_in) = _named(builder, args[4]), cgutils.unpack_tuple(builder, x.shape)
        pairs = [(d_in, head["d_in"]), (theta.nitems, head["parameters"]),
                 (hidden.nitems, builder.mul(n, head["hidden"])),
                 *zip(cgutils.unpack_tuple(builder, y.shape), (n, head["d_out"]), strict=True)]
        return builder.and_(builder.not_(_empty(builder, x)), _all(builder, *pairs))
    return types.boolean(x, theta, hidden, y, plan), code


@intrinsic
def _fit_backward(typingctx, x, between, y, dy, g, dx, room, plan):
    """And those of the pass back, beside the ones above? g and dx are empty where they are not wanted."""
    def code(context, builder, signature, args):
        x, between, y, dy, g, dx, room = (context.make_array(kind)(context, builder, value)
                                          for kind, value in zip(signature.args, args[:7], strict=False))
        head, (n, d_in) = _named(builder, args[7]), cgutils.unpack_tuple(builder, x.shape)
        above, below, least = (cgutils.unpack_tuple(builder, a.shape) for a in (dy, dx, y))
        needed = builder.add(builder.mul(builder.mul(n, n.type(2)), head["widest"]),
                             builder.mul(n.type(BLOCKS * ROOM), head["widest_of_all"]))
        return functools.reduce(builder.and_, [
            _all(builder, *zip(above, least, strict=True)),
            builder.or_(_empty(builder, g), _all(builder, (g.nitems, head["parameters"]))),
            builder.or_(_empty(builder, dx), _all(builder, *zip(below, (n, d_in), strict=True))),
            _all(builder, (between.nitems, builder.mul(n, head["hidden"])), (room.nitems, needed))])
    return types.boolean(x, between, y, dy, g, dx, room, plan), code


@closed_jit
def _forward(x, theta, hidden, y, plan, board, called):
    """y, and all that comes before it in `hidden`, one layer after the other: 0 when it is done, MISFIT, or what
    `_share` answers."""
    if not _fit_forward(x, theta, hidden, y, plan):
        return MISFIT
    job, desk, n, step = _jobs(plan), new_desk(), len(x), theta.itemsize
    a, W, c, layers = _address(x), _address(theta), _address(hidden), word_at(plan, LAYERS)
    layer = plan + 8 * len(HEAD)
    for i in range(layers):
        k, m, x_row, y_row = word_at(layer, DEPTH), word_at(layer, COLS), word_at(layer, X_ROW), word_at(layer, Y_ROW)
        b, c = W + word_at(layer, SIZE), select(i + 1 - layers, c, _address(y))
        work = word_at(layer, FORWARD)
        _write(job, (word_at(layer, SLOPE), a, x_row, step, W, y_row, step, b, c, y_row, n, k, m))
        pieces = call(work, job, -1, 0)
        left = _done(board, work, job, pieces, pieces, called, desk)
        if left:
            return left
        a, W, c, layer = c, b + y_row, _behind(c, n, y_row), layer + NEXT_LAYER
    return 0


@closed_jit
def _tangent(x_dot, theta, hidden, y, dots, y_dot, room, plan, board, called):
    """y_dot, and all that comes before it in `dots`: ẏ = f′(y) ⊙ (ẏ W) of one layer after the other, f′ at `hidden`
    and y; the answers of `_forward`. In `room`: ẏ W."""
    if not (_fit_forward(x_dot, theta, hidden, y, plan) and _fit_forward(x_dot, theta, dots, y_dot, plan)
            and room.size == len(x_dot) * word_at(plan, WIDEST)):
        return MISFIT
    job, desk, n, step = _jobs(plan), new_desk(), len(x_dot), theta.itemsize
    a, W, out, to = _address(x_dot), _address(theta), _address(hidden), _address(dots)
    one, layers, layer = word_at(plan, ONE), word_at(plan, LAYERS), plan + 8 * len(HEAD)
    for i in range(layers):
        k, m, x_row, y_row = word_at(layer, DEPTH), word_at(layer, COLS), word_at(layer, X_ROW), word_at(layer, Y_ROW)
        slope, work, way = word_at(layer, SLOPE), word_at(layer, FORWARD), word_at(layer, BACKWARD)
        out, to = select(i + 1 - layers, out, _address(y)), select(i + 1 - layers, to, _address(y_dot))
        straight = select(slope - one, 0, 1)
        c = select(straight, to, _address(room))
        _write(job, (one, a, x_row, step, W, y_row, step, 0, c, y_row, n, k, m))
        pieces = call(work, job, -1, 0)
        left = _done(board, work, job, pieces, pieces, called, desk)
        if left == 0 and not straight:
            _write(job, (slope, 0, out, c, 0, 0, to, 0, 0, 0, n, k, m, 0))
            pieces = call(way, job, -1, 0)
            left = _done(board, way, job, pieces, pieces, called, desk)
        if left:
            return left
        a, W, out, to = to, W + word_at(layer, SIZE) + y_row, _behind(out, n, y_row), _behind(to, n, y_row)
        layer += NEXT_LAYER
    return 0


@jit
def _add_up(like, to, sums, stride, blocks, count):
    """The sums of all blocks, in their order."""
    total = array_at(like, to, 0, 0, count)
    for j in range(total.size):
        total[j] = 0
    for i in range(blocks):
        more = array_at(like, sums, i, stride, count)
        for j in range(total.size):
            total[j] += more[j]


@closed_jit
def _backward(x, between, theta, hidden, y, dy, g, dx, room, plan, board, called):
    """g and dx, where they are wanted, one layer after the other from the top: the answers of `_forward`.

    The layers were given x and what is in `between`, dW is made of these; f′ is taken at `hidden` and y. In `room`: two
    gradients that are on their way, and what the blocks of rows need.
    """
    if not (_fit_forward(x, theta, hidden, y, plan) and _fit_backward(x, between, y, dy, g, dx, room, plan)):
        return MISFIT
    job, desk, n, step, work = _jobs(plan), new_desk(), len(x), theta.itemsize, word_at(plan, TILES)
    one, layers, stride = word_at(plan, ONE), word_at(plan, LAYERS), word_at(plan, STRIDE)
    here, wanted = _address(room), select(g.size, 1, 0)
    there = _behind(here, n, word_at(plan, WIDEST) * step)
    sums = _behind(here, n, 2 * word_at(plan, WIDEST) * step)
    W, dW = _behind(_address(theta), theta.size, step), _behind(_address(g), theta.size, step)
    a, at, out, above = _address(between), _address(hidden), _address(y), _address(dy)
    a, at = _behind(a, between.size, step), _behind(at, hidden.size, step)
    layer = plan + 8 * len(HEAD) + layers * NEXT_LAYER
    for i in range(layers - 1, -1, -1):
        layer -= NEXT_LAYER
        k, m, x_row, y_row = word_at(layer, DEPTH), word_at(layer, COLS), word_at(layer, X_ROW), word_at(layer, Y_ROW)
        way, by_rows, parameters = word_at(layer, BACKWARD), word_at(layer, BY_ROWS), word_at(layer, SIZE) + y_row
        W, dW = W - parameters, dW - parameters
        a, at = select(i, _behind(a, n, -x_row), _address(x)), _behind(at, n, -x_row)
        below = select(i, select(by_rows, there, here), _address(dx))
        _write(job, (word_at(layer, SLOPE), a, out, above, W, below, there, sums, stride, 0, n, k, m, wanted))
        blocks = call(way, job, -1, 0)
        left = _done(board, way, job, blocks, blocks, called, desk)
        if left:
            return left
        _add_up(theta, dW + word_at(layer, SUMS_AT), sums, stride, blocks, wanted * word_at(layer, SUMS))
        if by_rows:
            here, there = there, here
        else:
            count, most, next_job = 0, 0, job
            if wanted:
                _write(job, (one, a, step, x_row, there, y_row, step, 0, dW, y_row, k, n, m))
                count = most = call(work, job, -1, 0)
                next_job += BYTES
            if below:
                _write(next_job, (one, there, y_row, step, W, step, y_row, 0, below, x_row, n, m, k))
                pieces = call(work, next_job, -1, 0)
                count, most = count + pieces, smax(most, pieces)
            left = _done(board, work, job, most, count, called, desk)
            if left:
                return left
        above, out = below, at
    return 0


# ------------------------------------------------------------------------------------------- passes over all parameters

@closed_jit
def _adam(theta, g, m, v, step, beta1, rest1, beta2, rest2, scale, eps, work, board, called):
    """Adam's pass over four vectors of one length: 0 when it is done, MISFIT, or what `_share` answers."""
    if not (g.size == theta.size and m.size == theta.size and v.size == theta.size):
        return MISFIT
    job = _jobs(work)
    numbers = array_at(theta, job + 64, 0, 0, 7)
    numbers[0], numbers[1], numbers[2], numbers[3], numbers[4] = step, beta1, rest1, beta2, rest2
    numbers[5], numbers[6] = scale, eps
    _write(job, (_address(theta), _address(g), _address(m), _address(v), theta.size, job + 64))
    pieces = call(work, job, -1, 0)
    return _done(board, work, job, pieces, pieces, called, new_desk())


@closed_jit
def _sum(a, sums, work, board, called):
    """What the pieces of work on one vector come to: each to its place in `sums`, all of it to the last one; 0, or what
    `_share` answers."""
    job = _write(_jobs(work), (_address(a), _address(sums), a.size))
    pieces = call(work, job, -1, 0)
    left = _done(board, work, job, pieces, pieces, called, new_desk())
    if left == 0:
        sums[-1] = 0
        for i in range(pieces):
            sums[-1] += sums[i]
    return left
