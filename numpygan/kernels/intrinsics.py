"""Instructions that kernels share and Numba has no words for: memory at an address, and whole numbers.

Each is written out where it is called, as a few instructions of LLVM's, without checks or branches. Addresses and
strides are whole numbers, in bytes; a *place* is an address or a pointer; a *word* is a whole number of eight bytes.
"""
import functools
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic
from numba.np import arrayobj

DENORMAL_IS_ZERO = 0x8040       # what is read (bit 6), and what is made (bit 15)
TRIPLE = cpu_target.target_context.codegen().magic_tuple()[0]               # the CPU that Numba compiles for
DESK = 5 * 2**16                # bytes of a desk: memory of its own for each thread that does pieces of work (`team`)


# ---------------------------------------------------------------------------------- whole numbers, none below 0

def whole(operation: Callable) -> Any:
    """An operation on whole numbers, none below 0, in LLVM's instructions. An operator, and a branch above all, takes
    Numba milliseconds to compile, and min, // and % become many instructions."""
    @intrinsic
    @functools.wraps(operation)                                         # its signature
    def on_numbers(typingctx, *numbers):
        def code(context, builder, signature, args):
            return operation(builder, *args)
        return types.int64(*[types.int64] * len(numbers)), code
    return on_numbers


smin = whole(lambda builder, a, b: builder.select(builder.icmp_signed("<", a, b), a, b))
smax = whole(lambda builder, a, b: builder.select(builder.icmp_signed(">", a, b), a, b))
udiv, urem = whole(lambda builder, a, b: builder.udiv(a, b)), whole(lambda builder, a, b: builder.urem(a, b))
ceil_div = whole(lambda builder, a, b: builder.udiv(builder.add(a, builder.sub(b, b.type(1))), b))
select = whole(lambda builder, so, a, b: builder.select(builder.icmp_signed("!=", so, so.type(0)), a, b))  # so ? a : b


# ---------------------------------------------------------------------------------------------------- memory

def _word(builder, place, i):
    pointer = ir.PointerType(ir.IntType(64))
    cast = builder.bitcast if isinstance(place.type, ir.PointerType) else builder.inttoptr
    return builder.gep(cast(place, pointer), [i])


@intrinsic
def word_at(typingctx, place, i):
    """Word i at a place."""
    def code(context, builder, signature, args):
        return builder.load(_word(builder, *args))
    return types.int64(place, types.int64), code


def words_of(count):
    """An instruction that reads the first `count` words at a place: fewer for Numba than one for each."""
    @intrinsic
    def words(typingctx, place):
        def code(context, builder, signature, args):
            return context.make_tuple(builder, signature.return_type, [
                builder.load(_word(builder, args[0], ir.IntType(64)(i))) for i in range(count)])
        return types.UniTuple(types.int64, count)(place), code
    return words


@intrinsic
def put_word(typingctx, place, i, value):
    """Write word i at a place."""
    def code(context, builder, signature, args):
        builder.store(args[2], _word(builder, *args[:2]))
        return context.get_dummy_value()
    return types.void(place, types.int64, types.int64), code


def _behind(builder, address, i, stride, pointer):
    """The place i strides behind an address, as a pointer."""
    return builder.inttoptr(builder.add(address, builder.mul(i, stride)), pointer)


@intrinsic
def number_at(typingctx, like, address, i, stride):
    """The number i strides behind an address; `like`, an array or a pointer, has its type."""
    def code(context, builder, signature, args):
        return builder.load(_behind(builder, *args[1:], context.get_value_type(like.dtype).as_pointer()))
    return like.dtype(like, *[types.int64] * 3), code


@intrinsic
def put_number(typingctx, address, i, stride, x):
    """Write x there."""
    def code(context, builder, signature, args):
        builder.store(args[3], _behind(builder, *args[:3], args[3].type.as_pointer()))
        return context.get_dummy_value()
    return types.void(*[types.int64] * 3, x), code


def _array(context, builder, kind, address, i, stride, count):
    array, size = context.make_array(kind)(context, builder), count.type(kind.dtype.bitwidth // 8)
    shape, steps = cgutils.pack_array(builder, [count]), cgutils.pack_array(builder, [size])
    arrayobj.populate_array(array, _behind(builder, address, i, stride, array.data.type), shape, steps, size, None)
    return array._getvalue()


@intrinsic
def array_at(typingctx, like, address, i, stride, count):
    """The `count` numbers i strides behind an address, as an array."""
    kind = types.Array(like.dtype, 1, "C")
    def code(context, builder, signature, args):
        return _array(context, builder, kind, *args[1:])
    return kind(like, *[types.int64] * 4), code


@intrinsic
def four_arrays_at(typingctx, like, address, i, stride, count):
    """Four such arrays, from i on."""
    kind = types.Array(like.dtype, 1, "C")
    def code(context, builder, signature, args):
        arrays = [_array(context, builder, kind, args[1], builder.add(args[2], args[2].type(q)), *args[3:])
                  for q in range(4)]
        return context.make_tuple(builder, signature.return_type, arrays)
    return types.UniTuple(kind, 4)(like, *[types.int64] * 4), code


# ---------------------------------------------------------------------------------------------- pieces of work

def _control(builder, name, word):
    """x86's instruction of that name: the CPU's control of floating point, read (st) or set (ld)."""
    place = cgutils.alloca_once(builder, word.type)
    builder.store(word, place)
    byte = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte])
    builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{name}mxcsr"),
                 [builder.bitcast(place, byte)])
    return builder.load(place)


def _without_denormals(builder):
    """The CPU's control as it was; from here on denormal numbers are 0 to it. None where it is no x86."""
    if not TRIPLE.startswith("x86_64"):
        return None
    word = ir.IntType(32)
    was = _control(builder, "st", word(0))
    _control(builder, "ld", builder.or_(was, word(DENORMAL_IS_ZERO)))
    return was


@intrinsic
def denormals_off(typingctx):
    """Take denormal numbers, smaller than 2^-126 in float32, for 0, and make none: x86 is up to two hundred times as
    slow where there are any. The answer is for `denormals_as`."""
    def code(context, builder, signature, args):
        was = _without_denormals(builder)
        return ir.IntType(64)(0) if was is None else builder.zext(was, ir.IntType(64))
    return types.int64(), code


@intrinsic
def denormals_as(typingctx, was):
    """Take them as before."""
    def code(context, builder, signature, args):
        if TRIPLE.startswith("x86_64"):
            _control(builder, "ld", builder.trunc(args[0], ir.IntType(32)))
        return context.get_dummy_value()
    return types.void(types.int64), code


@intrinsic
def call(typingctx, work, job, piece, desk):
    """work(job, piece, desk), for the address of compiled code; denormal numbers are 0 to it (see `denormals_off`)."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        function = builder.inttoptr(args[0], ir.PointerType(ir.FunctionType(word, [word] * 3)))
        was = _without_denormals(builder)
        answer = builder.call(function, args[1:])
        if was is not None:
            _control(builder, "ld", was)
        return answer
    return types.int64(*[types.int64] * 4), code


@intrinsic
def new_desk(typingctx):
    """The address of a desk on the stack, on a cache line, with nothing on it: of no job."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        with builder.goto_entry_block():
            desk = builder.alloca(ir.ArrayType(ir.IntType(8), DESK))
        desk.align = 64
        address = builder.ptrtoint(desk, word)
        for i in range(2):
            builder.store(word(0), _word(builder, address, word(i)))
        return address
    return types.int64(), code
