"""Algorithm 1: the two gradients against their plain form, and `GAN.fit` against a loop written by hand."""
import copy
import math
import pickle
import re

import numpy as np
import pytest

import numpygan as ng
from numpygan.optim import SGD, Adam

EPS = np.finfo(float).eps
RING = ng.data.ring(8)
POINTS = np.random.default_rng(4).standard_normal((10, 2))


class Centre(ng.Layer):
    """y = x − mean over the batch: rows that see each other."""
    batchwise = True

    def forward(self, p, x, c):
        return x - x.mean(axis=0), None

    def backward(self, p, cache, dy, c):
        return dy - dy.mean(axis=0), {}


class Recorder(ng.Layer):
    """The identity that keeps what passes. `draws` makes it see real and fake in passes of their own."""
    draws = True

    def __init__(self):
        self.seen = []

    def forward(self, p, x, c):
        self.seen.append(x.copy())
        return x, None

    def backward(self, p, cache, dy, c):
        return dy, {}


class Endless:
    """The least that data must have; every row is NaN from the given call on."""
    shape, range, n = (2,), (-math.inf, math.inf), None

    def __init__(self, bad=math.inf):
        self.calls, self.bad = 0, bad

    def sample(self, n, rng):
        self.calls += 1
        return rng.standard_normal((n, 2)).astype(np.float32) + (math.nan if self.calls >= self.bad else 0)


def networks(engine, dtype=np.float32, middle=(), seed=0, head=()):
    rng = np.random.default_rng(seed)
    G = ng.Network([ng.Dense(8), ng.LeakyReLU(), ng.Dense(2)], 3, rng=rng, dtype=dtype, engine=engine)
    D = ng.Network([*head, ng.Dense(8), ng.LeakyReLU(), *middle, ng.Dense(1)], 2, rng=rng, dtype=dtype, engine=engine)
    return G, D


def make(engine, dtype=np.float32, middle=(), head=(), seed=0, **more):
    return ng.GAN(*networks(engine, dtype, middle, seed, head), **more)


def bits(gan):
    return gan.G.theta.tobytes(), gan.D.theta.tobytes()


def error(a, b):
    return np.max(np.abs(np.subtract(a, b))) / max(np.max(np.abs(a)), np.max(np.abs(b)), 1e-12)


class Asked(ng.Layer):
    """y = w x, which keeps what its backward passes were asked for: (dx?, gradient?)."""

    def __init__(self, batchwise=False):
        self.batchwise, self.asked = batchwise, []

    def shapes(self, d_in):
        return {"w": (1,)}, d_in

    def init(self, p, rng):
        p["w"][...] = 1

    def forward(self, p, x, c):
        return p["w"] * x, x

    def backward(self, p, x, dy, c):
        self.asked.append((c.want_dx, c.want_g))
        return p["w"] * dy, {"w": np.sum(x * dy, dtype=dy.dtype).reshape(1)}


@pytest.mark.parametrize("batchwise", [False, True])
def test_no_gradient_is_made_that_nobody_needs(engine, batchwise):
    """D's step needs none in its inputs, G's none in D's parameters nor in the noise."""
    of_D, of_G = Asked(batchwise), Asked(batchwise)
    rng = np.random.default_rng(0)
    G, D = (ng.Network([layer, ng.Dense(d)], 2, rng=rng, engine=engine) for layer, d in ((of_G, 2), (of_D, 1)))
    loss, x, z = ng.losses.NonSaturating(), *np.random.default_rng(1).standard_normal((2, 5, 2)).astype(np.float32)
    ng.discriminator_gradient(D, loss, x, z)
    assert of_D.asked == [(False, True)] * (2 if batchwise else 1)       # real and fake apart where rows see each other
    of_D.asked.clear()
    ng.generator_gradient(G, D, loss, z)
    assert (of_D.asked, of_G.asked) == ([(True, False)], [(False, True)])


# --------------------------------------------------------------------- the plain form, as DESIGN §3 writes it out


def plain_discriminator(D, loss, x, x_fake, rng=None):
    logit_r, tape_r = D.forward(x, rng)
    logit_f, tape_f = D.forward(x_fake, rng)
    L_D, dr, df = loss.discriminator(logit_r, logit_f)
    _, g_real = D.backward(tape_r, dr, want_dx=False)
    _, g_fake = D.backward(tape_f, df, want_dx=False)
    return L_D, g_real + g_fake


def stacked_discriminator(D, loss, x, x_fake, rng=None):
    logit, tape = D.forward(np.concatenate([x, x_fake]), rng)
    L_D, dr, df = loss.discriminator(logit[:len(x)], logit[len(x):])
    return L_D, D.backward(tape, np.concatenate([dr, df]))[1]


