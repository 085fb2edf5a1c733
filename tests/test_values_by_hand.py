"""Each equation once with numbers worked out on paper: a changed sign or factor turns its own test red.

Logits are chosen so that D is a fraction: sigma(log 3) = 3/4, sigma(-log 3) = 1/4, sigma(0) = 1/2.
"""
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from close import error
from numpy import log

import numpygan as ng
from numpygan import functional, kernels

LN2, LN3 = log(2), log(3)


@pytest.fixture
def ops(engine):
    """The functions of one engine."""
    return {"numpy": functional, "numba": kernels}[engine]


def agree(got, expected):
    """Equal up to a few roundings."""
    assert error(got, expected) <= 8 * np.finfo(float).eps


def rows(*values):
    return np.array(values, dtype=float)


def column(*values):
    return np.array(values, dtype=float)[:, None]


def test_every_equation_of_functional_has_a_value_by_hand():
    """In this file or another, in a test that names it: test_eq_2_6_…, test_eqs_9_1_and_9_2_…"""
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    names = " ".join(re.findall(r"^def (test_eqs?_\w+)", tests, re.M))
    named = set(re.findall(r"\((\d+)\.(\d+)\)", inspect.getsource(functional)))
    assert {("2", "1"), ("5", "8")} <= named <= set(re.findall(r"(\d+)_(\d+)", names))


# ------------------------------------------------------------------------------------------ chapter 2: layers

X = rows([1, 2], [3, 4])
W = rows([5, 6, 7], [8, 9, 10])
B = np.array([0.5, -1, 2])
DY = rows([1, 0, -1], [2, 1, 0])


def test_eq_2_1_affine(ops):
    # first entry 1*5 + 2*8 + .5 = 21.5; last 3*7 + 4*10 + 2 = 63
    agree(ops.affine(X, W, B), [[21.5, 23, 29], [47.5, 53, 63]])
    agree(ops.matmul(X, W), [[21, 24, 27], [47, 54, 61]])


def test_eq_2_2_affine_dx(ops):
    # dx_11 = 1*5 + 0*6 - 1*7 = -2, along the first row of W; dx_22 = 2*8 + 1*9 = 25
    agree(ops.affine_dx(DY, W), [[-2, -2], [16, 25]])


def test_eq_2_3_affine_dW(ops):
    # dW_11 = 1*1 + 3*2 = 7, down the first columns of x and dy; dW_23 = 2*(-1) + 4*0 = -2
    agree(ops.affine_dW(X, DY), [[7, 3, -1], [10, 4, -2]])


def test_eq_2_4_affine_db(ops):
    agree(ops.affine_db(DY), [1 + 2, 0 + 1, -1 + 0])


def test_eq_2_5_sigmoid(ops):
    # 1 / (1 + e^-log 3) = 1 / (1 + 1/3)
    agree(ops.sigmoid(rows([LN3, 0, -LN3, log(7)])), [[3 / 4, 1 / 2, 1 / 4, 7 / 8]])


def test_a_list_is_an_array(ops):
    agree(ops.sigmoid([[0.0, LN3]]), [[1 / 2, 3 / 4]])
    agree(ops.softplus_backward([[8.0]], [[LN3]]), [[6]])
    agree(ops.non_saturating_generator([[LN3], [0.0]])[1], [[-1 / 8], [-1 / 4]])
    agree(ops.softmax_cross_entropy([[0.0, LN3]], [1])[1], [[1 / 4, -1 / 4]])


def test_one_number_as_upstream_is_one_for_each(ops):
    agree(ops.softplus_backward(8, column(LN3, 0)), [[6], [4]])
    agree(ops.log_sigmoid_backward(8, column(LN3, 0)), [[2], [4]])
    agree(ops.bce_with_logits_backward(8, column(LN3, 0), 0), [[6], [4]])


