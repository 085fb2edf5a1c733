"""What no gradient learns: proposed on the tape, committed by the network's own step and by nothing else."""
import copy
import pickle
import re

import numpy as np
import pytest
from close import error

import numpygan as ng
from numpygan.optim import SGD, Adam

EPS = np.finfo(float).eps
RING = ng.data.ring(8)


class Peak(ng.Layer):
    """A student's layer: y = x / (the largest |x| that training has seen), with a state of one number."""

    def state(self, d_in):
        return {"peak": np.ones(1)}

    def forward(self, p, x, c):
        c.new["peak"] = np.maximum(c.state["peak"], abs(x.real).max())
        return x / c.state["peak"], c.state["peak"]

    def backward(self, p, peak, dy, c):
        return dy / peak, {}


class Wrong(ng.Layer):
    """Does to its state what `deed` says."""

    def __init__(self, deed, declared=True):
        self.deed, self.declared = deed, declared

    def state(self, d_in):
        return {"a": np.zeros((2, 1))} if self.declared else {}

    def forward(self, p, x, c):
        self.deed(c)
        return x, None

    def backward(self, p, cache, dy, c):
        return dy, {}


class Seen:
    """An optimiser that writes down the state of both networks when it is called, before it steps."""

    def __init__(self, opt, name, log):
        self.opt, self.name, self.log = opt, name, log

    def step(self, net, g):
        self.log.append((self.name, *self.gan_states()))
        self.opt.step(net, g)


def networks(engine="numpy", dtype=np.float64, seed=0):
    """G and D with all layers that have a state; D's vector: mean and var of 6 columns, v of one."""
    rng = np.random.default_rng(seed)
    G = ng.Network([ng.Dense(8), ng.BatchNorm(), ng.ReLU(), ng.Dense(2)], 3, rng=rng, dtype=dtype, engine=engine)
    D = ng.Network([ng.Dense(6), ng.BatchNorm(), ng.LeakyReLU(), ng.SpectralDense(1)], 2, rng=rng, dtype=dtype,
                   engine=engine)
    return G, D


def watched(log, engine="numpy", **kwargs):
    """A GAN whose optimisers write into `log`."""
    G, D = networks(engine)
    opts = {name: Seen(Adam(1e-2), name, log) for name in "GD"}
    gan = ng.GAN(G, D, opt_G=opts["G"], opt_D=opts["D"], **kwargs)
    for opt in opts.values():
        opt.gan_states = lambda: (gan.G.state.tobytes(), gan.D.state.tobytes())
    return gan


# -------------------------------------------------------------------------------------------- the vector itself


def test_most_networks_have_none(rng, engine):
    net = ng.MLP([2, 4, 1], rng=rng, engine=engine)
    assert (net.state.shape, net.state.dtype) == ((0,), np.float32)
    _, tape = net.forward(np.ones((3, 2)), rng)
    assert tape.state is None
    net.commit(tape)
    log = {}
    ng.discriminator_gradient(net, ng.losses.NonSaturating(), np.ones((3, 2)), np.ones((3, 2)), rng, log)
    assert set(log) == {"D_real", "D_fake"}


def test_the_initial_values_stand_in_the_order_of_the_layers(engine, dtype):
    _, D = networks(engine, dtype)
    assert D.state.dtype == dtype
    assert D.state.tolist()[:12] == [0] * 6 + [1] * 6
    assert abs(abs(D.state[12]) - 1) <= 8 * np.finfo(dtype).eps


def test_it_is_replaced_by_assignment_and_read_only_in_between(engine):
    _, D = networks(engine)
    values = np.arange(13)
    before = D.state
    D.state = values
    assert D.state.tolist() == list(range(13))
    assert not np.shares_memory(D.state, values)
    assert before[6] == 1                                        # the vector that was, not the new one
    with pytest.raises(ValueError, match="read-only"):
        D.state[0] = 1
    with pytest.raises(ValueError, match=r"state must be a vector of 13 numbers, got shape \(12,\)"):
        D.state = np.zeros(12)
    with pytest.raises(TypeError, match="state must be real numbers, got complex128"):
        D.state = np.zeros(13, complex)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["copy", "pickle"])
