"""What holds for every network and every batch, tried on examples that Hypothesis thinks of (always the same ones)."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numpygan as ng

EPS = np.finfo(float).eps
FEW = settings(max_examples=25, deadline=None, derandomize=True, database=None)

MAKE = {
    "dense": lambda: ng.Dense(4), "no bias": lambda: ng.Dense(6, bias=False), "sigmoid": ng.Sigmoid, "tanh": ng.Tanh,
    "relu": ng.ReLU, "leaky": lambda: ng.LeakyReLU(.1), "dropout": lambda: ng.Dropout(.5),
}
stacks = st.lists(st.sampled_from(list(MAKE)), max_size=3)
seeds = st.integers(0, 2**32 - 1)
rows = st.integers(1, 6)


def network(names, d_in, seed, engine, maxout=True):
    """The layers of these names, a maxout in the middle, parameters that are not small."""
    layers = [MAKE[name]() for name in names]
    if maxout:
        layers[len(layers) // 2:len(layers) // 2] = [ng.Dense(4), ng.Maxout(2)]
    net = ng.Network(layers or [ng.Tanh()], d_in, rng=np.random.default_rng(seed), dtype=np.float64, engine=engine)
    net.theta = np.random.default_rng(seed + 1).standard_normal(net.theta.size)
    return net


def close(a, b, ulps=200):
    """Equal to rounding, beside the largest entry: sums may be taken in any order."""
    largest = max(1, np.max(np.abs(a), initial=0), np.max(np.abs(b), initial=0))
    assert np.max(np.abs(a - b), initial=0) <= ulps * EPS * largest


@FEW
@given(names=stacks, d=st.integers(1, 4), n=rows, seed=seeds, a=st.floats(-3, 3), b=st.floats(-3, 3))
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_backward_is_linear_in_dy(engine, names, d, n, seed, a, b):
    """J^T (a u + b v) = a J^T u + b J^T v, for dx and g, dropout drawn or not."""
    rng = np.random.default_rng(seed)
    net = network(names, d, seed, engine)
    _, tape = net.forward(rng.standard_normal((n, d)), rng)
    u, v = rng.standard_normal((2, n, net.d_out))
    (dx_u, g_u), (dx_v, g_v), (dx, g) = (net.backward(tape, dy) for dy in (u, v, a * u + b * v))
    close(dx, a * dx_u + b * dx_v)
    close(g, a * g_u + b * g_v)


@FEW
@given(names=stacks, d=st.integers(1, 4), sizes=st.tuples(rows, rows), seed=seeds)
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_gradient_of_two_batches_is_the_sum_and_dx_is_stacked(engine, names, d, sizes, seed):
    """What allows real and fake to share one pass; in evaluation, where no layer draws."""
    rng = np.random.default_rng(seed)
    net = network(names, d, seed, engine)
    xs = [rng.standard_normal((n, d)) for n in sizes]
    dys = [rng.standard_normal((n, net.d_out)) for n in sizes]
    y, tape = net.forward(np.concatenate(xs))
    dx, g = net.backward(tape, np.concatenate(dys))
    parts = [net.forward(x) for x in xs]
    backs = [net.backward(t, dy) for (_, t), dy in zip(parts, dys, strict=True)]
    close(y, np.concatenate([part for part, _ in parts]))
    close(dx, np.concatenate([part for part, _ in backs]))
    close(g, backs[0][1] + backs[1][1])


@FEW
@given(names=stacks, d=st.integers(1, 4), n=rows, seed=seeds)
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_rows_may_be_permuted(engine, names, d, n, seed):
    """y and dx move with the rows, g does not notice."""
    rng = np.random.default_rng(seed)
    net = network(names, d, seed, engine)
    x, dy, order = rng.standard_normal((n, d)), rng.standard_normal((n, net.d_out)), rng.permutation(n)
    y, tape = net.forward(x)
    dx, g = net.backward(tape, dy)
    y_moved, tape = net.forward(x[order])
    dx_moved, g_moved = net.backward(tape, dy[order])
    close(y_moved, y[order])
    close(dx_moved, dx[order])
    close(g_moved, g)


@FEW
@given(names=st.lists(st.sampled_from(["no bias", "relu", "leaky", "dropout"]), max_size=4), d=st.integers(1, 4),
       n=rows, seed=seeds, c=st.floats(1e-3, 1e3))
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_rectifiers_without_biases_are_positively_homogeneous(engine, names, d, n, seed, c):
    """f(c x) = c f(x) for c > 0; so Euler's relation <dx, x> = <dy, y> holds, and dx is the same at c x as at x."""
    rng = np.random.default_rng(seed)
    net = network(names or ["relu"], d, seed, engine, maxout=False)
    x = rng.standard_normal((n, d))
    y, tape = net.forward(x)
    y_scaled, tape_scaled = net.forward(c * x)
    close(y_scaled / c, y)
    dy = rng.standard_normal(y.shape)
    dx = net.backward(tape, dy, want_g=False)[0]
    close(np.sum(dx * x), np.sum(dy * y), 2000)
    close(net.backward(tape_scaled, dy, want_g=False)[0], dx)


@FEW
@given(n=st.integers(1, 20), m=st.integers(1, 20), scale=st.sampled_from([.1, 3, 100]), seed=seeds)
@pytest.mark.parametrize("loss", [ng.losses.Minimax(), ng.losses.NonSaturating()], ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_what_holds_for_the_losses_on_any_logits(engine, loss, n, m, scale, seed):
    """Permuting rows permutes gradients, doubling the batch halves each entry, signs and bounds are the paper's."""
    loss, rng = loss.using(engine), np.random.default_rng(seed)
    real, fake = scale * rng.standard_normal((n, 1)), scale * rng.standard_normal((m, 1))
    L, d_real, d_fake = loss.discriminator(real, fake)
    twice = loss.discriminator(np.repeat(real, 2, 0), np.repeat(fake, 2, 0))
    close(twice[0], L)
    close(2 * twice[1][::2], d_real)
    close(2 * twice[2][1::2], d_fake)
    assert L > 0                                                 # -V: two cross-entropies
    assert ((-1 / n <= d_real) & (d_real <= 0)).all()            # D raises its logit on real
    assert ((d_fake >= 0) & (d_fake <= 1 / m)).all()             # and lowers it on fake
    L_G, d = loss.generator(fake)
    assert ((-1 / m <= d) & (d <= 0)).all()                      # G raises it: both games pull the same way
    order = rng.permutation(m)
    L_moved, d_moved = loss.generator(fake[order])
    close(L_moved, L_G)
    close(d_moved, d[order])
