"""The matrix product in register tiles, with the vectors and fused multiply-adds of the CPU it runs on.

    C = f(A B + b),   A (rows, depth), B (depth, cols), b one row or none, f the leaky ReLU of a slope (1: nothing)

A strip of B, two vectors wide, is copied to where the nearest cache can hold it; the rows of A go down along it,
ROWS at a time, and a tile of C, ROWS x two vectors, stays in registers from the first product to the last: Eq. (12.4).
A is read where it lies, transposed or not. docs/12-kernels.md derives the sizes.

All addresses and strides are integers, in bytes: a product is a row of sixteen numbers (see `JOB`), which any thread
can be given. Several rows are several products, whose pieces are counted through.
"""
import functools

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from .support import address_of, inner_jit

TRIPLE, _, FEATURES = cpu_target.target_context.codegen().magic_tuple()     # what Numba compiles for, and caches by
if "+avx512f" in FEATURES:
    VECTOR, ROWS = 64, 12                   # bytes in a vector; rows of a tile: of 32 registers 24 are sums
elif "+avx2" in FEATURES and "+fma" in FEATURES:
    VECTOR, ROWS = 32, 6                    # of 16 registers 12 are sums, two hold B, one A
else:
    VECTOR, ROWS = 16, 6
FUSED = TRIPLE.startswith("x86_64") and "+fma" in FEATURES      # elsewhere nobody has measured it against BLAS
WIDTH = 2 * VECTOR                          # bytes in a row of a tile
DEPTH = 256                                 # rows of a packed strip: 16 to 32 kB, what the nearest cache holds
BLOCK = 256 * 1024                          # bytes of A that one strip after another is multiplied by: half a cache
TOGETHER = 4
LEAST = 2**17                               # multiplications that are worth giving to another thread

# What a product is made of, in words of eight bytes; the slope is a number of the arrays' type, the last three are the
# plan's.
JOB = ("slope", "a", "a_row", "a_col", "b", "b_row", "b_col", "bias", "c", "c_row", "rows", "depth", "cols", "block",
       "strips", "pieces")
WORDS = len(JOB)


# ------------------------------------------------------------------------------------- what the CPU is told to do

def _lanes(real):
    """The LLVM type of one number, that of a vector of them, and the size of a number in bytes."""
    number = ir.FloatType() if real.bitwidth == 32 else ir.DoubleType()
    size = real.bitwidth // 8
    return number, ir.VectorType(number, VECTOR // size), size


def _at(builder, address, kind, offset=0):
    """`address` + `offset` as a pointer to `kind`."""
    if not isinstance(offset, int):
        address = builder.add(address, offset)
    elif offset:
        address = builder.add(address, ir.Constant(address.type, offset))
    return builder.inttoptr(address, ir.PointerType(kind))


def _everywhere(builder, x, vector):
    """The vector that has x in every lane."""
    index = ir.IntType(32)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), x, index(0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(index, vector.count), [0] * vector.count))


@intrinsic
def _numbers(typingctx, job):
    """The slope of a job, a 1 of its type, and the size of its numbers."""
    real = job.dtype

    def code(context, builder, signature, args):
        number, _, size = _lanes(real)
        values = [builder.load(args[0]), number(1.0), ir.IntType(64)(size)]
        return context.make_tuple(builder, signature.return_type, values)
    return types.Tuple([real, real, types.int64])(job), code


@intrinsic
def _words(typingctx, job):
    """The words of a job between the first and the last."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        first = builder.bitcast(args[0], ir.PointerType(word))
        words = [builder.load(builder.gep(first, [word(i)])) for i in range(1, WORDS - 1)]
        return context.make_tuple(builder, signature.return_type, words)
    return types.UniTuple(types.int64, WORDS - 2)(job), code


@intrinsic
def _plan(typingctx, job, block, together, pieces):
    """Write down the plan of a job."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        first = builder.bitcast(args[0], ir.PointerType(word))
        for i in (1, 2, 3):
            builder.store(args[i], builder.gep(first, [word(WORDS - 4 + i)]))
        return context.get_dummy_value()
    return types.void(job, *[types.int64] * 3), code


@intrinsic
def _next(typingctx, job):
    """The job that lies behind this one."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        first = builder.bitcast(args[0], ir.PointerType(word))
        return builder.bitcast(builder.gep(first, [word(WORDS)]), args[0].type)
    return job(job), code


@intrinsic
def _pieces(typingctx, job):
    """The pieces of a job that has been planned."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        first = builder.bitcast(args[0], ir.PointerType(word))
        return builder.load(builder.gep(first, [word(WORDS - 1)]))
    return types.int64(job), code


@intrinsic
def _get(typingctx, like, address):
    """The number of the type of `like` at an address."""
    def code(context, builder, signature, args):
        return builder.load(_at(builder, args[1], _lanes(like)[0]))
    return like(like, types.int64), code


