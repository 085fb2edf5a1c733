"""Dense layers in compiled code: every way through it, its blocks and threads, the memory it touches; and losses."""
import ctypes
import decimal
import itertools
import math
import os

import numpy as np
import pytest
from conftest import JIT_OFF
from stacks import (
    COMPILED,
    DEEP,
    MIXED,
    NARROW,
    SLOPES,
    THIN,
    TILES,
    arrays,
    backward,
    compile_all,
    members,
    one_by_one,
    outputs,
    parameters,
    room_for,
    rotated,
    tangents,
    worst,
    worst_along,
    worst_up,
)

from numpygan import functional, kernels
from numpygan.kernels import dense, exponential, intrinsics, passes, rows, stack, support, team, tiles

SUM = np.float32 if JIT_OFF else np.float64             # what losses are added up in, at the least


@pytest.fixture
def warm(rng):
    compile_all(rng)


# ------------------------------------------------------------------------------------------------- right numbers

@pytest.mark.parametrize("k", range(1, 6))
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 200, 1030])
def test_one_layer_on_every_way(n, k, dtype, rng):
    """Few inputs, few outputs, both, neither; rows that are no multiple of four; one block and several."""
    for m, slope in itertools.product((1, 33) if JIT_OFF else (1, 2, 3, 4, 5, 33, 130), SLOPES):
        args, layer = arrays(rng, n, (k, m), dtype), ((k, m), (slope,))
        y, hidden = stack.mlp(args[0], args[-1], *layer)
        assert (y.dtype, y.shape, hidden.dtype, hidden.shape) == (dtype, (n, m), dtype, (0,))
        assert worst_up(args[0], hidden, y, args[-1], *layer) <= 1, (m, slope)
        dx, g = backward(*args, *layer)
        assert (dx.dtype, dx.shape) == (dtype, (n, k))
        assert worst(dx, g, *args, *layer) <= 1, (m, slope)
        none, alone = backward(*args, *layer, want_dx=False)
        assert none is None
        assert alone.tobytes() == g.tobytes()
        assert backward(*args, *layer, want_g=False)[0].tobytes() == dx.tobytes()
        assert backward(*args, *layer, want_g=False, want_dx=False) == (None, None)


@pytest.mark.parametrize("n", [1, 3, 8, 205, 1030])
@pytest.mark.parametrize("sizes", [*DEEP, MIXED], ids=str)
def test_stacks_of_layers(sizes, n, dtype, rng):
    """Each layer beside sums of more digits, of its own inputs; `members` and `outputs` say where all of it lies."""
    for slopes in [rotated(sizes, first) for first in range(1 if JIT_OFF or n > 1000 else 3)]:
        args = arrays(rng, n, sizes, dtype)
        y, hidden = stack.mlp(args[0], args[-1], sizes, slopes)
        assert (y.dtype, y.shape) == (dtype, (n, sizes[-1]))
        assert (hidden.dtype, hidden.shape) == (dtype, (n * sum(sizes[1:-1]),))
        assert worst_up(args[0], hidden, y, args[-1], sizes, slopes) <= 1, slopes
        dx, g = backward(*args, sizes, slopes)
        assert worst(dx, g, *args, sizes, slopes) <= 1, slopes
        found = tangents(*args, sizes, slopes)
        assert [a.dtype for a in found] == [dtype] * 4
        assert worst_along(*found, *args, sizes, slopes) <= 1, slopes
        none, alone = backward(*args, sizes, slopes, want_dx=False)
        assert none is None
        assert alone.tobytes() == g.tobytes()
        assert backward(*args, sizes, slopes, want_g=False)[0].tobytes() == dx.tobytes()


