"""The matrix product in register tiles, with the vectors and fused multiply-adds of the CPU it runs on.

    C = f(A B + b),   A (rows, depth), B (depth, cols), b one row or none, f the leaky ReLU of a slope (1: nothing)

A strip of B, two vectors wide, is copied ("packed") to where the nearest cache can hold it; the rows of A go down along
it, ROWS at a time, and a tile of C, ROWS x two vectors, stays in registers from the first product to the last: Eq.
(12.4). That is `_tile`, the micro-kernel; `_work` has the loops around it. A is read where it lies, unless it is a
transpose whose columns lie far apart: then ROWS of its rows at a time go to a panel. docs/12-kernels.md derives the
sizes.

All addresses and strides are integers, in bytes: a product is a row of sixteen numbers (see `JOB`), which any thread
can be given. Several rows are several products, whose pieces are counted through.
"""
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from .intrinsics import ceil_div, put_word, select, smax, smin, udiv, urem, whole, word_at, words_of
from .support import inner_jit, jit

TRIPLE, _, FEATURES = cpu_target.target_context.codegen().magic_tuple()     # what Numba compiles for, and caches by
if "+avx512f" in FEATURES:
    VECTOR, ROWS = 64, 12                   # bytes in a vector; rows of a tile: of 32 registers 24 are sums
elif "+avx2" in FEATURES and "+fma" in FEATURES:
    VECTOR, ROWS = 32, 6                    # of 16 registers 12 are sums, two hold B, one A
else:
    VECTOR, ROWS = 16, 6
HAS_FMA = TRIPLE.startswith("x86_64") and "+fma" in FEATURES    # elsewhere nobody has measured it against BLAS
WIDTH = 2 * VECTOR                          # bytes in a row of a tile
LOW, LEFT = 4, max(4, ROWS - 4)             # rows of the tile for the bottom of most batches; rows left to it, at most
DEPTH = 256                                 # rows of a packed strip: 16 to 32 kB, what the nearest cache holds
BLOCK = 256 * 1024                          # bytes of A that one strip after another is multiplied by: half a cache
FAR = 512                                   # bytes from column to column that make a copy of A worth while
TOGETHER = 8                                # strips that are packed at a time, at most
LINES = 8                                   # rows that are read before any of them is written
LEAST = 2**17                               # multiplications that are worth giving to another thread
PIECES, SHORT = 8, 24                       # pieces that are enough; rows below which none is cut for their sake

# A product in words of eight bytes; the slope is a number of the arrays' type, the last three are the plan's.
JOB = ("slope", "a", "a_row", "a_col", "b", "b_row", "b_col", "bias", "c", "c_row", "rows", "depth", "cols", "block",
       "strips", "pieces")
WORDS = len(JOB)
AT_BLOCK, AT_STRIPS, AT_PIECES = range(WORDS - 3, WORDS)
DESK = 64 + (TOGETHER * DEPTH + ROWS + 1) * WIDTH + DEPTH * -(-ROWS * 8 // VECTOR) * VECTOR   # bytes that it needs


# ------------------------------------------------------------------------------------- what the CPU is told to do

def _lanes(real):
    """The LLVM type of one number, that of a vector of them, and the size of a number in bytes."""
    number, size = ir.FloatType() if real.bitwidth == 32 else ir.DoubleType(), real.bitwidth // 8
    return number, ir.VectorType(number, VECTOR // size), size


def _at(builder, address, kind, offset=0):
    """`address` + `offset` as a pointer to `kind`."""
    offset = address.type(offset) if isinstance(offset, int) else offset
    return builder.inttoptr(builder.add(address, offset), ir.PointerType(kind))


def _everywhere(builder, x, vector):
    """The vector that has x in every lane."""
    index = ir.IntType(32)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), x, index(0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(index, vector.count), [0] * vector.count))


_place = whole(lambda builder, start, i, row, j, col:                                      # start + i · row + j · col
                builder.add(builder.add(start, builder.mul(i, row)), builder.mul(j, col)))
_words = words_of(WORDS)