def plain_generator(G, D, loss, z, rng=None):
    x_fake, tape_g = G.forward(z, rng)
    logit_f, tape_f = D.forward(x_fake, rng)
    L_G, df = loss.generator(logit_f)
    dx_fake, _ = D.backward(tape_f, df, want_g=False)
    return L_G, G.backward(tape_g, dx_fake)[1]


@pytest.mark.parametrize("middle", [(), (ng.Maxout(2), ng.Tanh()), (ng.Dropout(), ng.Dropout()), (Centre(),)], ids=repr)
def test_the_gradient_of_D_is_the_plain_form(engine, middle, rng):
    _, D = networks(engine, np.float64, middle)
    x, x_fake, loss = rng.standard_normal((7, 2)), rng.standard_normal((5, 2)), ng.losses.NonSaturating()
    log = {}
    L, g = ng.discriminator_gradient(D, loss, x, x_fake, np.random.default_rng(1), log)
    L_plain, g_plain = plain_discriminator(D, loss, x, x_fake, np.random.default_rng(1))
    L_stacked, g_stacked = stacked_discriminator(D, loss, x, x_fake, np.random.default_rng(1))
    assert error(L, L_plain) <= 50 * EPS
    assert error(g, g_plain) <= 50 * EPS
    if D.rowwise:
        assert g.tobytes() == g_stacked.tobytes()                # one pass of 12 rows
    else:
        assert g.tobytes() == g_plain.tobytes()                  # stacking would be another gradient altogether
        assert error(g_stacked, g_plain) > 1e-3
        assert L_stacked != L
    if not any(layer.draws for layer in D.layers):
        assert abs(log["D_real"] - (1 / (1 + np.exp(-D(x)))).mean()) <= 8 * EPS
        assert abs(log["D_fake"] - (1 / (1 + np.exp(-D(x_fake)))).mean()) <= 8 * EPS


def test_real_and_fake_share_one_pass_only_where_rows_are_alone(engine, rng):
    shapes = {}
    for name, draws in (("rowwise", False), ("draws", True)):
        spy = Recorder()
        spy.draws = draws
        D = ng.Network([spy, ng.Dense(1)], 2, rng=rng, engine=engine)
        ng.discriminator_gradient(D, ng.losses.Minimax(), np.ones((4, 2)), np.zeros((3, 2)), rng)
        shapes[name] = [x.shape for x in spy.seen]
    assert shapes == {"rowwise": [(7, 2)], "draws": [(4, 2), (3, 2)]}


@pytest.mark.parametrize("middle", [(), (ng.Dropout(.5),), (Centre(),)], ids=repr)
def test_the_gradient_of_G_is_the_plain_form(engine, middle, rng):
    G, D = networks(engine, np.float64, middle)
    z = rng.standard_normal((6, 3))
    for loss in (ng.losses.Minimax(), ng.losses.NonSaturating()):
        L, g = ng.generator_gradient(G, D, loss, z, np.random.default_rng(1))
        L_plain, g_plain = plain_generator(G, D, loss, z, np.random.default_rng(1))
        assert L == L_plain
        assert g.tobytes() == g_plain.tobytes()


@pytest.mark.parametrize("middle", [(), (ng.Dropout(.5),), (Centre(), ng.Tanh())], ids=repr)
@pytest.mark.parametrize("loss", [ng.losses.Minimax(), ng.losses.NonSaturating(real_label=.9)], ids=repr)
def test_both_losses_against_the_complex_step_in_every_parameter(engine, middle, loss, rng):
    """L_D in every parameter of D, L_G in every parameter of G, through D."""
    G, D = networks(engine, np.float64, middle)
    x, z = rng.standard_normal((7, 2)), rng.standard_normal((5, 3))
    x_fake = G(z)
    _, g_D = ng.discriminator_gradient(D, loss, x, x_fake, np.random.default_rng(1))
    _, g_G = ng.generator_gradient(G, D, loss, z, np.random.default_rng(1))

    def loss_D(theta):
        rng = np.random.default_rng(1)
        real = D.forward(x, rng, theta)[0]
        return loss.discriminator(real, D.forward(x_fake, rng, theta)[0])[0]

    def loss_G(theta):
        rng = np.random.default_rng(1)
        return loss.generator(D.forward(G.forward(z, rng, theta)[0], rng)[0])[0]

    numeric_D, numeric_G = ([function(net.theta + 1e-20j * e).imag / 1e-20 for e in np.eye(net.theta.size)]
                            for net, function in ((D, loss_D), (G, loss_G)))
    assert error(g_D, numeric_D) <= 1e-13
    assert error(g_G, numeric_G) <= 1e-13
    for net, other, g, numeric in ((D, G, g_D, numeric_D), (G, D, g_G, numeric_G)):
        before, untouched = net.theta.copy(), other.theta.tobytes()
        SGD(1.0).step(net, g)
        assert np.array_equal(net.theta != before, np.array(numeric) != 0)      # all that should move, and nothing else
        assert other.theta.tobytes() == untouched


