"""The Dirac-GAN: fields, steps and eigenvalues worked out by hand, and the table of final norms."""
import math

import numpy as np
import pytest
from scipy import integrate, stats

from numpygan.theory import dirac

EPS = np.finfo(float).eps
ORDERS = [("simultaneous", 1), ("D first", 1), ("D first", 5), ("G first", 1), ("G first", 5)]
SIGMA = 1 / (1 + math.e)                     # f'(1) = σ(−1)

# Final norms after 500 steps of θ with h = .2 from (1, 1), as printed: one string per entry of ORDERS.
TABLE = {
    "GAN": "3.097 1.413 1.710 1.421 1.845", "NSGAN": ".640 .271 .156 .284 .139",
    "WGAN-clip": "1.002 .985 1.003 1.024 .917", "WGAN-GP": "1.802 1.280 .720 1.221 .716",
    "R1 γ = .3": "2.64e-6 2.38e-7 9.1e-34 2.30e-7 9.25e-34",
    "R1 γ = 1": "9.53e-22 8.5e-17 5.4e-12 7.48e-17 5.14e-12",
    "consensus γ = 1": "2.58e-10 1.79e-11 10.96 1.72e-11 10.97",
    "instance noise s = .7": "5.73e-5 4.38e-6 <1e-15 4.00e-6 <1e-15"}
LINEAR = [name for name in dirac.SETTINGS if name != "WGAN-GP"]


def unit(printed):
    """Half of the last printed digit, and a little for the digits beyond it."""
    digits, _, exponent = printed.partition("e")
    return 0.501 * 10.0**(int(exponent or 0) - len(digits.partition(".")[2]))


@pytest.mark.parametrize(("column", "order", "k"), [(i, *o) for i, o in enumerate(ORDERS)])
@pytest.mark.parametrize("name", TABLE)
def test_the_table_of_final_norms(name, column, order, k):
    s = dirac.SETTINGS[name]
    norm = math.hypot(*dirac.trajectory(s.field, 500, 0.2, order, k, s.clip)[-1])
    printed = TABLE[name].split()[column]
    if printed.startswith("<"):
        assert norm < float(printed[1:])
    else:
        assert norm == pytest.approx(float(printed), abs=unit(printed), rel=0)


# ------------------------------------------------------------------------------------------------- the fields

def test_the_value_by_hand():
    """Eq. (8.2): V(0, ψ) = −log 4; V(1, 1) = log σ(1) − log 2; slope ½ at 0."""
    assert dirac.value(0.0, 3.0) == pytest.approx(-math.log(4), abs=2 * EPS)
    assert dirac.value(1.0, 1.0) == pytest.approx(-math.log1p(math.exp(-1)) - math.log(2), abs=4 * EPS)
    assert dirac.slope(0.0) == 0.5
    assert dirac.curvature(0.0) == -0.25


@pytest.mark.parametrize(("field", "at", "expected"), [
    (dirac.gan, (1, 1), (-SIGMA, SIGMA)), (dirac.gan, (2, -0.5), (0.5 * (1 - SIGMA), 2 * (1 - SIGMA))),
    (dirac.nsgan, (1, 1), (SIGMA - 1, SIGMA)), (dirac.wgan, (2, -3), (3, 2)),
    (dirac.wgan_gp, (1, 2), (-2, 1 - 0.7)), (dirac.wgan_gp, (1, -0.5), (0.5, 1 - 0.35)),
    (dirac.wgan_gp, (1, 0), (0, 1)), (lambda t, p: dirac.r1(t, p, 0.3), (1, 1), (-SIGMA, SIGMA - 0.3)),
    (dirac.bilinear, (3, 4), (-4, 3))],
    ids=["8.3", "8.3 other", "8.4", "8.5", "8.6", "8.6 below", "8.6 at 0", "8.7", "8.10"])
def test_fields_by_hand(field, at, expected):
    """Eqs. (8.3), (8.4), (8.5), (8.6), (8.7), (8.10), with f'(1) = 1/(1 + e) and f'(−1) = 1 − f'(1)."""
    assert field(*at) == pytest.approx(expected, abs=4 * EPS)