def test_eq_2_6_sigmoid_backward(ops):
    # y (1 - y): at 3/4 it is 3/16, at 1/2 it is 1/4
    agree(ops.sigmoid_backward(rows([2, -3, 16]), rows([3 / 4, 1 / 2, 1 / 4])), [[3 / 8, -3 / 4, 3]])


def test_eq_2_7_tanh(ops):
    # (2 - 1/2) / (2 + 1/2) = 3/5;  -(3 - 1/3) / (3 + 1/3) = -4/5
    agree(ops.tanh(rows([LN2, -LN3, 0])), [[3 / 5, -4 / 5, 0]])


def test_eq_2_8_tanh_backward(ops):
    # 1 - y^2: at 3/5 it is 16/25, at -4/5 it is 9/25
    agree(ops.tanh_backward(rows([2, -1, 3]), rows([3 / 5, -4 / 5, 0])), [[32 / 25, -9 / 25, 3]])


def test_eq_2_9_relu(ops):
    agree(ops.relu(rows([-2, 0, 3])), [[0, 0, 3]])


def test_eq_2_10_relu_backward(ops):
    agree(ops.relu_backward(rows([5, 7, -1]), rows([0, 0, 3])), [[0, 0, -1]])       # 0 at the kink, by agreement


def test_eq_2_11_leaky_relu(ops):
    agree(ops.leaky_relu(rows([-2, 0, 3]), 1 / 4), [[-1 / 2, 0, 3]])


def test_eq_2_12_leaky_relu_backward(ops):
    agree(ops.leaky_relu_backward(rows([8, 4, -1]), rows([-1 / 2, 0, 3]), 1 / 4), [[2, 1, -1]])


def test_eq_2_13_chain_rule(engine):
    # y = 4 h + 5, h = sigma(2 x + b) with 2 x + b = log 3 at x = 2. Down from dy = 2:
    # dW2 = 2 h = 3/2, db2 = 2, dh = 8, da = 8 * 3/16 = 3/2, dW1 = x da = 3, db1 = 3/2, dx = 2 da = 3
    net = ng.MLP([1, 1, 1], hidden="sigmoid", rng=np.random.default_rng(0), dtype=np.float64, engine=engine)
    net.theta = np.array([2, LN3 - 4, 4, 5])
    y, tape = net.forward(column(2))
    dx, g = net.backward(tape, column(2))
    agree(y, [[8]])
    agree(dx, [[3]])
    agree(g, [3, 3 / 2, 3 / 2, 2])


class Swish(ng.Layer):
    """A layer that a student writes: y = x sigma(x), dx = dy (sigma + x sigma (1 - sigma))."""

    def forward(self, p, x, c):
        s = c.ops.sigmoid(x)
        return x * s, (x, s)

    def backward(self, p, cache, dy, c):
        x, s = cache
        return dy * (s + x * s * (1 - s)), {}


def test_eqs_2_14_and_2_15_swish(engine):
    # at log 3: y = 3/4 log 3, y' = 3/4 + log 3 * 3/16
    net = ng.Network([Swish()], 1, rng=np.random.default_rng(0), dtype=np.float64, engine=engine)
    y, tape = net.forward(column(LN3))
    agree(y, [[3 / 4 * LN3]])
    agree(net.backward(tape, column(16))[0], [[12 + 3 * LN3]])


def test_eq_2_16_maxout(ops):
    # two units of three pieces; 2, 2, 0 is a tie: the first wins
    y, index = ops.maxout(rows([1, 5, 3, 2, 2, 0], [-1, -4, -2, 0, 1, 2]), 3)
    agree(y, [[5, 2], [-1, 2]])
    agree(index, [[1, 0], [0, 2]])
    y, index = ops.maxout(X, 1)                                                       # one piece each: the identity
    agree(y, X)
    agree(index, [[0, 0], [0, 0]])


