"""What every kernel file shares: the compiler's settings, and the checks at the door of compiled code.

A compiled loop reads whatever lies behind the end of a short array, so shapes are checked here, in Python, where
an error is a sentence; a closed kernel looks at them itself, and leaves the sentence to Python. Compiled functions
call only compiled functions of their own file, the instructions of `intrinsics` and the `exponential`.
"""
import contextlib
import functools
import gc
import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core import sigutils
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc
from numba.core.compiler import Compiler
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager
from numba.core.errors import NumbaError
from numba.core.typed_passes import NativeLowering, NoPythonBackend, NopythonTypeInference, PreLowerStripPhis
from numba.core.untyped_passes import FixupArgs, InlineInlinables, IRProcessing, ReconstructSSA, TranslateByteCode

# Sums may be reordered and products fused, so that loops vectorise; NaN and infinity keep their meaning, but in
# 1 / √x (see `dividing_jit`).
FASTMATH = {"nsz", "arcp", "contract", "reassoc"}
COMPILED = not numba.config.DISABLE_JIT     # type: ignore[attr-defined]
REALS = {"f": types.float32, "d": types.float64}            # what the kernels take, by the character of the dtype


class _Compiler(Compiler):
    """Numba's compiler without the passes that look for what kernels do not have (closures, `with`, expressions to
    rewrite, branches never taken): a quarter of what it does in Python."""

    def define_pipelines(self):
        passes = PassManager("kernels")
        for each in (TranslateByteCode, FixupArgs, IRProcessing, InlineInlinables, ReconstructSSA,
                     NopythonTypeInference, PreLowerStripPhis, NativeLowering, NoPythonBackend):
            passes.add_pass(each, each.__name__)
        passes.finalize()
        return [passes]


@functools.cache
def _sources() -> str:
    """A digest of the kernels' files: Numba looks at that of a function, and settings and sizes come from others."""
    return sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()


class _Cache(FunctionCache):
    """Numba's cache on disk, of which the worst that can come is a compilation: neither damage nor a full disk, nor a
    desk of the size that another file asked for when the code was compiled."""

    def _index_key(self, *args):
        return *super()._index_key(*args), _sources()

    def load_overload(self, *args):
        try:
            return super().load_overload(*args)
        except Exception:                      # a file that is cut short, or not Numba's: begin that cache anew
            with contextlib.suppress(Exception):
                self.flush()
            return None

    def save_overload(self, *args):
        with contextlib.suppress(OSError):
            super().save_overload(*args)


def _cached(compiled, function):
    """With that cache; without one where no location is writable, to be compiled in every process."""
    with contextlib.suppress(RuntimeError):
        compiled._cache = _Cache(function)
    return compiled


def jit(function: Callable, inline: str = "always", **options: Any) -> Callable:
    """`function`, compiled when first called; from the cache on disk where there is a place for one.

    A call of it from compiled code is written out there before that is compiled ("inline"). As a call, it would leave
    in the caller's file a copy of its code, optimised once more and so with other roundings, and which of the two is
    run would depend on which was loaded first: a process that compiles would end with other bytes than the next one.
    """
    usual: dict[str, Any] = {"error_model": "numpy", "fastmath": FASTMATH, "no_cfunc_wrapper": True, "inline": inline,
                             "_nrt": False,       # no count of who holds an array: the caller does (.2 us for eight)
                             "pipeline_class": _Compiler}
    compiled = numba.njit(function, **(usual | options))
    return compiled if compiled is function else _cached(compiled, function)           # it is with NUMBA_DISABLE_JIT


def inner_jit(function: Callable) -> Callable:
    """`jit` for what only compiled code calls, and what rounds nothing: it moves numbers, or counts.

    Python has no door to it, which saves compilation. It stays a call: written out, `tiles` is 2 % slower.
    """
    return jit(function, "never", no_cpython_wrapper=True)


def dividing_jit(function: Callable) -> Callable:
    """`jit` without "arcp", by which 1 / √x is estimated in float32: NaN, not 0, for x = ∞, and not the same on every
    CPU."""
    return jit(function, fastmath=FASTMATH - {"arcp"})


def ordered_jit(function: Callable) -> Callable:
    """`jit` for what is exact only in the order in which it is written."""
    return jit(function, fastmath=FASTMATH - {"reassoc"})


def free_jit(function: Callable) -> Callable:
    """`jit` for what runs while other Python threads run."""
    return jit(function, nogil=True)


# What a closed kernel raises that is not compiled for such arrays; the last while another thread compiles it.
NOT_COMPILED = TypeError, NumbaError, RuntimeError
# What arguments lead to that are no arrays, or of another kind. The order of their bytes alone Numba may overlook: it
# takes every order for the CPU's once it has seen an array of a subclass, or one that is not aligned. Networks bring
# no other order, and to look at it here would cost a twentieth of a small layer.
ODD_ARGUMENTS = *NOT_COMPILED, AttributeError, LookupError, ValueError      # the last from Numba, for an empty list


