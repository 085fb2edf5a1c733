"""Spectral normalisation: σ against singular values, the gradient through it, Lipschitz 1, and PyTorch's numbers."""
import itertools
import math

import numpy as np
import pytest
from close import error

import numpygan as ng
from numpygan import functional, kernels, penalties
from numpygan.fused import SpectralStack

EPS = np.finfo(float).eps
STEP = 1e-20                                    # of the complex step: no subtraction, so no rounding


@pytest.fixture
def ops(engine):
    """The functions of one engine."""
    return {"numpy": functional, "numba": kernels}[engine]


def agree(got, expected):
    assert error(got, expected) <= 8 * EPS


def critic(rng, engine="numpy", dtype=np.float64, activation=ng.LeakyReLU, bias=True):
    layers = [ng.SpectralDense(6, ng.init.glorot, bias), activation(), ng.SpectralDense(5), activation(),
              ng.SpectralDense(1)]
    return ng.Network(layers, 3, rng=rng, dtype=dtype, engine=engine)


def settled(net, rng):
    """The network after many training passes, its power iterations at their limit: hundreds, or thousands where the
    two largest singular values are almost one.
    """
    for _ in range(100_000):
        before = net.state.copy()
        net.commit(net.forward(np.ones((1, net.d_in)), rng)[1])
        if error(net.state, before) <= 4 * np.finfo(net.dtype).eps:
            return net
    raise AssertionError("the power iterations do not come to rest")


def norms(net, x=None):
    """The largest singular value of the W̄ that each SpectralDense multiplies with."""
    _, tape = net.forward(np.ones((1, net.d_in)) if x is None else x)
    found = []
    for (_, layer), cache in zip(net._stack[0], tape.caches, strict=True):
        if isinstance(layer, ng.SpectralDense):
            found.append(cache[1]["W"])
        elif isinstance(layer, SpectralStack):
            rest = cache[1]
            for k, m in itertools.pairwise(layer.sizes):
                found.append(rest[:k * m].reshape(k, m))
                rest = rest[(k + 1) * m:]
    return [np.linalg.svd(W, compute_uv=False)[0] for W in found]


# --------------------------------------------------------------------------------------------- values by hand


def test_eq_11_8_spectral_norm(ops):
    # uᵀ W v = 3/5·3·1 = 9/5
    W_bar, sigma = ops.spectral_norm(np.array([[3, 0], [0, 4.]]), np.array([3, 4]) / 5, np.array([1, 0.]))
    agree(sigma, 9 / 5)
    agree(W_bar, [[5 / 3, 0], [0, 20 / 9]])


def test_eq_11_9_power_iteration(ops):
    # W v = (3, 0), so u = (1, 0), and Wᵀ u = (3, 4), so v = (3/5, 4/5)
    u, v = ops.power_iteration(np.array([[3, 4], [0, 0.]]), np.array([1, 0.]))
    agree(u, [1, 0])
    agree(v, [3 / 5, 4 / 5])
    u, v = ops.power_iteration(np.array([[3.], [4]]), np.array([-2.]))
    agree(u, [-3 / 5, -4 / 5])
    agree(v, [-1])


def test_eq_11_10_spectral_norm_backward(ops):
    # ⟨dW̄, W̄⟩ = 1 + 2 = 3, taken off where u vᵀ = 1; all over 2
    W_bar, u, v = np.array([[1, 0], [0, 2.]]), np.array([1, 0.]), np.array([0, 1.])
    dW = ops.spectral_norm_backward(np.ones((2, 2)), W_bar, u, v, 2.)
    agree(dW, [[1 / 2, -1], [1 / 2, 1 / 2]])


def test_a_layer_by_hand(engine):
    """W = diag(3, 2): σ = 3, W̄ = diag(1, 2/3); y = x W̄ + b."""
    net = ng.Network([ng.SpectralDense(2)], 2, rng=np.random.default_rng(0), dtype=np.float64, engine=engine)
    net.theta = [3, 0, 0, 2, 10, 20]
    settled(net, np.random.default_rng(0))
    y, tape = net.forward(np.array([[1., 3.]]))
    agree(y, [[11, 22]])
    dx, g = net.backward(tape, np.array([[3., 6.]]))
    agree(dx, [[3, 4]])
    # dW̄ = xᵀ dy = [[3, 6], [9, 18]], ⟨dW̄, W̄⟩ = 3 + 12 = 15 off the first entry, over 3
    agree(g, [-4, 2, 3, 6, 3, 6])


