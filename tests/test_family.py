"""The family of losses and the tricks with labels and noise: what D is optimal, and what G then minimises.

p and q live on three atoms, so that D is a table of three logits and every optimum can be found by looking for it.
"""
import copy
import math
from typing import NamedTuple

import numpy as np
import pytest
from close import error
from scipy.optimize import linprog, minimize_scalar

import numpygan as ng
from numpygan import functional
from numpygan.gan import instance_noise
from numpygan.losses import Hinge, LeastSquares, Minimax, NonSaturating, Wasserstein

EPS = np.finfo(float).eps
H = 1e-20                                                  # of the complex step
AT = np.array([0., 1, 3])                                  # where the atoms are
N_REAL, N_FAKE = np.array([6, 3, 1]), np.array([1, 4, 5])  # rows of each in a batch of ten
P, Q = N_REAL / 10, N_FAKE / 10
LOSSES = [Minimax(), NonSaturating(), LeastSquares(), Hinge(), Wasserstein()]
LABELS = [dict(), dict(real_label=0.9), dict(fake_label=0.1), dict(flip=0.1), dict(label_noise=0.3),
          dict(real_label=0.9, fake_label=0.05, flip=0.1, label_noise=0.2)]


def name(loss):
    return type(loss).__name__


def column(*values, dtype=np.float64):
    return np.array(values, dtype)[:, None]


def loss_D(loss, s):
    """L_D of the D that answers s on the three atoms."""
    return loss.discriminator(column(*np.repeat(s, N_REAL)), column(*np.repeat(s, N_FAKE)))[0]


# ------------------------------------------------------------------------------------------------ values by hand


@pytest.mark.parametrize(("loss", "L_D", "d_real", "d_fake", "L_G", "d_G"), [
    (LeastSquares(), (1 + 4) / 4 + 9 / 2, [.5, -1], [3], 4 / 2, [2]),     # real 2, −1, fake 3 for D and 3 for G
    (Hinge(), (0 + 2) / 2 + 4, [0, -.5], [1], -3, [-1]),
    (Wasserstein(), -.5 + 3, [-.5, -.5], [1], -3, [-1]),
], ids=["LeastSquares", "Hinge", "Wasserstein"])
def test_losses_by_hand(loss, L_D, d_real, d_fake, L_G, d_G, engine, dtype):
    """Two real rows, so halves; one fake.                                            Eqs. (9.1) to (9.10)"""
    loss = loss.using(engine)
    L, dr, df = loss.discriminator(column(2, -1, dtype=dtype), column(3, dtype=dtype))
    assert (L, dr.ravel().tolist(), df.ravel().tolist()) == (L_D, d_real, d_fake)
    L, dg = loss.generator(column(3, dtype=dtype))
    assert (L, dg.ravel().tolist()) == (L_G, d_G)
    assert {a.dtype for a in (dr, df, dg)} == {np.dtype(dtype)}


def test_the_hinge_is_flat_beyond_its_margin_and_at_the_corner(engine):
    _, d_real, d_fake = Hinge().using(engine).discriminator(column(1, 1 - 1e-9, 7), column(-1, -1 + 1e-9, -7))
    assert (d_real * 3).ravel().tolist() == [0, -1, 0]
    assert (d_fake * 3).ravel().tolist() == [0, 1, 0]


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_every_loss_is_something_to_minimise(loss, engine):
    """D gains by raising real logits and lowering fake ones, G by raising fake ones: the signs, once for all."""
    loss, s = loss.using(engine), column(-0.5, 0.25, 0.75)
    _, d_real, d_fake = loss.discriminator(s, column(-0.75, 0.5))
    _, d_G = loss.generator(s)
    assert (d_real < 0).all()
    assert np.array_equal(d_fake > 0, [[name(loss) != "LeastSquares"], [True]])     # there a fake is drawn to 0
    assert (d_G < 0).all()