def test_eq_2_17_maxout_backward(ops):
    dx = ops.maxout_backward(rows([10, 20], [30, 40]), np.array([[1, 0], [0, 2]]), 3)
    agree(dx, [[0, 10, 0, 20, 0, 0], [30, 0, 0, 0, 0, 40]])


def test_eq_2_18_dropout(ops):
    # rate 1/5: what stays is scaled by 1 / (4/5) = 5/4
    mask = ops.dropout_mask((1, 1000), 1 / 5, np.random.default_rng(0), np.float64)
    agree(np.unique(mask), [0, 5 / 4])
    assert 700 < np.count_nonzero(mask) < 900                                         # about 800 stay
    agree(ops.dropout(rows([8, 4]), rows([0, 5 / 4])), [[0, 5]])


def test_eq_2_19_dropout_backward(ops):
    agree(ops.dropout_backward(rows([3, 2]), rows([0, 5 / 4])), [[0, 5 / 2]])


def test_eq_2_20_he():
    # fan-in 8: variance 2/8 = 1/4. The variance of 400,000 normal draws is known to sqrt(2 / 400,000) = 0.22 %
    W = np.empty((8, 50_000))
    ng.init.he(W, np.random.default_rng(0))
    assert abs(np.var(W) / (1 / 4) - 1) < 0.0135                                     # six of it
    assert abs(np.mean(W**4) / (3 / 16) - 1) < 0.05                                   # a normal: 3 sigma^4


def test_eq_2_21_glorot():
    # fan-in + fan-out = 60,000: a = sqrt(6 / 60,000) = 1/100, variance a^2 / 3
    W = np.empty((5, 59_995))
    ng.init.glorot(W, np.random.default_rng(0))
    assert 0.9999 / 100 < np.max(np.abs(W)) <= 1 / 100
    assert abs(np.var(W) / (1 / 30_000) - 1) < 0.01


# --------------------------------------------------------------------------------------- chapter 3: algorithm 1

@pytest.fixture
def D(engine):
    """logit = log 3 * x + 0, theta = [log 3, 0]."""
    net = ng.MLP([1, 1], rng=np.random.default_rng(0), dtype=np.float64, engine=engine)
    net.theta = np.array([LN3, 0])
    return net


@pytest.fixture
def G(engine):
    """x = 2 z - 1, theta = [2, -1]."""
    net = ng.MLP([1, 1], rng=np.random.default_rng(0), dtype=np.float64, engine=engine)
    net.theta = np.array([2.0, -1])
    return net


def test_eqs_3_1_and_3_2_the_loss_of_D_is_minus_the_value_on_a_minibatch(D):
    # real 1 and -1, fake 1: D = 3/4, 1/4; 3/4. V = (log 3/4 + log 1/4) / 2 + log(1 - 3/4)
    L, _ = ng.discriminator_gradient(D, ng.losses.NonSaturating(), column(1, -1), column(1))
    agree(L, -((log(3 / 4) + log(1 / 4)) / 2 + log(1 / 4)))


def test_eq_3_3_the_gradient_of_D(D):
    # dL/dlogit: (3/4 - 1)/2 = -1/8 at x = 1, (1/4 - 1)/2 = -3/8 at x = -1; 3/4 at the fake x = 1.
    # by the slope: -1/8 + 3/8 + 3/4 = 1; by the bias: -1/8 - 3/8 + 3/4 = 1/4
    _, g = ng.discriminator_gradient(D, ng.losses.Minimax(), column(1, -1), column(1))
    agree(g, [1, 1 / 4])


def test_eq_3_4_the_step_of_D(D):
    ng.optim.SGD(0.1).step(D, np.array([1, 1 / 4]))
    agree(D.theta, [LN3 - 0.1, -0.025])


Z = column(1, 0)                                    # G makes 1 and -1 of it; D = 3/4 and 1/4


