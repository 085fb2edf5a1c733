"""The product in register tiles and the team that shares it: right on every shape and CPU, the same bytes."""
import ctypes
import os
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numpygan.kernels import dense, intrinsics, stack, team, tiles

COMPILED = pytest.mark.skipif(not dense.OURS, reason="this CPU leaves products to BLAS")
LARGE = [(137, 300, 530), (1030, 17, 40), (5, 1300, 70), (64, 513, 49), (261, 70, 130)]    # blocks, pieces, depths


def matrices(rng, n, k, m, dtype, turned=(False, False)):
    """a (n, k) and b (k, m), either possibly as the transpose of what lies in memory."""
    a, b = (rng.standard_normal(s[::-1] if t else s).astype(dtype) for s, t in zip(((n, k), (k, m)), turned,
                                                                                  strict=True))
    return a.T if turned[0] else a, b.T if turned[1] else b


def layer(a, b, bias, slope):
    """f(a b + bias), by a stack of this one layer."""
    return stack.mlp(a, np.concatenate([b.ravel(), bias]), b.shape, (slope,))[0]


def layer_backward(x, y, dy, W, slope, g, want_dx=True):
    theta = np.concatenate([W.ravel(), np.zeros_like(W[0])])
    return stack.mlp_backward(x, theta[:0], y, dy, theta, W.shape, (slope,), g, want_dx)


def exceeds(c, a, b, bias=0.0, slope=1.0):
    """Where c is NaN, or further from f(a b + bias) than k + 3 roundings explain, each wrong by eps at most."""
    exact = np.longdouble if c.dtype == np.float64 else np.float64
    a, b, bias = (np.asarray(x, exact) for x in (a, b, bias))
    y, size = a @ b + bias, np.abs(a) @ np.abs(b) + np.abs(bias)
    return ~(np.abs(c - np.where(y > 0, y, slope * y)) <= (a.shape[1] + 3) * np.finfo(c.dtype).eps * size)


@settings(deadline=None, max_examples=150)
@given(n=st.integers(1, 70) | st.integers(250, 300), k=st.integers(1, 70), m=st.integers(1, 70),
       turned=st.tuples(st.booleans(), st.booleans()),
       dtype=st.sampled_from([np.float32, np.float64]), slope=st.sampled_from([None, 0.0, 0.2, 1.0]))
def test_any_shape(n, k, m, turned, dtype, slope):
    rng = np.random.default_rng(n + 100 * k + 10_000 * m)
    a, b = matrices(rng, n, k, m, dtype, turned)
    bias = rng.standard_normal(m).astype(dtype)
    if slope is None:
        assert not exceeds(dense.matmul(a, b), a, b).any()
        assert not exceeds(dense.affine(a, b, bias), a, b, bias).any()
    else:
        y = layer(a, b, bias, slope)
        assert y.dtype == dtype
        assert not exceeds(y, a, b, bias, slope).any()


@pytest.mark.parametrize(("n", "k", "m"), [(300, 100, 70), (137, 300, 530), (700, 40, 3)])
@pytest.mark.parametrize("wanted", ["both", "dW", "dx"])
def test_both_products_of_a_large_backward_pass(wanted, n, k, m, dtype, rng):
    x, W = matrices(rng, n, k, m, dtype)
    y, dy = (rng.standard_normal((n, m)).astype(dtype) for _ in range(2))
    g = np.full(0 if wanted == "dx" else (k + 1) * m, np.nan, dtype)
    dx = layer_backward(x, y, dy, W, 0.25, g, wanted != "dW")
    da = np.where(y > 0, dy, dtype(0.25) * dy)
    if wanted != "dx":
        assert not exceeds(g[:-m].reshape(k, m), x.T, da).any()
        assert not exceeds(g[None, -m:], np.ones((1, n), dtype), da).any()
    if wanted != "dW":
        assert not exceeds(dx, da, W.T).any()


@pytest.mark.parametrize("slope", [1.0, 0.2])
def test_a_gradient_that_may_not_be_written_to(slope, dtype, rng):
    x, W = matrices(rng, 20, 6, 8, dtype)
    dy, g = rng.standard_normal((20, 8)).astype(dtype), np.empty(6 * 8 + 8, dtype)
    dy.flags.writeable = False
    dx = layer_backward(x, np.ones_like(dy), dy, W, slope, g)
    assert not exceeds(dx, dy, W.T).any()
    assert not exceeds(g[:-8].reshape(6, 8), x.T, dy).any()


