"""A dense layer in compiled code: every way through it, its blocks and threads, odd arguments, the losses above it."""
import contextlib
import itertools
import math
import os
import threading
import traceback
from pathlib import Path

import numpy as np
import pytest
from conftest import JIT_OFF

import numpygan as ng
from numpygan import functional, kernels
from numpygan.kernels import dense, losses, passes, support, team, tiles

COMPILED = pytest.mark.skipif(not dense.OURS, reason="this CPU leaves products to BLAS")
SLOPES = 0.0, 0.2, 1.0
THIN, NARROW, TILES = (6, 2), (2, 6), (6, 7)            # (k, m) of a layer for each of the three ways
BACKWARD = passes._thin_backward, passes._narrow_backward, passes._backward
KERNELS = (passes._thin, passes._forward, *BACKWARD)
SUM = np.float32 if JIT_OFF else np.float64             # what losses are added up in, at the least


def layer(rng, n, k, m, dtype):
    """x, y, dy, W as they may come to a backward pass. Some of y is 0, which is the slope's side."""
    x, y, dy, W = (rng.standard_normal(s).astype(dtype) for s in ((n, k), (n, m), (n, m), (k, m)))
    y[rng.random(y.shape) < 0.1] = 0
    return x, y, dy, W


def backward(x, y, dy, W, slope, want_g=True, want_dx=True):
    """(dx, dW, db), None where it is not wanted; written into NaN."""
    dW, db = (np.full(s if want_g else 0 * len(s), np.nan, W.dtype) for s in (W.shape, W.shape[1:]))
    dx = dense.affine_leaky_relu_backward(x, y, dy, W, slope, dW if want_g else dW.reshape(0, 0), db, want_dx)
    return (dx, dW, db) if want_g else (dx, None, None)


def off(got, terms, size, count):
    """The largest error as a part of what `count` roundings, each to one side or the other, make of such terms."""
    return np.max(np.abs(got - terms) / ((math.sqrt(count) + 4) * np.finfo(got.dtype).eps * size))


def worst(got, x, y, dy, W, slope):
    """The largest error of dx, dW and db, beside sums of more digits."""
    wide = np.float64 if x.dtype == np.float32 else np.longdouble
    factor = wide(x.dtype.type(slope))
    x, y, dy, W = (a.astype(wide) for a in (x, y, dy, W))
    da = np.where(y > 0, dy, factor * dy)
    exact = da @ W.T, x.T @ da, da.sum(0)
    size = np.abs(da) @ np.abs(W.T), np.abs(x.T) @ np.abs(da), np.abs(da).sum(0)
    tiny = np.finfo(got[0].dtype).tiny                                  # a sum of zeros is right, not 0/0
    return max(off(g, e, s + tiny, c) for g, e, s, c in zip(got, exact, size, (W.shape[1], len(x), len(x)),
                                                            strict=True))


def signatures():
    return [len(getattr(kernel, "signatures", ())) for kernel in KERNELS]


@pytest.fixture
def warm(rng):
    """The kernels of all ways, compiled for both types."""
    for (k, m), dtype in itertools.product((THIN, NARROW, TILES), "fd"):
        x, y, dy, W = layer(rng, 3, k, m, dtype)
        dense.affine_leaky_relu(x, W, y[0], 0.2)
        backward(x, y, dy, W, 0.2)


# ------------------------------------------------------------------------------------------------- right numbers

@COMPILED
@pytest.mark.parametrize("k", range(1, 6))
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 200, 1030])
def test_gradients_on_every_way(n, k, dtype, rng):
    """Few inputs, few outputs, both, neither; rows that are no multiple of four; one block and several."""
    for m in (1, 2, 3, 4, 5, 33, 130):
        args = layer(rng, n, k, m, dtype)
        for slope in SLOPES:
            dx, dW, db = backward(*args, slope)
            assert dx.dtype == dtype
            assert worst((dx, dW, db), *args, slope) <= 1, (m, slope)
            alone = backward(*args, slope, want_dx=False)
            assert alone[0] is None
            assert [a.tobytes() for a in alone[1:]] == [dW.tobytes(), db.tobytes()]
            assert backward(*args, slope, want_g=False)[0].tobytes() == dx.tobytes()