@intrinsic
def _numbers(typingctx, job):
    """The slope of a job, a 1 of its type, and the size of its numbers."""
    real = job.dtype
    def code(context, builder, signature, args):
        number, _, size = _lanes(real)
        return context.make_tuple(builder, signature.return_type,
                                  [builder.load(args[0]), number(1.0), ir.IntType(64)(size)])
    return types.Tuple([real, real, types.int64])(job), code


@intrinsic
def _next(typingctx, job):
    """The job that lies behind this one."""
    def code(context, builder, signature, args):
        words = builder.bitcast(args[0], ir.PointerType(ir.IntType(64)))
        return builder.bitcast(builder.gep(words, [ir.IntType(64)(WORDS)]), args[0].type)
    return job(job), code


@intrinsic
def _already_packed(typingctx, like, desk, product, left):
    """Do the strips of a product from `left` on lie packed on the desk? Write down that they do from now on; and zeros
    behind them, to a tile and a row: with denormal numbers, if there are any, the CPU takes many times as long."""
    def code(context, builder, signature, args):
        word, zeros = ir.IntType(64), ir.ArrayType(ir.IntType(8), (ROWS + 1) * WIDTH)
        of, first = _at(builder, args[1], word), _at(builder, args[1], word, 16)
        same = [builder.icmp_signed("==", builder.load(p), now) for p, now in ((of, args[2]), (first, args[3]))]
        builder.store(args[2], of), builder.store(args[3], first)
        builder.store(ir.Constant(zeros, None), _at(builder, args[1], zeros, 64 + TOGETHER * DEPTH * WIDTH))
        return builder.zext(builder.and_(*same), word)
    return types.int64(like, *[types.int64] * 3), code


@intrinsic
def _copy_lines(typingctx, like, source, row, target, target_row):
    """A vector of each of LINES rows. All are read before any is written: the CPU may take a read for one of what was
    written just before, whose address ends alike, and wait for it."""
    def code(context, builder, signature, args):
        _, source, row, target, target_row = args
        _, vector, size = _lanes(like)
        numbers = [ir.IntType(64)(i) for i in range(LINES)]
        x = [builder.load(_at(builder, source, vector, builder.mul(row, i)), align=size) for i in numbers]
        for y, i in zip(x, numbers, strict=True):
            builder.store(y, _at(builder, target, vector, builder.mul(target_row, i)), align=size)
        return context.get_dummy_value()
    return types.void(like, *[types.int64] * 4), code


@intrinsic
def _copy(typingctx, like, count, source, target):
    """The first `count` numbers of a vector, or all that it has."""
    def code(context, builder, signature, args):
        _, vector, size = _lanes(like)
        index, half, void = ir.VectorType(ir.IntType(64), vector.count), ir.IntType(32), ir.VoidType()
        numbers = ir.Constant(index, list(range(vector.count)))
        mask = builder.icmp_signed("<", numbers, _everywhere(builder, args[1], index))
        source, target = (_at(builder, address, vector) for address in args[2:])
        load, store = (cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(result, kinds), f"llvm.masked.{name}.v{vector.count}f{8 * size}.p0")
            for name, result, kinds in (("load", vector, [source.type, half, mask.type, vector]),
                                        ("store", void, [vector, target.type, half, mask.type])))
        x = builder.call(load, [source, half(size), mask, ir.Constant(vector, None)])
        builder.call(store, [x, target, half(size), mask])
        return context.get_dummy_value()
    return types.void(like, *[types.int64] * 3), code