def test_copies_have_their_own(rng, twin):
    _, D = networks()
    x = rng.standard_normal((5, 2))
    D.commit(D.forward(x, rng)[1])
    other = twin(D)
    assert other.state.tobytes() == D.state.tobytes()
    assert other(x).tobytes() == D(x).tobytes()
    kept = D.state.tobytes()
    other.commit(other.forward(x + 1, rng)[1])
    assert other.state.tobytes() != kept == D.state.tobytes()
    with pytest.raises(ValueError, match="read-only"):
        other.state[0] = 1


# ------------------------------------------------------------------------------------------------ the proposals


def test_no_pass_changes_it_and_only_training_passes_propose(rng, engine):
    _, D = networks(engine)
    x = rng.standard_normal((5, 2))
    kept = D.state.tobytes()
    for draw in (None, rng):
        logit, tape = D.forward(x, draw)
        D.backward(tape, logit)
        assert D.state.tobytes() == kept
        assert (tape.state is not None) == (draw is not None)
    assert tape.state.tobytes() != kept
    D(x, rng)
    D.commit(D.forward(x)[1])                                    # of an evaluation: nothing to remember
    assert D.state.tobytes() == kept


def test_commit_takes_the_mean_of_the_tapes(rng, engine):
    """Real and fake apart: the running moments move towards the mean of both batches' moments."""
    _, D = networks(engine)
    start = D.state
    tapes = [D.forward(rng.standard_normal((n, 2)) + n, rng)[1] for n in (5, 3)]
    D.commit(*tapes)
    assert error(D.state, (tapes[0].state + tapes[1].state) / 2) <= 2 * EPS
    D.state = start
    D.commit(tapes[1])
    assert D.state.tobytes() == tapes[1].state.tobytes()


def test_a_tape_keeps_the_state_of_its_own_pass(rng, engine):
    """Evaluation reads running moments: a commit after it must not change what its backward pass returns."""
    _, D = networks(engine)
    x = rng.standard_normal((5, 2))
    logit, tape = D.forward(x)
    before = [a.tobytes() for a in D.backward(tape, logit)]
    D.commit(D.forward(x, rng)[1])
    assert [a.tobytes() for a in D.backward(tape, logit)] == before
    assert D(x).tobytes() != logit.tobytes()


def test_commit_refuses_tapes_that_are_not_of_this_step(rng):
    (G, D), x = networks(), np.random.default_rng(1).standard_normal((5, 2))
    _, tape = D.forward(x, rng)
    SGD(.1).step(D, np.ones_like(D.theta))
    D.commit(tape)                                               # of the pass just before its step: the usual case
    SGD(.1).step(D, np.ones_like(D.theta))
    with pytest.raises(ValueError, match="older than the last step of its network"):
        D.commit(tape)
    with pytest.raises(ValueError, match="tapes that this network recorded at its own parameters"):
        D.commit(G.forward(np.ones((4, 3)), rng)[1])
    with pytest.raises(ValueError, match="at its own parameters"):
        D.commit(D.forward(x, rng, theta=D.theta + 1)[1])


def test_a_complex_pass_proposes_real_numbers(rng):
    _, D = networks()
    x = rng.standard_normal((5, 2))
    _, plain = D.forward(x, rng)
    _, tape = D.forward(x + 1j, rng, theta=D.theta + 1e-20j)
    assert tape.state.dtype == np.float64
    assert error(tape.state, plain.state) <= 8 * EPS
    net = ng.Network([Wrong(lambda c: c.new.update(a=np.full((2, 1), 3 + 2j)))], 1, rng=rng)
    assert net.forward(np.ones((2, 1)) + 1j, rng)[1].state.tolist() == [3, 3]      # of a layer that does not care


# ---------------------------------------------------------------------------------------------- a student's layer


def test_a_students_layer_remembers(rng, engine):
    net = ng.Network([Peak(), ng.Dense(1)], 2, rng=rng, engine=engine)
    x = np.array([[1, -4], [2, 3.]])
    y, tape = net.forward(x, rng)
    assert (net.state.tolist(), tape.state.tolist()) == ([1], [4])
    net.commit(tape)
    assert error(net(x) - net.params()["1.b"], (y - net.params()["1.b"]) / 4) <= 8 * np.finfo(np.float32).eps
    net.commit(net.forward(100 * x)[1])                          # what it says in evaluation is not heard
    assert net.state.tolist() == [4]