@COMPILED
def test_fewer_rows_of_W_than_blocks(warm, dtype, rng):
    """The sums of the blocks wait in the rows of dW: there are no more blocks than these."""
    for k in (1, 2, 3):
        x, y, dy, W = layer(rng, 1030, k, 130, dtype)
        room = np.full(k * 130 + 4 * 130, 7, dtype)
        dW, db, dx = room[:-4 * 130].reshape(k, 130), np.empty(130, dtype), np.empty_like(x)
        assert passes._blocks(y, 100)[0] > k
        before, work = support.piece_of(passes._before, W.dtype.char), support.piece_of(tiles._work, W.dtype.char)
        crew = team.Team(1)
        crew.call(1)
        assert passes._backward(x, y, dy, W, 0.2, dW, db, dx, np.empty_like(y), before, work, crew.address, 0) == 0
        assert worst((dx, dW, db), x, y, dy, W, 0.2) <= 1
        assert np.all(room[-4 * 130:] == 7)


def same_kind(a, b):
    """NaN where there is NaN, infinity of one sign where there is infinity; numbers elsewhere."""
    with np.errstate(all="ignore"):
        return np.array_equal(np.where(np.isfinite(a), 0, a), np.where(np.isfinite(b), 0, b), equal_nan=True)


SPOILED = [(1, 1, 1), (7, 2, 5), (4, 4, 33), (6, 3, 2), (9, 6, 1), (7, 9, 4), (9, 6, 7), (261, 4, 70), (261, 5, 70)]


@COMPILED
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("n", "k", "m"), SPOILED)
def test_nan_and_infinity_go_where_the_equations_send_them(n, k, m, bad, dtype, rng):
    x, _, dy, W = layer(rng, n, k, m, dtype)
    b, y = rng.standard_normal(m).astype(dtype), rng.standard_normal((n, m)).astype(dtype)
    for which, place, slope in itertools.product(range(4), (0, -1), SLOPES):
        args = [a.copy() for a in (x, y, dy, W)]
        args[which].flat[place] = bad
        with np.errstate(all="ignore"):
            da = functional.leaky_relu_backward(args[2], args[1], dtype(slope))
            expected = da @ args[3].T, args[0].T @ da, da.sum(0)
            forward = functional.leaky_relu(functional.affine(args[0], args[3], b), dtype(slope))
        for got, wanted in zip(backward(*args, slope), expected, strict=True):
            assert same_kind(got, wanted), (which, place, slope)
        assert same_kind(dense.affine_leaky_relu(args[0], args[3], b, slope), forward), (which, place, slope)


# ------------------------------------------------------------------------------------------------ blocks, threads

BLOCKED = [(1030, 1, 130), (1030, 4, 130), (1030, 5, 130), (2000, 3, 33), (2003, 40, 33)]


@COMPILED
def test_the_bytes_do_not_depend_on_the_number_of_threads(monkeypatch, dtype, rng):
    for shape in BLOCKED:
        args, results = layer(rng, *shape, dtype), set()
        for size in (1, 2, 3, 3, 2):
            monkeypatch.setattr(team, "_team", team.Team(size))
            for _ in range(3):
                y = dense.affine_leaky_relu(args[0], args[3], args[1][0], 0.2)
                results.add(tuple(a.tobytes() for a in (y, *backward(*args, 0.2))))
        assert len(results) == 1, shape


@COMPILED
@pytest.mark.parametrize(("shape", "pieces"), [((1030, 1, 130), 4), ((1030, 4, 130), 4), ((1030, 5, 130), 4),
                                               ((2000, 3, 33), 4), ((1024, 5, 64), 4), ((1030, 5, 33), 2),
                                               ((1030, 2, 16), 1)])
