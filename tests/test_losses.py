"""The losses on logits: the value of the game, its signs, its tails, and losses that a student writes."""
import copy
import math
import pickle

import numpy as np
import pytest

import numpygan as ng
from numpygan import functional, kernels

LOSSES = [ng.losses.Minimax, ng.losses.NonSaturating]
EPS = np.finfo(float).eps
LN3 = math.log(3)                               # σ(ln 3) = 3/4


@pytest.fixture(params=LOSSES, ids=lambda c: c.__name__)
def Loss(request):
    return request.param


def column(*values, dtype=np.float64):
    return np.array(values, dtype)[:, None]


def error(a, b):
    return np.max(np.abs(np.subtract(a, b))) / max(np.max(np.abs(a)), np.max(np.abs(b)), 1e-12)


# ------------------------------------------------------------------------------------------------ values by hand


def test_the_loss_of_D_is_minus_the_value_of_the_game(Loss, engine, dtype, rng):
    """V(G, D) = E log D(x) + E log(1 − D(G(z))), as the paper writes it, on moderate logits.       Eq. (1.1)"""
    real, fake = rng.standard_normal((7, 1)).astype(dtype), rng.standard_normal((5, 1)).astype(dtype)
    D_real, D_fake = 1 / (1 + np.exp(-real.astype(float))), 1 / (1 + np.exp(-fake.astype(float)))
    V = np.log(D_real).mean() + np.log(1 - D_fake).mean()
    L, _, _ = Loss().using(engine).discriminator(real, fake)
    assert error(L, -V) <= 16 * np.finfo(dtype).eps
    L_only_real, _, _ = Loss().using(engine).discriminator(real, column(-800, dtype=dtype))     # D sure of the fake
    L_only_fake, _, _ = Loss().using(engine).discriminator(column(800, dtype=dtype), fake)
    assert error(L, L_only_real + L_only_fake) <= 4 * np.finfo(dtype).eps          # the sum of two cross-entropies


def test_at_D_one_half_the_loss_of_D_is_log_4(Loss, engine):
    L, d_real, d_fake = Loss().using(engine).discriminator(np.zeros((4, 1)), np.zeros((2, 1)))
    assert abs(L - math.log(4)) <= 2 * EPS
    assert d_real.tolist() == [[-1 / 8]] * 4                     # −½/n
    assert d_fake.tolist() == [[1 / 4]] * 2                      # +½/m


def test_logits_may_be_lists_and_are_numbers(Loss, engine):
    loss, real, fake = Loss().using(engine), column(1, -2, 0), column(3, -1)
    for got, e in zip(loss.discriminator(real.tolist(), fake.tolist()), loss.discriminator(real, fake), strict=True):
        assert np.array_equal(got, e)
    for logits in ((real, fake.astype(str)), (real.astype(bytes), fake), (real, [[None], [1.0]])):
        with pytest.raises(TypeError, match="the logits must be real numbers, got"):
            loss.discriminator(*logits)


@pytest.mark.parametrize("dtype", [int, bool, np.float16, complex])
def test_kernels_of_losses_take_no_other_types(dtype):
    """As loops in Python too: the gradient would be cut down to whole numbers."""
    for call in (kernels.non_saturating_generator, kernels.mean_sigmoid, kernels.minimax_generator):
        with pytest.raises(TypeError, match="float32 and float64"):
            call(np.ones((3, 1), dtype))


def test_the_two_generators_by_hand(engine):
    """At s = ln 3, D = ¾: log(1 − D) = −log 4, −log D = log(4/3), with slopes −¾ and −¼; two logits, so halves."""
    L, d = ng.losses.Minimax().using(engine).generator(column(LN3, 0))
    assert error(L, (-math.log(4) - math.log(2)) / 2) <= 4 * EPS                          # Eq. (4.9)
    assert error(d, column(-.75, -.5) / 2) <= 4 * EPS                                    # Eq. (4.10)
    L, d = ng.losses.NonSaturating().using(engine).generator(column(LN3, 0))
    assert error(L, (math.log(4 / 3) + math.log(2)) / 2) <= 4 * EPS                       # Eq. (4.11)
    assert error(d, column(-.25, -.5) / 2) <= 4 * EPS                                    # Eq. (4.12)


def test_smoothing_moves_the_real_target_alone(Loss, engine):
    """α = .9 at s = ln 3: −.9 log ¾ − .1 log ¼, slope ¾ − .9; the fake side keeps its target 0.    Eqs. (4.7), (4.8)"""
    L, d_real, d_fake = Loss(real_label=.9).using(engine).discriminator(column(LN3), column(0.))
    assert error(L, -.9 * math.log(.75) - .1 * math.log(.25) + math.log(2)) <= 4 * EPS
    assert error(d_real, [[-.15]]) <= 16 * EPS                   # ¾ − .9 cancels a little
    assert d_fake.tolist() == [[.5]]