@pytest.mark.parametrize(("n", "k", "m"), LARGE)
def test_large_shapes(n, k, m, dtype, rng):
    for turned in [(False, False), (True, False), (False, True), (True, True)]:
        a, b = matrices(rng, n, k, m, dtype, turned)
        bias = rng.standard_normal(m).astype(dtype)
        assert not exceeds(layer(a, b, bias, 0.2), a, b, bias, 0.2).any()
        assert not exceeds(dense.affine(a, b, bias), a, b, bias).any()
        assert not exceeds(dense.matmul(a, b), a, b).any()


@pytest.mark.parametrize(("n", "k", "m"), [(3, 5, 7), (12, 16, 32), (137, 300, 130)])
def test_nan_and_infinity_reach_their_row_or_column_and_no_other(n, k, m, dtype, rng):
    for bad in (np.nan, np.inf):
        a, b = matrices(rng, n, k, m, dtype)
        a[n - 1, k - 1] = bad
        with np.errstate(all="ignore"):                    # BLAS warns, where it makes the products
            spoiled = ~np.isfinite(dense.matmul(a, b))
        assert spoiled[n - 1].all()
        assert not spoiled[:n - 1].any()
        a, b = matrices(rng, n, k, m, dtype)
        b[0, m - 1] = bad
        with np.errstate(all="ignore"):
            spoiled = ~np.isfinite(dense.matmul(a, b))
        assert spoiled[:, m - 1].all()
        assert not spoiled[:, :m - 1].any()


@pytest.mark.parametrize("ours", [True, False])
def test_no_nan_is_lost_beside_a_single_zero(monkeypatch, ours, dtype):
    """Whoever makes the products: 0 · NaN and 0 · ∞ are NaN."""
    for door in (dense, stack):
        monkeypatch.setattr(door, "OURS", ours and dense.OURS)
    zero, bad, g = np.zeros((1, 1), dtype), np.array([[np.nan], [np.inf], [1]], dtype), np.ones(4, dtype)
    with np.errstate(all="ignore"):                            # BLAS warns, where it makes the products
        layer_backward(bad.T, zero, zero, bad, 1.0, g)
        for got in (dense.matmul(bad, zero), dense.matmul(zero, bad.T), dense.affine_dW(bad.T, zero), g[:3],
                    dense.affine_dx(zero, bad), layer_backward(bad.T, zero, zero, bad, 1.0, g[:0]),
                    layer(bad, zero, np.zeros(1, dtype), 1.0)):
            assert np.isnan(got.ravel()).tolist() == [True, True, False]


@pytest.mark.parametrize(("n", "k", "m"), [(1, 1, 1), (7, 3, 17), (6, 16, 16), (9, 8, 8), (20, 24, 48), (61, 70, 33)])
def test_nothing_is_written_beside_the_result(n, k, m, dtype, rng):
    """The gradient of a layer is a view into that of the network: what lies before and after it stays as it is."""
    x, dy = rng.standard_normal((n, k)).astype(dtype), rng.standard_normal((n, m)).astype(dtype)
    g = np.full(k * m + m + 40, 7, dtype)
    dW, db = g[20:20 + k * m].reshape(k, m), g[20 + k * m:20 + k * m + m]
    layer_backward(x, np.ones_like(dy), dy, np.ones((k, m), dtype), 0.2, g[20:-20], False)
    assert np.all(g[:20] == 7)
    assert np.all(g[-20:] == 7)
    assert not exceeds(dW, x.T, dy).any()
    assert not exceeds(db[None], np.ones((1, n), dtype), dy).any()         # it lies behind dW, and was there first