# -------------------------------------------------------------------------------------------- singular values


def test_sigma_is_the_largest_singular_value_from_the_start(rng, engine, dtype):
    """50 iterations on the initial weights, and one in the pass: close to it, never above.

    After k steps from a random v the square of it is too small by the part e with probability below
    0.354 √n (1 − e)^(k − 1/2) / √(e (k − 1)): 5e-8 for e = 0.28, k = 51, n = 60, and 1/√(1 − e) = 1.18. Kuczyński &
    Woźniakowski 1992, Theorem 4.1. Without the 50 it is 1.3 or more.
    """
    for size in itertools.product((1, 3, 40), (1, 7, 60)):
        net = ng.Network([ng.SpectralDense(size[1])], size[0], rng=rng, dtype=dtype, engine=engine)
        assert 1 - 8 * np.finfo(dtype).eps <= norms(net)[0] <= 1.18


def test_sigma_converges_over_training_passes(rng, engine):
    net = settled(critic(rng, engine), rng)
    assert error(norms(net), [1, 1, 1]) <= 1e-12
    net.theta = rng.standard_normal(net.theta.size)              # elsewhere: off at first, at the limit again later
    assert max(norms(net)) > 1 + 1e-6
    assert error(norms(settled(net, rng)), [1, 1, 1]) <= 1e-12


def test_parameters_from_elsewhere_do_not_turn_or_blow_up_the_function(rng, engine):
    """σ is of the pass's own parameters: −W gives −y, and no state makes W̄ large (stored u and v would do both).

    With u = W v / ‖W v‖ it is σ = ‖Wᵀ u‖ ≥ uᵀ W v = ‖W v‖ ≥ σ₁ |v₁ · v|, for σ₁ and v₁ the largest singular value of W
    and its vector: W̄ has norm 1 / |v₁ · v| at most.
    """
    net = ng.Network([ng.SpectralDense(5, bias=False)], 4, rng=rng, dtype=np.float64, engine=engine)
    x = rng.standard_normal((3, 4))
    agree(net.forward(x, theta=-net.theta)[0], -net(x))
    for _ in range(50):
        net.theta = rng.standard_normal(20)
        v_1 = np.linalg.svd(net.theta.reshape(4, 5))[2][0]
        assert norms(net)[0] <= (1 + 100 * EPS) / abs(v_1 @ net.state)


@pytest.mark.parametrize("activation", [ng.LeakyReLU, ng.ReLU, ng.Tanh, ng.Sigmoid])
def test_a_stack_is_lipschitz_with_constant_one(rng, activation):
    net = critic(rng, activation=activation)
    net.theta = 3 * rng.standard_normal(net.theta.size)
    settled(net, rng)
    x = 5 * rng.standard_normal((300, 3))
    logit, tape = net.forward(x)
    dx, _ = net.backward(tape, np.ones_like(logit))
    assert np.linalg.norm(dx, axis=1).max() <= 1 + 1e-9
    rise, run = abs(logit - logit.T), np.linalg.norm(x[:, None] - x, axis=2)
    assert (rise <= run * (1 + 1e-9) + 1e-12).all()
    layers = [ng.Dense(6), activation(), ng.Dense(5), activation(), ng.Dense(1)]
    plain = ng.Network(layers, 3, rng=rng, dtype=np.float64)
    plain.theta = net.theta                                      # the same parameters without the division
    y = plain(x)
    assert (abs(y - y.T) > run * (1 + 1e-9) + 1e-12).any()


def test_it_stays_so_while_d_trains(engine):
    """One power iteration for each step follows W closely.

    Adam moves an entry by 0.005 in a step. The rows of W begin in lengths of 3 to 1, so that no singular values cross:
    the vectors of the first turn by 0.005 √64 / (14 − 8) = 0.007 at most, and of what v is off an iteration leaves
    less than a half. So ∠(v, v₁) stays below 0.014, its cosine above 1 − 1e-4, and the norm of W̄ below 1 + 1e-4.
    """
    rng = np.random.default_rng(0)
    G = ng.MLP([4, 16, 2], rng=rng, engine=engine)
    D = ng.Network([ng.SpectralDense(32), ng.LeakyReLU(), ng.SpectralDense(1)], 2, rng=rng, engine=engine)
    D.params(before := D.theta.copy())["0.W"][0] *= 3
    D.theta = before
    settled(D, rng)
    ng.GAN(G, D, opt_D=ng.optim.Adam(5e-3)).fit(ng.data.ring(8), steps=100, batch=32, rng=rng)
    assert error(D.theta, before) > .02
    assert max(norms(D)) < 1 + 1e-4
    v = D.state[:32] / np.linalg.norm(D.state[:32])
    assert abs(v @ np.linalg.svd(D.params()["0.W"])[2][0]) > 1 - 1e-4