def test_the_rows_of_these_shapes_come_in_blocks(monkeypatch, shape, pieces, dtype, rng):
    """Else the tests of blocks and threads would test nothing. With nothing wanted, no product follows."""
    crew = team.Team(2)
    monkeypatch.setattr(team, "_team", crew)
    args = layer(rng, *shape, dtype)
    crew.board[team.COUNT] = 1
    backward(*args, 0.2, want_g=False, want_dx=False)
    assert crew.board[team.COUNT] == pieces
    blocks, rows = passes._blocks(args[1], passes.BLOCKS)
    assert blocks == pieces
    assert rows % 4 == 0
    assert rows - 4 < shape[0] / pieces                                 # as equal as can be
    assert (blocks - 1) * rows < shape[0] <= blocks * rows


@COMPILED
def test_a_new_team_says_that_its_helpers_must_be_called(monkeypatch, warm, rng):
    """And then has done nothing; called, it does all, and has the address that compiled code shares its work by."""
    crew = team.Team(3)
    x, W = rng.standard_normal((300, 100)), rng.standard_normal((100, 70))
    y, work = np.zeros((300, 70)), support.piece_of(tiles._work, "d")
    args = x, 0, W, 0, np.empty(0), 1.0, y, work, crew.address
    pieces = passes._forward(*args, 0)
    assert pieces > 1
    assert np.all(y == 0)
    assert crew.board[team.SHARE] == 0
    crew.call(pieces)
    assert crew.board[team.SHARE] != 0
    assert passes._forward(*args, 1) == 0
    assert np.all(np.abs(y - x @ W) <= 100 * np.finfo(float).eps * (np.abs(x) @ np.abs(W)))
    assert crew.board[team.COUNT] == pieces


# ------------------------------------------------------------------------------------------ nothing beside the arrays

GUARDS = """
import ctypes, itertools, mmap, types
import numpy as np
from numpygan.kernels import dense
page, libc = mmap.PAGESIZE, ctypes.CDLL(None, use_errno=True)
real, end = types.SimpleNamespace(empty=np.empty, empty_like=np.empty_like), True

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
def run(n, k, m, dtype):
    x, y, dy, W, b = (there(rng.standard_normal(s).astype(dtype)) for s in ((n, k), (n, m), (n, m), (k, m), (m,)))
    dense.affine_leaky_relu(x, W, b, .2)
    none = np.empty((0, 0), dtype), np.empty(0, dtype)
    for g, want_dx in itertools.product([(room((k, m), dtype), room((m,), dtype)), none], [True, False]):
        dense.affine_leaky_relu_backward(x, y, dy, W, .2, *g, want_dx)

for (k, m), dtype in itertools.product([(6, 2), (2, 6), (6, 7)], "fd"):
    run(3, k, m, dtype)                              # compiled, with the real NumPy
dense.np = types.SimpleNamespace(**vars(np) | dict(empty=room, empty_like=lambda a: room(a.shape, a.dtype)))
for end in (True, False):
    for n, k, m in itertools.product([1, 2, 3, 5, 8], [1, 3, 4, 5, 9], [1, 2, 4, 5, 33]):
        run(n, k, m, "f")
    for shape, dtype in itertools.product([(1, 1, 1), (7, 4, 9), (1030, 2, 130), (1030, 5, 130), (6, 70, 3)], "fd"):
        run(*shape, dtype)
print("well")
"""


@COMPILED
@pytest.mark.skipif(not hasattr(os, "fork"), reason="memory is protected otherwise on this system")
def test_no_memory_beside_the_arrays_is_read_or_written(python):
    """Not beside what is given, what is returned, nor the room that a pass takes for itself."""
    assert python(GUARDS).strip() == "well"


@COMPILED
@pytest.mark.parametrize(("k", "m"), [(6, 1), THIN, (1, 5), NARROW, TILES, (4, 130)])
def test_nothing_beside_the_gradients_is_written(k, m, dtype, rng):
    """They are views into one vector. Not even what was there before may change in what follows them."""
    x, y, dy, W = layer(rng, 13, k, m, dtype)
    g = np.full(k * m + m + 40, 7, dtype)
    dW, db = g[20:20 + k * m].reshape(k, m), g[20 + k * m:-20]
    dx = dense.affine_leaky_relu_backward(x, y, dy, W, 0.2, dW, db, True)
    assert worst((dx, dW, db), x, y, dy, W, 0.2) <= 1
    assert np.all(g[:20] == 7)
    assert np.all(g[-20:] == 7)