@intrinsic
def _transpose(typingctx, like, source, row, last, target, target_row):
    """Transpose a square of as many rows as a vector has lanes: exchange halves, then quarters of them, …
    Row `last` is read again for those behind it."""
    def code(context, builder, signature, args):
        _, source, row, last, target, target_row = args
        _, vector, size = _lanes(like)
        lanes, index, picks = vector.count, ir.IntType(64), ir.VectorType(ir.IntType(32), vector.count)
        rows = [builder.select(builder.icmp_signed("<", index(i), last), index(i), last) for i in range(lanes)]
        x = [builder.load(_at(builder, source, vector, builder.mul(row, i)), align=size) for i in rows]
        step = lanes // 2
        while step:
            low = [k if not k & step else lanes + k - step for k in range(lanes)]
            high = [k + step if not k & step else lanes + k for k in range(lanes)]
            for i in (i for i in range(lanes) if not i & step):
                pair = x[i], x[i + step]
                x[i], x[i + step] = (builder.shuffle_vector(*pair, ir.Constant(picks, p)) for p in (low, high))
            step //= 2
        for i in range(lanes):
            builder.store(x[i], _at(builder, target, vector, builder.mul(target_row, index(i))), align=size)
        return context.get_dummy_value()
    return types.void(like, *[types.int64] * 5), code