def test_eq_3_5_the_loss_of_G(G, D):
    L, _ = ng.generator_gradient(G, D, ng.losses.NonSaturating(), Z)
    agree(L, -(log(3 / 4) + log(1 / 4)) / 2)
    L, _ = ng.generator_gradient(G, D, ng.losses.Minimax(), Z)
    agree(L, (log(1 / 4) + log(3 / 4)) / 2)


def test_eq_3_6_the_gradient_of_G_through_D(G, D):
    # non-saturating: dL/dlogit = -(1 - 3/4)/2 = -1/8 and -(1 - 1/4)/2 = -3/8, times D's slope log 3;
    # by G's slope times z = 1 and 0: -log 3 / 8; by its bias: the sum, -log 3 / 2
    _, g = ng.generator_gradient(G, D, ng.losses.NonSaturating(), Z)
    agree(g, [-LN3 / 8, -LN3 / 2])
    # minimax: dL/dlogit = -3/4/2 and -1/4/2
    _, g = ng.generator_gradient(G, D, ng.losses.Minimax(), Z)
    agree(g, [-3 * LN3 / 8, -LN3 / 2])


def test_eq_3_7_noise_of_variance_one(G, D):
    # normal: E z^2 = 1, E z^4 = 3; uniform on (-sqrt 3, sqrt 3): E z^2 = 1, E z^4 = 9/5, |z| <= sqrt 3
    for noise, fourth in (("normal", 3), ("uniform", 9 / 5)):
        z = ng.GAN(G, D, noise=noise).draw(200_000, np.random.default_rng(0))
        assert abs(np.mean(z)) < 0.0135                     # six standard errors: sqrt(1 / 200,000) = 0.0022,
        assert abs(np.mean(z**2) - 1) < 0.02                # sqrt(2 / 200,000) = 0.0032,
        assert abs(np.mean(z**4) - fourth) < 0.135          # sqrt(96 / 200,000) = 0.022
    assert np.max(np.abs(z)) <= np.sqrt(3)


# ----------------------------------------------------------------------------------- chapter 4: losses on logits

def test_eq_4_1_softplus(ops):
    # log(1 + 3), log(1 + 1), log(1 + 1/3)
    agree(ops.softplus(rows([LN3, 0, -LN3])), [[log(4), LN2, log(4 / 3)]])


def test_eq_4_2_softplus_backward(ops):
    agree(ops.softplus_backward(rows([2, -1]), rows([LN3, -LN3])), [[3 / 2, -1 / 4]])


def test_eq_4_3_log_sigmoid(ops):
    agree(ops.log_sigmoid(rows([LN3, -LN3])), [[log(3 / 4), log(1 / 4)]])


def test_eq_4_4_log_sigmoid_backward(ops):
    # sigma(-x): 1/4 at log 3, 3/4 at -log 3
    agree(ops.log_sigmoid_backward(rows([2, -1]), rows([LN3, -LN3])), [[1 / 2, -3 / 4]])


def test_eq_4_5_cross_entropy(ops):
    # -log 3/4, -log 1/4, half of each; -log 1/4
    logit, target = column(LN3, LN3, LN3, -LN3), column(1, 0, 1 / 2, 1)
    agree(ops.bce_with_logits(logit, target), column(log(4 / 3), log(4), log(16 / 3) / 2, log(4)))


def test_eq_4_6_cross_entropy_backward(ops):
    # 2 (3/4 - 1), 2 * 3/4, 4 (3/4 - 1/2), -4 (1/4 - 1)
    logit, target = column(LN3, LN3, LN3, -LN3), column(1, 0, 1 / 2, 1)
    agree(ops.bce_with_logits_backward(column(2, 2, 4, -4), logit, target), column(-1 / 2, 3 / 2, 1, 3))


REAL, FAKE = column(LN3, 0), column(LN3, 0, 0, LN3)      # D = 3/4, 1/2; 3/4, 1/2, 1/2, 3/4


