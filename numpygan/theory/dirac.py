"""The Dirac-GAN: the smallest game, two numbers, in which everything about the dynamics can be computed.

The data are one point at 0, the generator makes one point at θ, the discriminator's logit on x is linear. In the
convention of Mescheder, Geiger & Nowozin (2018), Which training methods for GANs do actually converge?, which all of
this module follows, ψ is positive on fakes; with the logits of the rest of this package, positive on data, the same
run has −ψ in place of ψ, and starts at (1, −1).

A vector field is a function (θ, ψ) -> (dθ, dψ), of numbers or arrays: the directions in which the players want to go,
Eq. (8.1).
"""
import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, NamedTuple

import numpy as np

from ..checks import finite, function, number, numbers, one_of, real, whole
from ..functional import log_sigmoid, sigmoid

Field = Callable[..., tuple[Any, Any]]
ORDERS = ("simultaneous", "D first", "G first")
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(64)               # E g(ε), ε ~ N(0, 1), is Σ wₖ g(xₖ)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def _of_numbers(function: Callable) -> Callable:
    """`function` of numbers or arrays of them, refused in one sentence where one is no number, NaN or infinite."""
    names = tuple(inspect.signature(function).parameters)

    @wraps(function)
    def checked(*args, **kwargs):
        return function(*map(finite, args, names), **{name: finite(value, name) for name, value in kwargs.items()})
    return checked


# --------------------------------------------------------------------------------------------- the games

@_of_numbers
def value(theta: Any, psi: Any) -> Any:
    """V(θ, ψ) = f(ψθ) + f(0), f(t) = −log(1 + e^−t) = log σ(t)                                 Eq. (8.2)"""
    return log_sigmoid(psi * theta) + log_sigmoid(0.0)


@_of_numbers
def slope(t: Any) -> Any:
    """f'(t) = σ(−t)                                                                            Eq. (8.2)"""
    return sigmoid(-np.asarray(t, np.float64))


@_of_numbers
def curvature(t: Any) -> Any:
    """f''(t) = −σ(t) σ(−t)"""
    return -slope(t) * slope(-np.asarray(t, np.float64))


@_of_numbers
def gan(theta: Any, psi: Any) -> tuple[Any, Any]:
    """v = (−ψ f'(ψθ), θ f'(ψθ)): θ descends V, ψ ascends V                                     Eq. (8.3)"""
    return -psi * slope(psi * theta), theta * slope(psi * theta)


@_of_numbers
def nsgan(theta: Any, psi: Any) -> tuple[Any, Any]:
    """v = (−ψ f'(−ψθ), θ f'(ψθ)): θ ascends f(−ψθ) instead                                     Eq. (8.4)"""
    return -psi * slope(-psi * theta), theta * slope(psi * theta)


@_of_numbers
def wgan(theta: Any, psi: Any) -> tuple[Any, Any]:
    """v = (−ψ, θ): f(t) = t; ψ is to be clipped to [−1, 1] after every update                  Eq. (8.5)"""
    return -psi + 0.0 * theta, theta + 0.0 * psi


@_of_numbers
def wgan_gp(theta: Any, psi: Any, weight: float = 0.35) -> tuple[Any, Any]:
    """v = (−ψ, θ − 2w (|ψ| − 1) sign ψ): ψ ascends V − w (|ψ| − 1)²                            Eq. (8.6)"""
    _at_least_0(weight, "weight")
    return -psi + 0.0 * theta, theta - 2 * weight * (np.abs(psi) - 1) * np.sign(psi)


@_of_numbers
def r1(theta: Any, psi: Any, gamma: float) -> tuple[Any, Any]:
    """v = (−ψ f'(ψθ), θ f'(ψθ) − γψ): ψ ascends V − (γ/2) ψ²                                   Eq. (8.7)"""
    _at_least_0(gamma, "gamma")
    return -psi * slope(psi * theta), theta * slope(psi * theta) - gamma * psi


@_of_numbers
def consensus(theta: Any, psi: Any, gamma: float) -> tuple[Any, Any]:
    """v − γ Jᵀv, v and its Jacobian J those of the GAN: both players descend (γ/2)|v|²         Eq. (8.8)

    Mescheder, Nowozin & Geiger (2017), The numerics of GANs.
    """
    _at_least_0(gamma, "gamma")
    a, b = gan(theta, psi)
    d1, d2 = slope(psi * theta), curvature(psi * theta)
    cross = d1 + psi * theta * d2
    return a - gamma * (-psi**2 * d2 * a + cross * b), b - gamma * (-cross * a + theta**2 * d2 * b)