# -------------------------------------------------------------------------------------------------- odd arguments

def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def unaligned(a):
    copy = np.empty(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    copy[...] = a
    return copy


RIGHT = {"unaligned": unaligned, "read-only": read_only, "Fortran": np.asfortranarray, "a subclass": np.ma.array,
         "every other column": lambda a: np.repeat(a, 2, -1)[..., ::2], "backwards": lambda a: a[::-1].copy()[::-1],
         "every other row": lambda a: np.repeat(a, 2, 0)[::2]}
REFUSED = {"whole": lambda a: a.astype(np.int64),
           "bool": lambda a: a > 0, "half": lambda a: a.astype(np.float16), "complex": lambda a: a.astype(complex),
           "long": lambda a: a.astype(np.longdouble), "object": lambda a: a.astype(object), "text": lambda a: "x",
           "None": lambda a: None, "strings": lambda a: a.astype("S4"), "a number": lambda a: a.dtype.type(1),
           "list of text": lambda a: ["x"], "ragged": lambda a: [[1.0], [1.0, 2.0]], "no rows": lambda a: a[:0],
           "flat": lambda a: a.ravel() if a.ndim > 1 else a[None], "stack": lambda a: a[None]}
OTHER = {"the other precision": lambda a: a.astype("fd"["df".index(a.dtype.char)]),
         "a row more": lambda a: np.concatenate([a, a[:1]]), "a row less": lambda a: a[:-1].copy(),
         "a column more": lambda a: np.concatenate([a, a[..., :1]], -1), "a column less": lambda a: a[..., :-1].copy()}


def answer(call):
    """What a call returns, as bytes, or None if it is refused: in one line, by a check of ours."""
    try:
        return [a.tobytes() for a in call()]
    except (TypeError, ValueError) as e:
        refused = e
    assert Path(traceback.extract_tb(refused.__traceback__)[-1].filename).parent.name == "kernels", refused
    assert str(refused)
    assert "\n" not in str(refused)
    assert "atching definition" not in str(refused)
    return None


def bytes_of(a):
    return repr(a) if isinstance(a, list) else np.asarray(a).tobytes()


def tried(function, args, at, change):
    """The answer with those of the arguments changed; nothing that is read may change."""
    args = [a.copy() for a in args]
    for i in at:
        args[i] = change(args[i])
    before = [bytes_of(a) for a in args[:4]]
    result = answer(lambda: function(*args))
    assert [bytes_of(a) for a in args[:4]] == before
    return result


def forward_of(x, W, b):
    return [dense.affine_leaky_relu(x, W, b, 0.2)]


def backward_of(x, y, dy, W, dW, db):
    return [dense.affine_leaky_relu_backward(x, y, dy, W, 0.2, dW, db, True), dW, db]


@pytest.fixture(params=[THIN, NARROW, TILES], ids=["thin", "narrow", "tiles"])
def calls(request, dtype, rng, warm):
    """(function, arguments, how many of them are only read) of both passes."""
    x, y, dy, W = layer(rng, 9, *request.param, dtype)
    return [(forward_of, [x, W, y[0]], 3), (backward_of, [x, y, dy, W, np.zeros_like(W), np.zeros_like(W[0])], 4)]


def test_arrays_that_lie_otherwise_give_the_same_bytes(calls):
    known = signatures()
    for function, args, read in calls:
        expected = tried(function, args, [], None)
        for name, change in RIGHT.items():
            for at in [*([i] for i in range(read)), range(read)]:
                assert tried(function, args, at, change) == expected, (name, list(at))
            for i in range(read, len(args)):                          # the gradients: never anything else than right
                kept = name in ("Fortran", "a subclass") and args[i].ndim == 1
                assert tried(function, args, [i], change) in ([expected] if kept else [expected, None]), (name, i)
    assert signatures() == known


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_what_is_no_array_of_floats_is_refused_in_one_sentence(calls):
    known = signatures()
    for function, args, _ in calls:
        for (name, change), i in itertools.product((REFUSED | OTHER).items(), range(len(args))):
            fine = ((name == "no rows" and i == 4)                      # dW: not wanted
                    or (name in ("a row more", "a row less") and function is forward_of and i == 0)
                    or (name.startswith("a column") and args[i].ndim == 1))                    # that is a row
            assert fine or tried(function, args, [i], change) is None, (name, i)
        for (name, change) in REFUSED.items():
            assert tried(function, args, range(len(args)), change) is None, name
    assert signatures() == known


def test_the_order_of_bytes(engine, calls):
    """A network turns it round, where compiled code would take any for the CPU's; `functional` is not concerned.

    Numba mistakes one for the other once it has seen arrays that are not aligned.
    """
    _, (function, (x, y, dy, W, *g), read) = calls
    tried(function, [x, y, dy, W, *g], range(read), unaligned)
    k, m = W.shape
    net = ng.Network([ng.Dense(m), ng.LeakyReLU(0.2)], k, rng=np.random.default_rng(0), dtype=x.dtype, engine=engine)
    order, found = x.dtype.newbyteorder(">"), []
    for change in (lambda a: a, lambda a: a.astype(order)):
        net.theta = change(net.theta)
        out, tape = net.forward(change(x))
        other, _ = net.forward(x, theta=change(net.theta))
        found.append([a.tobytes() for a in (out, *net.backward(tape, change(dy)), other)])
    assert found[0] == found[1]
    with pytest.raises(TypeError, match="got >f"):
        support.floats(x.astype(order))
    with pytest.raises((TypeError, ValueError), match="float64"):
        ng.Network([ng.Dense(m)], k, rng=np.random.default_rng(0), dtype=order)


def test_gradients_go_into_arrays_that_can_hold_them(calls):
    _, (function, args, _) = calls
    for i, change in itertools.product((4, 5), (read_only, lambda a: np.repeat(a, 2, 0)[::2], lambda a: a[::-1])):
        assert tried(function, args, [i], change) is None
    assert tried(function, args, [4], lambda a: np.asfortranarray(a) if min(a.shape) > 1 else a[::-1]) is None


def test_gradients_that_nobody_wants_may_be_any_empty_arrays(calls):
    known = signatures()
    _, (_, (x, y, dy, W, *_), _) = calls
    expected = backward(x, y, dy, W, 0.2, want_g=False)[0]
    for dW, db in [(np.empty((0, 0)), np.empty(0)), (np.empty(0), np.empty(0)), (np.empty((3, 0), "i"), np.ones(3))]:
        got = dense.affine_leaky_relu_backward(x, y, dy, W, 0.2, dW, db, True)
        assert got.tobytes() == expected.tobytes()
    assert signatures() == known


def test_any_number_is_a_slope(calls):
    (_, (x, W, b), _), (_, (*read, dW, db), _) = calls
    known = signatures()
    for slope in (1, True, np.float32(0.25), np.float64(0.2), np.array(0.5), np.int8(1), 0):
        assert dense.affine_leaky_relu(x, W, b, slope).tobytes() == dense.affine_leaky_relu(x, W, b,
                                                                                            float(slope)).tobytes()
        assert dense.affine_leaky_relu_backward(*read, slope, dW, db, True).tobytes() == backward(
            *read, float(slope))[0].tobytes()
    for slope in ("x", None, 1j, [0.2]):
        with pytest.raises((TypeError, ValueError)):
            dense.affine_leaky_relu(x, W, b, slope)
    assert signatures() == known


def test_lists_are_float64(calls):
    for function, args, read in calls:
        if args[0].dtype == np.float64:
            expected = tried(function, args, [], None)
            for at in [*([i] for i in range(read)), range(read)]:
                assert tried(function, args, at, np.ndarray.tolist) == expected


def shorter(arrays):
    """These arrays with one of them a row or a column short, in turn; and all without rows."""
    for name, a in arrays.items():
        yield arrays | {name: a[1:]}
        yield arrays | {name: a[..., 1:].copy()}
    yield {name: a[:0] if len(a) == 9 else a for name, a in arrays.items()}


@COMPILED
@pytest.mark.parametrize(("k", "m"), [THIN, NARROW, TILES])
def test_compiled_code_looks_at_all_shapes(warm, k, m, dtype, rng):
    """At those too that Python makes for it: no mistake there may read or write other memory."""
    x, y, dy, W = layer(rng, 9, k, m, dtype)
    given = dict(x=x, y=y, dy=dy, W=W, dW=W.copy(), db=y[0].copy(), dx=x.copy())
    assert dense.gradients(**given, slope=0.2) == 0
    for wrong in shorter(given):
        assert dense.gradients(**wrong, slope=0.2) == passes.MISFIT, {name: a.shape for name, a in wrong.items()}
    given = dict(a=x, b=W, bias=y[0].copy(), c=y)
    assert dense.product(**given, a_turned=0, b_turned=0, slope=0.2) == 0
    for wrong in shorter(given):
        assert dense.product(**wrong, a_turned=0, b_turned=0, slope=0.2) == passes.MISFIT, {
            name: a.shape for name, a in wrong.items()}


@COMPILED
def test_compiled_code_looks_at_its_room(warm, dtype, rng):
    char, crew = np.dtype(dtype).char, team.Team(1)
    narrow, before, work = (support.piece_of(passes._narrow, char), support.piece_of(passes._before, char),
                            support.piece_of(tiles._work, char))
    for (k, m), kernel, rooms, ways in [
            (THIN, passes._thin_backward, [(9, 2), (6,)], ()),
            (NARROW, passes._narrow_backward, [(passes.BLOCKS * passes.ROOM, 6)], (narrow, crew.address, 0)),
            (TILES, passes._backward, [(9, 7)], (before, work, crew.address, 0))]:
        x, y, dy, W = layer(rng, 9, k, m, dtype)
        for which, axis in itertools.product(range(len(rooms)), range(2)):
            short = [[size - (i == which and (j == axis or len(s) == 1)) for j, size in enumerate(s)]
                     for i, s in enumerate(rooms)]
            for of, shapes, right in ((y, rooms, True), (y, short, False), (y[1:], rooms, False)):
                answer = kernel(x, of, dy, W, 0.2, W.copy(), y[0].copy(), x.copy(),
                                *(np.empty(shape, dtype) for shape in shapes), *ways)
                assert answer == (0 if right else passes.MISFIT), (kernel, shapes)
    x, y, _, W = layer(rng, 9, *THIN, dtype)
    assert [passes._thin(x, W, 0, y[0].copy(), 0.2, y, np.empty(size, dtype)) for size in (6, 5)] == [0, passes.MISFIT]


@COMPILED
@pytest.mark.parametrize("wanted", [True, False])
def test_what_nobody_wants_is_not_summed(warm, wanted, dtype, rng):
    x, y, dy, W = layer(rng, 9, *NARROW, dtype)
    crew, room = team.Team(1), np.full((passes.BLOCKS * passes.ROOM, 6), np.nan, dtype)
    dW, db = (W.copy(), y[0].copy()) if wanted else (np.empty((1, 0), dtype), np.empty(0, dtype))
    narrow = support.piece_of(passes._narrow, room.dtype.char)
    assert passes._narrow_backward(x, y, dy, W, 0.2, dW, db, x.copy(), room, narrow, crew.address, 0) == 0
    assert np.all(room[4:7] != 0) == wanted


# ------------------------------------------------------------------------------------------ threads at the door

@COMPILED
def test_nobody_else_comes_through_the_open_door(warm, dtype, rng):
    """While one thread compiles, another brings arrays that are not contiguous: no kernel is compiled for them."""
    for k, m in (NARROW, TILES):
        x, y, dy, W = layer(rng, 9, k, m, dtype)
        expected, known, got = backward(x, y, dy, W, 0.2), signatures(), []
        strided = np.repeat(y, 2, 1)[:, ::2]
        other = threading.Thread(target=lambda args=(x, strided, dy, W), to=got: to.append(backward(*args, 0.2)))
        with support.opened(*BACKWARD):
            other.start()
            other.join(0.2)
        other.join()
        assert [a.tobytes() for a in got[0]] == [a.tobytes() for a in expected]
        assert signatures() == known
    assert not any(kernel._can_compile for kernel in KERNELS)


def test_an_error_closes_the_door():
    kernel = support.closed_jit(lambda x: x)
    if dense.OURS:
        with contextlib.suppress(KeyError), support.opened(kernel):
            assert kernel._can_compile
            raise KeyError
        assert not kernel._can_compile
        with pytest.raises(TypeError):
            kernel(1.0)


AT_ONCE = """
import threading
import numpy as np
from numpygan.kernels import dense, passes

def passes_of(dtype, k, m):
    rng = np.random.default_rng(k)
    x, y, dy, W, b = (rng.standard_normal(s).astype(dtype) for s in ((300, k), (300, m), (300, m), (k, m), (m,)))
    dW, db = np.empty_like(W), np.empty_like(b)
    y = dense.affine_leaky_relu(x, W, b, .2)
    dx = dense.affine_leaky_relu_backward(x, y, dy, W, .2, dW, db, True)
    return tuple(a.tobytes() for a in (y, dx, dW, db))

jobs = [("f", 6, 2), ("d", 6, 2), ("f", 2, 60), ("d", 2, 60), ("f", 70, 60), ("d", 70, 60)]
found, errors, start = {job: set() for job in jobs}, [], threading.Barrier(6)

def call(first):
    start.wait()
    for job in jobs[first:] + jobs[:first]:
        try:
            found[job].add(passes_of(*job))
        except BaseException as e:
            errors.append(repr(e))

threads = [threading.Thread(target=call, args=(i // 2 * 2 + i % 2,)) for i in range(6)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert not errors, errors
assert all(results == {passes_of(*job)} for job, results in found.items())
print([len(c.signatures) for c in (passes._thin, passes._forward, passes._thin_backward, passes._narrow_backward,
                                   passes._backward)])
"""


@COMPILED
def test_the_first_calls_of_several_threads_come_at_the_same_time(python, warm):
    assert python(AT_ONCE).strip() == str([2] * len(KERNELS))


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
    """The gradient of an infinite logit is a number, and what is NaN in the equations is NaN."""
    column = np.full((n, 1), s, dtype)
    with np.errstate(all="ignore"):
        L, ds, _ = kernels.bce_discriminator(column, np.zeros((1, 1), dtype), target)
        expected, exact = functional.bce_discriminator(column, np.zeros((1, 1), dtype), target)[:2]
    assert np.array_equal(L, expected, equal_nan=True)
    assert np.array_equal(np.isnan(ds), np.isnan(exact))
    assert math.isnan(s) or np.all(np.abs(ds - exact) <= 4 * np.finfo(dtype).eps * np.abs(exact))


@COMPILED
@pytest.mark.parametrize(("low", "high"), [(-0.03, 0.03), (0.32, 0.345), (-1.04, -1.01)])
def test_no_term_of_the_polynomials_is_missing(low, high):
    """Where their last terms are largest: errors of rounding go either way, that of a missing term only one."""
    s = np.linspace(low, high, 400).astype(np.float32)
    exact = np.exp(-np.abs(s.astype(float)))
    decays = np.array([losses._decay_float32(x) for x in s], float)
    values = np.array([kernels.minimax_generator(row[None, None])[0] for row in s], float)
    for got, right in ((decays, exact), (-values, np.maximum(s.astype(float), 0) + np.log1p(exact))):
        assert abs(np.mean((got - right) / right)) <= 0.3 * np.finfo(np.float32).eps