@pytest.mark.parametrize("loss", [*LOSSES, Minimax(real_label=0.9), NonSaturating(0.9, 0.1)], ids=repr)
def test_gradients_against_the_complex_step(loss, engine, rng):
    loss = loss.using(engine)
    real, fake = 3 * rng.standard_normal((6, 1)), 3 * rng.standard_normal((4, 1))
    _, d_real, d_fake = loss.discriminator(real, fake)
    _, d_gen = loss.generator(fake)
    steps = [loss.discriminator(real + 1j * H * e[:, None], fake + 0j)[0].imag / H for e in np.eye(6)]
    assert error(d_real[:, 0], steps) <= 1e-13
    steps = [loss.discriminator(real + 0j, fake + 1j * H * e[:, None])[0].imag / H for e in np.eye(4)]
    assert error(d_fake[:, 0], steps) <= 1e-13
    steps = [loss.generator(fake + 1j * H * e[:, None])[0].imag / H for e in np.eye(4)]
    assert error(d_gen[:, 0], steps) <= 1e-13


@pytest.mark.parametrize("loss", LOSSES[2:], ids=name)
def test_far_out_and_nan(loss, engine, dtype):
    loss, s = loss.using(engine), column(-1e4, 0, 1e4, dtype=dtype)
    for L, *ds in (loss.discriminator(s, s), loss.generator(s)):
        assert np.isfinite(L)
        assert all(np.isfinite(d).all() for d in ds)
    s[1] = math.nan
    for L, *_ in (loss.discriminator(s, s[:1]), loss.discriminator(s[:1], s), loss.generator(s)):
        assert math.isnan(L)


@pytest.mark.parametrize("loss", LOSSES[2:], ids=name)
@pytest.mark.parametrize("wrong", [np.zeros(4), np.zeros((4, 2)), np.zeros((0, 1)), 0.5], ids=repr)
def test_anything_but_a_column_of_logits_is_refused(loss, wrong, engine):
    loss, good = loss.using(engine), np.zeros((4, 1))
    for call in (lambda: loss.generator(wrong), lambda: loss.discriminator(wrong, good),
                 lambda: loss.discriminator(good, wrong)):
        with pytest.raises(ValueError, match=r"a loss takes logits of shape \(n, 1\) with n >= 1, got .* without"):
            call()


# ------------------------------------------------------------------------------------------------ the optimal D


class Optimum(NamedTuple):
    s: np.ndarray               # the best logits
    L_D: float                  # and what D loses with them


def kl(a, b):
    return (a * np.log(a / b)).sum()


def jsd(p, q):
    return (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)) / 2


OPTIMA = {
    "Minimax": Optimum(np.log(P / Q), math.log(4) - 2 * jsd(P, Q)),
    "NonSaturating": Optimum(np.log(P / Q), math.log(4) - 2 * jsd(P, Q)),
    "LeastSquares": Optimum(P / (P + Q), (P * Q / (P + Q)).sum() / 2),
    "Hinge": Optimum(np.sign(P - Q), 2 - np.abs(P - Q).sum()),          # 2 − 2 TV
}


@pytest.mark.parametrize("loss", LOSSES[:4], ids=name)
def test_the_best_d_is_the_one_of_the_docstring(loss):
    """Found by looking for the least L_D, one logit at a time: no gradient, no formula."""
    optimum = OPTIMA[name(loss)]
    found = []
    for i in range(3):
        e = np.eye(3)[i]
        result = minimize_scalar(lambda s, e=e: loss_D(loss, s * e), bounds=(-5, 5), method="bounded",
                                 options={"xatol": 1e-10})
        found.append(result.x)
    assert np.abs(found - optimum.s).max() <= 1e-6
    assert abs(loss_D(loss, optimum.s) - optimum.L_D) <= 16 * EPS
    assert loss_D(loss, np.array(found)) >= optimum.L_D - 16 * EPS


@pytest.mark.parametrize("loss", LOSSES[:3], ids=name)
def test_at_the_best_d_no_gradient_is_left(loss, engine):
    s = OPTIMA[name(loss)].s
    _, d_real, d_fake = loss.using(engine).discriminator(column(*np.repeat(s, N_REAL)), column(*np.repeat(s, N_FAKE)))
    atoms = np.arange(3)
    total = [d_real[np.repeat(atoms, N_REAL) == i].sum() + d_fake[np.repeat(atoms, N_FAKE) == i].sum() for i in atoms]
    assert np.abs(total).max() <= 4 * EPS


def test_without_a_bound_on_its_slope_the_wasserstein_critic_has_no_optimum():
    s = np.sign(P - Q)
    assert [round(loss_D(Wasserstein(), c * s), 12) for c in (1, 10, 1000)] == [-1, -10, -1000]     # −2 TV times c