def differences(V, theta, psi):
    """(−∂V/∂θ, ∂V/∂ψ): what Eq. (8.1) says a field is."""
    grad = dirac.jacobian(lambda x: [V(*x)], (theta, psi))[0]
    return -grad[0], grad[1]


@pytest.mark.parametrize("at", [(1.0, 1.0), (-0.7, 2.0), (0.3, -1.5)])
def test_fields_are_gradients_of_their_games(at):
    """Eq. (8.1): θ descends, ψ ascends, each what it is said to."""
    theta, psi = at

    def f(t):
        return -math.log1p(math.exp(-t))

    def V(theta, psi):
        return f(psi * theta) + f(0)

    assert dirac.gan(*at) == pytest.approx(differences(V, *at), abs=1e-11)
    assert dirac.nsgan(*at)[0] == pytest.approx(differences(lambda t, p: -f(-p * t), *at)[0], abs=1e-11)
    assert dirac.nsgan(*at)[1] == dirac.gan(*at)[1]
    penalised = differences(lambda t, p: p * t - 0.35 * (abs(p) - 1)**2, *at)
    assert dirac.wgan_gp(*at) == pytest.approx(penalised, abs=1e-11)
    assert dirac.r1(*at, 0.6)[1] == pytest.approx(differences(lambda t, p: V(t, p) - 0.3 * p * p, *at)[1], abs=1e-11)
    half = dirac.jacobian(lambda x: [0.5 * np.square(dirac.gan(*x)).sum()], at)[0]
    assert dirac.consensus(*at, 0.8) == pytest.approx(np.array(dirac.gan(*at)) - 0.8 * half, abs=1e-10)    # Eq. (8.8)


@pytest.mark.parametrize("at", [(1.0, 1.0), (-0.7, 2.0), (0.3, -1.5)])
def test_instance_noise_is_the_expectation_of_the_game(at):
    """Eq. (8.9), by scipy's quadrature; for s = 0 it is the GAN."""
    def expected(g):
        return integrate.quad(lambda e: g(e) * stats.norm.pdf(e), -12, 12, epsabs=1e-12)[0]
    theta, psi = at
    fake, real = (lambda e: dirac.slope(psi * (theta + 0.7 * e))), (lambda e: dirac.slope(-psi * 0.7 * e))
    ascent = expected(lambda e: (theta + 0.7 * e) * fake(e)) - expected(lambda e: 0.7 * e * real(e))
    assert dirac.instance_noise(*at, 0.7) == pytest.approx((-psi * expected(fake), ascent), abs=1e-10)
    assert dirac.instance_noise(*at, 0.0) == pytest.approx(dirac.gan(*at), abs=1e-13)


@pytest.mark.parametrize("setting", dirac.SETTINGS.values(), ids=dirac.SETTINGS)
def test_fields_take_arrays(setting):
    theta, psi = np.meshgrid(np.linspace(-1, 1, 3), np.linspace(-2, 2, 4))
    both = setting.field(theta, psi)
    assert all(v.shape == (4, 3) for v in both)
    assert (both[0][1, 2], both[1][1, 2]) == pytest.approx(setting.field(theta[1, 2], psi[1, 2]), abs=4 * EPS)


# ---------------------------------------------------------------------------------------------- steps by hand

def test_steps_by_hand():
    """Eqs. (8.11), (8.12) on V = xy from (1, 1), h = ½: the second player answers the first in alternating steps."""
    v = dirac.bilinear
    assert dirac.step(v, 1, 1, 0.5) == (0.5, 1.5)
    assert dirac.step(v, 1, 1, 0.5, "D first") == (0.25, 1.5)
    assert dirac.step(v, 1, 1, 0.5, "G first") == (0.5, 1.25)
    assert dirac.step(v, 1, 1, 0.5, "D first", 2) == (0.0, 2.0)
    assert dirac.step(v, 1, 1, 0.5, "G first", 2) == (0.5, 1.5)
    assert dirac.step(v, 1, 1, 0.5, "D first", 2, clip=1.25) == (0.375, 1.25)
    assert dirac.step(v, 1, -1, 0.5, clip=0.25) == (1.5, -0.25)


