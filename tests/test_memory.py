"""What a step frees stays with the process: the next step meets no page faults."""
import sys

import pytest

from numpygan import memory

GNU = pytest.mark.skipif(not sys.platform.startswith("linux") or not memory.keep(), reason="not GNU's malloc")
# In a process of its own: what other tests have left free decides what this one is given, and when it is given back.
CODE = """
import resource
import numpy as np
from numpygan import memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        arrays = [np.ones(2**18) for _ in range(8)]         # 16 MB, which are 4,096 pages
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

assert memory.keep()
faults()
print(faults())
"""


@GNU
def test_memory_that_was_freed_is_taken_again(python):
    assert int(python(CODE)) < 4096                             # once at most, not twenty times


def test_without_gnus_malloc_nothing_happens(monkeypatch):
    class Other:
        pass
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: Other())
    assert memory.keep.__wrapped__() is False
