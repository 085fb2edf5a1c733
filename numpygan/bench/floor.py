"""The matrix products of one iteration, by the best BLAS at hand, and one pass over Adam's arrays; nothing else.

What BLAS takes for them is what a step can hardly undercut that leaves its products to BLAS, as PyTorch does. Our own
products are not asked: they are among what is measured against it.
"""
import time

import numpy as np
from threadpoolctl import threadpool_limits

from .. import kernels
from .workloads import Workload


def floor(w: Workload):
    """A function that makes the bare products and updates of n iterations, into memory that is there already.

    BLAS has one thread or all, whichever is faster in some trials at first.
    """
    products = [(a, b, np.empty((a.shape[0], b.shape[1]), np.float32)) for a, b in _operands(w)]
    sizes = [sum(a * b + b for a, b in _forward(s)) for s in _networks(w)]
    vectors = [[np.full(k, 0.5, np.float32) for _ in range(4)] for k in sizes]

    def some(count):
        for t in range(1, count + 1):
            for a, b, out in products:
                np.dot(a, b, out)
            for theta, grad, m, v in vectors:
                kernels.adam(theta, grad, m, v, t, 1e-6, 0.5, 0.999, 1e-8)

    def on(threads, count):
        with threadpool_limits(threads, user_api="blas"):
            start = time.perf_counter()
            some(count)
            return time.perf_counter() - start

    some(1)
    trials = [[on(threads, 3) for threads in (1, None)] for _ in range(9)]      # in turns
    best = (1, None)[int(np.median(trials, axis=0).argmin())]
    return lambda count: on(best, count)


def _operands(w):
    """Both matrices of every product of one iteration, in its order."""
    rng = np.random.default_rng(0)

    def array(*shape):
        return rng.standard_normal(shape, dtype=np.float32)
    (g, d), n, pairs = _networks(w), w.batch, []
    for a, b in _forward(g):                                               # D's step: G forward
        pairs.append((array(n, a), array(a, b)))
    for i, (a, b) in enumerate(_forward(d)):                               # D forward, dW, and dx above the first
        pairs += [(array(2 * n, a), array(a, b)), (array(2 * n, a).T, array(2 * n, b))]
        if i:
            pairs.append((array(2 * n, b), array(a, b).T))
    for i, (a, b) in enumerate(_forward(g)):                               # G's step: G forward, dW, dx
        pairs += [(array(n, a), array(a, b)), (array(n, a).T, array(n, b))]
        if i:
            pairs.append((array(n, b), array(a, b).T))
    for a, b in _forward(d):                                               # through D
        pairs += [(array(n, a), array(a, b)), (array(n, b), array(a, b).T)]
    return pairs


def _networks(w):
    return (w.z, *w.hidden, w.x), (w.x, *w.hidden, 1)


def _forward(sizes):
    return list(zip(sizes, sizes[1:], strict=False))
