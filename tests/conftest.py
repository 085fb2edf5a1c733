"""What all tests share: a temporary cache for compiled kernels, both engines, plots without a screen."""
import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"      # the products in tests are small; read when NumPy is imported

import numpy as np  # noqa: E402
import pytest  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
SCRATCH = tempfile.mkdtemp(prefix="numpygan-tests-")
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)

JIT_OFF = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")

assert JIT_OFF or "numba" not in sys.modules, "Numba reads NUMBA_CACHE_DIR when it is imported: too late to change it"
# No kernel compiled from older sources. All processes of a run share the folder; while developing, one that is kept
# saves compiling them again.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["NUMBA_CACHE_DIR"] = os.environ.get("NUMPYGAN_TEST_CACHE") or os.path.join(SCRATCH, "numba")
os.environ["MPLBACKEND"] = "Agg"
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = os.path.join(SCRATCH, "hypothesis")
os.environ.pop("NUMPYGAN_ENGINE", None)

UNCOMPILED = {"test_notebooks", "test_docs", "test_torch"}            # they run what the other tests run


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """The whole suite runs in as many processes as there are cores, a part of it in one; `-n` says otherwise."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and "PYTEST_XDIST_WORKER" not in os.environ
    if whole and getattr(config.option, "numprocesses", 0) is None:             # there only with pytest-xdist
        config.option.numprocesses, config.option.dist = "auto", "worksteal"


def pytest_configure(config):
    config.addinivalue_line("markers", "statistical: trains for seconds; skipped where the kernels are not compiled")


def pytest_collection_modifyitems(items):
    for item in items:
        if JIT_OFF and (item.get_closest_marker("statistical") or item.path.stem in UNCOMPILED):
            item.add_marker(pytest.mark.skip(reason="nothing new with the kernels as Python loops (NUMBA_DISABLE_JIT)"))


@pytest.fixture(params=["numpy", "numba"])
def engine(request):
    """The test runs once with each engine."""
    return request.param


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request):
    """The test runs once in each precision."""
    return request.param


@pytest.fixture
def rng():
    return np.random.default_rng(20140610)


@pytest.fixture
def undrawn(monkeypatch):
    """Runs leave their pictures out: these have tests of their own."""
    for name in ("draw", "draw_samples"):
        monkeypatch.setattr(f"numpygan.app.run.Run.{name}", lambda *_: None)


@pytest.fixture
def python():
    """Run code in a fresh interpreter that finds this package: python("print(1)", NAME="value") -> its output."""

    def run(code, fails=False, **environment):
        env = os.environ | {"PYTHONPATH": str(ROOT)} | environment
        done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True,
                              timeout=120)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    return run