def test_a_trajectory_is_its_steps():
    path = dirac.trajectory(dirac.gan, 3, 0.2, "D first", 2, start=(0.5, -1))
    assert path.shape == (4, 2)
    assert tuple(path[0]) == (0.5, -1)
    for before, after in zip(path[:-1], path[1:], strict=True):
        assert dirac.step(dirac.gan, *before, 0.2, "D first", 2) == tuple(after)


def test_the_bilinear_game_turns():
    """|(x, y)|² grows by 1 + h² a step when simultaneous; x² + y² ∓ hxy stays when alternating."""
    path = dirac.trajectory(dirac.bilinear, 100, 0.2)
    assert np.hypot(*path.T) == pytest.approx(math.sqrt(2) * math.sqrt(1.04)**np.arange(101), rel=1e-12)
    for order, sign in (("D first", 1), ("G first", -1)):
        x, y = dirac.trajectory(dirac.bilinear, 100, 0.2, order).T
        assert x**2 + y**2 + sign * 0.2 * x * y == pytest.approx(2 + sign * 0.2, rel=1e-12)


def test_in_continuous_time_the_gan_keeps_its_norm():
    """d/dt (θ² + ψ²)/2 = −θψ f' + ψθ f' = 0: the drift outward is the step's, not the game's."""
    path = integrate.solve_ivp(lambda _, x: dirac.gan(*x), (0, 100), (1, 1), rtol=1e-10, atol=1e-12).y
    assert np.hypot(*path) == pytest.approx(math.sqrt(2), abs=1e-7)


@pytest.mark.parametrize("at", [(1.0, 1.0), (-0.7, 2.0), (0.01, -0.02)])
def test_the_non_saturating_gan_is_pulled_inwards_at_fourth_order(at):
    """d/dt (θ² + ψ²)/2 = −θψ tanh(θψ/2): at most 0, and about −(θψ)²/2 near the equilibrium."""
    theta, psi = at
    v = dirac.nsgan(theta, psi)
    assert theta * v[0] + psi * v[1] == pytest.approx(-theta * psi * math.tanh(theta * psi / 2), abs=8 * EPS)


def test_consensus_with_five_steps_of_d_converges_from_near_and_runs_away_from_afar():
    """det M = .95 · .95⁵, so the modulus is .95³ = .857; but an eigenvalue speaks of a neighbourhood only."""
    s = dirac.SETTINGS["consensus γ = 1"]
    M = dirac.step_matrix(dirac.linearisation(s.name, **s.options), 0.2, "D first", 5)
    assert np.abs(np.linalg.eigvals(M)) == pytest.approx([0.95**3] * 2, abs=1e-14)
    near, far = (np.hypot(*dirac.trajectory(s.field, 500, 0.2, "D first", 5, start=(a, a))[-1]) for a in (0.7, 1.0))
    assert near < 1e-30
    assert far > 10


# -------------------------------------------------------------------------------------------- the linear part

@pytest.mark.parametrize(("name", "options", "expected"), [
    ("gan", {}, [0.5j, -0.5j]), ("nsgan", {}, [0.5j, -0.5j]), ("wgan", {}, [1j, -1j]), ("bilinear", {}, [1j, -1j]),
    ("r1", {"gamma": 0.3}, [-0.15 + 1j * math.sqrt(0.2275), -0.15 - 1j * math.sqrt(0.2275)]),
    ("r1", {"gamma": 1.0}, [-0.5, -0.5]), ("r1", {"gamma": 2.0}, [-1 + math.sqrt(0.75), -1 - math.sqrt(0.75)]),
    ("consensus", {"gamma": 1.0}, [-0.25 + 0.5j, -0.25 - 0.5j]),
    ("instance_noise", {"std": 0.7}, [-0.1225 + 1j * math.sqrt(0.23499375), -0.1225 - 1j * math.sqrt(0.23499375)])])