# ------------------------------------------------------------------------------------------------- derivatives


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_every_derivative_against_the_complex_step(rng, engine, bias, training):
    """With the u and v of the real part, at their limit or far from it."""
    net = critic(rng, engine, activation=ng.Tanh, bias=bias)
    net.theta = rng.standard_normal(net.theta.size)
    x, dx = rng.standard_normal((2, 5, 3))
    dtheta = rng.standard_normal(net.theta.size)
    draw = rng if training else None
    y, tape = net.forward(x, draw)
    dy = rng.standard_normal(y.shape)
    back, g = net.backward(tape, dy)
    x_step = net.forward(x + STEP * 1j * dx, draw)[0].imag / STEP
    theta_step = net.forward(x, draw, theta=net.theta + STEP * 1j * dtheta)[0].imag / STEP
    assert abs(np.sum(dy * x_step) - np.sum(back * dx)) <= 1e-13 * np.abs(dy * x_step).sum()
    assert abs(np.sum(dy * theta_step) - np.sum(g * dtheta)) <= 1e-13 * np.abs(dy * theta_step).sum()


def test_nothing_is_lost_by_holding_u_and_v_at_the_limit(rng, engine):
    """The true derivative, u and v moving with W, by central differences: σ is stationary in them."""
    net = settled(critic(rng, engine, activation=ng.Tanh), rng)
    x = rng.standard_normal((5, 3))
    logit, tape = net.forward(x)
    _, g = net.backward(tape, np.ones_like(logit))
    h, numeric = 1e-6, np.empty_like(g)
    for i in range(g.size):
        step = np.zeros_like(g)
        step[i] = h
        right, left = (net.forward(x, theta=net.theta + sign * step)[0] for sign in (1, -1))
        numeric[i] = np.sum(right - left) / (2 * h)
    assert error(g, numeric) <= 1e-7


def test_an_adjoint_pair_forwards_and_backwards(rng, engine):
    """⟨dy, J ẋ⟩ = ⟨Jᵀ dy, ẋ⟩                                                                      Eq. (2.24)"""
    net = critic(rng, engine)
    x, x_dot = rng.standard_normal((2, 5, 3))
    y, tape = net.forward(x, rng)
    dy = rng.standard_normal(y.shape)
    y_dot, _ = net.jvp(tape, x_dot)
    dx, _ = net.backward(tape, dy)
    assert abs(np.sum(dy * y_dot) - np.sum(dx * x_dot)) <= 1e-13 * np.abs(dx * x_dot).sum()


@pytest.mark.parametrize("activation", [ng.LeakyReLU, ng.Tanh, ng.Sigmoid])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_derivatives_of_derivatives(rng, engine, activation, bias):
    """The fast way, with W̄'s part of both passes, against the complex step through forward and backward."""
    net = critic(rng, engine, activation=activation, bias=bias)
    net.theta = rng.standard_normal(net.theta.size)
    x, v = rng.standard_normal((2, 6, 3))
    _, tape = net.forward(x, rng)
    assert net.twice
    assert error(penalties.by_jvp(net, tape, v), penalties.by_complex_step(net, x, v, rng)) <= 1e-13


@pytest.mark.parametrize("penalty", [ng.penalties.R1(2), ng.penalties.R2(2), ng.penalties.GradientPenalty()], ids=repr)
def test_penalties_see_through_the_norm(rng, engine, penalty):
    """∂P/∂θ by central differences of P itself, at the limit of the power iterations."""
    net = settled(critic(rng, engine, activation=ng.Tanh), rng)
    x, x_fake = rng.standard_normal((2, 6, 3))
    _, g = penalty(net, x, x_fake, np.random.default_rng(1))
    theta, h, numeric = net.theta.copy(), 1e-5, np.empty_like(g)
    for i in range(g.size):
        values = []
        for sign in (1, -1):
            moved = theta.copy()
            moved[i] += sign * h
            net.theta = moved
            values.append(penalty(net, x, x_fake, np.random.default_rng(1))[0])
        numeric[i] = (values[0] - values[1]) / (2 * h)
    assert error(g, numeric) <= 1e-7