def test_with_it_minus_its_loss_is_the_earth_movers_distance():
    """max of −L_D over s with |s_i − s_j| <= |x_i − x_j|, as a linear programme; ∫|F − G| = .5 · 1 + .4 · 2 by hand."""
    slope = [loss_D(Wasserstein(), e) for e in np.eye(3)]                      # L_D is linear
    pairs = [(i, j) for i in range(3) for j in range(3) if i != j]
    result = linprog(slope, [np.eye(3)[i] - np.eye(3)[j] for i, j in pairs], [abs(AT[i] - AT[j]) for i, j in pairs],
                     bounds=(-10, 10))
    assert abs(-loss_D(Wasserstein(), result.x) - 1.3) <= 1e-12
    assert np.abs(np.diff(result.x) / np.diff(AT) + 1).max() <= 1e-12           # slope −1 all the way: mass moves right


# -------------------------------------------------------------------------------------- what G minimises, D held fixed


def earth_mover(p, q):
    """∫|F − G|, by the sign of the real part."""
    d = np.cumsum(p - q)[:-1]
    return (np.where(np.real(d) < 0, -d, d) * np.diff(AT)).sum()


def total_variation(p, q):
    return (np.where(np.real(p - q) < 0, q - p, p - q)).sum() / 2


DIVERGENCES = {
    "Minimax": lambda q: 2 * jsd(P, q),
    "NonSaturating": lambda q: kl(q, P) - 2 * jsd(P, q),
    "LeastSquares": lambda q: (q - 2 * P * np.log(P + q) - P**2 / (P + q)).sum() / 2,
    "Hinge": lambda q: 2 * total_variation(P, q),
    "Wasserstein": lambda q: earth_mover(P, q),
}
BEST = {name: optimum.s for name, optimum in OPTIMA.items()} | {"Wasserstein": -AT}


def along(loss):
    """How L_G changes when a little mass moves between atoms while D stays as it is: its mean is linear in q."""
    each = np.array([loss.generator(column(s))[0] for s in BEST[name(loss)]])
    return each - each[0]


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_with_d_held_fixed_at_its_optimum_g_goes_down_a_divergence(loss, engine):
    moves = np.eye(3) - np.eye(3)[0]                                            # of mass, from the first atom
    expected = [DIVERGENCES[name(loss)](Q + 1j * H * move).imag / H for move in moves]
    assert error(along(loss.using(engine)), expected) <= 1e-13


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_these_divergences_are_least_at_p(loss):
    divergence, rng = DIVERGENCES[name(loss)], np.random.default_rng(0)
    others = [divergence(q) for q in rng.dirichlet(np.ones(3), 200)]
    assert min(others) > divergence(P)


def test_the_non_saturating_divergence_is_twice_the_kl_of_the_mixture():
    """KL(q‖p) − 2 JSD = 2 KL(m‖p), m the mixture: never negative, though it is a difference."""
    for q in np.random.default_rng(0).dirichlet(np.ones(3), 20):
        assert abs(DIVERGENCES["NonSaturating"](q) - 2 * kl((P + q) / 2, P)) <= 64 * EPS


def chi_square(q):
    """Pearson's, between p + q and 2q."""
    return ((P - q)**2 / (P + q)).sum()


def test_where_pearsons_chi_square_comes_from():
    """Least squares with E_p (s − c)² added to G's loss, and D following G.              Mao et al. 2017, section 3.2.2

    Labels a = −1 for fakes, b = 1 for data, c = 0 for what G wants: exactly χ². Ours, 0, 1, 1: ½ + χ²/4.
    """
    found = minimize_scalar(lambda t: P[0] * (t - 1)**2 + Q[0] * (t + 1)**2, bounds=(-2, 2), method="bounded").x
    s = (P - Q) / (P + Q)
    assert abs(found - s[0]) <= 1e-6
    assert abs(((P + Q) * s**2).sum() - chi_square(Q)) <= 8 * EPS
    ours = (BEST["LeastSquares"] - 1)**2
    assert abs(((P + Q) * ours).sum() - 1 / 2 - chi_square(Q) / 4) <= 8 * EPS


