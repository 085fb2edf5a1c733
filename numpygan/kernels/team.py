"""A team of threads for the kernels: the one that calls, and helpers that take pieces of its work off it.

Work is a function in machine code, work(job, i, desk), and a number of pieces i = 0, 1, …; nobody is told which piece
to do, everybody takes the next one that is left (a work queue, of one job: the *board*). Who did a piece leaves no
trace in the result, and a helper that sleeps, or that the system has put aside, is not waited for: only pieces that it
has begun are. On the *desk*, a thread's own scratch memory, can stay what the next piece of the same job may use again;
its first word is 0 when there is nothing.

Helpers watch for work while a step is under way, so that a product of some ten microseconds can be shared; between
steps they nap, and when nothing has come for a while they go to bed: to wake them then takes Python's lock, and longer
than many a product. A helper that finds itself on the caller's core naps at once: Linux leaves a thread that merely
gives way where it is, and looks for an idle core when a nap ends. There is one team in a process; where two threads
train at once, one of them has it and the other works alone.
"""
import contextlib
import functools
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from .intrinsics import TRIPLE, call, new_desk, smax, smin, udiv, urem
from .support import address_of, free_jit, inner_jit

MOST = 8                        # more threads than a batch of a few hundred rows can feed
# A helper that takes longer over a piece than four times the caller's longest, and than so many ticks of the clock of
# the CPU, has been put aside by the system: the cores are busy with something else. The caller then works alone for
# three times as long as it waited. On x86 it is some 1 ms; the clocks of ARM count 24 million (Apple) to a thousand
# million times a second, and those are 4 to 0.1 ms.
TICKS = 3 * 10**6 if TRIPLE.startswith("x86_64") else 10**5
CAUTION = 3
AT_ONCE, GIVING_WAY, NAPPING = 2000, 4000, 4500     # looks of an idle helper; the last between naps (50 ms)
STACK = 2**21                   # bytes of a helper's, however few `threading.stack_size` gives to the other threads
NAP = 50                        # microseconds, to which the system adds as many

# The board, on which one job at a time is offered: words of eight bytes. Each that is written often has a cache line
# to itself: the ticket for the next piece, pieces done, helpers that are up, whether a caller has the team (1).
NEXT, DONE, AWAKE, BUSY = 0, 8, 16, 24
# Address of the work, of its job; how many pieces; the caller's core; threads in the team; address of `_share`.
WORK, JOB, COUNT, CORE, SIZE, SHARE = range(32, 38)
ALONE, WORDS = 40, 48           # until which tick of the clock callers work alone; how many words there are
# NEXT = turn · 2³² + pieces taken from the end · 2¹⁶ + pieces taken from the start. Every job is a turn of its own: a
# helper that comes late meets another one, and takes nothing.
TURN, END = 2**32, 2**16
NONE = END - 1                  # so many are never left: the board is being written


# ------------------------------------------------------------------------------------------- memory that is shared

def _word(builder, board, word):
    return builder.gep(builder.inttoptr(board, ir.PointerType(ir.IntType(64))), [word])


@intrinsic
def _read(typingctx, board, word):
    """A word of the board, after all that was written before it."""
    def code(context, builder, signature, args):
        return builder.load_atomic(_word(builder, *args), "acquire", 8)
    return types.int64(types.int64, types.int64), code


@intrinsic
def _write(typingctx, board, word, value):
    """Write a word, for all to see after what was written before it."""
    def code(context, builder, signature, args):
        builder.store_atomic(args[2], _word(builder, *args[:2]), "release", 8)
        return context.get_dummy_value()
    return types.void(types.int64, types.int64, types.int64), code


@intrinsic
def _add(typingctx, board, word, value):
    """Add to a word, in one go."""
    def code(context, builder, signature, args):
        builder.atomic_rmw("add", _word(builder, *args[:2]), args[2], "seq_cst")
        return context.get_dummy_value()
    return types.void(types.int64, types.int64, types.int64), code


@intrinsic
def _swap(typingctx, board, word, old, new):
    """Write `new` where `old` is, in one go; False where something else is."""
    def code(context, builder, signature, args):
        pair = builder.cmpxchg(_word(builder, *args[:2]), args[2], args[3], "seq_cst", "seq_cst")
        return builder.zext(builder.extract_value(pair, 1), context.get_value_type(types.boolean))
    return types.boolean(*[types.int64] * 4), code


@intrinsic
def _pause(typingctx):
    """Tell the CPU that this thread is waiting."""
    def code(context, builder, signature, args):
        if TRIPLE.startswith("x86_64"):
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()
    return types.void(), code


@intrinsic
def _clock(typingctx):
    """The ticks that the CPU has counted so far; where it does not count, always the same."""
    def code(context, builder, signature, args):
        kind = ir.FunctionType(ir.IntType(64), [])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.readcyclecounter"), [])
    return types.int64(), code


