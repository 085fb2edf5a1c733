"""The averaged generator, and weights that are clipped: by hand, from the first step on, and in training."""
import copy
import math
import pickle

import numpy as np
import pytest
from close import error

import numpygan as ng
from numpygan import functional, kernels
from numpygan.optim import SGD, Adam, Momentum, RMSProp

EPS = np.finfo(float).eps
RING = ng.data.ring(8)
OPTIMISERS = [SGD, Momentum, RMSProp, Adam]


@pytest.fixture
def ops(engine):
    """The functions of one engine."""
    return {"numpy": functional, "numba": kernels}[engine]


def game(engine="numpy", dtype=np.float64, **kwargs):
    rng = np.random.default_rng(0)
    G = ng.MLP([3, 8, 2], rng=rng, dtype=dtype, engine=engine)
    return ng.GAN(G, ng.MLP([2, 8, 1], rng=rng, dtype=dtype, engine=engine), **kwargs)


# ---------------------------------------------------------------------------------------------------- averaging


def test_eqs_11_4_and_11_13_average(ops):
    # 3/4 of 8 and 1/4 of −4
    old = np.array([8., 0])
    assert ops.average(old, np.array([-4., 1]), .75).tolist() == [5, .25]
    assert old.tolist() == [8, 0]


def test_the_first_steps_by_hand(engine):
    """β = ¾ over θ = 1, 3, 5, 7, 11: the plain mean as long as t / (t + 1) < ¾, then ¾ and ¼.

    1; (1 + 3)/2 = 2; (1 + 3 + 5)/3 = 3; ¾·3 + ¼·7 = 4; ¾·4 + ¼·11 = 5.75.
    """
    gan, mean, seen = game(engine), ng.Averaged(.75), []
    for value in (1, 3, 5, 7, 11):
        gan.G.theta = np.full(gan.G.theta.size, value)
        mean(gan)
        seen.append(mean.theta.copy())
    for theta, value in zip(seen, (1, 2, 3, 4, 5.75), strict=True):
        assert error(theta, np.full(theta.size, value)) <= 4 * EPS


def test_an_average_of_beta_0_is_the_generator_itself(engine):
    gan, mean = game(engine), ng.Averaged(0)
    for value in (1, 3):
        gan.G.theta = np.full(gan.G.theta.size, value)
        mean(gan)
        assert mean.theta.tolist() == gan.G.theta.tolist()


def test_it_follows_training_and_does_not_disturb_it(engine, dtype):
    thetas = []
    gan, plain, mean = game(engine, dtype), game(engine, dtype), ng.Averaged(.5)
    callbacks = [mean, lambda gan: thetas.append(gan.G.theta.copy())]
    gan.fit(RING, steps=5, batch=8, rng=np.random.default_rng(1), callbacks=callbacks)
    plain.fit(RING, steps=5, batch=8, rng=np.random.default_rng(1))
    assert gan.G.theta.tobytes() == plain.G.theta.tobytes()
    expected = sum(w * theta for w, theta in zip((1 / 16, 1 / 16, 1 / 8, 1 / 4, 1 / 2), thetas, strict=True))
    assert mean.theta.dtype == dtype
    assert error(mean.theta, expected) <= 8 * np.finfo(dtype).eps


def test_samples_are_those_of_a_generator_with_the_mean_parameters(engine):
    gan, mean = game(engine), ng.Averaged(.9)
    gan.fit(RING, steps=5, batch=8, rng=np.random.default_rng(1), callbacks=[mean])
    theta = gan.G.theta.tobytes()
    x = mean.sample(gan, 7, np.random.default_rng(2))
    assert gan.G.theta.tobytes() == theta
    twin = copy.deepcopy(gan)
    twin.G.theta = mean.theta
    assert x.tobytes() == twin.sample(7, np.random.default_rng(2)).tobytes()
    assert error(x, gan.sample(7, np.random.default_rng(2))) > 1e-5                    # a hundred roundings


def test_what_batch_norm_remembers_is_averaged_alike(engine, dtype):
    """Moments that fit θ do not fit θ̄: here they double from step to step, and θ̄ gets their mean. ¾·3 + ¼·4 = 3.25."""
    G = ng.Network([ng.Dense(4), ng.BatchNorm(), ng.Dense(2)], 3, rng=np.random.default_rng(0), dtype=dtype,
                   engine=engine)
    gan, mean = ng.GAN(G, ng.MLP([2, 1], rng=np.random.default_rng(0), dtype=dtype, engine=engine)), ng.Averaged(.75)
    for value in (1, 3, 5, 4):
        G.state = np.full(G.state.size, value)
        mean(gan)
    assert error(mean.state, np.full(8, 3.25)) <= 4 * np.finfo(dtype).eps
    assert mean.state.dtype == dtype
    z = np.random.default_rng(1).standard_normal((5, 3)).astype(dtype)
    twin = copy.deepcopy(G)
    twin.theta, twin.state = mean.theta, mean.state
    assert mean.generate(gan, z).tobytes() == twin(z).tobytes()
    assert (G.state == 4).all()                                              # and the G that trains keeps its own