def _tile_of(height):
    @intrinsic
    def tile(typingctx, slope, a, a_row, a_col, strip, depth, start, start_row, c, c_row, apart, ahead, ahead_row):
        """c ← f(start + a · strip) for one tile of that height, whose sums stay in registers.

        The second vector of a row of c and of start lies `apart` from the first: 0 where there is only one. On the way,
        the cache lines at ahead, ahead + ahead_row, … are prefetched, one for each row of the strip.
        """
        def code(context, builder, signature, args):
            slope_, a, a_row, a_col, strip, depth, start, start_row, c, c_row, apart, ahead, ahead_row = args
            number, vector, size = _lanes(slope)
            index, flavour = ir.IntType(64), f"v{vector.count}f{8 * size}"
            fma = cgutils.get_or_insert_function(          # one instruction where there is one, else two
                builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fmuladd.{flavour}")
            byte, half = ir.IntType(8).as_pointer(), ir.IntType(32)
            fetch = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(ir.VoidType(), [byte, half, half, half]), "llvm.prefetch.p0")

            def place(base, row, i, j):
                here = builder.add(base, builder.mul(row, index(i)))
                return _at(builder, builder.add(here, apart) if j else here, vector)

            def hidden(x):                                      # from LLVM, which would keep an address for each row
                return builder.asm(ir.FunctionType(index, [index]), "", "=r,0", [x], False)

            cells = [(i, j) for i in range(height) for j in (1, 0)]      # the first vector is written last
            pairs = [hidden(builder.add(a, builder.mul(a_row, index(i)))) for i in range(0, height, 2)]
            a_step = hidden(a_col)
            first = {(i, j): builder.load(place(start, start_row, i, j), align=size) for i, j in cells}
            before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
            builder.branch(loop)
            builder.position_at_end(loop)
            p, even, odd, at_b, at_ahead = (builder.phi(index) for _ in range(5))
            sums = {cell: builder.phi(vector) for cell in cells}
            builder.call(fetch, [builder.inttoptr(at_ahead, byte), half(0), half(2), half(1)])
            b = [builder.load(_at(builder, at_b, vector, j * VECTOR), align=size) for j in range(2)]
            grown = {}
            for i in range(height):
                at_a = builder.add(pairs[i // 2], odd if i % 2 else even)
                x = _everywhere(builder, builder.load(_at(builder, at_a, number), align=size), vector)
                for j in range(2):
                    grown[i, j] = builder.call(fma, [x, b[j], sums[i, j]])
            for phi, begin, step in ((p, index(0), index(1)), (even, index(0), a_col), (odd, a_row, a_step),
                                     (at_b, strip, index(WIDTH)), (at_ahead, ahead, ahead_row)):
                phi.add_incoming(begin, before)
                phi.add_incoming(builder.add(phi, step), loop)
            for cell in cells:
                sums[cell].add_incoming(first[cell], before)
                sums[cell].add_incoming(grown[cell], loop)
            builder.cbranch(builder.icmp_signed("<", p.incomings[1][0], depth), loop, after)
            builder.position_at_end(after)
            below, zero = _everywhere(builder, slope_, vector), ir.Constant(vector, [0.0] * vector.count)
            for i, j in cells:
                y = grown[i, j]
                y = builder.select(builder.fcmp_ordered(">", y, zero), y, builder.fmul(below, y))
                builder.store(y, place(c, c_row, i, j), align=size)
            return context.get_dummy_value()
        return types.void(slope, *[types.int64] * 12), code
    return tile


_tile, _low_tile = _tile_of(ROWS), _tile_of(LOW)


# --------------------------------------------------------------------------------------------- the loops around it

@inner_jit
def _move(like, size, rows, cols, source, source_row, target, target_row):
    for i in range(rows):
        for j in range(0, cols, udiv(VECTOR, size)):
            _copy(like, cols - j, _place(source, i, source_row, j, size), _place(target, i, target_row, j, size))


@inner_jit
def _pack(like, size, b, b_row, b_col, depth, count, there, line, strips_at):
    """Copy `depth` rows of B to `count` strips, one behind the other; a strip has a line of `line` bytes for each row.

    From b on, a row has `there` numbers. Vectors are copied whole where what lies behind them is B's memory too: what
    comes of it is not used.
    """
    wide, lanes, p = udiv(line, size), udiv(VECTOR, size), 0
    if b_col == size:
        over = smax(0, count * line - there * size)
        whole = depth - ceil_div(over, smax(b_row, 1))            # of one row alone b_row may be any number
        while p < whole:
            many = p + LINES <= whole
            for s in range(count):
                for offset in range(0, line, VECTOR):
                    source = _place(b, p, b_row, s, line) + offset
                    target = _place(strips_at, s * depth + p, line, offset, 1)
                    if many:
                        _copy_lines(like, source, b_row, target, line)
                    else:
                        _copy(like, lanes, source, target)
            p += LINES if many else 1
    elif b_row == size:
        while p + lanes <= depth:
            for s in range(count):
                for j in range(0, wide, lanes):
                    k = s * wide + j
                    _transpose(like, _place(b, p, size, k, b_col), b_col, there - 1 - k,
                               _place(strips_at, s * depth + p, line, j, size), line)
            p += lanes
    while p < depth:
        for s in range(count):
            for j in range(wide):
                _copy(like, 1, _place(b, p, b_row, smin(s * wide + j, there - 1), b_col),
                      _place(strips_at, s * depth + p, line, j, size))
        p += 1


@jit
def _lines_ahead(size, b, b_row, b_col, depth, cols):
    """The cache lines of what is packed next, to be prefetched: where they begin, the bytes from row to row, how many
    rows, lines in a row."""
    along = b_col == size
    lines = udiv(urem(b, 64) + select(along, cols, depth) * size + 64, 64)
    return b - urem(b, 64), select(along, b_row, b_col), select(depth, select(along, depth, cols), 0), lines


@jit
def _cut(address, size, rows, depth, cols, to_panel):
    """Write down in which pieces a product is made, blocks of rows by strips of columns, and return how many.
    Nothing here depends on the number of threads, nor does any sum: the bytes of C are always the same."""
    strips, parts = ceil_div(cols * size, WIDTH), ceil_div(rows, udiv(BLOCK, smin(depth, DEPTH) * size))
    wanted = smax(1, smin(PIECES, udiv(rows * (depth + 8) * cols, LEAST)))    # + 8: what a tile costs beside its depth
    few = to_panel or (strips <= TOGETHER and rows >= 2 * SHORT)
    least = smax(1, smin(TOGETHER, udiv(TOGETHER * DEPTH, depth))) if few else 1  # all layers of these stay on the desk
    together = smin(strips, smin(TOGETHER, smax(least, udiv(strips * parts, wanted))))
    across = ceil_div(strips, together)
    parts = smax(parts, smin(ceil_div(wanted, across), udiv(rows, SHORT)))
    block = ceil_div(rows, parts * ROWS) * ROWS
    pieces = ceil_div(rows, block) * across
    put_word(address, AT_BLOCK, block)
    put_word(address, AT_STRIPS, together)
    put_word(address, AT_PIECES, pieces)
    return pieces


def _work(address, index, desk):
    """Rectangle `index` of the products described at an address; −1: plan the first, and return how many it has."""
    while index >= smax(0, word_at(address, AT_PIECES)):
        index -= word_at(address, AT_PIECES)
        address = _next(address)
    slope, one, size = _numbers(address)
    _, a, a_row, a_col, b, b_row, b_col, bias, c, c_row, rows, depth, cols, block, together, _ = _words(address)
    line, to_panel = np.int64(WIDTH), a_row == size and a_col >= FAR
    if index < 0:
        return _cut(address, size, rows, depth, cols, to_panel)
    wide, room = udiv(line, size), desk + 64
    parts, across = ceil_div(rows, block), ceil_div(cols, wide * together)
    down = select(rows * smin(depth, DEPTH) * size <= BLOCK, 1, 0)      # neighbours have the same strips where all of A
    top = select(down, urem(index, parts), udiv(index, across)) * block                # stays near, else the same rows
    left = select(down, udiv(index, parts), urem(index, across)) * together
    bottom, right = smin(top + block, rows), smin(left + together, ceil_div(cols, wide))
    stay = select((right - left) * depth <= TOGETHER * DEPTH, 1, 0)
    packed = _already_packed(one, desk, select(stay, c, 0), left) & stay
    corner = room + TOGETHER * DEPTH * line             # a whole tile, for what is less than one
    nothing, panel = corner + ROWS * line, corner + (ROWS + 1) * line
    panel_line, most = ceil_div(ROWS * size, VECTOR) * VECTOR, ceil_div(depth, ceil_div(depth, DEPTH))    # equal layers
    for p in range(0, depth, most):                     # layers of the depth
        deep, over = smin(most, depth - p), cols - left * wide
        f, at_b = slope if p + deep == depth else one, _place(b, p, b_row, left * wide, b_col)
        strips_at = _place(room, stay * p, (right - left) * line, 0, 0)
        if not packed:
            _pack(one, size, at_b, b_row, b_col, deep, right - left, over, line, strips_at)
        then = select(packed, 0, smin(most, depth - p - deep))
        ahead, ahead_row, ahead_rows, lines = _lines_ahead(size, at_b + most * b_row, b_row, b_col, then,
                                                           smin(over, (right - left) * wide))
        i, asked = top, 0
        while i < bottom:                               # rows of A, a tile's height of them
            tall = select(bottom - i <= LEFT, LOW, ROWS)
            high = smin(tall, bottom - i)
            at_a, row, col = _place(a, i, a_row, p, a_col), a_row, a_col
            if to_panel | (high != tall):
                _pack(one, size, at_a, a_col, a_row, deep, np.int64(1), rows - i, panel_line, panel)
                at_a, row, col = panel, size, panel_line
            for s in range(left, right):                # strips of B
                done = udiv(asked, lines) * deep
                more = select(done < ahead_rows, 1, 0)
                fetch = select(more, _place(ahead, done, ahead_row, urem(asked, lines), 64), strips_at)
                fetch_row, asked = select(more, ahead_row, 0), asked + more
                j, strip = s * wide, strips_at + (s - left) * deep * line
                full, here = smin(wide, cols - j), _place(c, i, c_row, j, size)
                begin, begin_row = select(p, here, select(bias, bias + j * size, nothing)), select(p, c_row, 0)
                whole = (high == tall) & (urem(2 * full, wide) == 0)
                apart = select(whole & (full < wide), 0, VECTOR)
                if not whole:
                    _move(one, size, high, full, begin, begin_row, corner, line)
                    begin, begin_row = corner, line
                to, to_row = select(whole, here, corner), select(whole, c_row, line)
                if tall == ROWS:
                    _tile(f, at_a, row, col, strip, deep, begin, begin_row, to, to_row, apart, fetch, fetch_row)
                else:
                    _low_tile(f, at_a, row, col, strip, deep, begin, begin_row, to, to_row, apart, fetch, fetch_row)
                if not whole:
                    _move(one, size, high, full, corner, line, here, c_row)
            i += high
    return 0
