"""Compiled just now or read from the cache on disk, called first or last: every kernel returns the same bytes.

A compiled function that calls another may hold a copy of it, which the compiler has gone over twice and whose products
and sums it may have joined in another way; which of the two is run is decided by which was loaded first. `support.jit`
has such calls written out before they are compiled, so that there is one code of everything that rounds.
"""
import shutil

import pytest
from conftest import JIT_OFF, ROOT

pytestmark = pytest.mark.skipif(JIT_OFF, reason="nothing is compiled")


@pytest.fixture
def digests(python, tmp_path):
    """Run the kernels in a process with that cache: its lines, in one order."""
    def run(names, *args, cache="cache", **environment):
        code = f"import digests; digests.watch(); digests.write(digests.{names}, *{args})"
        return sorted(python(code, PYTHONPATH=f"{ROOT}:{ROOT / 'tests'}", NUMBA_CACHE_DIR=str(tmp_path / cache),
                             **environment).splitlines())
    return run


def test_a_step_of_training_has_the_same_bytes_with_a_fresh_and_a_full_cache(digests):
    first = digests("STEP")
    assert [line for line in first if line.startswith("copy")] == []
    assert len(first) == 30
    assert digests("STEP") == first
    assert digests("STEP", "f", True) == first


HITS = """
import sys
sys.path.insert(0, {!r})
import numpy as np
from numpygan.kernels import elementwise
elementwise.relu(np.ones(3))
print(sum(elementwise._relu.stats.cache_hits.values()))
"""


def test_what_was_compiled_with_another_file_as_it_was_is_compiled_anew(python, tmp_path):
    """Sizes of rooms and desks come from other files, and so do the compiler's settings."""
    shutil.copytree(ROOT / "numpygan", tmp_path / "numpygan", ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    def hits():
        return int(python(HITS.format(str(tmp_path)), NUMBA_CACHE_DIR=str(tmp_path / "cache")))
    assert [hits(), hits()] == [0, 1]
    with open(tmp_path / "numpygan" / "kernels" / "rows.py", "a") as file:
        file.write("ROOM = 10\n")
    assert [hits(), hits()] == [0, 1]


@pytest.mark.slow
@pytest.mark.parametrize("cpu", ["", "haswell +avx2,+fma", "generic "])
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_all_kernels_have_the_same_bytes_whatever_was_compiled_before(digests, dtype, cpu):
    """Everything now, everything before, in another order, and half of it before; for this CPU, or as for others."""
    environment = dict(zip(("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"), cpu.split(" "), strict=True)) if cpu else {}
    first = digests("ALL", dtype, **environment)
    assert [line for line in first if line.startswith("copy")] == []
    assert digests("ALL", dtype, **environment) == first
    assert digests("ALL", dtype, True, **environment) == first
    assert digests("ALL", dtype, True, cache="backwards", **environment) == first
    for half in ("ALL[::2]", "ALL[1::2]"):
        digests(half, dtype, cache=half, **environment)
        assert digests("ALL", dtype, cache=half, **environment) == first