def test_copies_go_on_by_themselves():
    gan, mean = game(), ng.Averaged(.9)
    mean(gan)
    for twin in (copy.deepcopy(mean), pickle.loads(pickle.dumps(mean))):
        kept = mean.theta.tobytes()
        gan.G.theta += 1
        twin(gan)
        assert (twin.t, mean.t) == (2, 1)
        assert mean.theta.tobytes() == kept


@pytest.mark.parametrize("remembers", [False, True])
def test_what_is_kept_of_an_average_makes_it_again(remembers):
    """Nothing before the first step, and a state where G has one; for another G it is refused, by the array's name."""
    layers = [ng.Dense(4), ng.BatchNorm(), ng.Dense(2)] if remembers else [ng.Dense(2)]
    rng, mean = np.random.default_rng(0), ng.Averaged(0.75)
    gan = ng.GAN(ng.Network(layers, 3, rng=rng, engine="numpy"), ng.MLP([2, 1], rng=rng, engine="numpy"))
    assert mean.arrays() == {}
    assert ng.Averaged.of({}, gan.G) is None
    for _ in range(3):
        mean(gan)
    kept = mean.arrays()
    assert set(kept) == {"average.theta", "average.beta"} | ({"average.state"} if remembers else set())
    again = ng.Averaged.of(kept, gan.G)
    assert (again.beta, again.t) == (0.75, 3)
    assert (again.theta.tolist(), again.state.tolist()) == (mean.theta.tolist(), gan.G.state.tolist())
    for name in set(kept) - {"average.beta"}:
        with pytest.raises(ValueError, match=name):
            ng.Averaged.of(kept | {name: np.zeros(3)}, gan.G)


def test_misuse_of_an_average_is_told():
    mean = ng.Averaged()
    with pytest.raises(ValueError, match="nothing to sample from yet"):
        mean.sample(game(), 3, np.random.default_rng(0))
    mean(game())
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
        mean.sample(game(), 3, None)
    with pytest.raises(TypeError, match="gan must be a GAN, got str"):
        mean("a GAN")
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="average is of a generator with 50 parameters, and this one has 8"):
        mean(ng.GAN(ng.MLP([3, 2], rng=rng), ng.MLP([2, 1], rng=rng)))
    for beta in (1, -.1, math.nan):
        with pytest.raises(ValueError, match=r"beta must lie in \[0, 1\)"):
            ng.Averaged(beta)


# ----------------------------------------------------------------------------------------------------- clipping


def test_eq_11_12_clip(ops, dtype):
    theta = np.array([-3, -1, -.5, 0, 1, 1.5], dtype)
    clipped = ops.clip(theta.copy(), 1)
    assert (clipped.tolist(), clipped.dtype) == ([-1, -1, -.5, 0, 1, 1], dtype)
    assert np.isnan(ops.clip(np.array([math.nan, 2]), 1)[0])


@pytest.mark.parametrize("kind", OPTIMISERS)
def test_every_optimiser_clips_after_its_update(engine, dtype, kind):
    """All parameters, biases too; the step is that without clipping, then cut off."""
    clipped, free = (game(engine, dtype).D for _ in range(2))
    opt, other = kind(.1, clip=.25), kind(.1)
    assert "clip=0.25" in repr(opt)
    assert "clip" not in repr(other)
    rng = np.random.default_rng(3)
    for _ in range(3):
        g = rng.standard_normal(clipped.theta.size)
        free.theta = clipped.theta
        opt.step(clipped, g)
        other.step(free, g)
        assert clipped.theta.tobytes() == np.clip(free.theta, dtype(-.25), dtype(.25)).tobytes()
    assert np.mean(abs(clipped.theta) == .25) > .1
    assert clipped.theta.dtype == dtype


def test_a_wgan_with_clipped_weights_trains(engine):
    gan = game(engine, np.float32, loss=ng.losses.Wasserstein(), opt_D=RMSProp(5e-3, clip=.1), opt_G=RMSProp(5e-3))
    history = gan.fit(RING, steps=10, batch=16, k=5, rng=np.random.default_rng(1))
    assert abs(gan.D.theta).max() <= np.float32(.1)
    assert abs(gan.G.theta).max() > .2                           # G is not clipped
    assert np.isfinite(history["loss_D"]).all()


def test_an_impossible_bound_is_refused():
    for kind in OPTIMISERS:
        with pytest.raises(ValueError, match="clip must be positive"):
            kind(.1, clip=0)
        with pytest.raises(ValueError, match=r"clip must lie in \[0, inf\)"):
            kind(.1, clip=-1)
        with pytest.raises(TypeError, match="clip must be a number"):
            kind(.1, clip="1")