@pytest.mark.parametrize("n", [1, 6, 205, 1030])
@pytest.mark.parametrize("sizes", [*DEEP, MIXED], ids=str)
def test_nothing_of_two_layers_is_joined(sizes, n, dtype, rng):
    """A stack has the bytes of its layers, called one by one."""
    slopes, args = rotated(sizes, 1), arrays(rng, n, sizes, dtype)
    y, hidden = stack.mlp(args[0], args[-1], sizes, slopes)
    a = args[0]
    for i, ((W, b), out) in enumerate(zip(members(args[-1], sizes), outputs(hidden, y, sizes), strict=True)):
        a, _ = stack.mlp(a, np.concatenate([W.ravel(), b]), sizes[i:i + 2], slopes[i:i + 1])
        assert a.tobytes() == out.tobytes()
    for got, alone in zip(backward(*args, sizes, slopes), one_by_one(*args, sizes, slopes), strict=True):
        assert got.tobytes() == alone.tobytes()
    x, hidden, y, _, theta = args
    y_dot, dots = stack.mlp_jvp(x, hidden, y, theta, sizes, slopes)
    for i, ((W, _), out, dot) in enumerate(zip(members(theta, sizes), outputs(hidden, y, sizes),
                                               outputs(dots, y_dot, sizes), strict=True)):
        x = kernels.leaky_relu_backward(kernels.matmul(x, W), out, slopes[i])
        assert x.tobytes() == dot.tobytes()


@COMPILED
@pytest.mark.parametrize("sizes", [(5,) + (3,) * 9, (2, 130, 3, 70, 1), THIN, (1, 1)], ids=str)
def test_blas_gives_the_same_numbers(monkeypatch, sizes, dtype, rng):
    """The code for other CPUs, on this one."""
    monkeypatch.setattr(stack, "OURS", False)
    slopes, args = rotated(sizes), arrays(rng, 9, sizes, dtype)
    y, hidden = stack.mlp(args[0], args[-1], sizes, slopes)
    assert worst_up(args[0], hidden, y, args[-1], sizes, slopes) <= 1
    dx, g = backward(*args, sizes, slopes)
    assert worst(dx, g, *args, sizes, slopes) <= 1
    assert worst_along(*tangents(*args, sizes, slopes), *args, sizes, slopes) <= 1
    none, alone = backward(*args, sizes, slopes, want_dx=False)
    assert none is None
    assert alone.tobytes() == g.tobytes()
    assert backward(*args, sizes, slopes, want_g=False)[0].tobytes() == dx.tobytes()


@pytest.mark.parametrize("k", [rows.LONGEST, rows.LONGEST + 1, 50_000])
def test_a_layer_of_very_many_inputs(k, dtype, rng):
    """More than there is room for on a desk: few outputs are then made in tiles, going up."""
    assert 64 + 8 * rows.LONGEST <= intrinsics.DESK
    args, layer = arrays(rng, 3, (k, 2), dtype), ((k, 2), (0.2,))
    y, hidden = stack.mlp(args[0], args[-1], *layer)
    assert worst_up(args[0], hidden, y, args[-1], *layer) <= 1
    assert worst(*backward(*args, *layer), *args, *layer) <= 1
    W, _ = members(args[-1], (k, 2))[0]
    assert worst_up(args[0], hidden, dense.matmul(args[0], W), np.concatenate([W.ravel(), np.zeros(2, dtype)]),
                    (k, 2), (1.0,)) <= 1


def same_kind(a, b):
    """NaN where there is NaN, infinity of one sign where there is infinity; numbers elsewhere."""
    with np.errstate(all="ignore"):
        return np.array_equal(np.where(np.isfinite(a), 0, a), np.where(np.isfinite(b), 0, b), equal_nan=True)


def equations(x, hidden, y, dy, theta, sizes, slopes):
    """Layer by layer with `functional`: (y_1 … y_L, from x), (dx, g of the outputs that are given)."""
    outs, g, ups, a = [x, *outputs(hidden, y, sizes)], [], [], x
    for (W, b), slope in zip(members(theta, sizes), slopes, strict=True):
        a = functional.leaky_relu(functional.affine(a, W, b), slope)
        ups.append(a)
    for i, (W, _) in reversed(list(enumerate(members(theta, sizes)))):
        da = functional.leaky_relu_backward(dy, outs[i + 1], slopes[i])
        dy, dW, db = functional.affine_dx(da, W), functional.affine_dW(outs[i], da), functional.affine_db(da)
        g = [dW.ravel(), db, *g]
    return ups, (dy, np.concatenate(g))