def test_eigenvalues_by_hand(name, options, expected):
    """Eqs. (8.13), (8.14): the known values, and those of the matrix by LAPACK."""
    found = dirac.eigenvalues(name, **options)
    assert found == pytest.approx(expected, abs=8 * EPS)
    numeric = np.linalg.eigvals(dirac.linearisation(name, **options))
    assert sorted(numeric, key=lambda v: (v.imag, v.real)) == pytest.approx(
        sorted(found, key=lambda v: (v.imag, v.real)), abs=1e-7)         # a double eigenvalue is known to √eps only


@pytest.mark.parametrize("name", LINEAR)
def test_the_jacobian_of_the_field_is_the_matrix_by_hand(name):
    """Eq. (8.13) beside Eq. (8.17)"""
    s = dirac.SETTINGS[name]
    assert dirac.jacobian(lambda x: s.field(*x)) == pytest.approx(dirac.linearisation(s.name, **s.options), abs=1e-11)


@pytest.mark.parametrize(("order", "k"), ORDERS)
@pytest.mark.parametrize("name", LINEAR)
def test_the_jacobian_of_the_step_is_the_matrix_by_hand(name, order, k):
    """Eqs. (8.15), (8.16) beside Eq. (8.17)"""
    s = dirac.SETTINGS[name]
    numeric = dirac.jacobian(lambda x: dirac.step(s.field, *x, 0.2, order, k, s.clip))
    assert numeric == pytest.approx(dirac.step_matrix(dirac.linearisation(s.name, **s.options), 0.2, order, k),
                                    abs=1e-11)


def test_simultaneous_steps_have_eigenvalues_one_plus_h_lambda():
    """Eq. (8.15): for the GAN of modulus √(1 + h²/4) = 1.004988 at h = .2."""
    moduli = np.abs(np.linalg.eigvals(dirac.step_matrix(dirac.linearisation("gan"), 0.2)))
    assert moduli == pytest.approx([1.004988] * 2, abs=5e-7)
    assert moduli == pytest.approx([math.sqrt(1.01)] * 2, abs=8 * EPS)
    for name in LINEAR:
        s = dirac.SETTINGS[name]
        found = np.linalg.eigvals(dirac.step_matrix(dirac.linearisation(s.name, **s.options), 0.2))
        exact = 1 + 0.2 * dirac.eigenvalues(s.name, **s.options)
        assert sorted(found, key=np.imag) == pytest.approx(sorted(exact, key=np.imag), abs=1e-7)


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("order", ["D first", "G first"])
@pytest.mark.parametrize("name", ["gan", "nsgan", "wgan", "bilinear"])
def test_alternating_steps_without_damping_have_modulus_one(name, order, k):
    """Eq. (8.16): determinant 1 and a trace in (−2, 2)."""
    M = dirac.step_matrix(dirac.linearisation(name), 0.2, order, k)
    assert np.linalg.det(M) == pytest.approx(1, abs=8 * EPS)
    assert np.abs(np.linalg.eigvals(M)) == pytest.approx([1, 1], abs=1e-14)


@pytest.mark.parametrize(("order", "k"), ORDERS)
@pytest.mark.parametrize("name", ["R1 γ = .3", "R1 γ = 1", "instance noise s = .7"])
def test_trajectories_shrink_at_the_rate_of_the_eigenvalues(name, order, k):
    """Near the equilibrium: 200 steps from a distance of 1e-6."""
    s = dirac.SETTINGS[name]
    M = dirac.step_matrix(dirac.linearisation(s.name, **s.options), 0.2, order, k)
    end = dirac.trajectory(s.field, 30, 0.2, order, k, start=(1e-6, 1e-6))[-1]
    assert end == pytest.approx(np.linalg.matrix_power(M, 30) @ [1e-6, 1e-6], abs=1e-14)


def test_what_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"no linearisation for 'wgan_gp'.*jumps"):
        dirac.linearisation("wgan_gp")
    with pytest.raises(ValueError, match="unknown order 'both'"):
        dirac.step(dirac.gan, 1, 1, 0.2, "both")
    for order, k in (("simultaneous", 5), ("D first", 0)):
        with pytest.raises(ValueError, match="k must be"):
            dirac.step(dirac.gan, 1, 1, 0.2, order, k)
    with pytest.raises(ValueError, match="finite"):
        dirac.trajectory(dirac.gan, 5, math.nan)
