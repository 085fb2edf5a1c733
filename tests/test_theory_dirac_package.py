"""The Dirac-GAN played by the package itself: its own training step has the theory's Jacobian and trajectories.

G is one number θ (a layer that only shifts, on any noise), D one number w (Dense without bias), and all real data are
at 0. The package's logits are positive on real data: w = −ψ.
"""
import math

import numpy as np
import pytest

import numpygan as ng
from numpygan import penalties
from numpygan.theory import dirac

ORDERS = [("simultaneous", 1), ("D first", 1), ("D first", 5)]
EPS = np.finfo(float).eps


class Point(ng.Layer):
    """G(z) = θ for every z: a bias alone."""

    def shapes(self, d_in):
        return {"b": (1,)}, 1

    def forward(self, p, x, c):
        return np.zeros((len(x), 1), p["b"].dtype) + p["b"], None

    def backward(self, p, cache, dy, c):
        return np.zeros_like(dy), {"b": dy.sum(0)}


class Clipped(ng.optim.SGD):
    """SGD, then every weight back into [−1, 1]."""

    def step(self, net, g):
        super().step(net, g)
        net.theta = np.clip(net.theta, -1, 1)


GAMES = {
    "GAN": {"loss": ng.losses.Minimax()}, "NSGAN": {"loss": ng.losses.NonSaturating()},
    "WGAN-clip": {"loss": ng.losses.Wasserstein()},
    "WGAN-GP": {"loss": ng.losses.Wasserstein(), "penalties": [penalties.GradientPenalty(0.35)]},
    "R1 γ = .3": {"loss": ng.losses.Minimax(), "penalties": [penalties.R1(0.3)]},
    "R1 γ = 1": {"loss": ng.losses.Minimax(), "penalties": [penalties.R1(1.0)]}}


def play(name, order, k, start, steps=1, h=0.2, batch=1, engine="numpy", **options):
    """(θ, ψ) after each of some steps of GAN.fit."""
    rng = np.random.default_rng(0)
    G = ng.Network([Point()], 1, rng=rng, dtype=np.float64, engine=engine)
    D = ng.Network([ng.Dense(1, bias=False)], 1, rng=rng, dtype=np.float64, engine=engine)
    G.theta, D.theta = [start[0]], [-start[1]]
    opt_D = (Clipped if name == "WGAN-clip" else ng.optim.SGD)(h)
    gan = ng.GAN(G, D, opt_G=ng.optim.SGD(h), opt_D=opt_D, simultaneous=order == "simultaneous", **GAMES[name],
                 **options)
    path = [tuple(start)]
    gan.fit(np.zeros((batch, 1)), steps=steps, batch=batch, k=k, rng=rng,
            callbacks=[lambda gan: path.append((float(gan.G.theta[0]), -float(gan.D.theta[0])))])
    return np.array(path)


def moduli(name, order, k, **options):
    J = dirac.jacobian(lambda x: play(name, order, k, x, **options)[-1])
    return J, np.sort(np.abs(np.linalg.eigvals(J)))


def test_the_simultaneous_gan_step_has_modulus_1_004988():
    """Eq. (8.15): √(1 + h²/4) at h = .2."""
    _, found = moduli("GAN", "simultaneous", 1)
    assert found == pytest.approx([math.sqrt(1 + 0.2**2 / 4)] * 2, abs=1e-11)
    assert found == pytest.approx([1.004988] * 2, abs=5e-7)


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("name", ["GAN", "NSGAN", "WGAN-clip"])
def test_alternating_steps_have_modulus_one(name, k):
    """Eq. (8.16)"""
    _, found = moduli(name, "D first", k)
    assert found == pytest.approx([1, 1], abs=1e-11)


@pytest.mark.parametrize(("order", "k"), ORDERS)
@pytest.mark.parametrize("name", [name for name in GAMES if name != "WGAN-GP"])
def test_the_jacobian_of_the_packages_step_is_the_matrix_by_hand(name, order, k):
    """Eqs. (8.15), (8.16)"""
    s = dirac.SETTINGS[name]
    J, _ = moduli(name, order, k)
    assert pytest.approx(dirac.step_matrix(dirac.linearisation(s.name, **s.options), 0.2, order, k), abs=1e-11) == J


@pytest.mark.parametrize(("order", "k"), ORDERS)
@pytest.mark.parametrize("name", GAMES)
def test_the_packages_run_is_the_theorys_run(name, order, k):
    """100 steps from (1, 1), in our logits from (1, −1), point by point; the penalty's jump in ψ included."""
    s = dirac.SETTINGS[name]
    expected = dirac.trajectory(s.field, 100, 0.2, order, k, s.clip)
    assert play(name, order, k, (1.0, 1.0), 100) == pytest.approx(expected, abs=1e-11)


def test_the_compiled_engine_plays_the_same_game():
    expected = dirac.trajectory(dirac.gan, 20, 0.2, "D first")
    assert play("GAN", "D first", 1, (1.0, 1.0), 20, engine="numba") == pytest.approx(expected, abs=1e-12)


def test_instance_noise_of_the_package_damps_as_the_expectation_says():
    """Eqs. (8.9), (8.15): std .7 on both inputs of D, drawn; the same draws at every point of the difference."""
    J, found = moduli("GAN", "simultaneous", 1, batch=100_000, input_noise=0.7)
    exact = dirac.step_matrix(dirac.linearisation("instance_noise", std=0.7), 0.2)
    assert pytest.approx(exact, abs=0.004) == J
    assert found == pytest.approx(np.abs(np.linalg.eigvals(exact)), abs=0.004)
    assert (found < 1).all()