@_of_numbers
def instance_noise(theta: Any, psi: Any, std: float) -> tuple[Any, Any]:
    """V = E f(ψ(θ + sε)) + E f(−ψsε'): the GAN with N(0, s²) added to both inputs of D         Eq. (8.9)

    The expectations are sums over 64 Gauss-Hermite nodes, good to 1e-9 for |ψ| s up to 2 and to 2e-5 up to 4.
    """
    _at_least_0(std, "std")
    theta, psi = np.broadcast_arrays(np.asarray(theta, np.float64), np.asarray(psi, np.float64))
    noise, p = std * NODES, psi[..., None]
    fake = theta[..., None] + noise
    d_fake, d_real = slope(p * fake), slope(-p * noise)
    return -psi * (d_fake @ WEIGHTS), (fake * d_fake - noise * d_real) @ WEIGHTS


@_of_numbers
def bilinear(x: Any, y: Any) -> tuple[Any, Any]:
    """v = (−y, x): the game V = xy, x descends and y ascends; pure rotation                    Eq. (8.10)"""
    return wgan(x, y)


# ------------------------------------------------------------------------------------------ the dynamics

def step(field: Field, theta: Any, psi: Any, h: float, order: str = "simultaneous", k: int = 1,
         clip: float | None = None) -> tuple[Any, Any]:
    """One step of both players, of size h                                                      Eqs. (8.11), (8.12)

    order: "simultaneous", both directions taken at the same point; "D first" as in Algorithm 1, k steps of ψ and then
    one of θ, each at the newest point; "G first" the other way round. ψ is clipped to [−clip, clip] when given.
    """
    _check_step(order, k, h, clip)
    function(field, "field", "dirac.gan")
    if not np.isfinite(numbers(theta, "theta") + numbers(psi, "psi")).all():
        raise ValueError(f"theta and psi must be finite, got {theta} and {psi}")
    if order == "simultaneous":
        d_theta, d_psi = field(theta, psi)
        return theta + h * d_theta, _clipped(psi + h * d_psi, clip)
    if order == "G first":
        theta = theta + h * field(theta, psi)[0]
    for _ in range(k):
        psi = _clipped(psi + h * field(theta, psi)[1], clip)
    if order == "D first":
        theta = theta + h * field(theta, psi)[0]
    return theta, psi