@intrinsic
def _put(typingctx, address, x):
    """Write x to an address."""
    def code(context, builder, signature, args):
        builder.store(args[1], _at(builder, args[0], _lanes(x)[0]))
        return context.get_dummy_value()
    return types.void(types.int64, x), code


@intrinsic
def _room(typingctx, like):
    """The address of room for a packed strip, a tile, and a row of zeros, on the border of a cache line."""
    def code(context, builder, signature, args):
        byte = ir.IntType(8)
        with builder.goto_entry_block():
            room = builder.alloca(ir.ArrayType(byte, (TOGETHER * DEPTH + ROWS + 1) * WIDTH))
        room.align = 64
        address = builder.ptrtoint(room, ir.IntType(64))
        zeros = ir.ArrayType(byte, WIDTH)
        builder.store(ir.Constant(zeros, None), _at(builder, address, zeros, (TOGETHER * DEPTH + ROWS) * WIDTH))
        return address
    return types.int64(like), code


@intrinsic
def _copy(typingctx, like, source, target):
    """Two vectors from one address to another."""
    def code(context, builder, signature, args):
        _, vector, size = _lanes(like)
        for offset in (0, VECTOR):
            x = builder.load(_at(builder, args[1], vector, offset), align=size)
            builder.store(x, _at(builder, args[2], vector, offset), align=size)
        return context.get_dummy_value()
    return types.void(like, types.int64, types.int64), code


@intrinsic
def _fetch(typingctx, address):
    """Have the cache line at an address brought near, for what is read next."""
    def code(context, builder, signature, args):
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(fetch, [builder.inttoptr(args[0], byte), number(0), number(2), number(1)])
        return context.get_dummy_value()
    return types.void(types.int64), code


@intrinsic
def _turn(typingctx, like, source, row, target, target_row):
    """Transpose a square of as many rows as a vector has lanes: exchange halves, then quarters of them, …"""
    def code(context, builder, signature, args):
        _, source, row, target, target_row = args
        _, vector, size = _lanes(like)
        lanes, index = vector.count, ir.IntType(64)
        x = [builder.load(_at(builder, source, vector, builder.mul(row, index(i))), align=size) for i in range(lanes)]
        step = lanes // 2
        while step:
            low = [k if not k & step else lanes + k - step for k in range(lanes)]
            high = [k + step if not k & step else lanes + k for k in range(lanes)]
            for i in (i for i in range(lanes) if not i & step):
                pair = x[i], x[i + step]
                x[i], x[i + step] = (
                    builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(ir.IntType(32), lanes), picked))
                    for picked in (low, high))
            step //= 2
        for i in range(lanes):
            builder.store(x[i], _at(builder, target, vector, builder.mul(target_row, index(i))), align=size)
        return context.get_dummy_value()
    return types.void(like, *[types.int64] * 4), code