def test_smoothing_moves_the_optimal_D_to_alpha_p_over_p_plus_q(Loss, engine):
    """With p = 2q the gradients of n real and n/2 fake copies of one point cancel at D = α·2/3.          Eq. (4.13)"""
    alpha, p, q = .8, 2 / 3, 1 / 3
    D = alpha * p / (p + q)
    s = math.log(D / (1 - D))
    _, d_real, d_fake = Loss(real_label=alpha).using(engine).discriminator(column(s), column(s))
    assert abs(p * d_real[0, 0] + q * d_fake[0, 0]) <= 4 * EPS


# -------------------------------------------------------------------------------------------------- derivatives


@pytest.mark.parametrize("label", [1.0, .9])
def test_gradients_against_the_complex_step(Loss, label, engine, rng):
    loss = Loss(real_label=label).using(engine)
    real, fake = 3 * rng.standard_normal((6, 1)), 3 * rng.standard_normal((4, 1))
    _, d_real, d_fake = loss.discriminator(real, fake)
    _, d_gen = loss.generator(fake)
    assert (d_real.shape, d_fake.shape, d_gen.shape) == ((6, 1), (4, 1), (4, 1))
    for i in range(6):
        e = np.zeros((6, 1))
        e[i] = 1e-20
        assert error(loss.discriminator(real + 1j * e, fake + 0j)[0].imag / 1e-20, d_real[i]) <= 1e-13
        if i < 4:
            assert error(loss.discriminator(real + 0j, fake + 1j * e[:4])[0].imag / 1e-20, d_fake[i]) <= 1e-13
            assert error(loss.generator(fake + 1j * e[:4])[0].imag / 1e-20, d_gen[i]) <= 1e-13


def test_the_minimax_generator_minimises_what_D_maximises(engine, rng):
    """Zero sum: L_G is −E log(1 − D)'s share of L_D with the other sign, and so is its gradient."""
    loss, fake = ng.losses.Minimax().using(engine), rng.standard_normal((5, 1))
    L_D, _, d_D = loss.discriminator(column(800.), fake)
    L_G, d_G = loss.generator(fake)
    assert error(L_G, -L_D) <= 4 * EPS
    assert error(d_G, -d_D) <= 4 * EPS


# -------------------------------------------------------------------------------------------------------- tails


@pytest.mark.parametrize("label", [1.0, .9])
def test_logits_of_ten_thousand_stay_finite(Loss, label, engine, dtype):
    loss = Loss(real_label=label).using(engine)
    s = column(-1e4, -100, 0, 100, 1e4, dtype=dtype)
    for L, *grads in (loss.discriminator(s, s), loss.generator(s)):
        assert math.isfinite(L)
        assert all(np.isfinite(d).all() and d.dtype == dtype for d in grads)
    L, d_real, d_fake = loss.discriminator(column(-1e4, dtype=dtype), column(1e4, dtype=dtype))
    assert error(L, (1 + label) * 1e4) <= 4 * np.finfo(dtype).eps                # wrong as can be: −α s on both sides
    assert (d_real[0, 0], d_fake[0, 0]) == (-dtype(label), 1)


def test_the_non_saturating_gradient_does_not_vanish_where_D_is_sure(engine, dtype):
    """−σ(20) = −1 + 2e−9 at logit −20; with ε = 1e-8 in the log it would be −0.17. And minimax: −σ(−20) = −2.06e−9."""
    _, d = ng.losses.NonSaturating().using(engine).generator(column(-20, dtype=dtype))
    assert abs(d[0, 0] + 1) <= 2.1e-9 + np.finfo(dtype).eps
    _, d = ng.losses.Minimax().using(engine).generator(column(-20, dtype=dtype))
    assert error(d, [[-math.exp(-20) / (1 + math.exp(-20))]]) <= 4 * np.finfo(dtype).eps


def test_small_losses_keep_their_digits(engine, dtype):
    """−log σ(30) = e⁻³⁰ to relative precision, where log(1 − tiny) would give 0 or one digit."""
    L, _ = ng.losses.NonSaturating().using(engine).generator(column(30, dtype=dtype))
    assert error(L, math.log1p(math.exp(-30))) <= 4 * np.finfo(dtype).eps


def test_nan_logits_give_nan(Loss, engine):
    loss, s = Loss().using(engine), column(0, math.nan, 1)
    for L, *grads in (loss.discriminator(s, column(1.)), loss.discriminator(column(1.), s), loss.generator(s)):
        assert math.isnan(L)
        assert any(np.isnan(d).any() for d in grads)


# ------------------------------------------------------------------------------------- manners: errors and copies


@pytest.mark.parametrize("wrong", [np.zeros(4), np.zeros((4, 2)), np.zeros((0, 1)), np.zeros((2, 2, 1)), 0.5, [0, 1],
                                   [[0., 1.]]],
                         ids=lambda a: str(np.shape(a)))