def trajectory(field: Field, steps: int = 500, h: float = 0.2, order: str = "simultaneous", k: int = 1,
               clip: float | None = None, start: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """The points (θ, ψ) before and after each of `steps` steps: (steps + 1, 2)."""
    whole(steps, "steps", 0)
    _check_step(order, k, h, clip)
    if finite(start, "start").shape != (2,):
        raise ValueError(f"start must be two numbers (theta, psi), got {start!r}")
    path = np.empty((steps + 1, 2))
    path[0] = start
    for i in range(steps):
        path[i + 1] = step(field, path[i, 0], path[i, 1], h, order, k, clip)
    return path


def _at_least_0(value: Any, name: str) -> None:
    if np.ndim(value) or value < 0:
        raise ValueError(f"{name} must be a finite number of at least 0, got {value}")


def _clipped(psi: Any, clip: float | None) -> Any:
    return psi if clip is None else np.clip(psi, -clip, clip)


def _check_step(order: str, k: int, h: float, clip: float | None = None) -> None:
    if not (real(h) and np.isfinite(h)):
        raise ValueError(f"h must be a finite number, got {h!r}")
    if clip is not None:
        number(clip, "clip")
    one_of(order, "order", ORDERS)
    if whole(k, "k") != 1 and order == "simultaneous":
        raise ValueError(f"k must be 1 for simultaneous steps, got {k}: nobody goes first")


# ----------------------------------------------------------------------------------------- the linear part

def linearisation(name: str, gamma: float = 0.0, std: float = 0.0) -> np.ndarray:
    """J = ∂v/∂(θ, ψ) at the equilibrium (0, 0), worked out by hand: (2, 2)                     Eq. (8.13)

    name: "gan", "nsgan", "wgan", "bilinear", "r1" and "consensus" (gamma), "instance_noise" (std). WGAN-GP has none:
    its field jumps at ψ = 0.
    """
    gamma, std = number(gamma, "gamma"), number(std, "std")
    turn = 1.0 if name in ("wgan", "bilinear") else 0.5
    damping = {"gan": (0.0, 0.0), "nsgan": (0.0, 0.0), "wgan": (0.0, 0.0), "bilinear": (0.0, 0.0),
               "r1": (0.0, gamma), "consensus": (gamma / 4, gamma / 4), "instance_noise": (0.0, std**2 / 2)}
    if name not in damping:
        raise ValueError(f"no linearisation for {name!r}: choose one of {', '.join(damping)} "
                         f"(the field of WGAN-GP jumps at psi = 0)")
    on_theta, on_psi = damping[name]
    return np.array([[-on_theta, -turn], [turn, -on_psi]])


def eigenvalues(name: str, gamma: float = 0.0, std: float = 0.0) -> np.ndarray:
    """λ = −(a + b)/2 ± √((a − b)²/4 − c²), a, b the damping of θ and ψ, c the turning; complex (2,)   Eq. (8.14)

    ±i/2 for GAN and NSGAN, ±i for WGAN, −γ/2 ± √(γ²/4 − ¼) for R1, −γ/4 ± i/2 for consensus,
    −s²/4 ± √(s⁴/16 − ¼) for instance noise.
    """
    J = linearisation(name, gamma, std)
    a, b, c = -J[0, 0], -J[1, 1], J[1, 0]
    root = np.sqrt(complex((a - b)**2 / 4 - c**2))
    return np.array([-(a + b) / 2 + root, -(a + b) / 2 - root])


def step_matrix(J: np.ndarray, h: float, order: str = "simultaneous", k: int = 1) -> np.ndarray:
    """What one step does to a small (θ, ψ): I + hJ, A_G A_Dᵏ (D first) or A_Dᵏ A_G (G first)    Eqs. (8.15), (8.16)

    A_G is the unit matrix with the first row of I + hJ, A_D with the second.
    """
    _check_step(order, k, h)
    if finite(J, "J").shape != (2, 2):
        raise ValueError(f"J must be (2, 2), the derivative of the field, got {np.shape(J)}")
    both = np.eye(2) + h * finite(J, "J")
    A_G, A_D = np.stack([both[0], [0.0, 1.0]]), np.stack([[1.0, 0.0], both[1]])
    if order == "simultaneous":
        return both
    many = np.linalg.matrix_power(A_D, k)
    return A_G @ many if order == "D first" else many @ A_G


def jacobian(f: Callable[[np.ndarray], Any], at: Any = (0.0, 0.0), h: float = 1e-3) -> np.ndarray:
    """∂f_i/∂x_j ≈ [8(f(x+h) − f(x−h)) − (f(x+2h) − f(x−2h))]/(12h), error O(h⁴)                Eq. (8.17)

    f: point (2,) -> two numbers; a vector field or a whole training step. `at` is the point.
    """
    at, f, h = finite(at, "at"), function(f, "f", "lambda x: x"), number(h, "h")
    if at.ndim != 1 or h == 0:
        raise ValueError(f"at must be a point, a list of numbers, and h greater than 0, got shape {at.shape} and {h}")
    columns = []
    for e in np.eye(len(at)) * h:
        near, far = (np.asarray(f(at + m * e), np.float64) - np.asarray(f(at - m * e), np.float64) for m in (1, 2))
        columns.append((8 * near - far).ravel() / (12 * h))
    return finite(np.stack(columns, 1), "the derivative of f")


# ------------------------------------------------------------------------------------------ the eight runs

class Setting(NamedTuple):
    """One method of the comparison: its field, the name of its linear part with options, and the clip of ψ."""
    field: Field
    name: str
    options: dict[str, float]
    clip: float | None = None


SETTINGS = {
    "GAN": Setting(gan, "gan", {}),
    "NSGAN": Setting(nsgan, "nsgan", {}),
    "WGAN-clip": Setting(wgan, "wgan", {}, 1.0),
    "WGAN-GP": Setting(wgan_gp, "wgan_gp", {}),
    "R1 γ = .3": Setting(partial(r1, gamma=0.3), "r1", {"gamma": 0.3}),
    "R1 γ = 1": Setting(partial(r1, gamma=1.0), "r1", {"gamma": 1.0}),
    "consensus γ = 1": Setting(partial(consensus, gamma=1.0), "consensus", {"gamma": 1.0}),
    "instance noise s = .7": Setting(partial(instance_noise, std=0.7), "instance_noise", {"std": 0.7}),
}