SPOILED = [(1, (1, 1)), (7, (2, 5)), (4, (4, 33)), (6, (3, 2)), (9, (6, 1)), (7, (9, 4)), (9, (6, 7)), (261, (4, 70)),
           (261, (5, 70)), (6, MIXED), (261, (2, 70, 5, 3, 70)), (5, (3, 1, 3))]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("n", "sizes"), SPOILED, ids=str)
def test_nan_and_infinity_go_where_the_equations_send_them(n, sizes, bad, dtype, rng):
    fresh = arrays(rng, n, sizes, dtype)
    for which, place, first in itertools.product(range(5), (0, -1), range(1 if JIT_OFF else 3)):
        args, slopes = [a.copy() for a in fresh], rotated(sizes, first)
        if args[which].size:
            args[which].flat[place] = bad
        with np.errstate(all="ignore"):                    # BLAS warns, where it makes the products
            ups, downs = equations(*args, sizes, slopes)
            (y, hidden), back = stack.mlp(args[0], args[-1], sizes, slopes), backward(*args, sizes, slopes)
        for got, wanted in zip([*outputs(hidden, y, sizes), *back], [*ups, *downs], strict=True):
            assert same_kind(got, wanted), (which, place, slopes)


@pytest.mark.parametrize("sizes", [THIN, NARROW, TILES], ids=str)
def test_an_output_that_is_no_number_is_on_the_side_of_the_slope(sizes, dtype, rng):
    """Eq. (2.12): it is not above 0."""
    x, hidden, y, dy, theta = arrays(rng, 9, sizes, dtype)
    found = [backward(x, hidden, np.full_like(y, v), dy, theta, sizes, (0.25,)) for v in (np.nan, -1)]
    assert [a.tobytes() for a in found[0]] == [a.tobytes() for a in found[1]]


# ------------------------------------------------------------------------------------------------ blocks, threads

BLOCKED = [(1030, (1, 130)), (1030, (4, 130)), (1030, (5, 130)), (2000, (3, 33)), (2003, (40, 33)), (1030, (130, 3)),
           (1030, (2, 130, 3, 70, 1)), (2003, (40, 64, 65, 2)), (517, (64, 128, 128, 1))]


@pytest.mark.skipif(not dense.OURS, reason="BLAS has ways of its own")
@pytest.mark.parametrize(("n", "sizes"), [(200, (40, 48, 32)), (200, (2, 48, 1)), (3, (5, 4))])
def test_denormal_numbers_are_zero_in_here_and_numbers_again_outside(n, sizes, dtype):
    """Of 0.9 times the least normal number each, every sum of two and more would be a normal number."""
    tiny = np.finfo(dtype).tiny * dtype(0.9)
    x, theta = np.full((n, sizes[0]), tiny), np.ones(sum((k + 1) * m for k, m in itertools.pairwise(sizes)), dtype)
    slopes = (0.2,) * (len(sizes) - 1)
    y, hidden = kernels.mlp(np.ones_like(x), theta, sizes, slopes)
    g = np.empty_like(theta)
    dx = kernels.mlp_backward(np.ones_like(x), hidden, y, np.full_like(y, tiny), theta, sizes, slopes, g, True)
    assert not dx.any()
    assert not g.any()
    assert not kernels.matmul(x, np.ones((sizes[0], 7), dtype)).any()
    assert tiny * dtype(1) != 0                                         # the thread that called is as it was


@COMPILED
def test_the_bytes_do_not_depend_on_the_number_of_threads(monkeypatch, dtype, rng):
    for n, sizes in BLOCKED:
        args, slopes, results = arrays(rng, n, sizes, dtype), rotated(sizes, 1), set()
        for size in (1, 2, 3, 3, 2):
            monkeypatch.setattr(team, "_team", team.Team(size))
            for _ in range(3):
                up = stack.mlp(args[0], args[-1], sizes, slopes)
                found = *up, *backward(*args, sizes, slopes), *tangents(*args, sizes, slopes)
                results.add(tuple(a.tobytes() for a in found))
        assert len(results) == 1, (n, sizes)