def closed(compiled: Any) -> Any:
    """The same kernel, which now compiles nothing but where it is `opened`: arrays of other types are an error, one of
    ODD_ARGUMENTS.

    So that a call which is right costs no check in Python: the types are Numba's to look at in any case, and the code
    itself looks at the shapes. Numbers must always come as one type: Numba turns them into that which it knows, 1e-8
    into the whole number 0 if the first that came was whole.
    """
    compiled._can_compile = False
    return compiled


def closed_jit(function: Callable) -> Any:
    """`free_jit`, closed."""
    return closed(free_jit(function))


if hasattr(os, "register_at_fork"):     # the child has no thread that would end a compilation, and close its doors
    os.register_at_fork(before=global_compiler_lock.acquire, after_in_parent=global_compiler_lock.release,
                        after_in_child=global_compiler_lock.release)


@contextlib.contextmanager
def opened(*closed: Any) -> Iterator[None]:
    """While this lasts, these kernels compile for what this thread calls them with. For checked arguments alone.

    Another thread that comes through the open door waits for the compiler, and finds it closed (a RuntimeError): it
    may come with arrays that nobody has looked at, which compiled code would take for contiguous ever after.
    """
    with global_compiler_lock, undisturbed():
        for compiled in closed:
            compiled._can_compile = True
        try:
            yield
        finally:
            for compiled in closed:
                compiled._can_compile = False


def opening(kernel: Any, call: Callable, *checked: Any) -> Any:
    """What `call`, which calls that closed kernel, returns for checked arguments: if need be, the kernel is opened."""
    try:
        return call(*checked)
    except NOT_COMPILED:
        with opened(kernel):
            return call(*checked)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """While the compiler works, nobody looks for garbage among its many small objects: a twentieth of its time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def address_of(function: Callable, signature) -> int:
    """Where the machine code of `function` begins, compiled for this signature: any thread may call it there."""
    options = {"error_model": "numpy", "fastmath": FASTMATH}
    code = _cached(CFunc(function, sigutils.normalize_signature(signature), {}, options, _Compiler), function)
    code.compile()
    return int(code.address)


@functools.cache
def piece_of(function: Callable, char: str) -> int:
    """Where the code of a function of pieces begins (see `team`), for numbers of a dtype with that character.

    Compiled when first asked for; KeyError for a dtype that the kernels do not take.
    """
    with undisturbed():
        return address_of(function, types.int64(types.CPointer(REALS[char]), types.int64, types.int64))


def floats(x) -> np.ndarray:
    """x as a C-contiguous float32 or float64 array with at least one entry, that could be written to.

    Numba has other types for arrays that may not be written to, or do not lie at a multiple of their size.
    """
    x = np.asarray(x, order="C")                   # np.ascontiguousarray would give a number an axis
    if not x.flags.carray:
        x = x.copy()
    if x.dtype.char not in REALS or not x.dtype.isnative:
        raise TypeError(f"the kernels take float32 and float64, got {x.dtype}: convert it, or use functional")
    if x.size == 0:
        raise ValueError(f"the batch is empty (shape {x.shape}): pass at least one row")
    return x


def matrix(x) -> np.ndarray:
    """x as `floats`, with two axes; a transposed matrix stays a view of its memory."""
    x = np.asarray(x)
    if x.ndim != 2:
        raise ValueError(f"expected a matrix (rows, columns), got shape {x.shape}")
    return floats(x.T).T if x.flags.f_contiguous and not x.flags.c_contiguous else floats(x)


def alike(first, *others) -> list[np.ndarray]:
    """All arrays as `floats`, of the shape and dtype of the first."""
    first = floats(first)
    arrays, shape, dtype = [first], first.shape, first.dtype
    for other in others:
        other = np.asarray(other, order="C")
        if not other.flags.carray:
            other = other.copy()
        if other.shape != shape or other.dtype != dtype:
            raise ValueError(f"shapes and dtypes must agree: {shape} {dtype} and {other.shape} {other.dtype}")
        arrays.append(other)
    return arrays


def reals(value, name: str) -> np.ndarray:
    """`value` as an array; TypeError unless it holds real numbers: NumPy makes NaN of None, and numbers of text."""
    value = np.asarray(value)
    if value.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be real numbers, got {value.dtype}: pass a number, or an array of them")
    return value


def vectors(first, *others) -> None:
    """Check vectors that are updated in place: contiguous, of one length and dtype. Copying would lose the update."""
    shape, dtype = first.shape, first.dtype
    for a in (first, *others):
        if (a.shape != shape or a.ndim != 1 or a.dtype != dtype or not a.flags.carray or dtype.char not in REALS
                or not dtype.isnative):
            raise ValueError(f"an update in place needs contiguous float vectors of one length and dtype that may be "
                             f"written to, got {a.shape} {a.dtype.str} beside {shape} {dtype.str}")
    if first.size == 0:
        raise ValueError("there is nothing to update: the parameter vector is empty")
