"""Layers whose rows see each other: values by hand, full gradients, running moments, packs; and PyTorch's numbers."""
import math

import naive
import naive_family
import numpy as np
import pytest
from close import error

import numpygan as ng
from numpygan import functional, kernels

EPS = np.finfo(float).eps
STEP = 1e-20                                    # of the complex step: no subtraction, so no rounding
LAYERS = [ng.BatchNorm(), ng.BatchNorm(.5, 1e-2), ng.MinibatchStd(), ng.MinibatchStd(1e-3), ng.Pack(1), ng.Pack(2),
          ng.Pack(3)]


@pytest.fixture
def ops(engine):
    """The functions of one engine."""
    return {"numpy": functional, "numba": kernels}[engine]


def agree(got, expected):
    assert error(got, expected) <= 8 * EPS


def alone(layer, d_in, engine="numpy", dtype=np.float64):
    """A network of one layer, its parameters away from their initial values."""
    net = ng.Network([layer], d_in, rng=np.random.default_rng(1), dtype=dtype, engine=engine)
    net.theta = np.random.default_rng(2).uniform(.5, 1.5, net.theta.size)
    return net


def critic(layers, engine="numpy", dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    net = ng.Network([*layers, ng.Dense(1)], 3, rng=rng, dtype=dtype, engine=engine)
    net.theta = rng.standard_normal(net.theta.size)
    return net


# --------------------------------------------------------------------------------------------- values by hand


def test_eq_11_2_batch_norm(ops):
    # mean 3, variance 4, root √(4 + 5) = 3: x̂ = ∓2/3, y = 6 x̂ + 1; a constant column gives β
    x = np.array([[1, 7], [1, 7], [5, 7], [5, 7.]])
    y, x_hat, mean, var = ops.batch_norm(x, np.array([6., 2]), np.array([1., -1]), 5.)
    agree(y, [[-3, -1], [-3, -1], [5, -1], [5, -1]])
    agree(x_hat, np.array([[-2, 0], [-2, 0], [2, 0], [2, 0]]) / 3)
    agree(mean, [3, 7])
    agree(var, [4, 0])


def test_eq_11_3_batch_norm_backward(ops):
    # x̂ as above, γ / root = 1: mean dy = 1/4, mean dy x̂ = −1/6; dx₁ = 1 − 1/4 − (−2/3)(−1/6) = 23/36
    x_hat, dy = np.array([[-2], [-2], [2], [2.]]) / 3, np.array([[1], [0], [0], [0.]])
    dx, dgamma, dbeta = ops.batch_norm_backward(dy, x_hat, np.array([4.]), np.array([3.]), 5.)
    agree(dx, np.array([[23], [-13], [-5], [-5]]) / 36)
    agree(dgamma, [-2 / 3])
    agree(dbeta, [1])


def test_eq_11_4_running_moments_over_three_batches(engine):
    """(1, 3), (0, 4), (−1, 2, −4): means 2, 2, −1, variances over n − 1: 2, 8, 18/2; momentum ¼ from 0 and 1."""
    net = alone(ng.BatchNorm(momentum=.25), 1, engine)
    seen = []
    for batch in ([1, 3], [0, 4], [-1, 2, -4]):
        _, tape = net.forward(np.array(batch, float)[:, None], np.random.default_rng(0))
        net.commit(tape)
        seen.append(net.state.tolist())
    assert seen == [[.5, 1.25], [.875, 2.9375], [.40625, 4.453125]]


def test_the_edges_of_what_these_layers_take(engine):
    """It starts with γ = 1 and β = 0; with momentum 1 it remembers the last batch alone; a pack of one is the row."""
    net = ng.Network([ng.BatchNorm(momentum=1)], 1, rng=np.random.default_rng(0), dtype=np.float64, engine=engine)
    assert net.theta.tolist() == [1, 0]
    _, tape = net.forward(np.array([[1.], [3.]]), np.random.default_rng(0))
    net.commit(tape)
    assert net.state.tolist() == [2, 2]
    assert alone(ng.Pack(1), 2, engine)(np.array([[1., 2.]])).tolist() == [[1, 2]]


def test_eq_11_5_minibatch_std(ops):
    # columns (1, 3) and (0, 6): σ = 1 and 3, s = 2; slope ∓1 / (2·2·1) and ∓3 / (2·2·3)
    y, slope = ops.minibatch_std(np.array([[1, 0], [3, 6.]]), 0.)
    agree(y, [[1, 0, 2], [3, 6, 2]])
    agree(slope, [[-.25, -.25], [.25, .25]])
    y, slope = ops.minibatch_std(np.array([[1], [3.]]), 3.)                    # √(1 + 3) = 2, slope ∓1 / (2·1·2)
    agree(y, [[1, 2], [3, 2]])
    agree(slope, [[-.25], [.25]])


def test_eq_11_6_minibatch_std_backward(ops):
    # the added column: 10 + 20 = 30, times ∓1/4
    dx = ops.minibatch_std_backward(np.array([[1, 2, 10], [3, 4, 20.]]), np.array([[-.25, -.25], [.25, .25]]))
    agree(dx, [[-6.5, -5.5], [10.5, 11.5]])
    with pytest.raises(ValueError, match="one column more than slope"):
        ops.minibatch_std_backward(np.ones((2, 2)), np.ones((2, 2)))


def test_eq_11_11_pack(engine, dtype):
    """Five rows in packs of two: the fifth is left out and gets no gradient."""
    net = alone(ng.Pack(2), 2, engine, dtype)
    y, tape = net.forward(np.arange(10).reshape(5, 2))
    assert (y.tolist(), y.dtype, net.d_out) == ([[0, 1, 2, 3], [4, 5, 6, 7]], dtype, 4)
    dx, _ = net.backward(tape, np.array([[1, 2, 3, 4], [5, 6, 7, 8]]))
    assert (dx.tolist(), dx.dtype) == ([[1, 2], [3, 4], [5, 6], [7, 8], [0, 0]], dtype)


def test_a_batch_of_equal_rows_has_finite_gradients(engine, dtype):
    for layer in (ng.BatchNorm(), ng.MinibatchStd()):
        net = alone(layer, 3, engine, dtype)
        y, tape = net.forward(np.ones((4, 3)), np.random.default_rng(0))
        dx, g = net.backward(tape, y)
        assert np.isfinite(y).all()
        assert np.isfinite(dx).all()
        assert np.isfinite(g).all()


# ------------------------------------------------------------------------------------------------- derivatives


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_every_derivative_against_the_complex_step(rng, engine, layer, training):
    """Alone and inside a network, in x and in every parameter: no part of the gradient is missing."""
    for layers in ([layer], [ng.Dense(6), layer, ng.Tanh(), ng.Dense(2)]):
        net = ng.Network(layers, 4, rng=rng, dtype=np.float64, engine=engine)
        net.theta = rng.standard_normal(net.theta.size)
        net.state = rng.uniform(.5, 2, net.state.size)
        x, dx = rng.standard_normal((2, 7, 4)) + 3
        dtheta = rng.standard_normal(net.theta.size)
        draw = rng if training else None
        y, tape = net.forward(x, draw)
        dy = rng.standard_normal(y.shape)
        back, g = net.backward(tape, dy)
        x_step = net.forward(x + STEP * 1j * dx, draw)[0].imag / STEP
        theta_step = net.forward(x, draw, theta=net.theta + STEP * 1j * dtheta)[0].imag / STEP
        assert abs(np.sum(dy * x_step) - np.sum(back * dx)) <= 1e-13 * np.abs(dy * x_step).sum()
        assert abs(np.sum(dy * theta_step) - np.sum(g * dtheta)) <= 1e-13 * np.abs(dy * theta_step).sum()


def naive_gradient(net, x, x_fake, alpha):
    """L_D and g_D of Dense, BatchNorm, LeakyReLU, MinibatchStd, Dense in loops, real and fake apart."""
    p = {name: value.tolist() for name, value in net.params().items()}
    tapes, logits = [], []
    for batch in (x, x_fake):
        a = naive.affine(batch, p["0.W"], p["0.b"])
        b, x_hat, _, var = naive_family.batch_norm(a, p["1.gamma"], p["1.beta"], 1e-5)
        h = naive.leaky_relu(b, .2)
        y, slope = naive_family.minibatch_std(h, 1e-8)
        logits.append(naive.affine(y, p["4.W"], p["4.b"]))
        tapes.append((batch, x_hat, var, h, slope, y))
    L, *ds = naive.bce_discriminator(*logits, alpha)
    total = np.zeros(net.theta.size)
    for (batch, x_hat, var, h, slope, y), d in zip(tapes, ds, strict=True):
        dh = naive_family.minibatch_std_backward(naive.affine_dx(d, p["4.W"]), slope)
        db = naive.leaky_relu_backward(dh, h, .2)
        da, dgamma, dbeta = naive_family.batch_norm_backward(db, x_hat, var, p["1.gamma"], 1e-5)
        first, last = (naive.affine_dW(batch, da), naive.affine_db(da)), (naive.affine_dW(y, d), naive.affine_db(d))
        total += np.concatenate([np.ravel(part) for part in (*first, dgamma, dbeta, *last)])
    return L, total


def test_a_discriminators_gradient_is_that_of_the_loops_real_and_fake_apart(rng, engine, dtype):
    net = critic([ng.Dense(5), ng.BatchNorm(), ng.LeakyReLU(), ng.MinibatchStd()], engine, dtype)
    x, x_fake = rng.standard_normal((6, 3)).astype(dtype), rng.standard_normal((4, 3)).astype(dtype) + 1
    L, g = ng.discriminator_gradient(net, ng.losses.NonSaturating(real_label=.9), x, x_fake, rng)
    expected_L, expected = naive_gradient(net, x, x_fake, .9)
    assert g.dtype == dtype
    assert abs(L - expected_L) <= 200 * np.finfo(dtype).eps * abs(expected_L)
    assert error(g, expected) <= 200 * np.finfo(dtype).eps


ROWWISE = [[ng.Dense(4)], [ng.Sigmoid()], [ng.Tanh()], [ng.ReLU()], [ng.LeakyReLU()], [ng.Maxout(3)], [ng.Dropout(.5)],
           [ng.SpectralDense(4), ng.LeakyReLU()]]


def split_and_whole(net, x, rng):
    """The gradient of Σ D(x) over a batch of 8, and the sum of those of its first 3 and last 5 rows."""
    whole, *parts = (net.backward(tape, np.ones_like(y))[1]
                     for y, tape in (net.forward(rows, rng) for rows in (x, x[:3], x[3:])))
    return whole, sum(parts)


@pytest.mark.parametrize("layers", ROWWISE, ids=repr)
def test_gradients_add_up_over_the_batch_where_rows_pass_alone(rng, engine, layers):
    whole, parts = split_and_whole(critic(layers, engine), rng.standard_normal((8, 3)), None)
    assert error(whole, parts) <= 50 * EPS


@pytest.mark.parametrize("layer", [ng.BatchNorm(), ng.MinibatchStd(), ng.Pack(2)], ids=repr)
def test_gradients_do_not_add_up_where_rows_see_each_other(rng, engine, layer):
    net = critic([ng.Dense(4), layer, ng.Tanh()], engine)
    whole, parts = split_and_whole(net, rng.standard_normal((8, 3)), rng)
    assert error(whole, parts) > .02
    assert not net.rowwise


def test_in_evaluation_batch_norm_is_one_map_for_every_row(rng, engine):
    net = critic([ng.Dense(4), ng.BatchNorm()], engine)
    net.state = rng.uniform(.5, 2, 8)
    whole, parts = split_and_whole(net, rng.standard_normal((8, 3)), None)
    assert error(whole, parts) <= 50 * EPS
    x = rng.standard_normal((5, 3))
    mean, var = np.split(net.state, 2)
    p = net.params()
    y = p["1.gamma"] * (x @ p["0.W"] + p["0.b"] - mean) / np.sqrt(var + 1e-5) + p["1.beta"]
    assert error(net(x), y @ p["2.W"] + p["2.b"]) <= 50 * EPS


# ---------------------------------------------------------------------------------------------------- manners


@pytest.mark.parametrize("layer", [ng.BatchNorm(), ng.MinibatchStd(), ng.Pack(2)], ids=repr)
@pytest.mark.parametrize("penalty", [ng.penalties.R1(1), ng.penalties.R2(1), ng.penalties.GradientPenalty()], ids=repr)
def test_penalties_refuse_these_layers_and_say_why(rng, layer, penalty):
    x = rng.standard_normal((6, 3))
    with pytest.raises(ValueError, match="mixes the rows of a batch"):
        penalty(critic([layer]), x, x + 1, rng)


def test_a_training_pass_of_one_row_is_refused_and_an_evaluation_is_not(rng, engine):
    net = alone(ng.BatchNorm(), 3, engine)
    with pytest.raises(ValueError, match="at least 2 rows, and got 1"):
        net.forward(np.ones((1, 3)), rng)
    assert net(np.ones((1, 3))).shape == (1, 3)


def test_a_batch_smaller_than_a_pack_is_refused(rng):
    with pytest.raises(ValueError, match=r"Pack\(3\): the batch has 2 rows, fewer than one pack"):
        alone(ng.Pack(3), 2).forward(np.ones((2, 2)))


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: ng.BatchNorm(momentum=0), r"BatchNorm: the momentum must lie in \(0, 1\], got 0"),
    (lambda: ng.BatchNorm(momentum=math.nan), "BatchNorm: the momentum"),
    (lambda: ng.BatchNorm(eps=0), "BatchNorm: eps must be positive, got 0"),
    (lambda: ng.MinibatchStd(eps=-1), "MinibatchStd: eps must be positive, got -1"),
    (lambda: ng.Pack(0), "Pack: the number of rows in a pack must be a whole number of at least 1, got 0"),
    (lambda: ng.Pack(1.5), "Pack: the number of rows"),
])
def test_impossible_layers_say_why(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize("layer", [ng.BatchNorm(), ng.MinibatchStd()], ids=repr)
def test_nan_in_one_row_is_not_swallowed(rng, engine, layer):
    x = rng.standard_normal((4, 3))
    x[1, 2] = np.nan
    assert np.isnan(alone(layer, 3, engine).forward(x, rng)[0]).any()


def test_mode_collapse_shows_in_the_added_column(engine):
    """The same row again and again: the column is √eps, and grows with the spread of the batch."""
    net = alone(ng.MinibatchStd(eps=1e-8), 2, engine)
    x = np.array([[1, 2], [3, -2.]])
    columns = [net(spread * x)[:, -1] for spread in (0, 1, 2)]
    assert error(columns[0], [1e-4, 1e-4]) <= 8 * EPS
    assert error(columns[1], [1.5, 1.5]) <= 1e-8
    assert error(columns[2], [3, 3]) <= 1e-8


def test_means_of_many_rows_far_from_zero_round_no_more_than_the_rows_do(ops):
    """NumPy adds up a column of float32 row by row, which was off by 5 deviations for 100,000 rows at 10,000 ± 1."""
    x = (1000 + np.random.default_rng(0).standard_normal((50_000, 2))).astype(np.float32)
    exact = functional.batch_norm(x.astype(float), np.ones(2), np.zeros(2), 1e-5)
    found = ops.batch_norm(x, np.ones(2, "f"), np.zeros(2, "f"), 1e-5)
    for mine, right, size in zip(found, exact, (1000, 1000, 1000, 1), strict=True):
        assert np.abs(mine - right).max() <= 4 * size * np.finfo(np.float32).eps
    s, right = (ops.minibatch_std(x, 0.0)[0][0, -1], functional.minibatch_std(x.astype(float), 0.0)[0][0, -1])
    assert abs(s - right) <= 4 * np.finfo(np.float32).eps


# --------------------------------------------------------------------------------------------------- training


def test_a_packed_gan_trains(engine):
    """33 rows in packs of two: one logit for two samples, the 33rd left out; both networks move, to finite values."""
    rng = np.random.default_rng(0)
    G = ng.MLP([4, 16, 2], rng=rng, engine=engine)
    D = ng.Network([ng.Pack(2), ng.Dense(32), ng.LeakyReLU(), ng.Dense(1)], 2, rng=rng, engine=engine)
    before = G.theta.copy(), D.theta.copy()
    ng.GAN(G, D).fit(ng.data.ring(8), steps=20, batch=33, rng=rng)
    assert D(np.ones((33, 2))).shape == (16, 1)
    for net, theta in zip((G, D), before, strict=True):
        assert np.isfinite(net.theta).all()
        assert np.mean(net.theta != theta) > .9


def test_a_packed_discriminators_gradient_reaches_every_packed_fake(rng, engine):
    D = critic([ng.Pack(2), ng.Dense(4), ng.Tanh()], engine)
    _, tape = D.forward(rng.standard_normal((5, 3)))
    dx, _ = D.backward(tape, np.ones((2, 1)))
    assert dx[:4].all()
    assert not dx[4].any()


def test_all_of_them_in_one_game(engine):
    """float32 stays float32 everywhere, and the running moments follow."""
    rng = np.random.default_rng(0)
    G = ng.Network([ng.Dense(16), ng.BatchNorm(), ng.ReLU(), ng.Dense(2)], 4, rng=rng, engine=engine)
    layers = [ng.Pack(2), ng.Dense(16), ng.BatchNorm(), ng.LeakyReLU(), ng.MinibatchStd(), ng.SpectralDense(1)]
    D = ng.Network(layers, 2, rng=rng, engine=engine)
    history = ng.GAN(G, D).fit(ng.data.ring(8), steps=20, batch=32, rng=rng)
    assert np.isfinite(history["loss_D"]).all()
    for net, start in ((G, [0] * 16 + [1] * 16), (D, [0] * 16 + [1] * 16 + [0])):
        assert net.theta.dtype == net.state.dtype == np.float32
        assert (net.state != start).all()


# ---------------------------------------------------------------------------------------------- PyTorch's numbers


def test_three_batches_and_an_evaluation_are_pytorchs(rng, engine):
    torch = pytest.importorskip("torch", exc_type=ImportError)
    net = alone(ng.BatchNorm(momentum=.3, eps=1e-3), 4, engine)
    theirs = torch.nn.BatchNorm1d(4, eps=1e-3, momentum=.3, dtype=torch.float64)
    with torch.no_grad():
        theirs.weight[:], theirs.bias[:] = (torch.from_numpy(v.copy()) for v in np.split(net.theta, 2))
    for batch, training in ((6, True), (3, True), (2, True), (5, False)):
        x, dy = rng.standard_normal((2, batch, 4)) * 3 + 2
        theirs.train(training).zero_grad()
        tensor = torch.from_numpy(x).requires_grad_()
        out = theirs(tensor)
        out.backward(torch.from_numpy(dy))
        y, tape = net.forward(x, rng if training else None)
        dx, g = net.backward(tape, dy)
        net.commit(tape)
        their_g = torch.cat([theirs.weight.grad, theirs.bias.grad])
        their_state = torch.cat([theirs.running_mean, theirs.running_var])
        for ours, other in ((y, out.detach()), (g, their_g), (net.state, their_state)):
            assert error(ours, other.numpy()) <= 200 * EPS
        # Of two rows x̂ is ∓1 but for eps, and dx is what three terms of this size leave, each off as x − mean is:
        root = np.sqrt(x.var(axis=0) + 1e-3)
        terms = np.max(net.theta[:4] * np.abs(dy) / root * (1 + np.abs(x).max() / root))
        assert np.abs(dx - tensor.grad.numpy()).max() <= 200 * EPS * terms