@pytest.fixture
def alone(monkeypatch):
    """A team of one: it writes all that is shared on its board, and does it."""
    crew = team.Team(1)
    monkeypatch.setattr(team, "_team", crew)
    return crew


@COMPILED
@pytest.mark.parametrize(("n", "sizes", "pieces"), [
    (1030, (1, 130), 4), (1030, (4, 130), 4), (1030, (5, 130), 4), (2000, (3, 33), 4), (1024, (5, 64), 4),
    (250, (5, 33), 2), (250, (2, 16), 1), (1030, (130, 3), 4), (250, (33, 4), 2), (64, (5, 128), 2),
    (128, (128, 1), 4)])
def test_the_rows_of_these_shapes_come_in_blocks(alone, n, sizes, pieces, dtype, rng):
    """Else the tests of blocks and threads would test nothing. With nothing wanted, no product follows."""
    args = arrays(rng, n, sizes, dtype)
    alone.board[team.COUNT] = 1
    backward(*args, sizes, (0.2,), want_g=False, want_dx=False)
    assert alone.board[team.COUNT] == pieces
    if rows.thin(*sizes):
        alone.board[team.COUNT] = 1
        stack.mlp(args[0], args[-1], sizes, (0.2,))
        assert alone.board[team.COUNT] == pieces


@COMPILED
@pytest.mark.parametrize(("n", "sizes", "jobs"), [
    (1030, (40, 130, 130, 3), (3, 5)), (1030, (2, 130, 3, 70, 1), (4, 4)), (9, (6, 7, 2), (0, 0)),
    (1030, (40, 130, 2, 3), (2, 3))])
