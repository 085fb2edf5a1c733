"""Same seed, machine, versions, engine and number of threads: the same bytes, in processes of their own."""
import os

import pytest

TRAIN = """
import hashlib
import numpy as np, numpygan as ng
rng = np.random.default_rng(0)
gan = ng.GAN(ng.MLP([16, 512, 784], output="tanh", rng=rng, engine={engine!r}),
             ng.MLP([784, 512, 1], rng=rng, engine={engine!r}), penalties=[ng.penalties.R1(1.0)])
data = ng.data.array(np.random.default_rng(1).uniform(-1, 1, (700, 784)))
history = gan.fit(data, steps=12, batch=200, rng=rng)           # 4 batches an epoch, the last one shorter
numbers = [gan.G.theta, gan.D.theta, *gan.opt_D.moments.values(), *(history[c] for c in history.columns)]
print(hashlib.sha256(b"".join(a.tobytes() for a in numbers)).hexdigest())
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_two_processes_end_with_the_same_bytes(python, engine, threads):
    """The products are large enough to be shared among threads."""
    if threads > (os.cpu_count() or 1):
        pytest.skip("one CPU")
    limits = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "OPENBLAS", "NUMBA")}
    first, second = (python(TRAIN.format(engine=engine), **limits) for _ in range(2))
    assert first == second
    assert len(first.strip()) == 64