def test_and_that_g_does_not_go_down_it():
    """Its step holds D fixed, and then the gradient is another one, in direction too."""
    moves = np.eye(3) - np.eye(3)[0]
    pearson = np.array([chi_square(Q + 1j * H * move).imag / H for move in moves])
    step = along(LeastSquares())
    assert abs(step[1] / step[2] - pearson[1] / pearson[2]) > 0.05


# ---------------------------------------------------------------------------------------------------------- labels


def mean_targets(real_label=1.0, fake_label=0.0, flip=0.0, label_noise=0.0):
    """a and b of Eq. (11.1): the noise moves a target inwards by half its width; flipped rows have the other label."""
    return ((1 - flip) * (real_label - label_noise / 2) + flip * fake_label,
            (1 - flip) * (fake_label + label_noise / 2) + flip * real_label)


@pytest.mark.parametrize("labels", LABELS, ids=str)
def test_the_targets_that_are_drawn(labels):
    """Their means are a and b, and each lies where it should."""
    n, rng = 100_000, np.random.default_rng(1)
    loss = NonSaturating(**labels)
    real, fake = loss.targets(n, n, rng)
    a, b = mean_targets(**labels)
    for drawn, mean in ((real, a), (fake, b)):
        assert drawn.shape == (n, 1)
        assert abs(drawn.mean() - mean) <= 6 * drawn.std() / math.sqrt(n) + 1e-12         # once in 10⁸ seeds
    alpha, beta, w = loss.real_label, loss.fake_label, loss.label_noise
    kept_real, kept_fake = real != beta, fake != alpha
    assert (real[kept_real] >= alpha - w).all()
    assert (real <= alpha).all()
    assert (fake[kept_fake] <= beta + w).all()
    assert (fake >= beta).all()
    for kept in (kept_real, kept_fake):
        assert abs(1 - kept.mean() - loss.flip) <= 6 * math.sqrt(loss.flip / n)
    if w:
        assert real[kept_real].std() == pytest.approx(w / math.sqrt(12), rel=0.02)


def table_gradient(loss, s, rng=None, n=1):
    """∂L_D/∂s of the D that answers s on the three atoms, n times ten rows of each kind."""
    atoms = np.repeat(np.arange(3), n * N_REAL), np.repeat(np.arange(3), n * N_FAKE)
    _, *ds = loss.discriminator(*(column(*s[i]) for i in atoms), *([] if rng is None else [rng]))
    return sum(np.bincount(i, d[:, 0], 3) for i, d in zip(atoms, ds, strict=True))


class Mean(NonSaturating):
    """The tricks at the mean of what they draw."""

    def targets(self, n, m, rng):
        a, b = mean_targets(self.real_label, self.fake_label, self.flip, self.label_noise)
        return np.full((n, 1), a), np.full((m, 1), b)


def best_logit(labels):
    a, b = mean_targets(**labels)
    D = (a * P + b * Q) / (P + Q)                                                                  # Eq. (11.1)
    return np.log(D / (1 - D))


@pytest.mark.parametrize("labels", LABELS, ids=str)
def test_the_best_d_under_every_trick(labels, engine):
    """At D* = (a p + b q)/(p + q) the mean gradient over the draws is 0 on every atom.           Eqs. (11.1), (4.13)

    The mean over the draws is the gradient at the mean targets: the cross-entropy is linear in its target, which the
    next test checks on the targets that are drawn.
    """
    loss = Mean(**labels).using(engine)
    assert np.abs(table_gradient(loss, best_logit(labels), np.random.default_rng(0))).max() <= 8 * EPS
    if labels:
        assert np.abs(table_gradient(loss, best_logit({}), np.random.default_rng(0))).max() > 1e-2


@pytest.mark.parametrize("make", [Minimax, NonSaturating])
@pytest.mark.parametrize("labels", LABELS[3:], ids=str)
def test_the_mean_over_the_draws_is_the_gradient_at_the_mean_of_the_targets(make, labels, engine, rng):
    loss = make(**labels).using(engine)
    real, fake = rng.standard_normal((10, 1)), rng.standard_normal((8, 1))
    rng_targets = copy.deepcopy(rng)
    drawn = [loss.discriminator(real, fake, rng) for _ in range(50)]
    targets = [loss.targets(10, 8, rng_targets) for _ in range(50)]              # the same ones, in the same order
    mean = functional.bce_discriminator(real, fake, *(np.mean(t, axis=0) for t in zip(*targets, strict=True)))
    for each, expected in zip(zip(*drawn, strict=True), mean, strict=True):
        assert error(np.mean(each, axis=0), expected) <= 50 * EPS