@intrinsic
def _tile(typingctx, slope, a, rows, a_row, a_col, strip, depth, start, start_row, c, c_row):
    """c ← f(start + a · strip) for one tile, whose sums stay in registers.

    c and start have ROWS rows; of a there are `rows`, and the last one is read again where ROWS are more.
    """
    def code(context, builder, signature, args):
        slope_, a, rows, a_row, a_col, strip, depth, start, start_row, c, c_row = args
        number, vector, size = _lanes(slope)
        index, flavour = ir.IntType(64), f"v{vector.count}f{8 * size}"
        fma = cgutils.get_or_insert_function(          # one instruction where there is one, else two
            builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fmuladd.{flavour}")

        def place(base, row, i, j):
            return _at(builder, builder.add(base, builder.mul(row, index(i))), vector, j * VECTOR)

        cells = [(i, j) for i in range(ROWS) for j in range(2)]
        last = builder.sub(rows, index(1))
        offsets = [builder.mul(builder.select(builder.icmp_signed("<", index(i), rows), index(i), last), a_row)
                   for i in range(ROWS)]
        first = {(i, j): builder.load(place(start, start_row, i, j), align=size) for i, j in cells}
        before, loop, after = (builder.block, builder.append_basic_block("depth"), builder.append_basic_block("done"))
        builder.branch(loop)
        builder.position_at_end(loop)
        p, at_a, at_b = (builder.phi(index) for _ in range(3))
        sums = {cell: builder.phi(vector) for cell in cells}
        b = [builder.load(_at(builder, at_b, vector, j * VECTOR), align=size) for j in range(2)]
        grown = {}
        for i in range(ROWS):
            x = _everywhere(builder, builder.load(_at(builder, at_a, number, offsets[i]), align=size), vector)
            for j in range(2):
                grown[i, j] = builder.call(fma, [x, b[j], sums[i, j]])
        for phi, begin, step in ((p, index(0), index(1)), (at_a, a, a_col), (at_b, strip, index(WIDTH))):
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
    return types.void(slope, *[types.int64] * 10), code


# --------------------------------------------------------------------------------------------- the loops around it

@inner_jit
def _move(like, size, rows, cols, source, source_row, target, target_row):
    for i in range(rows):
        for j in range(cols):
            _put(target + i * target_row + j * size, _get(like, source + i * source_row + j * size))


@inner_jit
def _pack(like, size, b, b_row, b_col, depth, cols, strip):
    """Copy a strip of B, `depth` rows of `cols` numbers, to rows of WIDTH bytes, filled up with zeros."""
    wide, p = WIDTH // size, 0
    if cols == wide and b_col == size:
        while p < depth:
            _copy(like, b + p * b_row, strip + p * WIDTH)
            p += 1
    elif cols == wide and b_row == size:
        lanes = VECTOR // size
        while p + lanes <= depth:
            for j in range(0, wide, lanes):
                _turn(like, b + p * size + j * b_col, b_col, strip + p * WIDTH + j * size, WIDTH)
            p += lanes
    while p < depth:
        for j in range(wide):
            _put(strip + p * WIDTH + j * size, _get(like, b + p * b_row + j * b_col) if j < cols else like - like)
        p += 1


@inner_jit
def _pack_strips(like, size, b, b_row, b_col, depth, cols, left, right, strips_at):
    """Copy strips left … right − 1 of B, one after the other; where rows lie in one piece, row by row."""
    line = np.int64(WIDTH)
    wide, edge = line // size, left
    if b_col == size:
        edge = min(right, cols // wide)
        for q in range(depth):
            for s in range(left, edge):
                _copy(like, b + q * b_row + s * line, strips_at + (s - left) * depth * line + q * line)
    for s in range(edge, right):
        j = s * wide
        _pack(like, size, b + j * b_col, b_row, b_col, depth, min(wide, cols - j),
              strips_at + (s - left) * depth * line)


@inner_jit
def _fetch_rows(address, row, count, width):
    """Bring `count` rows of `width` bytes near: they lie on pages too far apart for the CPU to foresee."""
    for i in range(count):
        for offset in range(0, width, 64):
            _fetch(address + i * row + offset)


def _work(address, index):
    """Rectangle `index` of the products described at an address; −1: plan the first, and return how many it has.

    The plan does not depend on the number of threads, nor does any sum: the bytes of C are always the same.
    """
    while index >= 0 and index >= _pieces(address):
        index -= _pieces(address)
        address = _next(address)
    slope, one, size = _numbers(address)
    a, a_row, a_col, b, b_row, b_col, bias, c, c_row, rows, depth, cols, block, together = _words(address)
    line = np.int64(WIDTH)
    wide = line // size
    strips = (cols + wide - 1) // wide
    if index < 0:
        share = BLOCK // (min(depth, DEPTH) * size)
        parts = (rows + share - 1) // share
        block = (rows + parts * ROWS - 1) // (parts * ROWS) * ROWS
        together = min(TOGETHER, max((LEAST - 1) // (block * depth * wide) + 1, strips // 16))
        pieces = (rows + block - 1) // block * ((strips + together - 1) // together)
        _plan(address, block, together, pieces)
        return pieces
    across = (strips + together - 1) // together
    top, left = index // across * block, index % across * together
    bottom, right = min(top + block, rows), min(left + together, strips)
    strips_at = _room(one)
    corner = strips_at + TOGETHER * DEPTH * line             # a whole tile, for what is less than one
    nothing = corner + ROWS * line
    most = (depth + DEPTH - 1) // DEPTH
    most = (depth + most - 1) // most
    for p in range(0, depth, most):
        deep = min(most, depth - p)
        f = slope if p + deep == depth else one
        _pack_strips(one, size, b + p * b_row, b_row, b_col, deep, cols, left, right, strips_at)
        ahead = p + most                                    # the rows of B that are packed next, some of them at a time
        soon = min(most, depth - ahead) if b_col == size else 0
        each = (soon * ROWS + bottom - top - 1) // (bottom - top)
        for i in range(top, bottom, ROWS):
            _fetch_rows(b + ahead * b_row + left * line, b_row, min(each, soon), (right - left) * line)
            ahead, soon = ahead + each, soon - each
            high, rows_of_a = min(ROWS, bottom - i), a + i * a_row + p * a_col
            for s in range(left, right):
                j = s * wide
                full, here = min(wide, cols - j), c + i * c_row + j * size
                begin, begin_row = (here, c_row) if p else (bias + j * size if bias else nothing, 0)
                whole = high == ROWS and full == wide
                if not whole:
                    _move(one, size, high, full, begin, begin_row, corner, line)
                _tile(f, rows_of_a, high, a_row, a_col, strips_at + (s - left) * deep * line, deep,
                      begin if whole else corner, begin_row if whole else line,
                      here if whole else corner, c_row if whole else line)
                if not whole:
                    _move(one, size, high, full, corner, line, here, c_row)
    return 0


@functools.cache
def work_of(dtype):
    """The address of `_work` for arrays of this dtype, compiled when first asked for."""
    real = types.float32 if dtype == np.float32 else types.float64
    return address_of(_work, types.int64(types.CPointer(real), types.int64))
