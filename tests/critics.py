"""Discriminators and batches for tests of penalties: drawn, and drawn again until rounding is small beside the result.

A bound of 50 roundings holds where a number is not a small difference of large ones. The gradient u of a row is one
where every unit is flat, and ‖u‖ − 1 is one where ‖u‖ is close to 1; a step of a difference may not cross a kink.
"""
import numpy as np

import numpygan as ng

NEAR = 1e-3                                     # of a kink: a hundred times as far as any difference moves
BENT = ng.ReLU, ng.LeakyReLU, ng.Maxout


def batches(n=6, m=6, dtype=np.float64):
    rng = np.random.default_rng(3)
    return rng.standard_normal((n, 3)).astype(dtype), (rng.standard_normal((m, 3)) + 1).astype(dtype)


def seeded():
    """The same draws every time: the same dropout masks, the same ε."""
    return np.random.default_rng(9)


def critic(layers, engine="numpy", dtype=np.float64):
    """Those layers and the logit, every parameter drawn: biases that start at 0 would hide some errors."""
    D, first = (ng.Network([*layers, ng.Dense(1)], 3, rng=np.random.default_rng(0), dtype=d, engine=e)
                for d, e in ((dtype, engine), (np.float64, "numpy")))
    kinds, rng = {type(layer) for layer in layers}, np.random.default_rng(1)
    scale = 2 if ng.Sigmoid in kinds and ng.Tanh not in kinds else 0.8                  # flat where weights are small
    for _ in range(1000):
        D.theta = first.theta = scale * rng.standard_normal(D.theta.size)
        if any(layer.batchwise for layer in layers) or _well_conditioned(first):
            return D
    raise AssertionError("none of 1,000 draws will do")


def _well_conditioned(D):
    (x, x_fake), rng = batches(), seeded()
    e = rng.random((len(x), 1), dtype=np.float32)
    for points, draw in ((x, seeded()), (x_fake, seeded()), (e * x + (1 - e) * x_fake, rng), (x, None)):
        logit, tape = D.forward(points, draw)
        size = np.linalg.norm(D.backward(tape, np.ones_like(logit))[0], axis=1)
        flat = (size > 0) & (size < 0.05)                       # 0 exactly: masked, or behind dead ReLUs
        if flat.any() or np.mean(size**2) < 0.1 or np.mean((size - 1)**2) < 0.05:
            return False
    return _off_kinks(D, x, x_fake, e * x + (1 - e) * x_fake)


def _off_kinks(D, *points):
    """Is what enters a bent unit off 0, and the largest of each k off the second?"""
    for i, layer in enumerate(D.layers):
        if isinstance(layer, BENT):
            below = ng.Network(D.layers[:i], 3, rng=np.random.default_rng(0), dtype=np.float64, engine="numpy")
            below.theta = D.theta[:below.theta.size]
            for x in points:
                a = below.forward(x, seeded())[0]
                a = np.sort(a.reshape(-1, layer.k))[:, -2:] if isinstance(layer, ng.Maxout) else a.reshape(-1, 1)
                if np.abs(a[:, -1] - (a[:, 0] if a.shape[1] > 1 else 0)).min() < NEAR:
                    return False
    return True
