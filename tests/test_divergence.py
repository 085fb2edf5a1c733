"""A run that leaves the numbers says where first, in which step, after what, and why with that loss."""
import math

import numpy as np
import pytest

import numpygan as ng

LOSSES = [ng.losses.Minimax(), ng.losses.NonSaturating(), ng.losses.LeastSquares(), ng.losses.Hinge(),
          ng.losses.Wasserstein()]
HUGE = float(np.finfo(np.float32).max)


def make(loss=None, engine="numpy", opt=lambda: ng.optim.SGD(0.01), **more):
    rng = np.random.default_rng(0)
    return ng.GAN(ng.MLP([2, 4, 2], rng=rng, engine=engine), ng.MLP([2, 4, 1], rng=rng, engine=engine), loss, opt(),
                  opt(), **more)


def train(gan, words, steps=9, **more):
    """Training diverges with these words; returns the message, which is one line."""
    with np.errstate(all="ignore"), pytest.raises(ng.Divergence, match=words) as error:
        gan.fit(ng.data.ring(), steps=steps, batch=8, rng=np.random.default_rng(1), **more)
    assert "\n" not in str(error.value)
    return str(error.value)


def spoil(net, name, value, step):
    """A callback that puts a value into a parameter after that step."""
    def callback(gan):
        if len(gan.history) == step:
            theta = net.theta.copy()
            net.params(theta)[name].flat[0] = value
            net.theta = theta
    return callback


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("which", "name", "layer"), [("G", "0.b", "Dense.width=4"), ("D", "2.W", "Dense.width=1")])
def test_a_parameter_is_named_with_network_layer_and_step(which, name, layer, value, engine):
    gan = make(engine=engine)
    message = train(gan, f"in step 4: not finite was first the parameter {name} of {which}, layer {name[0]}, {layer}",
                    callbacks=[spoil(getattr(gan, which), name, value, 3)])
    assert f"The last finite step: {gan.history!r}" in message
    assert "History(3 steps; last: loss_D=" in message


def test_a_weight_of_minus_infinity_behind_a_relu_is_no_secret(engine):
    """max(0, −∞) = 0: the outputs stay finite, and only the parameters can tell."""
    rng = np.random.default_rng(0)
    D = ng.MLP([2, 4, 1], hidden="relu", rng=rng, engine=engine)
    gan = ng.GAN(ng.MLP([2, 2], rng=rng, engine=engine), D)
    train(gan, "step 3: not finite was first the parameter 0.b of D", callbacks=[spoil(D, "0.b", -math.inf, 2)])


@pytest.mark.parametrize("simultaneous", [False, True])
def test_an_update_that_overflows_is_caught_in_its_own_step(engine, simultaneous):
    """Finite gradient, finite rate, and their product is not."""
    class Steep(ng.losses.Wasserstein):
        def discriminator(self, logit_real, logit_fake):
            L, dr, df = super().discriminator(logit_real, logit_fake)
            return L, dr * dr.dtype.type(1e5), df

    gan = make(Steep(), engine, lambda: ng.optim.SGD(HUGE / 10), simultaneous=simultaneous)
    train(gan, "step 1: not finite was first the parameter .* of D, .* D is lost: go back to a checkpoint")
    assert len(gan.history) == 0


def test_a_gradient_whose_square_overflows_does_not_stop_adam_in_silence(engine):
    """‖g‖ = 1e25 is a float32, its square is not: with v = ∞ Adam would stand still for ever."""
    class Steep(ng.losses.NonSaturating):
        def generator(self, logit_fake):
            L, d = super().generator(logit_fake)
            return L, d * d.dtype.type(1e25)

    gan = make(Steep(), engine, lambda: ng.optim.Adam(1e-3))
    train(gan, "step 1: not finite was first the gradient of G, which is too large to be squared")
    assert np.isfinite(gan.G.theta).all()
    assert all(np.isfinite(m).all() for m in gan.opt_G.moments.values())


def test_the_gradient_that_broke_first_on_the_way_back_is_named(engine):
    """Only d_logit is NaN: every gradient of D is, and the last layer had it first."""
    class Broken(ng.losses.NonSaturating):
        def discriminator(self, logit_real, logit_fake):
            L, dr, df = super().discriminator(logit_real, logit_fake)
            return L, dr * math.nan, df

    train(make(Broken(), engine), "first the gradient of the parameter 2.. of D, layer 2, Dense.width=1")


def test_the_output_that_overflowed_first_is_named(engine):
    gan = make(engine=engine)
    gan.D.theta = np.full_like(gan.D.theta, 1e30)
    train(gan, "step 1: not finite was first the output of layer 2, Dense.*, of D on x")
    gan = make(engine=engine)
    gan.G.theta = np.full_like(gan.G.theta, 1e30)
    train(gan, "step 1: not finite was first the output of layer 2, Dense.*, of G on z")