def test_both_engines_and_precisions_agree(rng):
    x = rng.standard_normal((5, 3)).astype(np.float32)
    results = []
    for engine, dtype in itertools.product(("numpy", "numba"), (np.float32, np.float64)):
        net = critic(np.random.default_rng(3), engine, dtype)
        y, tape = net.forward(x.astype(dtype), rng)
        dx, g = net.backward(tape, np.ones_like(y))
        assert {a.dtype for a in (y, dx, g, tape.state)} == {np.dtype(dtype)}
        results.append(np.concatenate([y.ravel(), dx.ravel(), g, tape.state]))
    assert error(results[1], results[3]) <= 100 * EPS
    assert error(results[0], results[1]) <= 100 * np.finfo(np.float32).eps
    assert error(results[2], results[3]) <= 100 * np.finfo(np.float32).eps


# ---------------------------------------------------------------------------------------------------- manners


def test_weights_of_zero_are_an_error_when_they_are_used(engine, rng):
    def zeros(W, rng):
        W[...] = 0

    net = ng.Network([ng.SpectralDense(2, init=zeros)], 3, rng=rng, dtype=np.float64, engine=engine)
    with pytest.raises(ValueError, match=r"W / σ\(W\) is not defined for W = 0"):
        net(np.ones((1, 3)))
    net.theta = np.arange(8)                                     # weights from a file come later
    assert np.isfinite(net(np.ones((1, 3)))).all()


SIZES = (4, 3, 1, 5)


def stack_of(dtype):
    """theta, v of layers of SIZES; and W, b, v of each: read-only, as those of a network."""
    rng = np.random.default_rng(3)
    parts = [(rng.standard_normal((k, m)).astype(dtype), rng.standard_normal(m).astype(dtype),
              rng.standard_normal(m).astype(dtype)) for k, m in itertools.pairwise(SIZES)]
    theta = np.concatenate([a.ravel() for W, b, _ in parts for a in (W, b)])
    v = np.concatenate([v for *_, v in parts])
    theta.flags.writeable = v.flags.writeable = False
    return theta, v, parts


def test_the_norms_of_a_stack_are_those_of_its_layers(dtype):
    theta, v, parts = stack_of(dtype)
    found, back = [], []
    theta_bar, *norms = kernels.normalised(theta, v, SIZES)
    g = np.random.default_rng(4).standard_normal(theta.size).astype(dtype)
    for at, (W, b, of_layer) in zip(layers_at(), parts, strict=True):
        u, new = functional.power_iteration(W, of_layer)
        W_bar, sigma = functional.spectral_norm(W, u, new)
        dW, db = np.split(g[at], [W.size])
        found.append(([*W_bar.ravel(), *b], u, new, [sigma]))
        back += [*functional.spectral_norm_backward(dW.reshape(W.shape), W_bar, u, new, sigma).ravel(), *db]
    for got, of_layers in zip((theta_bar, *norms), zip(*found, strict=True), strict=True):
        assert got.dtype == dtype
        assert error(got, np.concatenate(of_layers)) <= 20 * np.finfo(dtype).eps
    before = g.copy()
    assert kernels.normalised_backward(g, theta_bar, *norms, SIZES) is None
    assert error(g, np.array(back)) <= 50 * np.finfo(dtype).eps
    if dtype == np.float64:                                             # which lists are taken for
        kernels.normalised_backward(before, *(a.tolist() for a in (theta_bar, *norms)), SIZES)
        assert before.tobytes() == g.tobytes()


def layers_at():
    """Where in theta each layer of SIZES lies."""
    ends = np.cumsum([0, *((k + 1) * m for k, m in itertools.pairwise(SIZES))])
    return [slice(a, b) for a, b in itertools.pairwise(ends)]