def test_gradients_change_nothing(engine, rng):
    G, D = networks(engine)
    arrays = [G.theta, D.theta, *(rng.standard_normal((5, d)).astype(np.float32) for d in (2, 2, 3))]
    before = [a.tobytes() for a in arrays], G.version, D.version
    ng.discriminator_gradient(D, ng.losses.Minimax(), arrays[2], arrays[3], rng)
    ng.generator_gradient(G, D, ng.losses.Minimax(), arrays[4], rng)
    assert ([a.tobytes() for a in arrays], G.version, D.version) == before


# ------------------------------------------------------------------------------------ fit, and the loop by hand


def minibatches(data, batch, rng):
    """Endless minibatches: fresh draws, or permutation after permutation, each from a seed of its own."""
    while True:
        if data is RING:
            yield RING.sample(batch, rng)
            continue
        order = np.random.default_rng(int(rng.integers(2**63))).permutation(len(POINTS))
        for start in range(0, len(POINTS), batch):
            yield POINTS.astype(np.float32)[order[start:start + batch]]


def by_hand(G, D, data, steps, batch, k, rng, simultaneous, rows):
    """Algorithm 1 in twenty lines; `rows` writes down both losses of every step."""
    loss, opt_G, opt_D = ng.losses.NonSaturating().using(D.engine), Adam(2e-4, beta1=.5), Adam(2e-4, beta1=.5)
    gradient = stacked_discriminator if D.rowwise else plain_discriminator
    supply = minibatches(data, batch, rng)
    for _ in range(steps):
        for _ in range(k):
            x = next(supply)
            z = rng.standard_normal((len(x), 3), dtype=np.float32)
            L_D, g_D = gradient(D, loss, x, G(z), rng)
            if not simultaneous:
                opt_D.step(D, g_D)
        if not simultaneous:
            z = rng.standard_normal((batch, 3), dtype=np.float32)
        L_G, g_G = plain_generator(G, D, loss, z, rng)
        if simultaneous:
            opt_D.step(D, g_D)
        opt_G.step(G, g_G)
        rows.append((float(L_D), float(L_G), np.linalg.norm(g_D.astype(float)), np.linalg.norm(g_G.astype(float))))


@pytest.mark.parametrize("middle", [(), (ng.Dropout(.3),)], ids=["fused", "dropout"])
@pytest.mark.parametrize("data", [RING, POINTS, ng.data.array(POINTS)], ids=["endless", "plain array", "finite"])
@pytest.mark.parametrize(("k", "simultaneous"), [(1, False), (2, False), (1, True)], ids=["k=1", "k=2", "simultaneous"])
def test_fit_is_the_loop_written_by_hand_to_the_bit(engine, middle, data, k, simultaneous):
    gan = make(engine, middle=middle, simultaneous=simultaneous)
    start = bits(gan)
    rng, rng_hand = np.random.default_rng(5), np.random.default_rng(5)
    history = gan.fit(data, steps=7, batch=4, k=k, rng=rng)
    G, D = networks(engine, middle=middle)
    rows = []
    by_hand(G, D, data, 7, 4, k, rng_hand, simultaneous, rows)
    assert (G.theta.tobytes(), D.theta.tobytes()) == bits(gan)
    assert all(a != b for a, b in zip(bits(gan), start, strict=True))              # and both have moved
    assert rng.bit_generator.state == rng_hand.bit_generator.state
    columns = list(zip(*rows, strict=True))
    assert history["loss_D"].tolist() == list(columns[0])
    assert history["loss_G"].tolist() == list(columns[1])
    assert error(history["norm_g_D"], columns[2]) <= 50 * EPS
    assert error(history["norm_g_G"], columns[3]) <= 50 * EPS


@pytest.mark.parametrize("data", [RING, POINTS, ng.data.array(POINTS)], ids=["endless", "plain array", "finite"])
@pytest.mark.parametrize("simultaneous", [False, True], ids=["alternating", "simultaneous"])
def test_a_hundred_and_a_hundred_steps_are_two_hundred(engine, data, simultaneous):
    whole, parts = make(engine, simultaneous=simultaneous), make(engine, simultaneous=simultaneous)
    rng = np.random.default_rng(6)
    whole.fit(data, steps=200, batch=4, rng=np.random.default_rng(6))
    parts.fit(data, steps=100, batch=4, rng=rng)
    half = bits(parts)
    history = parts.fit(data, steps=100, batch=4, rng=rng)
    assert bits(parts) == bits(whole) != half
    assert all(history[c].tolist() == whole.history[c].tolist() for c in history.columns)
    assert len(history) == 200


