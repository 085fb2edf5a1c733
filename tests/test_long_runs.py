"""Runs that are long, and runs side by side: nothing grows, nothing leaks, nobody disturbs the other."""
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from cases import CASES, DRAWS, drawer
from threadpoolctl import ThreadpoolController, threadpool_info

import numpygan as ng
from numpygan import kernels, threads

LINUX = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc to look into")


def make(seed, engine="numpy", hidden=8):
    rng = np.random.default_rng(seed)
    return ng.GAN(ng.MLP([2, hidden, 2], rng=rng, engine=engine), ng.MLP([2, hidden, 1], rng=rng, engine=engine))


def trained(seed, engine, steps=150):
    """A GAN after some steps, as bytes."""
    gan = make(seed, engine, hidden=32)
    gan.fit(ng.data.ring(), steps=steps, batch=64, rng=np.random.default_rng(seed))
    return gan.G.theta.tobytes() + gan.D.theta.tobytes() + gan.history.rows().tobytes()


def resident():
    """Bytes of memory that the process has in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def blas():
    return {(lib["filepath"], lib["num_threads"]) for lib in threadpool_info() if lib["user_api"] == "blas"}


# ------------------------------------------------------------------------------------------------------ long runs

@LINUX
def test_steps_leave_no_memory_behind():
    """2,000 steps after the first 500: less than 100 bytes a step, where one minibatch alone has 128."""
    gan, rng, data = make(0), np.random.default_rng(0), ng.data.ring()
    gan.fit(data, steps=500, batch=16, rng=rng)
    before = resident()
    gan.fit(data, steps=2000, batch=16, rng=rng)
    assert resident() - before < 100 * 2000 + (1 << 20)              # the allocator moves in steps of its own


@LINUX
@pytest.mark.parametrize("name", sorted(set(CASES) - {DRAWS}))
def test_a_kernel_leaves_no_memory_behind(name):
    """1,000 calls with arrays of 16 x 32 numbers and more, of which one alone would come to 2 MB."""
    arguments, call = CASES[name](drawer(np.float32, ["C"]), 16, 32, 24)[0], getattr(kernels, name)
    for _ in range(100):
        call(**arguments)
    before = resident()
    for _ in range(1000):
        call(**arguments)
    assert resident() - before < 1 << 19


@LINUX
@pytest.mark.parametrize("of_D", [
    [ng.Dense(32), ng.BatchNorm()], [ng.Dense(32), ng.MinibatchStd()], [ng.Dense(32), ng.Dropout(), ng.Maxout(4)],
    [ng.SpectralDense(32), ng.Sigmoid()], [ng.Pack(2), ng.Dense(32), ng.ReLU()]], ids=str)
def test_no_layer_leaves_memory_behind(of_D, engine):
    """400 steps with minibatches of 4 kB: one array a step would come to 1.6 MB."""
    rng, data = np.random.default_rng(0), ng.data.array(np.random.default_rng(1).uniform(0, 1, (320, 32)))
    G = ng.Network([ng.Dense(32), ng.BatchNorm(), ng.Tanh(), ng.Dense(32)], 4, rng=rng, engine=engine)
    D = ng.Network([*of_D, ng.Dense(1)], 32, rng=rng, engine=engine)
    gan = ng.GAN(G, D, penalties=() if any(layer.batchwise for layer in of_D) else [ng.penalties.GradientPenalty()])
    gan.fit(data, steps=200, batch=32, rng=rng)
    before = resident()
    gan.fit(data, steps=400, batch=32, rng=rng)
    assert resident() - before < 1 << 20


@LINUX
@pytest.mark.slow
def test_200_000_steps_stay_flat(engine):
    """The history thins out at 100,000 rows and is all that grows: 48 bytes a step until then, nothing after."""
    gan, rng, data, seen = make(0, engine), np.random.default_rng(0), ng.data.ring(), []
    for _ in range(20):
        gan.fit(data, steps=10_000, batch=8, rng=rng, callbacks=[])
        seen.append(resident())
    assert len(gan.history) == 200_000
    assert len(gan.history["step"]) <= 100_000
    assert seen[-1] - seen[0] < 16 << 20
    assert seen[-1] - seen[-5] < 1 << 20


@LINUX
def test_a_run_leaves_no_file_handle_and_no_figure_open(tmp_path, monkeypatch):
    import matplotlib.pyplot as plt

    from numpygan.app.train import resume, train
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMPYGAN_ENGINE", "numpy")
    changes = {"hidden_G": (8,), "hidden_D": (8,), "steps": 6, "batch": 16}
    train("ring", changes=changes, out="a")                          # what is opened once and stays is open now
    before = len(os.listdir("/proc/self/fd"))
    train("ring", changes=changes, out="b", checkpoint_every=1)
    resume("b", steps=9)
    assert len(os.listdir("/proc/self/fd")) == before
    assert plt.get_fignums() == []


# --------------------------------------------------------------------------------------------------- side by side

def test_two_trainings_in_two_threads_are_as_they_would_be_alone(engine):
    alone = [trained(seed, engine) for seed in (1, 2)]
    together, before = [b"", b""], blas()

    def work(i):
        together[i] = trained(i + 1, engine)
    workers = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert together == alone
    assert blas() == before


def test_the_limit_of_threads_lasts_to_the_last_of_two_trainings_and_is_taken_back():
    from threadpoolctl import threadpool_limits
    with threadpool_limits(2, user_api="blas"):
        before = blas()
        if {n for _, n in before} == {1}:
            pytest.skip("this BLAS has one thread")
        first, second = threads.one_blas_thread(), threads.one_blas_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)                             # the one that came first goes first
        assert {n for _, n in blas()} == {1}
        second.__exit__(None, None, None)
        assert blas() == before


def test_a_library_that_comes_later_is_limited_too(monkeypatch):
    """The libraries are looked for again when something has been imported, and not before."""
    looked = []
    monkeypatch.setattr(threads, "ThreadpoolController", lambda: looked.append(0) or ThreadpoolController())
    threads._libraries.cache_clear()
    for _ in range(2):
        with threads.one_blas_thread():
            pass
    assert len(looked) == 1
    monkeypatch.setitem(sys.modules, "a module that is new", sys)
    with threads.one_blas_thread():
        pass
    assert len(looked) == 2


SIDE_BY_SIDE = ("import sys; sys.path.insert(0, 'tests'); import hashlib\n"
                "from test_long_runs import trained\n"
                "print(hashlib.sha256(trained(1, 'numba', 60)).hexdigest())")


@pytest.mark.slow
def test_two_processes_that_compile_and_train_at_once_agree(tmp_path):
    """Both begin with the same empty cache of kernels; a third reads what they left there."""
    env = os.environ | {"NUMPYGAN_TEST_CACHE": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path)}

    def start():
        return subprocess.Popen([sys.executable, "-W", "error", "-c", SIDE_BY_SIDE], env=env, text=True,
                                stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[1])
    both = [start(), start()]
    told = [process.communicate(timeout=300)[0] for process in both]
    third, _ = start().communicate(timeout=300)
    assert len(told[0]) == 65
    assert told == [third, third]