def test_eq_4_7_the_loss_of_D(ops):
    # real: the mean of log 4/3 and log 2; fake: the mean of log 4, log 2, log 2, log 4, which is 3/2 log 2
    agree(ops.bce_discriminator(REAL, FAKE, 1)[0], log(8 / 3) / 2 + 3 / 2 * LN2)
    # target 1/2: softplus - s/2 is log 4 - log 3 / 2 and log 2 on real ones
    agree(ops.bce_discriminator(REAL, FAKE, 1 / 2)[0], (log(8) - LN3 / 2) / 2 + 3 / 2 * LN2)
    # target 1/2 on fake ones too: less by half the mean of s = log 3 / 2
    agree(ops.bce_discriminator(REAL, FAKE, 1, 1 / 2)[0], log(8 / 3) / 2 + 3 / 2 * LN2 - LN3 / 4)


def test_eq_4_8_the_gradient_of_D_in_its_logits(ops):
    _, d_real, d_fake = ops.bce_discriminator(REAL, FAKE, 1)
    agree(d_real, column(-1 / 4, -1 / 2) / 2)
    agree(d_fake, column(3 / 4, 1 / 2, 1 / 2, 3 / 4) / 4)
    _, d_real, d_fake = ops.bce_discriminator(REAL, FAKE, 1 / 2, 1 / 2)
    agree(d_real, column(1 / 4, 0) / 2)
    agree(d_fake, column(1 / 4, 0, 0, 1 / 4) / 4)


def test_eq_4_9_the_minimax_loss_of_G(ops):
    # the mean of log 1/4 and log 1/2
    agree(ops.minimax_generator(REAL)[0], -3 / 2 * LN2)


def test_eq_4_10_its_gradient(ops):
    agree(ops.minimax_generator(REAL)[1], column(-3 / 8, -1 / 4))


def test_eq_4_11_the_non_saturating_loss_of_G(ops):
    # minus the mean of log 3/4 and log 1/2
    agree(ops.non_saturating_generator(REAL)[0], log(8 / 3) / 2)


def test_eq_4_12_its_gradient(ops):
    # minus 1 - D, halved
    agree(ops.non_saturating_generator(REAL)[1], column(-1 / 8, -1 / 4))


def test_eq_4_13_the_best_D_under_smoothing(ops):
    # atom A holds 3/4 of the real and 1/4 of the fake rows, B the others. With target 4/5, D* = 4/5 * 3/4 = 3/5 at A
    # and 4/5 * 1/4 = 1/5 at B: logits log(3/2) and log(1/4). There the gradient of each atom is 0
    A, B = log(3 / 2), log(1 / 4)
    _, d_real, d_fake = ops.bce_discriminator(column(A, A, A, B), column(A, B, B, B), 4 / 5)
    assert abs(d_real[:3].sum() + d_fake[:1].sum()) <= 1e-16
    assert abs(d_real[3:].sum() + d_fake[1:].sum()) <= 1e-16


def test_eqs_4_14_and_4_15_softmax(ops):
    # rows of probabilities 1/8, 2/8, 5/8 and 3/8, 1/8, 4/8; the labels have 5/8 and 1/8
    logits = rows([0, LN2, log(5)], [LN3, 0, log(4)])
    L, ds = ops.softmax_cross_entropy(logits, np.array([2, 1]))
    agree(L, (log(8 / 5) + log(8)) / 2)
    agree(ds, rows([1 / 8, 2 / 8, -3 / 8], [3 / 8, -7 / 8, 4 / 8]) / 2)


# ---------------------------------------------------------------------------------------- chapter 5: optimisers

def vector(*values):
    return np.array(values, dtype=float)


def test_eq_5_1_sgd(ops):
    agree(ops.sgd(vector(1, -2), vector(4, -8), 1 / 8), [1 / 2, -1])


def test_eq_5_2_momentum(ops):
    # v = 2/2 + 4 = 5 and 4/2 - 8 = -6; theta = 1 - 5/8 and -2 + 6/8
    theta, v = ops.momentum(vector(1, -2), vector(4, -8), vector(2, 4), 1 / 8, 1 / 2)
    agree(v, [5, -6])
    agree(theta, [3 / 8, -5 / 4])