GUARD = """
import ctypes, itertools, mmap
import numpy as np
from numpygan.kernels import dense
page, libc = mmap.PAGESIZE, ctypes.CDLL(None, use_errno=True)

def at_the_end(a):                                   # a copy of it, behind which no memory may be read
    size = -(-a.nbytes // page) * page
    room = mmap.mmap(-1, size + page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    assert libc.mprotect(ctypes.c_void_p(start + size), ctypes.c_size_t(page), 0) == 0, ctypes.get_errno()
    copy = np.frombuffer(room, a.dtype, a.size, size - a.nbytes).reshape(a.shape)
    copy[...] = a
    return copy

rng = np.random.default_rng(0)
for (n, k, m), dtype in itertools.product([(1, 1, 5), (13, 30, 33), (301, 20, 70), (100, 300, 257)], "fd"):
    for a_turned, b_turned in itertools.product([False, True], repeat=2):
        a, b = (at_the_end(rng.standard_normal(s[::-1] if t else s).astype(dtype))
                for s, t in (((n, k), a_turned), ((k, m), b_turned)))
        dense.matmul(a.T if a_turned else a, b.T if b_turned else b)
        row = np.lib.stride_tricks.as_strided(at_the_end(b.ravel()[-m:]), (1, m), (-(k % 3) * b.itemsize, b.itemsize))
        dense.matmul(a.ravel()[:5, None], row)       # one row, whose distance from the next is as it may be
print("well")
"""


@COMPILED
@pytest.mark.skipif(not hasattr(os, "fork"), reason="memory is protected otherwise on this system")
def test_no_memory_behind_a_matrix_is_read(python):
    """Vectors are read whole: the last of a matrix may lie on the last page of the process."""
    assert python(GUARD).strip() == "well"


# ------------------------------------------------------------------------------------------------ threads

@COMPILED
def test_the_bytes_do_not_depend_on_the_number_of_threads(monkeypatch, dtype, rng):
    for n, k, m in LARGE:
        a, b = matrices(rng, n, k, m, dtype)
        results = set()
        for size in (1, 2, 3, 3, 2):
            monkeypatch.setattr(team, "_team", team.Team(size))
            results.update(dense.matmul(a, b).tobytes() for _ in range(3))
        assert len(results) == 1


@COMPILED
def test_the_large_products_come_in_pieces(monkeypatch, rng):
    """Else the tests of threads would test nothing. (By a team of one, of which nobody is ever put aside.)"""
    crew, pieces = team.Team(1), []
    monkeypatch.setattr(team, "_team", crew)
    for n, k, m in LARGE:
        crew.board[team.COUNT] = 0
        dense.matmul(*matrices(rng, n, k, m, np.float32))
        pieces.append(crew.board[team.COUNT])
    assert min(pieces) >= 2


@COMPILED
def test_a_desk_has_room_for_strips_a_tile_and_a_panel():
    assert tiles.DESK <= intrinsics.DESK


def run(crew, work, job, count):
    """work(job, i, desk) for i = 0 … count − 1, by that team: as compiled code has it done."""
    share, desk = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 7)(team._share_address()), np.empty(intrinsics.DESK, np.uint8)
    if share(crew.address, work, job.ctypes.data, count, 0, desk.ctypes.data):
        crew.call(count)
        share(crew.address, work, job.ctypes.data, count, 1, desk.ctypes.data)


@pytest.fixture
def counter():
    """Work in machine code whose piece i adds 1 to word i of the job."""
    numba = pytest.importorskip("numba")
    if not dense.OURS:
        pytest.skip("nothing is shared on this CPU")
    signature = numba.types.int64(numba.types.CPointer(numba.types.int64), numba.types.int64, numba.types.int64)

    @numba.cfunc(signature)
    def count(job, i, desk):
        numba.carray(job, (2**17,))[i] += 1
        return 0
    return count


@pytest.fixture
def marker():
    """Work for two threads, four pieces in two rounds: piece i writes its desk to word i of the job, and waits until
    both threads have begun a piece of the round; word 4 counts those that have."""
    numba = pytest.importorskip("numba")
    if not dense.OURS:
        pytest.skip("nothing is shared on this CPU")

    @numba.cfunc(numba.types.int64(*[numba.types.int64] * 3))
    def mark(job, i, desk):
        rounds = 1
        for j in range(4):
            if team._read(job, j) == desk:
                rounds += 1
        team._write(job, i, desk)
        team._add(job, 4, 1)
        for _ in range(10**6):
            if team._read(job, 4) >= 2 * rounds:
                break
        return 0
    return mark