def test_one_seed_gives_one_result_and_another_seed_another(engine):
    gans = [make(engine) for _ in range(3)]
    for gan, seed in zip(gans, (1, 1, 2), strict=True):
        gan.fit(RING, steps=3, batch=8, rng=np.random.default_rng(seed))
    assert bits(gans[0]) == bits(gans[1])
    assert all(a != b for a, b in zip(bits(gans[0]), bits(gans[2]), strict=True))


def test_nobody_draws_from_the_global_state(engine):
    np.random.seed(0)                                             # noqa: NPY002
    before = np.random.get_state()[1].tobytes()                   # noqa: NPY002
    make(engine, middle=(ng.Dropout(.5),)).fit(POINTS, steps=3, batch=4, rng=np.random.default_rng(0))
    assert np.random.get_state()[1].tobytes() == before           # noqa: NPY002


@pytest.mark.parametrize("frozen", ["G", "D"])
def test_one_networks_steps_leave_the_others_bytes_alone(engine, frozen):
    """A rate of 0 keeps one network where it is, to the byte, while the other one learns all the time."""
    rates = {"opt_G": SGD(0.0 if frozen == "G" else .1), "opt_D": SGD(0.0 if frozen == "D" else .1)}
    gan = make(engine, **rates)
    start, moves = bits(gan), []
    gan.fit(RING, steps=5, batch=8, rng=np.random.default_rng(0), callbacks=[lambda gan: moves.append(bits(gan))])
    still = 0 if frozen == "G" else 1
    assert {m[still] for m in moves} == {start[still]}
    assert len({m[1 - still] for m in moves} | {start[1 - still]}) == 6


def test_fit_steps_D_k_times_and_G_once_and_never_both(engine):
    steps = []

    class Watch(SGD):
        def step(self, net, g):
            before = bits(gan)
            super().step(net, g)
            steps.append("".join("-*"[a != b] for a, b in zip(bits(gan), before, strict=True)))

    gan = make(engine, opt_G=Watch(.1), opt_D=Watch(.1))
    gan.fit(RING, steps=2, batch=4, k=3, rng=np.random.default_rng(0))
    assert steps == ["-*", "-*", "-*", "*-"] * 2                  # columns G, D


def test_simultaneous_takes_both_gradients_before_both_steps(engine):
    seen = []

    class Watch(SGD):
        def step(self, net, g):
            seen.append((net, g.copy(), bits(gan)))
            super().step(net, g)

    gan = make(engine, simultaneous=True, opt_G=Watch(.1), opt_D=Watch(.1))
    G, D, start = copy.deepcopy(gan.G), copy.deepcopy(gan.D), bits(gan)
    gan.fit(RING, steps=1, batch=4, rng=np.random.default_rng(0))
    rng = np.random.default_rng(0)
    x, z = RING.sample(4, rng), rng.standard_normal((4, 3), dtype=np.float32)
    expected = {gan.D: stacked_discriminator(D, gan.loss, x, G(z))[1], gan.G: plain_generator(G, D, gan.loss, z)[1]}
    assert {net for net, _, _ in seen} == {gan.G, gan.D}
    assert seen[0][2] == start != seen[1][2]
    assert all(g.tobytes() == expected[net].tobytes() for net, g, _ in seen)


# ------------------------------------------------------------------------------------------ epochs and batches


@pytest.mark.parametrize(("k", "epochs", "steps"), [(1, 1, 3), (1, 2, 6), (2, 1, 2), (2, 2, 3), (4, 2, 2), (7, 1, 1)])
def test_epochs_count_what_D_has_seen(k, epochs, steps):
    """10 rows in batches of 4 are 3 minibatches, the last one short."""
    assert len(make("numpy").fit(POINTS, epochs=epochs, batch=4, k=k, rng=np.random.default_rng(0))) == steps