def test_eq_5_3_rmsprop_mean_square(ops):
    # 3/4 * 12 + 1/4 * 64 = 25; 3/4 * 0 + 1/4 * 36 = 9
    _, s = ops.rmsprop(vector(1, -2), vector(8, -6), vector(12, 0), 1 / 2, 3 / 4, 1)
    agree(s, [25, 9])


def test_eq_5_4_rmsprop_update(ops):
    # 1 - 1/2 * 8 / (5 + 1) = 1/3; -2 + 1/2 * 6 / (3 + 1) = -5/4
    theta, _ = ops.rmsprop(vector(1, -2), vector(8, -6), vector(12, 0), 1 / 2, 3 / 4, 1)
    agree(theta, [1 / 3, -5 / 4])


def test_eq_5_5_adam_mean(ops):
    # 3/4 * 8 + 1/4 * 4 = 7; 3/4 * 0 - 1/4 * 8 = -2
    _, m, _ = ops.adam(vector(0, 0), vector(4, -8), vector(8, 0), vector(1, 1), 1, 0.1, 3 / 4, 1 / 2, 1)
    agree(m, [7, -2])


def test_eq_5_6_adam_mean_square(ops):
    # 3/4 * 12 + 1/4 * 64 = 25; 3/4 * 0 + 1/4 * 36 = 9
    _, _, v = ops.adam(vector(0, 0), vector(8, -6), vector(0, 0), vector(12, 0), 1, 0.1, 1 / 2, 3 / 4, 1)
    agree(v, [25, 9])


def test_eq_5_7_adam_bias_correction(ops):
    # from rest at t = 1 the corrected means are g = 2 and g^2 = 4 whatever the betas:
    # the step is 1/10 * 2 / (2 + 1) = 1/15; without the correction it would be 1/10 * 1 / (1 + 1) = 1/20
    theta, m, v = ops.adam(vector(0), vector(2), vector(0), vector(0), 1, 0.1, 1 / 2, 3 / 4, 1)
    agree(np.array([theta, m, v]), [[-1 / 15], [1], [1]])


def test_eq_5_8_adam_update(ops):
    # and on with g = -2 at t = 2: m = 1/2 - 1 = -1/2, v = 3/4 + 1 = 7/4; corrected by 1 - 1/4 and 1 - 9/16:
    # -2/3 and 4. The step is 1/10 * (-2/3) / (2 + 1) = -1/45
    theta, m, v = ops.adam(vector(-1 / 15), vector(-2), vector(1), vector(1), 2, 0.1, 1 / 2, 3 / 4, 1)
    agree(np.array([theta, m, v]), [[-1 / 15 + 1 / 45], [-1 / 2], [7 / 4]])


def test_eqs_5_5_to_5_8_two_steps_of_the_optimiser(D):
    # the same two steps by the class, which counts t and keeps the means
    opt, start = ng.optim.Adam(0.1, beta1=1 / 2, beta2=3 / 4, eps=1), D.theta.copy()
    opt.step(D, vector(2, -2))
    agree(D.theta, start + [-1 / 15, 1 / 15])
    opt.step(D, vector(-2, 2))
    agree(D.theta, start + [-2 / 45, 2 / 45])


def test_the_norm_of_a_gradient(ops):
    assert ops.norm(vector(3, -4)) == 5


def test_the_mean_answer_of_D(ops):
    """σ(0) = 1/2, σ(log 3) = 3/4, σ(−log 3) = 1/4, σ(log 4) = 4/5"""
    agree(ops.mean_sigmoid(column(0, np.log(3), -np.log(3), np.log(4))), (1 / 2 + 3 / 4 + 1 / 4 + 4 / 5) / 4)