def test_more_pieces_than_a_ticket_can_count(counter):
    crew, job = team.Team(2), np.zeros(64, np.int64)
    wide = np.zeros(team.NONE + 10, np.int64)
    run(crew, counter.address, job, 64)                      # the helper is up
    run(crew, counter.address, wide, len(wide))
    assert np.all(wide == 1)
    assert crew.board[team.COUNT] == 64                     # what is not on the board, the caller has done alone


def test_a_helper_goes_to_bed_and_is_called_again(counter):
    """One that stays on the list of those awake is never called again, and the caller is alone from then on."""
    crew, job = team.Team(2), np.zeros(64, np.int64)

    def until(awake, work):
        late = time.monotonic() + 30
        while crew.board[team.AWAKE] != awake:
            assert time.monotonic() < late
            work()
            time.sleep(0.001)
    for awake in (1, 0, 1):
        until(awake, lambda awake=awake: awake and run(crew, counter.address, job, 64))


def test_the_caller_takes_pieces_from_the_start_and_the_helper_from_the_end(marker):
    crew, orders = team.Team(2), []
    for _ in range(500):
        job = np.zeros(5, np.int64)
        run(crew, marker.address, job, 4)
        if len(set(job[:4])) == 2:                          # the helper was up
            orders.append([desk == job[0] for desk in job[:4]])
        if len(orders) == 20:
            break
    assert len(orders) >= 5
    assert all(order == sorted(order, reverse=True) for order in orders)


def test_every_piece_is_done_once(counter):
    """Whoever takes it: with more threads than cores, with several callers at once, job after job."""
    crew, wrong = team.Team(4), []

    def call(seed):
        rng = np.random.default_rng(seed)
        for _ in range(1500):
            job, count = np.zeros(64, np.int64), int(rng.integers(1, 65))
            run(crew, counter.address, job, count)
            if not (np.all(job[:count] == 1) and np.all(job[count:] == 0)):
                wrong.append((seed, count, job))

    callers = [threading.Thread(target=call, args=(seed,)) for seed in range(3)]
    for t in callers:
        t.start()
    for t in callers:
        t.join()
    assert wrong == []
    assert crew.board[team.BUSY] == 0


@COMPILED
def test_two_threads_can_train_at_once(rng):
    a, b = matrices(rng, 200, 300, 260, np.float32)
    expected, different = dense.matmul(a, b).tobytes(), []

    def call():
        different.extend(i for i in range(60) if dense.matmul(a, b).tobytes() != expected)
    callers = [threading.Thread(target=call) for _ in range(2)]
    for t in callers:
        t.start()
    for t in callers:
        t.join()
    assert different == []


@COMPILED
def test_a_helper_has_room_for_its_desk(python):
    """Where other threads are given little: it would write over what lies below its stack."""
    out = python("import threading, numpy as np; threading.stack_size(2**16); "
                 "from numpygan.kernels import dense, team; team._team = team.Team(3); a = np.ones((500, 500)); "
                 "print(dense.matmul(a, a).sum(), threading.stack_size())")
    assert out.split() == [f"{500.**3}", "65536"]


@COMPILED
def test_a_caller_with_half_a_megabyte_of_stack_has_room_for_its_desk(python):
    """For one: the system ends a process whose thread has written below its stack."""
    out = python("import threading, numpy as np; from numpygan.kernels import dense; a = np.ones((500, 500))\n"
                 "threading.stack_size(2**19)\n"
                 "thread = threading.Thread(target=lambda: print(dense.matmul(a, a).sum())); "
                 "thread.start(); thread.join()")
    assert float(out) == 500.**3


def test_a_limit_ends():
    before = team._team
    with team.limited(3):
        assert team._team.size == 3
    assert team._team is before


FORK = """
import os, warnings
import numpy as np
from numpygan.kernels import dense, team
warnings.simplefilter("ignore")                      # newer Pythons warn of a fork beside threads
a = np.random.default_rng(0).standard_normal((300, 300)).astype(np.float32)
crew = team._team = team.Team(2)
before = dense.matmul(a, a).tobytes()
child = os.fork()
same = dense.matmul(a, a).tobytes() == before
if child == 0:
    os._exit(0 if same and team._team is not crew and team._team.board[team.BUSY] == 0 else 1)
print(same, os.waitpid(child, 0)[1])
"""


