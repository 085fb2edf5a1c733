"""The engines: which one is taken, what happens without Numba or without a place for its cache."""
import shutil

import numpy as np
import pytest

import numpygan as ng
from numpygan import engine as engines
from numpygan import functional

RNG = np.random.default_rng(0)

NO_NUMBA = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("numba", "llvmlite"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
"""

TRAIN = """
import numpy as np, numpygan as ng
rng = np.random.default_rng(0)
G = ng.Network([ng.Dense(8), ng.ReLU(), ng.Dense(2)], 3, rng=rng, {engine})
D = ng.Network([ng.Dense(8), ng.Maxout(2), ng.Dropout(.2), ng.Dense(1)], 2, rng=rng, {engine})
gan = ng.GAN(G, D, noise="uniform")
history = gan.fit(ng.data.ring(8), steps=3, batch=8, rng=rng)
assert np.isfinite(history["loss_D"]).all()
print(G.engine, gan.sample(2, rng).shape, gan.G.theta.sum())
"""


def test_numba_is_the_default_and_the_environment_may_change_it(monkeypatch):
    monkeypatch.delenv("NUMPYGAN_ENGINE", raising=False)
    assert ng.MLP([2, 1], rng=RNG).engine == "numba"
    monkeypatch.setenv("NUMPYGAN_ENGINE", "numpy")
    assert ng.MLP([2, 1], rng=RNG).engine == "numpy"
    assert ng.MLP([2, 1], rng=RNG, engine="numba").engine == "numba"       # what is asked for comes first
    monkeypatch.setenv("NUMPYGAN_ENGINE", "")
    assert ng.MLP([2, 1], rng=RNG).engine == "numba"


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_an_unknown_engine_is_refused_with_both_ways_to_name_one(how, monkeypatch):
    monkeypatch.setenv("NUMPYGAN_ENGINE", "torch" if how == "environment" else "numpy")
    with pytest.raises(ValueError, match="unknown engine 'torch': choose \"numba\" or \"numpy\" .argument engine= or "
                                         "the environment variable NUMPYGAN_ENGINE"):
        ng.MLP([2, 1], rng=RNG, engine="torch" if how == "argument" else None)


def test_each_engine_is_its_table_of_operations():
    from numpygan import kernels
    assert engines.ops("numpy") is functional
    assert engines.ops("numba") is kernels


def test_a_network_calls_its_own_engine(engine):
    """The table that layers see is the engine's; complex numbers always go through functional."""
    seen = []

    class Spy(ng.Layer):
        def forward(self, p, x, c):
            seen.append(c.ops.__name__)
            return x, None

        def backward(self, p, cache, dy, c):
            seen.append(c.ops.__name__)
            return dy, {}

    net = ng.Network([Spy()], 2, rng=RNG, engine=engine)
    _, tape = net.forward(np.ones((1, 2)))
    net.backward(tape, np.ones((1, 2)))
    assert set(seen) == {engines.MODULES[engine]}
    net(np.ones((1, 2)) + 0j)
    assert seen[-1] == "numpygan.functional"


def test_importing_the_package_brings_neither_numba_nor_matplotlib(python):
    out = python("import sys, numpygan, numpygan.gan, numpygan.losses, numpygan.optim, numpygan.data; "
                 "print(sorted({m.split('.')[0] for m in sys.modules} & {'numba', 'llvmlite', 'matplotlib', 'scipy'}))")
    assert out.strip() == "[]"


def test_a_numpy_network_trains_without_ever_importing_numba(python):
    python(TRAIN.format(engine="engine='numpy'") + "import sys; assert 'numba' not in sys.modules")


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_without_numba_everything_works_with_numpy(python, how):
    if how == "argument":
        out = python(NO_NUMBA + TRAIN.format(engine="engine='numpy'"))
    else:
        out = python(NO_NUMBA + TRAIN.format(engine=""), NUMPYGAN_ENGINE="numpy")
    assert out.startswith("numpy (2, 2)")
    assert out == python(TRAIN.format(engine="engine='numpy'"))             # and the same numbers as with it


@pytest.mark.parametrize("engine_argument", ["", "engine='numba'"], ids=["default", "asked for"])
def test_without_numba_asking_for_it_is_one_clear_error(python, engine_argument):
    err = python(NO_NUMBA + TRAIN.format(engine=engine_argument), fails=True)
    last = err.strip().splitlines()[-1]
    assert last == ("ImportError: the engine \"numba\" cannot be loaded (No module named 'numba'): install numba, or "
                    "ask for engine=\"numpy\" (or set NUMPYGAN_ENGINE=numpy)")


def test_without_numba_a_gan_that_was_saved_with_it_is_loaded_as_the_error_says(python, tmp_path):
    ng.GAN(ng.MLP([2, 2], rng=RNG, engine="numba"), ng.MLP([2, 1], rng=RNG, engine="numba")).save(tmp_path / "a.npz")
    load = f"import numpygan as ng; gan = ng.GAN.load({str(tmp_path / 'a.npz')!r}{{}}); print(gan.G.engine)"
    assert "ask for engine=\"numpy\"" in python(NO_NUMBA + load.format(""), fails=True)
    assert python(NO_NUMBA + load.format(", engine='numpy'")) == "numpy\n"


def test_kernels_work_where_the_cache_has_no_place(python, tmp_path):
    """Files stand where every folder that Numba tries should be: nobody can write there, not even root."""
    package = tmp_path / "numpygan"
    shutil.copytree(ng.__path__[0], package, ignore=shutil.ignore_patterns("__pycache__"))
    blockers = [tmp_path / "file", package / "kernels" / "__pycache__"]
    for blocker in blockers:
        blocker.write_text("not a folder")
    nowhere = dict.fromkeys(("NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME"), str(blockers[0] / "folder"))
    code = """
import numpy as np, numpygan as ng
rng = np.random.default_rng(0)
gan = ng.GAN(ng.MLP([3, 2], rng=rng, engine="numba"), ng.MLP([2, 1], rng=rng, engine="numba"))
gan.fit(ng.data.ring(8), steps=2, batch=4, rng=rng)
print(ng.__file__, gan.G.theta, gan.D.theta)
"""
    out = python(code, PYTHONPATH=str(tmp_path), PYTHONSAFEPATH="1", PYTHONDONTWRITEBYTECODE="1", **nowhere)
    assert out.startswith(str(package))
    assert out.split()[1:] == python(code).split()[1:]                      # the same numbers, only compiled anew
    assert [blocker.read_text() for blocker in blockers] == ["not a folder"] * 2


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_damaged_cache_is_made_anew(python, tmp_path, kind):
    """A power cut, a full disk: the index (nbi) or the compiled code (nbc) is cut short. The second run repairs it."""
    code = """
import numpy as np
from numpygan import kernels
from numpygan.kernels import exponential
print(kernels.sigmoid(np.zeros(2, np.float32)), sum(exponential._sigmoid_float32.stats.cache_hits.values()))
"""
    assert python(code, NUMBA_CACHE_DIR=str(tmp_path)) == "[0.5 0.5] 0\n"
    assert python(code, NUMBA_CACHE_DIR=str(tmp_path)) == "[0.5 0.5] 1\n"
    [file] = tmp_path.rglob(f"*.{kind}")
    file.write_bytes(file.read_bytes()[:10])
    assert python(code, NUMBA_CACHE_DIR=str(tmp_path)) == "[0.5 0.5] 0\n"
    assert python(code, NUMBA_CACHE_DIR=str(tmp_path)) == "[0.5 0.5] 1\n"


def test_a_full_disk_is_no_reason_to_fail(tmp_path):
    from numpygan.kernels import support

    @support.jit
    def twice(x):
        return 2 * x

    def full(*args):
        raise OSError(28, "No space left on device")
    twice._cache._cache_file.save = full
    assert twice(3) == 6