def test_anything_but_a_column_of_logits_is_refused(Loss, engine, wrong):
    loss, good = Loss().using(engine), np.zeros((4, 1))
    for call in (lambda: loss.generator(wrong), lambda: loss.discriminator(wrong, good),
                 lambda: loss.discriminator(good, wrong)):
        with pytest.raises(ValueError, match=r"a loss takes logits of shape \(n, 1\) with n >= 1, got .* without"):
            call()


@pytest.mark.parametrize("label", [0, -1, 1.1, math.nan])
def test_an_impossible_label_is_refused(Loss, label):
    with pytest.raises(ValueError, match=r"D's targets must satisfy .* real_label <= 1, got .* and real_label="):
        Loss(real_label=label)


def test_inputs_stay_and_dtypes_too(Loss, engine, dtype, rng):
    real, fake = rng.standard_normal((6, 1)).astype(dtype), rng.standard_normal((4, 1)).astype(dtype)
    before = real.tobytes(), fake.tobytes()
    loss = Loss().using(engine)
    for L, *grads in (loss.discriminator(real, fake), loss.generator(fake)):
        assert L.dtype == dtype
        assert {d.dtype for d in grads} == {np.dtype(dtype)}
    assert (real.tobytes(), fake.tobytes()) == before


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))], ids=["deepcopy", "pickle"])
def test_copies_agree_and_are_detached(Loss, engine, clone):
    loss = Loss(real_label=.9).using(engine)
    twin, s = clone(loss), column(1., 2.)
    assert (repr(twin), twin.engine) == (repr(loss), engine)
    assert repr(twin).startswith(f"{Loss.__name__}(real_label=0.9")
    assert twin.discriminator(s, s)[0] == loss.discriminator(s, s)[0]
    twin.real_label = .5
    assert loss.real_label == .9


def test_complex_logits_go_to_functional_and_others_to_the_engine():
    """The kernels take no complex numbers."""
    compiled = ng.losses.Minimax().using("numba")
    assert compiled._ops(np.ones((2, 1)), np.ones((2, 1)) + 0j) is functional
    assert compiled._ops(np.ones((2, 1))) is kernels


def test_using_an_engine_leaves_the_loss_as_it_was(Loss):
    loss = Loss()
    assert loss.using("numba").engine == "numba"
    assert loss.engine == "numpy"


# ------------------------------------------------------------------------------------------------ a student's loss


class Squares:
    """Least squares on the logit with targets 1 and 0, and nothing inherited."""

    def discriminator(self, logit_real, logit_fake):
        L = ((logit_real - 1) ** 2).mean() + (logit_fake ** 2).mean()
        return L, 2 * (logit_real - 1) / len(logit_real), 2 * logit_fake / len(logit_fake)

    def generator(self, logit_fake):
        return ((logit_fake - 1) ** 2).mean(), 2 * (logit_fake - 1) / len(logit_fake)


class Flipped(ng.losses.Loss):
    """Built on the package's base: minimise −log(1 − D) for D's fakes alone, through its checks and its engine."""

    def discriminator(self, logit_real, logit_fake):
        return self._ops(logit_real, logit_fake).bce_discriminator(logit_real, logit_fake, 1.0)

    def generator(self, logit_fake):
        return self._ops(logit_fake).non_saturating_generator(logit_fake)


@pytest.mark.parametrize("loss", [Squares(), Flipped()], ids=lambda a: type(a).__name__)
def test_a_students_loss_trains_both_networks(loss, engine, dtype):
    rng = np.random.default_rng(0)
    G = ng.MLP([3, 8, 2], rng=rng, engine=engine, dtype=dtype)
    D = ng.MLP([2, 8, 1], rng=rng, engine=engine, dtype=dtype)
    start = G.theta.copy(), D.theta.copy()
    history = ng.GAN(G, D, loss).fit(ng.data.ring(8), steps=5, batch=16, rng=rng)
    assert np.isfinite(history["loss_D"]).all()
    assert not np.array_equal(G.theta, start[0])
    assert not np.array_equal(D.theta, start[1])
    assert G.theta.dtype == D.theta.dtype == dtype


def test_a_loss_that_returns_the_wrong_shape_is_caught(engine):
    class Flat(Squares):
        def generator(self, logit_fake):
            L, d = super().generator(logit_fake)
            return L, d[:, 0]

    rng = np.random.default_rng(0)
    gan = ng.GAN(ng.MLP([3, 2], rng=rng, engine=engine), ng.MLP([2, 1], rng=rng, engine=engine), Flat())
    with pytest.raises(TypeError, match=r"Flat.*: generator must return .* got an array \(16,\) float32 for \(16, 1\)"):
        gan.fit(ng.data.ring(8), steps=1, batch=16, rng=rng)


def test_noise_on_labels_reaches_from_one_target_to_the_other_and_no_further():
    assert ng.losses.Minimax(0.75, 0.25, label_noise=0.5).label_noise == 0.5
    with pytest.raises(ValueError, match="label_noise must lie between 0 and real_label - fake_label = 0.5, got 0.6"):
        ng.losses.Minimax(0.75, 0.25, label_noise=0.6)