def test_a_fake_that_is_too_large_for_d_alone_is_named(engine):
    """x_fake = (2e38, 2e38) is a float32, and 2 · 2e38 + 2 · 2e38 is none; the data are small."""
    gan = make(engine=engine)
    theta = np.zeros_like(gan.G.theta)
    gan.G.params(theta)["2.b"][...] = 2e38
    gan.G.theta, gan.D.theta = theta, np.full_like(gan.D.theta, 2)
    train(gan, r"step 1: not finite was first the output of layer 0, Dense.*, of D on G\(z\)")


def test_a_loss_that_is_no_number_is_named_with_its_penalties(engine):
    """Its gradients are numbers: nothing else could tell."""
    class Silent(ng.losses.NonSaturating):
        def discriminator(self, logit_real, logit_fake):
            return math.nan, *super().discriminator(logit_real, logit_fake)[1:]

    gan = make(Silent(), engine, penalties=[ng.penalties.R1(2)])
    gan.D.theta, gan.G.theta = np.full_like(gan.D.theta, 1 / 2), np.full_like(gan.G.theta, 1 / 4)
    message = train(gan, r"first the loss of D, Silent\(.*\) \+ R1\(gamma=2.0\) = nan\. The update of D was not made")
    assert "the learning rate of D, whose largest parameter is 0.5, is too high" in message

    class Unheard(ng.losses.NonSaturating):
        def generator(self, logit_fake):
            return math.inf, *super().generator(logit_fake)[1:]

    gan = make(Unheard(), engine, penalties=[ng.penalties.R1(2)])
    train(gan, r"first the loss of G, Unheard\([^+]*\) = inf\. The update of G was not made")


def test_a_row_of_the_data_that_is_no_number_is_named_and_nothing_else_is_blamed(engine):
    ring = ng.data.ring()

    class Spoilt:
        shape, range, n, labels = ring.shape, ring.range, None, None

        def sample(self, n, rng):
            x = ring.sample(n, rng)
            x[3, 1] = math.nan
            return x

    with np.errstate(all="ignore"), pytest.raises(ng.Divergence) as error:
        make(engine=engine).fit(Spoilt(), steps=2, batch=8, rng=np.random.default_rng(1))
    assert "not finite was first the data, in row 3 of this minibatch" in str(error.value)
    assert str(error.value).endswith("Likely causes: NaN or infinity in the data, or in what makes it")


def test_a_running_mean_that_is_lost_is_named(engine):
    rng = np.random.default_rng(0)
    G = ng.Network([ng.Dense(4), ng.BatchNorm(), ng.Dense(2)], 2, rng=rng, engine=engine)
    gan = ng.GAN(G, ng.MLP([2, 1], rng=rng, engine=engine))

    def lose(gan):
        G.state = np.full_like(G.state, np.nan)
    train(gan, "step 2: not finite was first the state of G", callbacks=[lose])


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_the_causes_are_those_of_the_loss_and_the_rate(loss, engine):
    message = train(make(loss, engine, lambda: ng.optim.SGD(1e30)), r"Likely causes: the learning rate of ., whose "
                    r"largest parameter is \S+, is too high \(SGD\(lr=1e\+30\)\): lower it; with "
                    rf"{type(loss).__name__}, ")
    told = message.split(f"with {type(loss).__name__}, ")[1]
    others = [type(other)() for other in LOSSES if type(other) is not type(loss)]
    assert not any(told in train(make(other, engine, lambda: ng.optim.SGD(1e30)), "Likely") for other in others)


def test_a_penalty_is_a_cause_and_a_critic_that_has_one_is_not_told_to_take_one(engine):
    message = train(make(ng.losses.Wasserstein(), engine, lambda: ng.optim.SGD(1.0),
                         penalties=[ng.penalties.GradientPenalty(1e6)]), "the weight of GradientPenalty.*is too high")
    assert "with Wasserstein" not in message


def test_the_network_that_grew_is_blamed_not_the_one_that_noticed(engine):
    gan = make(engine=engine)
    gan.opt_D = ng.optim.SGD(1e30)
    train(gan, "the learning rate of D, .*lr=1e.30.*lower it")


def test_nothing_is_looked_at_twice_while_all_is_well(monkeypatch):
    monkeypatch.setattr("numpygan.gan.divergence", lambda *_: 1 / 0)
    make().fit(ng.data.ring(), steps=20, batch=8, rng=np.random.default_rng(0))