@pytest.mark.parametrize("n", [3, 7, 64])
def test_the_mean_of_one_half_is_one_half_to_all_digits(ops, n):
    """1/n, which is rounded in float32, is not in what D answers on average."""
    agree(ops.mean_sigmoid(np.zeros((n, 1), np.float32)), 1 / 2)


# --------------------------------------------------------------------------------------- chapter 9: other losses

def test_eqs_9_1_and_9_2_least_squares_of_D(ops):
    # real 3, 0: (4 + 1) / 2 / 2 = 5/4; fake 2, -1, 0, 1: (4 + 1 + 0 + 1) / 4 / 2 = 3/4
    L, d_real, d_fake = ops.least_squares_discriminator(column(3, 0), column(2, -1, 0, 1))
    agree(L, 2)
    agree(d_real, column(2, -1) / 2)
    agree(d_fake, column(2, -1, 0, 1) / 4)


def test_eqs_9_3_and_9_4_least_squares_of_G(ops):
    L, d_fake = ops.least_squares_generator(column(3, 0))
    agree(L, 5 / 4)
    agree(d_fake, column(2, -1) / 2)


def test_eqs_9_5_and_9_6_hinge_of_D(ops):
    # real 3, 0, -1, 1: (0 + 1 + 2 + 0) / 4; fake 2, -2: (3 + 0) / 2
    L, d_real, d_fake = ops.hinge_discriminator(column(3, 0, -1, 1), column(2, -2))
    agree(L, 9 / 4)
    agree(d_real, column(0, -1, -1, 0) / 4)
    agree(d_fake, column(1, 0) / 2)


def test_eqs_9_7_and_9_8_wasserstein_of_D(ops):
    # -3/2 + 1/2
    L, d_real, d_fake = ops.wasserstein_discriminator(column(3, 0), column(2, -1, 0, 1))
    agree(L, -1)
    agree(d_real, column(-1, -1) / 2)
    agree(d_fake, column(1, 1, 1, 1) / 4)


def test_eqs_9_9_and_9_10_wasserstein_of_G(ops):
    L, d_fake = ops.wasserstein_generator(column(3, 0))
    agree(L, -3 / 2)
    agree(d_fake, column(-1, -1) / 2)


# ------------------------------------------------------------------------- chapter 10: derivatives of derivatives

U = rows([3, 4], [0, 2])                                  # rows of length 5 and 2


def test_eqs_10_1_10_2_and_10_4_square_penalty(ops):
    # gamma = 1/2: 1/4 of the mean of 25 and 4; v = gamma / n = 1/4 of u
    P, v = ops.square_penalty(U, 1 / 2)
    agree(P, 29 / 8)
    agree(v, U / 4)


def test_eqs_10_3_and_10_5_norm_penalty(ops):
    # weight 10: 10 times the mean of 16 and 1; v = 10 (5 - 1) u / 5 and 10 (2 - 1) u / 2
    P, v = ops.norm_penalty(U, 10)
    agree(P, 85)
    agree(v, rows([24, 32], [0, 10]))
    P, v = ops.norm_penalty(rows([0, 0], [0, 1]), 10)     # no direction at 0, and no pull at length 1
    agree(P, 5)
    agree(v, np.zeros((2, 2)))


def test_eq_10_10_maxout_forwards(ops):
    agree(ops.maxout_jvp(rows([1, 2, 3, 4, 5, 6]), np.array([[1, 0]]), 3), [[2, 4]])


def test_eq_10_12_second_derivative_of_sigmoid(ops):
    # y (1 - y) (1 - 2 y) = 3/16 * (-1/2) = -3/32 at 3/4, 3/32 at 1/4, times 4 and 2
    agree(ops.sigmoid_curvature(rows([4, 4]), rows([2, 2]), rows([3 / 4, 1 / 4])), [[-3 / 4, 3 / 4]])