@COMPILED
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_after_a_fork_both_processes_go_on(python):
    """The child with a team of its own: the helpers that the other one believes awake are not in it."""
    assert python(FORK).split() == ["True", "0"]


LOCKED = """
import os, signal, threading, time, warnings
from numpygan import threads
from numpygan.kernels import passes, support
warnings.simplefilter("ignore")
inside = threading.Event()
def other():
    with threads._lock, support.opened(passes._forward):
        inside.set()
        time.sleep(0.5)
threading.Thread(target=other).start()
inside.wait()
child = os.fork()
if child == 0:
    signal.alarm(20)                                 # the end of a child that waits for somebody who is not there
    closed = not passes._forward._can_compile
    with support.opened(passes._forward), threads.one_blas_thread():
        os._exit(0 if closed else 1)
print(os.waitpid(child, 0)[1])
"""


@COMPILED
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_while_another_thread_compiles(python):
    """The child waits for nobody, and has no door that stays open."""
    assert python(LOCKED).strip() == "0"


# --------------------------------------------------------------------------------------------------- CPUs

OTHER = """
import numpy as np
from numpygan.kernels import dense, tiles
{patch}
dense.OURS = True
rng, worst = np.random.default_rng(0), 0
for n, k, m in [(1, 1, 1), (5, 7, 9), (12, 16, 32), (40, 33, 47), (70, 300, 65), (300, 40, 70)]:
    for dtype in (np.float32, np.float64):
        for a, b in [(rng.standard_normal((n, k)), rng.standard_normal((k, m))),
                     (rng.standard_normal((k, n)).T, rng.standard_normal((m, k)).T)]:
            a, b = a.astype(dtype), b.astype(dtype)
            off = np.abs(dense.matmul(a, b) - a.astype(np.longdouble) @ b) / (np.abs(a) @ np.abs(b))
            worst = max(worst, float(off.max() / np.finfo(dtype).eps / (k + 2)))
print(tiles.VECTOR, tiles.ROWS, worst)
"""


AVX2 = "+64bit,+cmov,+cx16,+cx8,+fxsr,+mmx,+popcnt,+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+avx,+avx2,+bmi,+bmi2,+fma"


@COMPILED
@pytest.mark.parametrize(("cpu", "features", "patch", "tile"), [
    ("haswell", AVX2, "", (32, 6)),
    ("generic", "", "", (16, 6)),
    ("", "", "tiles.VECTOR, tiles.WIDTH, tiles.ROWS, tiles._tile = 64, 128, 12, tiles._tile_of(12)",
     (64, 12))],                                                                    # AVX-512, in halves
    ids=["haswell", "generic", "512 bits"])
def test_tiles_of_other_cpus(python, tmp_path, cpu, features, patch, tile):
    names = {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": features}
    vector, rows, worst = python(OTHER.format(patch=patch), NUMBA_CACHE_DIR=str(tmp_path),
                                 **{name: value for name, value in names.items() if value}).split()
    assert (int(vector), int(rows)) == tile
    assert 0 < float(worst) < 1


def test_blas_warns_of_nothing_as_compiled_code_does(monkeypatch):
    """On ARM OpenBLAS reports divisions by 0 where there are none; here an overflow will do."""
    monkeypatch.setattr(dense, "OURS", False)
    monkeypatch.setattr(stack, "OURS", False)
    large = np.full((1, 1), 1e30, np.float32)
    with np.errstate(all="raise"):
        assert dense.matmul(large, large) == np.inf
        y, hidden = stack.mlp(large, np.array([1e30, 0], np.float32), (1, 1), (1.0,))
        dx = stack.mlp_backward(large, hidden, y, large, np.array([1e30, 0], np.float32), (1, 1), (1.0,),
                                np.empty(2, np.float32), True)
    assert y == dx == np.inf


def test_without_the_compiler_products_are_made_by_blas(python):
    out = python("from numpygan.kernels import dense; import numpy as np; "
                 "print(dense.OURS, dense.matmul(np.eye(3, 2), np.ones((2, 4))).sum())", NUMBA_DISABLE_JIT="1")
    assert out.split() == ["False", "8.0"]