@pytest.mark.parametrize("labels", LABELS[3:], ids=str)
def test_many_draws_leave_no_gradient_at_the_best_d(labels):
    """The loss as it is used, on 200,000 rows of each kind: 0 within five standard errors, and only there."""
    n, loss = 20_000, NonSaturating(**labels)
    g = table_gradient(loss, best_logit(labels), np.random.default_rng(5), n)
    sd = 0.5 / math.sqrt(10 * n)                                                 # at most: targets lie in [0, 1]
    assert np.abs(g).max() <= 5 * sd
    assert np.abs(table_gradient(loss, best_logit({}), np.random.default_rng(5), n)).max() > 10 * sd


def test_draws_need_a_generator_and_nothing_else_draws():
    s = np.zeros((4, 1))
    for labels in LABELS:
        loss, rng = NonSaturating(**labels), np.random.default_rng(0)
        before = rng.bit_generator.state
        if loss.draws:
            with pytest.raises(TypeError, match="flipped or noisy labels are drawn: pass rng="):
                loss.discriminator(s, s)
        else:
            assert loss.discriminator(s, s)[0] == loss.discriminator(s, s, rng)[0]
            assert rng.bit_generator.state == before
        assert loss.draws == bool(labels.get("flip") or labels.get("label_noise"))


def test_both_engines_and_precisions_draw_the_same(rng):
    s = rng.standard_normal((6, 1)).astype(np.float32)
    results = [NonSaturating(flip=0.3, label_noise=0.2).using(engine).discriminator(
        s.astype(dtype), -s.astype(dtype), np.random.default_rng(1))
        for engine in ("numpy", "numba") for dtype in (np.float32, np.float64)]
    for L, d_real, d_fake in results:
        assert error(L, results[1][0]) <= 1e-6
        assert error(d_real, results[1][1]) <= 1e-6
        assert error(d_fake, results[1][2]) <= 1e-6
    assert [r[1].dtype for r in results] == [np.float32, np.float64] * 2