def test_the_norms_of_a_stack_refuse_what_does_not_fit():
    theta, v, _ = stack_of(np.float64)
    for bad in ((theta[1:], v), (theta, v[1:]), (theta, v.astype("f"))):
        with pytest.raises(ValueError, match=r"dense layers of \(4, 3, 1, 5\) have 29 parameters and 9 numbers v"):
            kernels.normalised(*bad, SIZES)
    with pytest.raises(TypeError, match="the kernels take float32 and float64"):
        kernels.normalised(theta.astype(int), v, SIZES)
    for at in layers_at():
        zeros = theta.copy()
        zeros[at] = 0
        with pytest.raises(ValueError, match=r"not defined for W = 0"):
            kernels.normalised(zeros, v, SIZES)
    results = kernels.normalised(theta, v, SIZES)
    good = (theta.copy(), *results)
    for i in range(len(good)):
        for bad in (good[i][1:], good[i].astype("f")):
            with pytest.raises(ValueError, match=r"dense layers of \(4, 3, 1, 5\) have arrays"):
                kernels.normalised_backward(*good[:i], bad, *good[i + 1:], SIZES)
    for g in (theta, np.repeat(theta, 2)[::2]):
        with pytest.raises(ValueError, match="changed in place"):
            kernels.normalised_backward(g, *results, SIZES)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_weights_whose_squares_are_no_numbers_have_a_norm(ops, size):
    """In float32 1e-60 is 0 and 1e60 infinite: once W v = 0 was found where it was 1e-30."""
    W, v = np.array([[3, 0], [0, 4]], "f") * np.float32(size), np.array([1, 1], "f")
    for found, right in zip(ops.power_iteration(W, v), ops.power_iteration(W / np.float32(size), v), strict=True):
        assert found.dtype == np.float32
        assert np.abs(found - right).max() <= 4 * np.finfo(np.float32).eps


def test_nan_is_not_swallowed(ops):
    W = np.array([[1, 2], [math.nan, 4]])
    u, v = ops.power_iteration(W, np.array([1, 0.]))
    assert np.isnan(u).all()
    assert np.isnan(ops.spectral_norm(W, u, v)[0]).all()


@pytest.mark.parametrize("width", [0, 2.5, True])
def test_an_impossible_width_is_refused(width):
    with pytest.raises(ValueError, match="the width must be a whole number"):
        ng.SpectralDense(width)


# ---------------------------------------------------------------------------------------------- PyTorch's numbers


def theirs_like(torch, net):
    """PyTorch's spectral_norm of the same weights, from the same v (its u: the weights there are Wᵀ)."""
    layers = []
    for i, layer in enumerate(net.layers):
        if isinstance(layer, ng.SpectralDense):
            W, b = net.params()[f"{i}.W"], net.params()[f"{i}.b"]
            linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
            with torch.no_grad():
                linear.weight[:], linear.bias[:] = torch.from_numpy(W.T.copy()), torch.from_numpy(b.copy())
            linear = torch.nn.utils.spectral_norm(linear)        # (parametrizations.spectral_norm starts from its v)
            start = sum(other.width for other in net.layers[:i] if isinstance(other, ng.SpectralDense))
            linear.weight_u[:] = torch.from_numpy(net.state[start:start + layer.width].copy())
            layers.append(linear)
        else:
            layers.append(torch.nn.Tanh())
    return torch.nn.Sequential(*layers)


def their_gradient(torch, theirs):
    parts = [p for layer in theirs if hasattr(layer, "bias") for p in (layer.weight_orig, layer.bias)]
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parts]      # a penalty does not see the last b
    return torch.cat([(d.T if d.ndim == 2 else d).reshape(-1) for d in grads]).numpy()


def test_passes_gradients_and_a_penalty_are_pytorchs(rng, engine):
    """Far from the limit, where u and v matter; R1 through PyTorch's double backward."""
    torch = pytest.importorskip("torch", exc_type=ImportError)
    net = critic(rng, engine, activation=ng.Tanh)
    net.theta = rng.standard_normal(net.theta.size)
    net.state = rng.standard_normal(net.state.size)
    theirs = theirs_like(torch, net)
    for _ in range(3):
        x = rng.standard_normal((5, 3))
        y, tape = net.forward(x, rng)
        dx, g = net.backward(tape, np.ones_like(y))
        P, g_P = ng.penalties.R1(2.0)(net, x, x, rng)
        tensor = torch.from_numpy(x).requires_grad_()
        out = theirs(tensor)                                     # its pass moves its u and v
        out.sum().backward(retain_graph=True)
        assert error(y, out.detach().numpy()) <= 200 * EPS
        assert error(dx, tensor.grad.numpy()) <= 200 * EPS
        assert error(g, their_gradient(torch, theirs)) <= 200 * EPS
        theirs.zero_grad()
        slope, = torch.autograd.grad(out.sum(), tensor, create_graph=True)
        their_P = (slope**2).sum(dim=1).mean()
        their_P.backward()
        assert abs(P - their_P.item()) <= 200 * EPS * abs(P)
        assert error(g_P, their_gradient(torch, theirs)) <= 1000 * EPS
        theirs.zero_grad()
        net.commit(tape)
