"""Twenty steps of Algorithm 1, three times: the oracle's loops, the NumPy engine, the Numba engine, in float64.

`GAN.fit` trains; what it drew (x from the data, z from the prior) is recorded and handed to the oracle, which starts
at the same parameters. Parameters, losses, means of D and gradient norms must agree after every one of the steps.
"""
import functools

import naive_gan
import numpy as np
import pytest
from close import error

import numpygan as ng

STEPS, BATCH = 20, 4
LIMIT = 1e-10
G_SIZES, D_SIZES = (2, 5, 2), (2, 6, 1)
LOSSES = {"minimax": ng.losses.Minimax, "non_saturating": ng.losses.NonSaturating}
OPTIMISERS = {                                                # the oracle's arguments; the package's
    "sgd": ({"lr": 0.1}, lambda: ng.optim.SGD(0.1)),
    "momentum": ({"lr": 0.05, "mu": 0.9}, lambda: ng.optim.Momentum(0.05, momentum=0.9)),
    "rmsprop": ({"lr": 0.01, "rho": 0.9, "eps": 1e-8}, lambda: ng.optim.RMSProp(0.01, rho=0.9, eps=1e-8)),
    "adam": ({"lr": 0.01, "beta1": 0.5, "beta2": 0.999, "eps": 1e-8},
             lambda: ng.optim.Adam(0.01, beta1=0.5, beta2=0.999, eps=1e-8)),
}


class Endless:
    """Data that writes down what it gave."""
    shape, range, n, labels = (2,), (0.0, 1.0), None, None         # every generator below can reach it

    def __init__(self, drawn):
        self.drawn = drawn

    def sample(self, n, rng):
        x = rng.random((n, 2)) * [1.0, 0.5] + [0.0, 0.5]
        self.drawn.append(("x", x.copy()))
        return x


class Recorded(ng.GAN):
    """A GAN that writes down its noise."""

    def draw(self, n, rng):
        z = super().draw(n, rng)
        self.drawn.append(("z", z.copy()))
        return z


def networks(engine, activations):
    """G and D, a value drawn for every parameter: biases that start at 0 would hide some errors.

    Of a layer with ReLU half is drawn and the other half is its opposite: at any point one of each two units lives.
    """
    rng = np.random.default_rng(7)
    nets = []
    for sizes, (hidden, output) in zip((G_SIZES, D_SIZES), activations, strict=True):
        net = ng.MLP(sizes, hidden=hidden, output=output, rng=rng, dtype=np.float64, engine=engine)
        theta = rng.standard_normal(net.theta.size) / 2
        if hidden == "relu":
            first = theta[:(sizes[0] + 1) * sizes[1]].reshape(-1, sizes[1])                   # W, and b below it
            first[:, sizes[1] // 2:] = -first[:, :sizes[1] // 2]
        net.theta = theta
        nets.append(net)
    return nets


def train(engine, loss, real_label, optimiser, k, activations, simultaneous):
    """20 steps of the package: everything recorded after each, what was drawn, and the parameters at the start."""
    G, D = networks(engine, activations)
    start = G.theta.copy(), D.theta.copy()
    new = OPTIMISERS[optimiser][1]
    gan = Recorded(G, D, loss=LOSSES[loss](real_label=real_label), opt_G=new(), opt_D=new(), simultaneous=simultaneous)
    gan.drawn, thetas = [], []
    history = gan.fit(Endless(gan.drawn), steps=STEPS, batch=BATCH, k=k, rng=np.random.default_rng(11),
                      callbacks=[lambda gan: thetas.append((gan.G.theta.copy(), gan.D.theta.copy()))])
    record = {name: history[name] for name in history.columns if name != "step"}
    record["theta_G"], record["theta_D"] = (np.array(column) for column in zip(*thetas, strict=True))
    return record, gan.drawn, start


def replay(start, drawn, loss, real_label, optimiser, k, activations, simultaneous):
    """The same steps by the oracle."""
    G, D = (naive_gan.MLP(sizes, names, theta)
            for sizes, names, theta in zip((G_SIZES, D_SIZES), activations, start, strict=True))
    opt_G, opt_D = (naive_gan.Optimiser(optimiser, **OPTIMISERS[optimiser][0]) for _ in range(2))
    values = iter([value.tolist() for _, value in drawn])
    records = []
    for _ in range(STEPS):
        pairs = [(next(values), next(values)) for _ in range(k)]
        if simultaneous:
            step = naive_gan.simultaneous_step(G, D, *pairs[0], loss, real_label, opt_G, opt_D)
        else:
            step = naive_gan.alternating_step(G, D, pairs, next(values), loss, real_label, opt_G, opt_D)
        records.append(step)
    assert next(values, None) is None
    return {name: np.array([step[name] for step in records]) for name in records[0]}


@functools.cache
def oracle(loss, real_label, optimiser, k, activations, simultaneous):
    """The oracle's twenty steps on what the NumPy engine drew; both engines draw the same (tested below)."""
    setting = loss, real_label, optimiser, k, activations, simultaneous
    _, drawn, start = train("numpy", *setting)
    return drawn, replay(start, drawn, *setting)


def compare(engine, loss, real_label, optimiser, k=1, activations=(("tanh", "identity"), ("leaky_relu", "identity")),
            simultaneous=False):
    setting = loss, real_label, optimiser, k, activations, simultaneous
    record, drawn, start = train(engine, *setting)
    drawn_before, expected = oracle(*setting)
    assert [kind for kind, _ in drawn] == (["x", "z"] * k + ["z"] * (not simultaneous)) * STEPS      # all of it fresh
    assert all(a.tobytes() == b.tobytes() for (_, a), (_, b) in zip(drawn, drawn_before, strict=True))
    assert set(record) == set(expected)
    for name, values in record.items():
        assert values.shape == expected[name].shape
        assert error(values, expected[name]) <= LIMIT, name
    for name, first in zip(("theta_G", "theta_D"), start, strict=True):
        moved = np.any(record[name] != first, axis=0)
        dead = 4 * 3 if name == "theta_D" and activations[1][0] == "relu" else 0          # three units, four in each
        assert moved.sum() >= first.size - dead
        assert np.array_equal(moved, np.any(expected[name] != first, axis=0))


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("real_label", [1.0, 0.9])
@pytest.mark.parametrize("loss", LOSSES)
def test_twenty_steps(engine, loss, real_label, optimiser, k):
    compare(engine, loss, real_label, optimiser, k)


@pytest.mark.parametrize("activations", [
    (("sigmoid", "tanh"), ("tanh", "identity")),
    (("leaky_relu", "identity"), ("sigmoid", "identity")),
    (("tanh", "sigmoid"), ("relu", "identity")),
], ids=lambda pair: "-".join(pair[0] + pair[1]))
@pytest.mark.parametrize("loss", LOSSES)
def test_twenty_steps_with_every_activation(engine, loss, activations):
    compare(engine, loss, 1.0, "momentum", activations=activations)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("loss", LOSSES)
def test_twenty_simultaneous_steps(engine, loss, optimiser):
    compare(engine, loss, 1.0, optimiser, simultaneous=True)