@pytest.mark.parametrize(("settings", "sentence"), [
    (dict(real_label=0.3, fake_label=0.4), "0 <= fake_label < real_label <= 1, got fake_label=0.4 and real_label=0.3"),
    (dict(fake_label=-0.1), "0 <= fake_label"),
    (dict(flip=0.5), r"flip, the share of labels turned round, must lie in \[0, 0.5\), got 0.5"),
    (dict(flip=math.nan), "flip"),
    (dict(label_noise=1.1), "label_noise must lie between 0 and real_label - fake_label = 1, got 1.1"),
    (dict(label_noise=-0.1), "label_noise"),
])
def test_impossible_labels_say_why(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        NonSaturating(**settings)


# ---------------------------------------------------------------------------------------------------- in training


class Endless:
    """Two columns without end."""
    shape, range, n, labels = (2,), (-math.inf, math.inf), None, None

    def sample(self, n, rng):
        return rng.standard_normal((n, 2))


class Watched(ng.Dense):
    """A first layer of D that writes down what D is given."""

    def __init__(self, width, seen):
        super().__init__(width)
        self.seen = seen

    def forward(self, p, x, c):
        self.seen.append(x.copy())
        return super().forward(p, x, c)


def game(engine, seen=None, hidden=4, loss=None, **more):
    rng = np.random.default_rng(1)
    G = ng.MLP([2, 4, 2], hidden="tanh", rng=rng, dtype=np.float64, engine=engine)
    D = ng.Network([Watched(hidden, [] if seen is None else seen), ng.Tanh(), ng.Dense(1)], 2, rng=rng,
                   dtype=np.float64, engine=engine)
    return ng.GAN(G, D, loss, **more)


@pytest.mark.parametrize("simultaneous", [False, True], ids=["alternating", "simultaneous"])
def test_fit_draws_new_targets_in_every_step_of_d(engine, simultaneous):
    """After x, z and what D's pass draws: the first step by hand, and 40 steps that remain what they are."""
    loss = NonSaturating(flip=0.2, label_noise=0.1)
    gan, hand = (game(engine, loss=loss, simultaneous=simultaneous) for _ in range(2))
    rng = np.random.default_rng(3)
    x, z = rng.standard_normal((5, 2)), rng.standard_normal((5, 2))
    targets = loss.targets(5, 5, rng)
    L, _, _ = functional.bce_discriminator(hand.D(x), hand.D(hand.G(z)), *targets)
    history = gan.fit(Endless(), steps=40, batch=5, rng=np.random.default_rng(3))
    assert error(history["loss_D"][0], L) <= 50 * EPS
    again = game(engine, loss=loss, simultaneous=simultaneous)
    again.fit(Endless(), steps=40, batch=5, rng=np.random.default_rng(3))
    assert again.D.theta.tobytes() == gan.D.theta.tobytes()


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_every_loss_trains_both_networks(loss, engine):
    gan = game(engine, loss=loss)
    before = gan.G.theta.copy(), gan.D.theta.copy()
    history = gan.fit(Endless(), steps=3, batch=8, rng=np.random.default_rng(0))
    assert np.isfinite(history["loss_D"]).all()
    for net, theta in zip((gan.G, gan.D), before, strict=True):
        assert (net.theta != theta).mean() > 0.9


# -------------------------------------------------------------------------------------------------- instance noise


def test_the_noise_is_normal_with_that_deviation(dtype):
    """x + std · ε, entry by entry.                                                                  Eq. (11.7)"""
    x = np.tile(np.array([0, 3], dtype), (50_000, 1))
    noisy = instance_noise(x, np.float64(0.5), np.random.default_rng(0))
    e = (noisy - x) / 0.5
    assert noisy.dtype == dtype                                                   # and six standard errors of each:
    assert np.abs(e.mean(axis=0)).max() < 6 / math.sqrt(50_000)
    assert np.abs(e.var(axis=0) - 1).max() < 6 * math.sqrt(2 / 50_000)
    assert abs(np.mean(e[:, 0] * e[:, 1])) < 6 / math.sqrt(50_000)
    assert abs(np.mean(e**4) - 3) < 6 * math.sqrt(96 / 100_000)                   # a normal one: Var e⁴ = 105 − 9


def test_no_noise_draws_nothing_and_noise_needs_a_generator_and_numbers():
    x = np.ones((3, 2))
    assert instance_noise(x, 0, None) is x
    assert np.array_equal(instance_noise([[1, 2]], 0.5, np.random.default_rng(0)),
                          instance_noise(np.array([[1.0, 2.0]]), 0.5, np.random.default_rng(0)))
    with pytest.raises(TypeError, match="instance noise is drawn: pass rng="):
        instance_noise(x, 0.1, None)


@pytest.mark.parametrize("simultaneous", [False, True], ids=["alternating", "simultaneous"])
def test_both_inputs_of_d_are_noisy_in_both_steps_and_the_samples_are_not(engine, simultaneous):
    """Annealed: 1000, 100, 10, then none. The noise stands out from data and samples of size 1."""
    seen = []
    gan = game(engine, seen, input_noise=lambda step: 10.0**(3 - step) if step < 3 else 0, simultaneous=simultaneous)
    gan.fit(Endless(), steps=4, batch=500, rng=np.random.default_rng(0))
    sizes = [np.round(np.log10(x.std(axis=0) + 1)) for batch in seen for x in np.split(batch, len(batch) // 500)]
    # per step: real, fake, fake of G's step
    assert np.array(sizes).reshape(4, 3, 2).tolist() == [[[size] * 2] * 3 for size in (3, 2, 1, 0)]
    assert np.abs(gan.sample(100, np.random.default_rng(0))).max() < 10


def test_the_noise_of_real_and_fake_rows_is_another(engine):
    """One ε for both would cancel in the comparison that D makes."""
    seen = []
    gan = game(engine, seen, input_noise=1e6)
    gan.fit(Endless(), steps=1, batch=400, rng=np.random.default_rng(0))
    real, fake = np.split(seen[0], 2)
    assert abs(np.corrcoef(real.ravel(), fake.ravel())[0, 1]) < 6 / math.sqrt(800)


def test_k_steps_of_d_have_the_deviation_of_their_step_of_g(engine):
    seen, asked = [], []
    gan = game(engine, seen, input_noise=lambda step: asked.append(step) or 0.1)
    gan.fit(Endless(), steps=3, batch=4, k=2, rng=np.random.default_rng(0))
    assert sorted(set(asked)) == [0, 1, 2]


def test_gs_gradient_passes_the_noise_as_it_is(engine, rng):
    """∂L_G/∂θ_G at fixed noise by the complex step: the sum x_fake + σε has derivative 1."""
    gan, z = game(engine), rng.standard_normal((6, 2))
    loss = NonSaturating()
    L, g = ng.generator_gradient(gan.G, gan.D, loss, z, np.random.default_rng(4), 0.7)

    def loss_G(theta):
        rng = np.random.default_rng(4)
        x_fake, _ = gan.G.forward(z, rng, theta)
        return loss.generator(gan.D.forward(x_fake + 0.7 * rng.standard_normal((6, 2)), rng)[0])[0]

    assert error(L, loss_G(gan.G.theta)) <= 50 * EPS
    assert error(g, [loss_G(gan.G.theta + 1j * H * e).imag / H for e in np.eye(g.size)]) <= 1e-13


def test_penalties_look_at_the_noisy_inputs(engine):
    """∇D is bounded where D is trained: at the points with noise."""
    where = []

    class Watch:
        def __call__(self, D, x, x_fake, rng):
            where.extend([x.std(), x_fake.std()])
            return 0.0, np.zeros_like(D.theta)

    game(engine, input_noise=1e4, penalties=[Watch()]).fit(Endless(), steps=1, batch=100, rng=np.random.default_rng(0))
    assert min(where) > 5e3


@pytest.mark.parametrize("std", [-0.1, math.nan, math.inf])
def test_an_impossible_deviation_is_refused(std, engine):
    with pytest.raises(ValueError, match="input_noise must be a number of at least 0, got"):
        game(engine, input_noise=std).fit(Endless(), steps=1, batch=4, rng=np.random.default_rng(0))


# -------------------------------------------------------------------------------------- rates, dropout, a smaller D


def test_two_rates_are_two_optimisers(engine):
    """One step of SGD with lr and 4 lr: D moves by four times its gradient's share."""
    moved = {}
    for rate in (0.01, 0.04):
        gan = game(engine, opt_G=ng.optim.SGD(0.01), opt_D=ng.optim.SGD(rate), simultaneous=True)
        before = gan.G.theta.copy(), gan.D.theta.copy()
        gan.fit(Endless(), steps=1, batch=8, rng=np.random.default_rng(0))
        moved[rate] = gan.G.theta - before[0], gan.D.theta - before[1]
    assert error(moved[0.04][1], 4 * moved[0.01][1]) <= 1e-12
    assert np.array_equal(moved[0.04][0], moved[0.01][0])


def test_dropout_judges_by_another_subnetwork_in_every_pass(engine):
    """In training only: the answer of an evaluation is that of the mean network, and always the same."""
    rng = np.random.default_rng(0)
    D = ng.Network([ng.Dense(64), ng.LeakyReLU(), ng.Dropout(0.5), ng.Dense(1)], 2, rng=rng, dtype=np.float64,
                   engine=engine)
    x = rng.standard_normal((3, 2))
    drawn = np.array([D(x, rng) for _ in range(4000)])
    assert len(np.unique(drawn[:, 0])) == 4000
    assert np.abs((drawn.mean(axis=0) - D(x)) / (drawn.std(axis=0) / math.sqrt(4000))).max() < 6
    assert np.array_equal(D(x), D(x))


def test_a_smaller_d_cannot_tell_what_a_larger_one_can(engine):
    """Rings of two radii about one centre: the linear D stays at ½ (L_D = log 4), a hidden layer tells them apart."""
    angle = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    losses = {}
    for sizes in ([2, 1], [2, 16, 1]):
        D = ng.MLP(sizes, hidden="tanh", rng=np.random.default_rng(0), dtype=np.float64, engine=engine)
        opt = ng.optim.Adam(0.05)
        for _ in range(150):
            L, g = ng.discriminator_gradient(D, Minimax(), 2 * ring, ring)
            opt.step(D, g)
        losses[len(sizes)] = L
    assert abs(losses[2] - math.log(4)) < 1e-3
    assert losses[3] < 0.1