@pytest.mark.parametrize("batch", [1, 4, 5, 10, 64])
def test_D_sees_every_row_exactly_once_per_epoch_in_fresh_order(engine, batch):
    spy = Recorder()
    gan = make(engine, head=(spy,))
    per_epoch = math.ceil(10 / batch)
    for _ in range(3):                                            # three calls, or one: the epochs go on
        gan.fit(POINTS, epochs=1, batch=batch, rng=np.random.default_rng())
    gan.fit(POINTS, epochs=3, batch=batch, rng=np.random.default_rng())
    real, fake, fake_G = spy.seen[0::3], spy.seen[1::3], spy.seen[2::3]
    sizes = [batch] * (10 // batch) + [10 % batch] * (10 % batch > 0)
    assert [len(x) for x in real] == [len(x) for x in fake] == sizes * 6           # as many fakes as reals
    assert {len(x) for x in fake_G} == {batch}
    orders = [np.concatenate(real[e * per_epoch:(e + 1) * per_epoch]) for e in range(6)]
    expected = sorted(map(tuple, POINTS.astype(np.float32)))
    assert all(sorted(map(tuple, order)) == expected for order in orders)
    assert len({order.tobytes() for order in orders}) > 1


def test_an_epoch_may_be_left_and_gone_on_with(engine):
    spy = Recorder()
    gan, rng = make(engine, head=(spy,)), np.random.default_rng(0)
    for steps in (1, 1, 3, 1):
        gan.fit(POINTS, steps=steps, batch=4, rng=rng)
    first, second = np.concatenate(spy.seen[0:9:3]), np.concatenate(spy.seen[9::3])
    assert sorted(map(tuple, first)) == sorted(map(tuple, second)) == sorted(map(tuple, POINTS.astype(np.float32)))


def test_another_array_or_batch_size_begins_an_epoch_of_its_own(engine):
    spy = Recorder()
    gan, rng = make(engine, head=(spy,)), np.random.default_rng(0)
    gan.fit(POINTS, steps=1, batch=4, rng=rng)
    gan.fit(POINTS, epochs=1, batch=5, rng=rng)
    gan.fit(POINTS + 1, epochs=1, batch=5, rng=rng)
    assert sorted(map(tuple, np.concatenate(spy.seen[3:9:3]))) == sorted(map(tuple, POINTS.astype(np.float32)))
    assert sorted(map(tuple, np.concatenate(spy.seen[9::3]))) == sorted(map(tuple, (POINTS + 1).astype(np.float32)))


def test_a_float64_gan_sees_float64_rows(engine):
    spy = Recorder()
    gan = make(engine, np.float64, head=(spy,))
    gan.fit(POINTS, epochs=1, batch=10, rng=np.random.default_rng(0))
    assert {x.dtype for x in spy.seen} == {np.dtype(np.float64)}
    assert sorted(map(tuple, spy.seen[0])) == sorted(map(tuple, POINTS))


def test_images_and_lists_are_data_too(engine):
    assert len(make(engine).fit(POINTS.reshape(10, 1, 2), steps=2, rng=np.random.default_rng(0))) == 2
    assert len(make(engine).fit(POINTS.tolist(), steps=2, rng=np.random.default_rng(0))) == 2
    assert len(make(engine).fit(Endless(), steps=2, rng=np.random.default_rng(0))) == 2


# ---------------------------------------------------------------------------------------------------- callbacks


def test_callbacks_are_called_after_every_step(engine):
    gan, seen = make(engine), []
    gan.fit(RING, steps=4, batch=4, rng=np.random.default_rng(0),
            callbacks=[lambda g: seen.append((g is gan, len(g.history), g.opt_G.t)), lambda g: "no answer"])
    assert seen == [(True, i, i) for i in (1, 2, 3, 4)]


@pytest.mark.parametrize("answer", [True, np.True_])
def test_a_callback_that_answers_True_ends_the_run_after_that_step(engine, answer):
    gan, others = make(engine), []
    gan.fit(RING, steps=9, batch=4, rng=np.random.default_rng(0),
            callbacks=[lambda g: len(g.history) == 3 and answer, lambda g: others.append(len(g.history))])
    assert len(gan.history) == 3
    assert others == [1, 2, 3]                                    # the others still hear of the last step


@pytest.mark.parametrize("answer", [None, False, np.False_, 1, "stop", np.ones(3)])
def test_no_other_answer_does(answer):
    gan = make("numpy")
    gan.fit(RING, steps=2, batch=4, rng=np.random.default_rng(0), callbacks=[lambda g: answer])
    assert len(gan.history) == 2


def test_snapshots_keep_what_G_makes_of_the_same_noise(engine, rng):
    gan, z = make(engine), rng.standard_normal((5, 3)).astype(np.float32)
    snapshots, at = ng.Snapshots(z, every=3), {}
    gan.fit(RING, steps=7, batch=4, rng=rng, callbacks=[snapshots, lambda g: at.update({len(g.history): g.G(z)})])
    assert snapshots.steps == [1, 3, 6]
    assert [s.tobytes() for s in snapshots.samples] == [at[i].tobytes() for i in (1, 3, 6)]
    assert len({s.tobytes() for s in snapshots.samples}) == 3
    gan.fit(RING, steps=5, batch=4, rng=rng, callbacks=[snapshots])
    assert snapshots.steps == [1, 3, 6, 9, 12]


def test_a_long_run_keeps_fewer_snapshots_evenly(engine, rng):
    gan, snapshots = make(engine), ng.Snapshots(np.zeros((1, 3), np.float32), every=2, most=4)
    gan.fit(RING, steps=7, batch=4, rng=rng, callbacks=[snapshots])
    assert (snapshots.steps, snapshots.every) == ([1, 2, 4, 6], 2)           # as many as may be
    gan.fit(RING, steps=9, batch=4, rng=rng, callbacks=[snapshots])
    assert snapshots.steps == [1, 8, 16]                          # 1 2 4 6 8 became 1 4 8, then 1 4 8 12 16 these
    assert (len(snapshots.samples), snapshots.every) == (3, 8)


# ------------------------------------------------------------------------------------------------------- samples


@pytest.mark.parametrize("noise", ["normal", "uniform"])
def test_the_noise_has_variance_one(engine, dtype, noise):
    """Eq. (3.7); fourth moments 3 and 9/5, so the variance of n draws has standard error √(2/n), √(0.8/n).

    Six of them: once in 10⁸ seeds.
    """
    z = make(engine, dtype, noise=noise).draw(20000, np.random.default_rng(0))
    assert (z.shape, z.dtype) == ((20000, 3), dtype)
    assert abs(z.mean()) < 6 / math.sqrt(60000)
    assert abs(z.var() - 1) < 6 * math.sqrt((2 if noise == "normal" else .8) / 60000)
    limit = math.sqrt(3) * (1 + np.finfo(dtype).eps)
    if noise == "uniform":
        assert limit * .999 < z.max() <= limit
        assert limit * .999 < -z.min() <= limit
    else:
        assert np.abs(z).max() > limit


def test_samples_are_G_of_noise(engine, dtype):
    gan = make(engine, dtype)
    x = gan.sample(6, np.random.default_rng(3))
    assert (x.shape, x.dtype) == ((6, 2), dtype)
    assert np.array_equal(x, gan.G(np.random.default_rng(3).standard_normal((6, 3), dtype=dtype)))


# ----------------------------------------------------------------------------------------------------- divergence


@pytest.mark.parametrize(("k", "simultaneous"), [(1, False), (2, False), (1, True)], ids=["k=1", "k=2", "simultaneous"])
def test_nan_in_the_data_stops_the_run_with_both_networks_finite(engine, k, simultaneous):
    gan, after = make(engine, simultaneous=simultaneous), []
    with pytest.raises(ng.Divergence, match="training diverged in step 4: not finite was first the data, in row 0 of "
                                            "this minibatch. The update of D was not made. The last finite step: "
                                            "History.3 steps; .*NaN or infinity in the data"):
        gan.fit(Endless(bad=3 * k + 1), steps=9, batch=4, k=k, rng=np.random.default_rng(0),
                callbacks=[lambda g: after.append(bits(g))])
    assert bits(gan) == after[-1]                                 # those of the last finite step, to the byte
    assert np.isfinite(gan.G.theta).all()
    assert np.isfinite(gan.D.theta).all()
    assert len(gan.history) == len(after) == 3
    assert all(np.isfinite(gan.history[c]).all() for c in gan.history.columns)
    assert np.isfinite(gan.sample(4, np.random.default_rng(0))).all()
    assert len(gan.fit(Endless(), steps=2, batch=4, rng=np.random.default_rng(0))) == 5      # and it can go on


@pytest.mark.parametrize("simultaneous", [False, True], ids=["alternating", "simultaneous"])
@pytest.mark.parametrize("broken", ["loss", "gradient"])
def test_a_loss_of_G_that_is_no_number_stops_the_run(engine, simultaneous, broken):
    class Broken(ng.losses.NonSaturating):
        calls = 0

        def generator(self, logit_fake):
            L, d = super().generator(logit_fake)
            self.calls += 1
            return (L, d) if self.calls < 3 else (L, d * math.inf) if broken == "gradient" else (math.inf, d)

    gan, after = make(engine, loss=Broken(), simultaneous=simultaneous), []
    with pytest.raises(ng.Divergence, match="in step 3: .*The update of G was not made"), np.errstate(all="ignore"):
        gan.fit(RING, steps=9, batch=4, rng=np.random.default_rng(0), callbacks=[lambda g: after.append(bits(g))])
    assert gan.G.theta.tobytes() == after[-1][0]
    assert (gan.D.theta.tobytes() == after[-1][1]) == simultaneous           # alternating, D had its turn
    assert np.isfinite(gan.D.theta).all()
    assert len(gan.history) == 2


def test_a_rate_far_too_large_ends_in_divergence_with_finite_parameters(engine):
    gan = make(engine, opt_G=SGD(1e30), opt_D=SGD(1e30))
    with pytest.raises(ng.Divergence, match="learning rate of ., whose .*: lower it"), np.errstate(all="ignore"):
        gan.fit(RING, steps=50, batch=4, rng=np.random.default_rng(0))
    assert np.isfinite(gan.G.theta).all()
    assert np.isfinite(gan.D.theta).all()


def test_divergence_is_a_floating_point_error():
    assert issubclass(ng.Divergence, FloatingPointError)


# --------------------------------------------------------------------------------------------------------- copies


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("data", [None, RING, POINTS], ids=["fresh", "endless", "finite"])
def test_copies_agree_and_are_detached(engine, clone, data):
    gan = make(engine, noise="uniform", loss=ng.losses.Minimax(.9), opt_G=Adam(1e-3), opt_D=SGD(.1))
    if data is not None:
        gan.fit(data, steps=4, batch=4, rng=np.random.default_rng(0))
    twin, before, n = clone(gan), bits(gan), len(gan.history)
    assert bits(twin) == before
    twin.fit(RING, steps=3, batch=4, rng=np.random.default_rng(1))
    assert bits(gan) == before
    assert (len(gan.history), len(twin.history)) == (n, n + 3)
    gan.fit(RING, steps=3, batch=4, rng=np.random.default_rng(1))
    assert bits(gan) == bits(twin)                                # moments, steps and all went along
    assert gan.history["loss_G"].tolist() == twin.history["loss_G"].tolist()


def test_a_copy_goes_on_in_the_middle_of_an_epoch(engine):
    gan, rng = make(engine), np.random.default_rng(0)
    gan.fit(POINTS, steps=1, batch=4, rng=rng)
    twin, rng_twin = copy.deepcopy(gan), copy.deepcopy(rng)
    gan.fit(POINTS, steps=4, batch=4, rng=rng)
    twin.fit(POINTS, steps=4, batch=4, rng=rng_twin)
    assert bits(twin) == bits(gan)


# --------------------------------------------------------------------------------------------------------- errors


def mlp(*sizes, **more):
    return ng.MLP(list(sizes), rng=np.random.default_rng(0), engine="numpy", **more)


@pytest.mark.parametrize(("build", "sentence"), [
    (lambda: ng.GAN(mlp(3, 2), mlp(2, 2)), "the discriminator must end in one column, the logit; it has 2"),
    (lambda: ng.GAN(mlp(3, 4), mlp(2, 1)), "the generator makes rows of 4 columns, the discriminator takes 2: make"),
    (lambda: ng.GAN(mlp(3, 2), mlp(2, 1, dtype=np.float64)), "G is float32 and D is float64: give both networks one"),
    (lambda: ng.GAN(mlp(3, 2), mlp(2, 1), noise="pink"), "unknown noise 'pink': choose one of normal, uniform"),
    (lambda: (lambda opt: ng.GAN(mlp(3, 2), mlp(2, 1), opt_G=opt, opt_D=opt))(SGD(.1)),
     "G and D need an optimiser each: the moments of one network mean nothing to the other"),
    (lambda: ng.GAN(ng.Network([ng.Tanh()], 1, rng=rng0()), mlp(1, 1)), "G has no parameters, and so nothing"),
    (lambda: ng.GAN(mlp(1, 1), ng.Network([ng.Tanh()], 1, rng=rng0())), "D has no parameters"),
    (lambda: (lambda net: ng.GAN(net, net))(mlp(1, 1)), "G and D are one network, and each step of the one would undo"),
])
def test_networks_that_do_not_fit_are_refused(build, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        build()


def rng0():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("call", "kind", "sentence"), [
    (lambda g: g.fit(RING, steps=1, rng=0), TypeError, "rng must be a numpy.random.Generator, got int: pass rng=np."),
    (lambda g: g.fit(RING, steps=1, rng=None), TypeError, "rng must be a numpy.random.Generator, got NoneType"),
    (lambda g: g.sample(3, 0), TypeError, "rng must be a numpy.random.Generator, got int"),
    (lambda g: g.fit(RING, rng=rng0()), ValueError, "say how long to train: either steps= or epochs="),
    (lambda g: g.fit(POINTS, steps=1, epochs=1, rng=rng0()), ValueError, "either steps= or epochs="),
    (lambda g: g.fit(RING, epochs=1, rng=rng0()), ValueError, "endless data has no epochs: say how many steps"),
    (lambda g: g.fit(RING, steps=0, rng=rng0()), ValueError, "steps must be a whole number of at least 1, got 0"),
    (lambda g: g.fit(RING, steps=1.5, rng=rng0()), ValueError, "steps must be a whole number of at least 1, got 1.5"),
    (lambda g: g.fit(POINTS, epochs=0, rng=rng0()), ValueError, "epochs must be a whole number of at least 1, got 0"),
    (lambda g: g.fit(POINTS, epochs=True, rng=rng0()), ValueError, "epochs must be a whole number of at least 1"),
    (lambda g: g.fit(RING, steps=1, batch=0, rng=rng0()), ValueError, "batch must be a whole number of at least"),
    (lambda g: g.fit(RING, steps=1, batch=2.0, rng=rng0()), ValueError, "batch must be a whole number of at least 1"),
    (lambda g: g.fit(RING, steps=1, k=0, rng=rng0()), ValueError, "k must be a whole number of at least 1, got 0"),
    (lambda g: g.fit(np.zeros((5, 3)), steps=1, rng=rng0()), ValueError,
     "the data has 3 columns and the generator makes 2: make them equal"),
    (lambda g: g.fit(np.full((5, 2), np.nan), steps=1, rng=rng0()), ValueError, "data must be finite numbers"),
    (lambda g: g.fit("digits", steps=1, rng=rng0()), TypeError, "data must be an array or an object with sample"),
])
def test_what_fit_cannot_do_it_says_before_it_begins(engine, call, kind, sentence):
    gan = make(engine)
    before = bits(gan)
    with pytest.raises(kind, match=re.escape(sentence)):
        call(gan)
    assert bits(gan) == before
    assert len(gan.history) == 0


def test_a_penalty_is_added_to_the_loss_and_to_the_gradient_of_D(engine):
    def constant(D, x, x_fake, rng):
        return 0.25, np.full_like(D.theta, 3)
    plain, more = make(engine, np.float64), make(engine, np.float64, penalties=[constant])
    for gan in (plain, more):
        gan.opt_D, gan.opt_G = ng.optim.SGD(0.01), ng.optim.SGD(0.01)
        gan.fit(POINTS, steps=1, batch=4, rng=rng0())
    assert more.history["loss_D"][0] == pytest.approx(plain.history["loss_D"][0] + 0.25, rel=1e-14)
    assert np.allclose(more.D.theta, plain.D.theta - 0.03, rtol=0, atol=1e-15)


def test_other_data_begin_with_a_permutation_of_their_own():
    gan = make("numpy")
    gan.fit(POINTS, steps=1, batch=4, rng=rng0())
    first = gan.position
    gan.fit(POINTS[::-1].copy(), steps=1, batch=4, rng=np.random.default_rng(1))
    assert gan.position[1] != first[1]
    assert gan.position[2] == 1


def test_instance_noise_without_end_is_refused():
    with pytest.raises(ValueError, match="input_noise, a standard deviation, must be a number of at least 0, got inf"):
        make("numpy", input_noise=lambda step: math.inf).fit(RING, steps=1, rng=rng0())


def test_simultaneous_updates_refuse_k():
    with pytest.raises(ValueError, match="simultaneous updates take one gradient each, so k must be 1, got 2"):
        make("numpy", simultaneous=True).fit(RING, steps=1, k=2, rng=rng0())


@pytest.mark.parametrize(("output", "low", "high"), [("tanh", -1, 1), ("sigmoid", 0, 1), ("relu", 0, math.inf)])
def test_a_generator_that_cannot_reach_the_data_is_told_so(output, low, high):
    gan = ng.GAN(mlp(3, 2, output=output), mlp(2, 1))
    inside = np.array([[.5, .2], [max(low, -1), min(high, 1)]])
    assert len(gan.fit(inside, steps=1, rng=rng0())) == 1
    for x in ([1.5], [-1.5]):
        if x[0] < high and x[0] > low:
            continue
        with pytest.raises(ValueError, match=re.escape(f"the generator's output lies in [{low}, {high}] and cannot "
                                                       f"reach the data, which lies in [")):
            gan.fit(np.vstack([inside, x * 2]), steps=1, rng=rng0())


def test_a_refused_call_does_not_disturb_the_epoch(engine):
    gan, whole, rng = make(engine), make(engine), np.random.default_rng(0)
    gan.fit(POINTS, steps=1, batch=4, rng=rng)
    for wrong in (lambda: gan.fit(POINTS + 1, steps=0, batch=4, rng=rng),
                  lambda: gan.fit(np.ones((4, 3)), steps=1, rng=rng)):
        with pytest.raises(ValueError, match="must be a whole number|columns"):
            wrong()
    gan.fit(POINTS, steps=4, batch=4, rng=rng)
    whole.fit(POINTS, steps=5, batch=4, rng=np.random.default_rng(0))
    assert bits(gan) == bits(whole)