def _of_system(builder, name, *args):
    """What the system's function of that name answers, a 32-bit number; −1 where there is none."""
    number = ir.IntType(32)
    if not binding.address_of_symbol(name):
        return number(-1)
    kind = ir.FunctionType(number, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


@intrinsic
def _give_way(typingctx):
    """Let another thread have the core."""
    def code(context, builder, signature, args):
        _of_system(builder, "sched_yield")
        return context.get_dummy_value()
    return types.void(), code


@intrinsic
def _nap(typingctx):
    """Sleep so shortly that nobody has to wake this thread."""
    def code(context, builder, signature, args):
        _of_system(builder, "usleep", ir.IntType(32)(NAP))
        return context.get_dummy_value()
    return types.void(), code


@intrinsic
def _core(typingctx):
    """The number of the core that this thread is on; −1 where the system does not say."""
    def code(context, builder, signature, args):
        return builder.sext(_of_system(builder, "sched_getcpu"), ir.IntType(64))
    return types.int64(), code


# ------------------------------------------------------------------------------------------------- taking pieces

@inner_jit
def _take(board, desk, last):
    """Do the first piece that is left of what is on the board, or the last; False where none is left."""
    ticket = _read(board, NEXT)
    first, behind = urem(ticket, END), urem(udiv(ticket, END), END)
    work, job, count = _read(board, WORK), _read(board, JOB), _read(board, COUNT)
    if first + behind >= count:
        return False
    if _swap(board, NEXT, ticket, ticket + (END if last else 1)):       # as it was when it was read
        turn = udiv(ticket, TURN)
        if _read(desk, 1) != turn:                          # what lies there is of an older job
            _write(desk, 0, 0)
            _write(desk, 1, turn)
        call(work, job, count - 1 - behind if last else first, desk)
        _add(board, DONE, 1)
    return True


def _share(board, work, job, count, called, desk):
    """Do all pieces of a job at the caller's desk, with the team if it is free.

    Where helpers are in bed and have not been called, do nothing and return the number of pieces.
    """
    if not called and _read(board, AWAKE) < smin(_read(board, SIZE), count) - 1:
        return count
    _write(desk, 0, 0)
    _write(desk, 1, 0)
    if count >= NONE or _clock() < _read(board, ALONE) or not _swap(board, BUSY, 0, 1):
        for i in range(count):
            call(work, job, i, desk)
        return 0
    turn = urem(udiv(_read(board, NEXT), TURN) + 1, TURN // 2)
    _write(board, NEXT, turn * TURN + NONE)                 # from here on, no ticket of an older turn is good
    _write(board, WORK, work)
    _write(board, JOB, job)
    _write(board, COUNT, count)
    _write(board, DONE, 0)
    _write(board, CORE, _core())
    _write(board, NEXT, urem(turn + 1, TURN // 2) * TURN)
    longest, begun = TICKS // 4, _clock()
    while _take(board, desk, 0):
        now = _clock()
        longest, begun = smax(longest, now - begun), now
    waited = 0
    while _read(board, DONE) < count:                       # a helper is in the middle of a piece
        waited = _clock() - begun
        if waited < 4 * longest:
            _pause()
        else:
            _give_way()                                     # or has been put aside there: perhaps for us
    if waited >= 4 * longest:
        _write(board, ALONE, begun + (CAUTION + 1) * waited)
    _write(board, BUSY, 0)
    return 0


@functools.cache
def _share_address():
    """Where the code of `_share` begins, compiled when first asked for."""
    return address_of(_share, types.int64(*[types.int64] * 6))


@free_jit
def _help(board):
    """What a helper does while it is up: take pieces until there have been none for a while."""
    address = np.int64(board.ctypes.data)
    desk, looks = new_desk(), 0
    _add(address, AWAKE, 1)
    while looks < NAPPING:
        core = _core()
        if _take(address, desk, 1):
            looks = 0
        elif looks >= GIVING_WAY or core == _read(address, CORE) >= 0:
            _nap()
        elif looks >= AT_ONCE:
            _give_way()
        else:
            _pause()
        looks += 1
    _add(address, AWAKE, -1)


# -------------------------------------------------------------------------------------------------- the threads

class Team:
    """Helpers that are started when there is first work for them; as many as make `size` with the caller."""

    def __init__(self, size: int):
        self.size = size
        self.beds: list[threading.Lock] = []
        self.board = np.zeros(WORDS, np.int64)
        self.board[NEXT], self.board[SIZE] = NONE, size
        self.address = self.board.ctypes.data

    def call(self, count: int) -> None:
        """Get the helpers out of bed that a job of so many pieces needs."""
        self.board[SHARE] = _share_address()
        if self.board[AWAKE] >= min(self.size, count) - 1:
            return
        if not self.beds:
            usual = threading.stack_size(STACK)
            for _ in range(self.size - 1):
                bed = threading.Lock()
                bed.acquire()
                self.beds.append(bed)
                threading.Thread(target=self._live, args=(bed,), daemon=True, name="numpygan").start()
            threading.stack_size(usual)
        for bed in self.beds:
            if bed.locked():
                with contextlib.suppress(RuntimeError):     # another thread was faster
                    bed.release()

    def _live(self, bed):
        while True:
            bed.acquire()                                   # sleeps until somebody releases it
            _help(self.board)


def _new() -> Team:
    return Team(1 if config.DISABLE_JIT else min(MOST, config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]


_team = _new()
if hasattr(os, "register_at_fork"):                         # threads are not copied with a process
    os.register_at_fork(after_in_child=lambda: globals().update(_team=_new()))


@contextlib.contextmanager
def limited(size: int):
    """While this lasts, the team has that many threads."""
    global _team
    before, _team = _team, Team(size)
    try:
        yield
    finally:
        _team = before


def asked(kernel: Callable, *arguments: Any) -> int:
    """The answer of compiled code that shares its work itself; it is called again after the helpers, if it must be."""
    crew = _team
    answer = kernel(*arguments, crew.address, 0)
    if answer > 0:
        crew.call(answer)
        answer = kernel(*arguments, crew.address, 1)
    return answer