def test_eq_10_13_second_derivative_of_tanh(ops):
    # -2 * 3/5 * 16/25 = -96/125, times 25 and 5
    agree(ops.tanh_curvature(rows([25]), rows([5]), rows([3 / 5])), [[-96]])


# --------------------------------------------------------------------------------------------- chapter 11: tricks

def test_eq_11_2_batch_normalisation(ops):
    # 1 and 9: mean 5, variance 16, root of 16 + 9 = 5; 2 and 2: variance 0
    y, x_hat, mean, var = ops.batch_norm(rows([1, 2], [9, 2]), vector(5, 3), vector(1, -1), 9)
    agree(mean, [5, 2])
    agree(var, [16, 0])
    agree(x_hat, rows([-4 / 5, 0], [4 / 5, 0]))
    agree(y, [[-4 + 1, -1], [4 + 1, -1]])


def test_eq_11_3_its_derivative(ops):
    # gamma / root of 7 + 9 = 8/4; mean dy = 1, mean of dy x_hat = 1/2:
    # 2 (1 - 1 - 1/4), 2 (0 - 1 + 1/4), 2 (3 - 1 - 1/4), 2 (0 - 1 + 1/4)
    dx, dgamma, dbeta = ops.batch_norm_backward(column(1, 0, 3, 0), column(1, -1, 1, -1) / 2, vector(7), vector(8), 9)
    agree(dx, column(-1 / 2, -3 / 2, 7 / 2, -3 / 2))
    agree(dgamma, [2])
    agree(dbeta, [4])


def test_eqs_11_4_and_11_13_running_mean(ops):
    # 3/4 * 8 + 1/4 * 4
    agree(ops.average(vector(8), vector(4), 3 / 4), [7])


def test_eq_11_5_minibatch_deviation(ops):
    # deviations: root of 16 + 9 and of 0 + 9; their mean is 4. Slope: (x - mean) / (2 * 2 * 5)
    y, slope = ops.minibatch_std(rows([1, 0], [9, 0]), 9)
    agree(y, [[1, 0, 4], [9, 0, 4]])
    agree(slope, [[-1 / 5, 0], [1 / 5, 0]])


def test_eq_11_6_its_derivative(ops):
    # the last column sums to 9: 1 + 1 * 9, 2 + 0, 4 - 2 * 9, 5 + 9/2
    agree(ops.minibatch_std_backward(rows([1, 2, 3], [4, 5, 6]), rows([1, 0], [-2, 1 / 2])), [[10, 2], [-14, 19 / 2]])


WIDE = rows([3, 4], [0, 0])                                   # singular value 5 along u = (1, 0), v = (3/5, 4/5)


def test_eq_11_8_spectral_norm(ops):
    W_bar, sigma = ops.spectral_norm(WIDE, vector(1, 0), vector(3 / 5, 4 / 5))
    agree(sigma, 5)
    agree(W_bar, WIDE / 5)


def test_eq_11_9_power_iteration(ops):
    # W (1, 0) = (3, 0), of length 1: u = (1, 0); u W = (3, 4), of length 1: v = (3/5, 4/5)
    u, v = ops.power_iteration(WIDE, vector(1, 0))
    agree(u, [1, 0])
    agree(v, [3 / 5, 4 / 5])


def test_eq_11_10_derivative_of_the_spectral_norm(ops):
    # the product of dW_bar and W_bar is 3/5 + 8/5 = 11/5: (1 - 33/25) / 5, (2 - 44/25) / 5; 0, 1/5
    dW = ops.spectral_norm_backward(rows([1, 2], [0, 1]), WIDE / 5, vector(1, 0), vector(3 / 5, 4 / 5), 5)
    agree(dW, [[-8 / 125, 6 / 125], [0, 1 / 5]])


def test_eq_11_12_clipping(ops):
    agree(ops.clip(vector(-3, -1, 1 / 2, 2), 3 / 2), [-3 / 2, -1, 1 / 2, 3 / 2])