def test_every_large_layer_of_a_stack_is_shared(alone, n, sizes, jobs, rng):
    """Up as one job each; down as one or, in tiles, as two: the rows of it, and both products at once."""
    args, slopes, found = arrays(rng, n, sizes, np.float32), rotated(sizes), []
    for run in (lambda: stack.mlp(args[0], args[-1], sizes, slopes), lambda: backward(*args, sizes, slopes)):
        before = alone.board[team.NEXT] // team.TURN
        run()
        found.append((alone.board[team.NEXT] // team.TURN - before) / 2)
    assert tuple(found) == jobs


@COMPILED
@pytest.mark.parametrize(("k", "m"), [(40, 300), (300, 40), (130, 130), (5, 5)])
def test_both_products_of_a_layer_are_one_job(alone, k, m, rng):
    """Which is shared where either of them has pieces enough."""
    args, pieces = arrays(rng, 6, (k, m), np.float32), []
    x, _, _, dy, theta = args
    for run in (lambda: dense.affine_dW(x, dy), lambda: dense.affine_dx(dy, members(theta, (k, m))[0][0]),
                lambda: backward(*args, (k, m), (0.2,))):
        alone.board[team.COUNT] = 1
        run()
        pieces.append(alone.board[team.COUNT])
    *of_each, together = pieces
    assert together == (sum(of_each) if max(of_each) > 1 else 1)


@COMPILED
@pytest.mark.parametrize("n", [1, 2, 4, 5, 9, 21, 63, 64, 65, 127, 504, 505, 506, 1030, 2003])
@pytest.mark.parametrize(("work", "at", "width"), [(rows._thin, 13, "depth"), (rows._thin_backward, 9, "depth"),
                                                   (rows._narrow_backward, 9, "cols"),
                                                   (rows._activation_backward, 9, "cols")])
def test_blocks_are_as_equal_as_can_be(n, work, at, width, dtype):
    kind = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 3)
    code = kind(support.piece_of(work, np.dtype(dtype).char))
    for size in (1, 3, 4, 32, 33, 130, 600, 10_000):
        other = 5
        job = np.zeros(tiles.WORDS, np.int64)
        job[10:13] = (n, size, other) if width == "depth" else (n, other, size)
        blocks, block = code(job.ctypes.data, -1, 0), int(job[at])
        most = max(1, min(rows.BLOCKS, n * size // rows.SLICE))
        assert block % 4 == 0
        assert (blocks - 1) * block < n <= blocks * block
        assert blocks <= most
        assert block - 4 < n / most


def newly_asked(kernel, *arguments):
    """What compiled code answers to a new team, and then, called; the team."""
    crew = team.Team(3)
    answer = kernel(*arguments, crew.address, 0)
    assert crew.board[team.SHARE] == 0
    crew.call(answer)
    assert crew.board[team.SHARE] != 0
    return answer, kernel(*arguments, crew.address, 1), crew


@COMPILED
def test_a_new_team_says_that_its_helpers_must_be_called(warm, rng):
    """And then nothing has been done; called, it does all, and has the address that compiled code shares work by."""
    x, W, y = rng.standard_normal((300, 100)), rng.standard_normal((100, 70)), np.zeros((300, 70))
    args = x, 0, W, 0, np.empty(0), y, support.piece_of(tiles._work, "d")
    crew = team.Team(3)
    assert passes._product(*args, crew.address, 0) > 1
    assert np.all(y == 0)
    pieces, done, crew = newly_asked(passes._product, *args)
    assert done == 0
    assert np.all(np.abs(y - x @ W) <= 100 * np.finfo(float).eps * (np.abs(x) @ np.abs(W)))
    assert crew.board[team.COUNT] == pieces


@COMPILED
@pytest.mark.parametrize(("n", "sizes"), [(1030, (3, 2, 130, 3)), (1030, (70, 130, 3, 2)), (1030, (5, 130, 140)),
                                          (1030, (4, 2, 3, 130)), (60, (300, 130))], ids=str)
def test_what_a_stack_has_begun_for_a_new_team_it_begins_anew(warm, n, sizes, dtype, rng):
    """Small layers are done by the time a large one needs helpers; the last shape has one block and several pieces."""
    slopes, args = rotated(sizes), arrays(rng, n, sizes, dtype)
    x, hidden, y, dy, theta = args
    up, down, along = (stack._plan(sizes, slopes, x.dtype.char, way) for way in ("up", "down", "along"))
    expected = [a.tobytes() for a in (*stack.mlp(x, theta, sizes, slopes), *backward(*args, sizes, slopes),
                                      *tangents(*args, sizes, slopes)[:2])]
    between, dots, out, y_dot, g, dx = (np.full_like(a, np.nan) for a in (hidden, hidden, y, y, theta, x))
    room, product = room_for(n, sizes, dtype), np.full(n * max(sizes[1:]), np.nan, dtype)
    room[...] = np.nan
    pieces, done, _ = newly_asked(passes._forward, x, theta, between, out, up.address)
    assert (pieces > 1, done) == (True, 0)
    pieces, done, _ = newly_asked(passes._backward, x, hidden, theta, hidden, y, dy, g, dx, room, down.address)
    assert (pieces > 1, done) == (True, 0)
    pieces, done, _ = newly_asked(passes._tangent, x, theta, hidden, y, dots, y_dot, product, along.address)
    assert (pieces > 1, done) == (True, 0)
    assert [a.tobytes() for a in (out, between, dx, g, y_dot, dots)] == expected


# ------------------------------------------------------------------------------------------ nothing beside the arrays

GUARDS = """
import ctypes, itertools, mmap, types
import numpy as np
from numpygan import kernels
from numpygan.kernels import dense, optim, stack, support, tiles
page, libc = mmap.PAGESIZE, ctypes.CDLL(None, use_errno=True)
real, end = types.SimpleNamespace(empty=np.empty, empty_like=np.empty_like, array=np.array), True

def room(shape, dtype):                              # at the edge of pages before and behind which there is no memory
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if not size:
        return real.empty(shape, dtype)
    whole = -(-size // page) * page
    memory = mmap.mmap(-1, whole + 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for at in (start, start + page + whole):
        assert libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(page), 0) == 0, ctypes.get_errno()
    edge = page + (whole - size if end else 0)
    return np.frombuffer(memory, dtype, size // np.dtype(dtype).itemsize, edge).reshape(shape)

def there(a):
    copy = room(a.shape, a.dtype)
    copy[...] = a
    return copy

rng = np.random.default_rng(0)
def run(n, sizes, dtype):
    (k, m), parameters = sizes[:2], sum((k + 1) * m for k, m in zip(sizes, sizes[1:]))
    shapes = (n, k), (n, sizes[-1]), (n, sizes[-1]), (parameters,), (n * sum(sizes[1:-1]),), (k, m), (m,), (n, m)
    x, y, dy, theta, hidden, W, b, c = (there(rng.standard_normal(s).astype(dtype)) for s in shapes)
    slopes = (.2,) * (len(sizes) - 1)
    stack.mlp(x, theta, sizes, slopes)
    for g, want_dx in itertools.product([room((parameters,), dtype), np.empty(0, dtype)], [True, False]):
        stack.mlp_backward(x, hidden, y, dy, theta, sizes, slopes, g, want_dx)
        _, dots = stack.mlp_jvp(x, hidden, y, theta, sizes, slopes)
        stack.mlp_jvp_backward(x, dots, hidden, y, dy, theta, sizes, slopes, g, want_dx)
    dense.affine(x, W, b), dense.affine_dx(c, W), dense.affine_dW(x, c)

for dtype in "fd":
    run(3, (6, 7, 2, 5), dtype)                      # compiled, with the real NumPy
guarded = dict(empty=room, empty_like=lambda a: room(a.shape, a.dtype), array=lambda *a: there(real.array(*a)))
dense.np = stack.np = types.SimpleNamespace(**vars(np) | guarded)
words = [ctypes.c_int64] * 3
work = {c: ctypes.CFUNCTYPE(*words[:1], *words)(support.piece_of(tiles._work, c)) for c in "fd"}
def on_a_desk(n, k, m, dtype, a_turned, b_turned):
    a, b, c = (there(rng.standard_normal(s).astype(dtype)) for s in ((n, k), (k, m), (n, m)))
    size, desk, job = a.itemsize, room(tiles.DESK // 8, np.int64), room(tiles.WORDS, np.int64)
    (a_row, a_col), (b_row, b_col) = ((size, rows * size) if turned else (cols * size, size)
                                      for rows, cols, turned in ((n, k, a_turned), (k, m, b_turned)))
    job[:13] = (there(np.ones(2, dtype)).view(np.int64)[0], a.ctypes.data, a_row, a_col, b.ctypes.data, b_row, b_col, 0,
                c.ctypes.data, m * size, n, k, m)
    desk[0] = 0
    for i in range(work[dtype](job.ctypes.data, -1, 0)):
        work[dtype](job.ctypes.data, i, desk.ctypes.data)

def updated(n, dtype):
    theta, g, m, v = (there(rng.random(n).astype(dtype)) for _ in range(4))
    kernels.adam(theta, g, m, v, 1, .1, .5, .9, 1e-8), kernels.norm(g), kernels.sgd(theta, g, .1)
    kernels.momentum(theta, g, m, .1, .9), kernels.rmsprop(theta, g, v, .1, .9, 1e-8), kernels.clip(theta, .5)

for end in (True, False):
    stack._plan.cache_clear()                        # what is known of a stack lies there too
    shapes = [(1, 1, 1), (13, 30, 33), (30, 2048, 9), (150, 257, 300), (40, 1030, 70)]
    for shape, dtype, *turned in itertools.product(shapes, "fd", [False, True], [False, True]):
        on_a_desk(*shape, dtype, *turned)
    for n, dtype in itertools.product([1, 7, 33, optim.PIECE + 1, optim.LONG + 5], "fd"):
        updated(n, dtype)
    for n, k, m in itertools.product([1, 2, 3, 5, 8], [1, 3, 4, 5, 9], [1, 2, 4, 5, 33]):
        run(n, (k, m), "f")
    for shape, dtype in itertools.product([(1, 1, 1), (7, 4, 9), (1030, 2, 130), (1030, 5, 130), (6, 70, 3)], "fd"):
        run(shape[0], shape[1:], dtype)
    for n, sizes in itertools.product([1, 3, 8, 1030], [(2, 130, 3, 70, 1), (5, 4, 4, 5), (33, 64, 65, 1), (3, 1, 3),
                                                        (1, 9, 1), (6, 7, 2, 5), (1, 4, 1), (4, 4, 4)]):
        run(n, sizes, "d" if n == 3 else "f")
print("well")
"""


@COMPILED
@pytest.mark.skipif(not hasattr(os, "fork"), reason="memory is protected otherwise on this system")
def test_no_memory_beside_the_arrays_is_read_or_written(python):
    """Not beside what is given, what is returned, the room that a pass takes for itself, nor a desk."""
    assert python(GUARDS).strip() == "well"


@pytest.mark.parametrize("sizes", [(6, 1), THIN, (1, 5), NARROW, TILES, (4, 130), MIXED, (3, 1, 3)], ids=str)
def test_nothing_beside_the_gradient_is_written(sizes, dtype, rng):
    """It is a view into that of the whole network. Not even what was there before may change beside it."""
    args, slopes = arrays(rng, 13, sizes, dtype), rotated(sizes, 1)
    whole = np.full(parameters(sizes) + 40, 7, dtype)
    dx = stack.mlp_backward(*args, sizes, slopes, whole[20:-20], True)
    assert worst(dx, whole[20:-20], *args, sizes, slopes) <= 1
    x, hidden, y, dy, theta = args
    _, dots = stack.mlp_jvp(x, hidden, y, theta, sizes, slopes)
    stack.mlp_jvp_backward(x, dots, hidden, y, dy, theta, sizes, slopes, whole[20:-20], True)
    assert np.all(whole[:20] == 7)
    assert np.all(whole[-20:] == 7)


@COMPILED
@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("sizes", [THIN, NARROW, TILES], ids=str)
def test_what_nobody_wants_is_not_summed(warm, sizes, wanted, dtype, rng):
    (x, hidden, y, dy, theta), (k, m) = arrays(rng, 9, sizes, dtype), sizes
    crew, plan = team.Team(1), stack._plan(sizes, (0.2,), x.dtype.char, "down")
    room = room_for(len(x), sizes, dtype)
    g = np.zeros_like(theta) if wanted else hidden
    assert passes._backward(x, hidden, theta, hidden, y, dy, g, x.copy(), room, plan.address, crew.address, 0) == 0
    sums = room[2 * len(x) * max(sizes[1:]):]
    for part in {THIN: [sums[:k * m]], NARROW: [sums[:k * m], sums[k * m:(k + 1) * m]], TILES: [sums[:m]]}[sizes]:
        assert np.all(part != 0) if wanted else not part.any()
    if sizes == TILES:                                                   # products make dW
        assert not sums[m:].any()


# --------------------------------------------------------------------------------------------------------- losses

def logits(dtype):
    """Of both signs: 0, denormal and tiny ones, and where the exponential ends."""
    sizes = [0, 1e-45, 1e-40, 1e-38, 1e-30, 1e-9, 87.33, 88.72, 103.9, 104, 104.1, 120, *np.linspace(1e-3, 120, 601)]
    return np.array([sign * s for s in sizes for sign in (1, -1)], dtype)


@pytest.mark.parametrize("n", [1, 4, 64])
@pytest.mark.parametrize("target", [0, 1, 0.9, 0.25])
def test_losses_logit_by_logit(target, n, dtype):
    """n equal logits have the loss of one, from loops that are as vectorised as they come."""
    info, t, summed = np.finfo(dtype), np.longdouble(dtype(target)), np.finfo(np.result_type(dtype, SUM)).eps
    for s in logits(dtype)[::9 if JIT_OFF else 1]:
        L, ds, _ = kernels.bce_discriminator(np.full((n, 1), s), np.full((1, 1), dtype(-1e4)), target)
        e, wide = np.exp(-np.abs(np.longdouble(s))), np.longdouble(s)
        low, high = e / (1 + e), 1 / (1 + e)
        toward, away = (low, high) if s < 0 else (high, low)
        exact = ((1 - t) * wide if s > 0 else -t * wide) + np.log1p(e)
        assert L.dtype == ds.dtype == dtype
        assert abs(L - exact) <= (2 * info.eps + n * summed) * exact + 2 * info.smallest_subnormal, s
        exact, size = (1 - t) * toward - t * away, (1 - t) * toward + t * away
        assert np.all(np.abs(ds * n - exact) <= 2 * info.eps * size + 2 * n * info.smallest_subnormal), s


@pytest.mark.parametrize("n", [1, 64])
def test_generators_logit_by_logit(n, dtype):
    info, summed = np.finfo(dtype), np.finfo(np.result_type(dtype, SUM)).eps
    for s in logits(dtype)[::9 if JIT_OFF else 1]:
        wide = np.longdouble(s)
        for generator, t in ((kernels.non_saturating_generator, 1), (kernels.minimax_generator, 0)):
            L, ds = generator(np.full((n, 1), s))
            r = -wide if t else wide                               # softplus(r) and σ(r), with their signs
            exact = max(r, 0) + np.log1p(np.exp(-abs(r)))
            assert abs(abs(L) - exact) <= (2 * info.eps + n * summed) * exact + 2 * info.smallest_subnormal, s
            assert L >= 0 if t else L <= 0
            exact = -np.exp(min(r, 0)) / (1 + np.exp(-abs(r))) / n
            assert np.all(np.abs(ds - exact) <= 2 * info.eps * -exact + 2 * info.smallest_subnormal), s


@pytest.mark.parametrize("n", [1, 64])
@pytest.mark.parametrize("target", [0, 1, 0.9])
@pytest.mark.parametrize("s", [math.inf, -math.inf, math.nan])
def test_losses_of_no_number(s, target, n, dtype):
    """The gradient of an infinite logit is a number, and what is NaN or infinite in the equations is so here."""
    column = np.full((n, 1), s, dtype)
    with np.errstate(all="ignore"):
        L, ds, _ = kernels.bce_discriminator(column, np.zeros((1, 1), dtype), target)
        expected, exact = functional.bce_discriminator(column, np.zeros((1, 1), dtype), target)[:2]
    assert np.isclose(L, expected, rtol=4 * np.finfo(dtype).eps, atol=0, equal_nan=True)
    assert np.array_equal(np.isnan(ds), np.isnan(exact))
    assert math.isnan(s) or np.all(np.abs(ds - exact) <= 4 * np.finfo(dtype).eps * np.abs(exact))


@pytest.mark.parametrize(("low", "high"), [(-0.03, 0.03), (0.32, 0.345), (-1.04, -1.01)])
def test_no_term_of_the_polynomials_is_missing(low, high):
    """Where their last terms are largest: errors of rounding go either way, that of a missing term only one."""
    s = np.linspace(low, high, 400).astype(np.float32)
    exact = np.exp(-np.abs(s.astype(float)))
    decays = np.array([exponential.decay_float32(x) for x in s], float)
    values = np.array([kernels.minimax_generator(row[None, None])[0] for row in s], float)
    for got, right in ((decays, exact), (-values, np.maximum(s.astype(float), 0) + np.log1p(exact))):
        assert abs(np.mean((got - right) / right)) <= 0.3 * np.finfo(np.float32).eps


@pytest.mark.parametrize(("function", "exact", "low", "high"), [
    (exponential.decay_float64, lambda x: (-x).exp(), 0.33, 0.346),
    (exponential.log1p_float64, lambda x: (1 + x).ln(), 0.99, 1)], ids=["decay", "log1p"])
def test_no_term_of_the_series_is_missing(function, exact, low, high):
    """Likewise in float64, beside the standard library's decimal numbers: the last terms are about as large as eps."""
    errors = []
    with decimal.localcontext(prec=40):
        for x in np.linspace(low, high, 400):
            right = exact(decimal.Decimal(float(x)))
            errors.append(float((decimal.Decimal(float(function(x))) - right) / right))
    assert abs(np.mean(errors)) <= 0.4 * np.finfo(float).eps