@pytest.mark.parametrize(("deed", "sentence"), [
    (lambda c: c.new.update(b=np.zeros((2, 1))),
     "layer 0 proposes 'b' of shape (2, 1) as new state, and its state(d_in) declares a (2, 1)"),
    (lambda c: c.new.update(a=np.zeros(2)), "layer 0 proposes 'a' of shape (2,)"),
    (lambda c: c.state["a"].fill(1), "read-only"),
])
def test_what_a_layer_may_not_do(rng, deed, sentence):
    net = ng.Network([Wrong(deed)], 1, rng=rng)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        net.forward(np.ones((2, 1)), rng)


def test_a_layer_without_state_cannot_propose(rng):
    net = ng.Network([Wrong(lambda c: c.new.update(a=1), declared=False)], 1, rng=rng)
    with pytest.raises(AttributeError):
        net.forward(np.ones((2, 1)), rng)


# ---------------------------------------------------------------------------------------------------- Algorithm 1


def test_gradients_change_nothing_and_hand_over_their_tapes(rng, engine):
    G, D = networks(engine)
    loss = ng.losses.NonSaturating()
    x, z, log = rng.standard_normal((6, 2)), rng.standard_normal((4, 3)), {}
    kept = G.state.tobytes(), D.state.tobytes(), G.theta.tobytes(), D.theta.tobytes()
    ng.discriminator_gradient(D, loss, x, G(z, rng), rng, log)
    ng.generator_gradient(G, D, loss, z, rng, log=log)
    assert (G.state.tobytes(), D.state.tobytes(), G.theta.tobytes(), D.theta.tobytes()) == kept
    assert [tape.shape for tape in log["tape_D"]] == [(6, 1), (4, 1)]
    assert [tape.net for tape in log["tape_G"]] == [G]
    ng.discriminator_gradient(D, loss, x, x, rng)                # without a log too
    ng.generator_gradient(G, D, loss, z, rng)


def test_one_pass_of_a_rowwise_discriminator_is_one_tape(rng, engine):
    D = ng.Network([ng.SpectralDense(4), ng.Tanh(), ng.SpectralDense(1)], 2, rng=rng, engine=engine)
    log = {}
    ng.discriminator_gradient(D, ng.losses.NonSaturating(), np.ones((6, 2)), np.zeros((4, 2)), rng, log)
    assert [tape.shape for tape in log["tape_D"]] == [(10, 1)]


@pytest.mark.parametrize("k", [1, 3])
def test_each_network_remembers_after_its_own_step_alone(engine, k):
    """k steps of D, each with its commit after it; then G's, in which D has seen fakes and forgets them."""
    log = []
    gan = watched(log, engine)
    start_G, start_D = gan.G.state.tobytes(), gan.D.state.tobytes()
    gan.fit(RING, steps=1, batch=8, k=k, rng=np.random.default_rng(1))
    assert [name for name, *_ in log] == ["D"] * k + ["G"]
    assert [G for _, G, _ in log] == [start_G] * (k + 1)         # neither D's step nor the gradient touched it
    states_D = [D for *_, D in log]
    assert states_D[0] == start_D
    assert len(set(states_D)) == k + 1
    assert gan.D.state.tobytes() == states_D[-1]                 # G's step left D's alone
    assert gan.G.state.tobytes() != start_G


def test_simultaneous_steps_remember_too(engine):
    log = []
    gan = watched(log, engine, simultaneous=True)
    start = gan.G.state.tobytes(), gan.D.state.tobytes()
    gan.fit(RING, steps=1, batch=8, rng=np.random.default_rng(1))
    assert [name for name, *_ in log] == ["D", "G"]
    assert [tuple(states) for _, *states in log] == [start, start]
    assert gan.G.state.tobytes() != start[0]
    assert gan.D.state.tobytes() != start[1]


@pytest.mark.parametrize("simultaneous", [False, True])
def test_two_steps_by_hand(engine, simultaneous):
    """Algorithm 1 written out, with the moments of real and fake, and of G's own pass, kept by hand: the same bits."""
    ours, hands = networks(engine), networks(engine)
    gan = ng.GAN(*ours, opt_G=SGD(.1), opt_D=SGD(.1), simultaneous=simultaneous)
    gan.fit(RING, steps=2, batch=8, rng=np.random.default_rng(1))
    (G, D), rng, loss, opt_G, opt_D = hands, np.random.default_rng(1), gan.loss, SGD(.1), SGD(.1)
    for _ in range(2):
        x = RING.sample(8, rng)
        z = rng.standard_normal((8, 3))
        x_fake = G.forward(z, rng)[0]
        logit_r, tape_r = D.forward(x, rng)
        logit_f, tape_f = D.forward(x_fake, rng)
        _, dr, df = loss.discriminator(logit_r, logit_f)
        g_D = D.backward(tape_r, dr)[1] + D.backward(tape_f, df)[1]
        seen = (tape_r.state + tape_f.state) / 2
        if not simultaneous:
            opt_D.step(D, g_D)
            D.state = seen
            z = rng.standard_normal((8, 3))
        x_fake, tape_g = G.forward(z, rng)
        logit_f, tape_f = D.forward(x_fake, rng)
        dx, _ = D.backward(tape_f, loss.generator(logit_f)[1])
        g_G = G.backward(tape_g, dx)[1]
        if simultaneous:
            opt_D.step(D, g_D)
            D.state = seen
        opt_G.step(G, g_G)
        G.state = tape_g.state
    for net, other in zip(ours, hands, strict=True):
        assert net.theta.tobytes() == other.theta.tobytes()
        assert net.state.tobytes() == other.state.tobytes()


def test_sampling_and_penalties_leave_it_alone(rng, engine):
    G, _ = networks(engine)
    D = ng.Network([ng.SpectralDense(4), ng.Tanh(), ng.SpectralDense(1)], 2, rng=rng, dtype=np.float64, engine=engine)
    gan = ng.GAN(G, D)
    kept = G.state.tobytes(), D.state.tobytes()
    gan.sample(10, rng)
    for penalty in (ng.penalties.R1(1), ng.penalties.R2(1), ng.penalties.GradientPenalty()):
        penalty(D, rng.standard_normal((5, 2)), rng.standard_normal((5, 2)), rng)
    assert (G.state.tobytes(), D.state.tobytes()) == kept


@pytest.mark.parametrize(("layer", "draws"), [(ng.Dropout(.5), True), (ng.BatchNorm(), True), (ng.Tanh(), False)])
def test_D_judges_the_G_whose_gradient_is_taken(engine, layer, draws):
    """In D's step G runs as in its own step: with dropout and batch statistics. For rows that pass alone: G(z)."""
    rng = np.random.default_rng(0)
    G = ng.Network([ng.Dense(8), layer, ng.Dense(2)], 3, rng=rng, engine=engine)
    D, seen = ng.MLP([2, 4, 1], rng=rng, engine=engine), []

    class Watch(ng.losses.NonSaturating):
        def discriminator(self, logit_real, logit_fake):
            seen.append(logit_fake)
            return super().discriminator(logit_real, logit_fake)

    start = copy.deepcopy((G, D))
    ng.GAN(G, D, loss=Watch()).fit(RING, steps=1, batch=8, rng=np.random.default_rng(1))
    rng = np.random.default_rng(1)
    RING.sample(8, rng)
    z = rng.standard_normal((8, 3), dtype=np.float32)
    evaluation, training = start[0](z), start[0](z, rng)
    assert (evaluation.tobytes() != training.tobytes()) == draws
    assert error(seen[0], start[1](training)) <= 50 * np.finfo(np.float32).eps


def test_a_file_holds_it_and_training_goes_on_to_the_same_bits(tmp_path, engine):
    G, D = networks(engine, np.float32)
    rng, batch = np.random.default_rng(1), 8
    gan = ng.GAN(G, D)
    gan.fit(RING, steps=3, batch=batch, rng=rng)
    gan.save(tmp_path / "gan.npz", rng)
    again = np.random.default_rng(2)
    other = ng.GAN.load(tmp_path / "gan.npz", rng=again)
    for a, r in ((gan, rng), (other, again)):
        a.fit(RING, steps=3, batch=batch, rng=r)
    for net, twin in ((gan.G, other.G), (gan.D, other.D)):
        assert net.state.tobytes() == twin.state.tobytes()
        assert net.theta.tobytes() == twin.theta.tobytes()


def test_what_a_layer_proposes_may_be_a_list_or_a_number():
    slots, old = [[("mean", 0, 2, (2,)), ("count", 2, 3, ())]], np.array([1., 2, 3])
    assert ng.slots.renewed(old, slots, [{"mean": [4, 5], "count": 6}]).tolist() == [4, 5, 6]
    assert old.tolist() == [1, 2, 3]
