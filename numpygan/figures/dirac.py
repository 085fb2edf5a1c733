"""The Dirac-GAN: eight methods on the plane of its two numbers, their final norms and eigenvalues, and V = xy."""
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import losses, penalties
from ..gan import GAN
from ..layers import Dense, Layer
from ..network import Network
from ..optim import SGD
from ..plots import dynamics as plots
from ..plots.moving import write_gif, write_png
from ..theory import dirac

H, STEPS = 0.2, 500                     # size of a step; steps of the generator
COLUMNS = [("simultaneous", 1), ("D first", 1), ("D first", 5), ("G first", 1), ("G first", 5)]
DRAWS = 100_000                         # rows of a minibatch where the package draws instance noise

# What these runs should end at, from (1, 1): the settings of Mescheder, Geiger & Nowozin (2018), one text a column.
KNOWN_NORMS = {
    "GAN": "3.097 1.413 1.710 1.421 1.845",
    "NSGAN": ".640 .271 .156 .284 .139",
    "WGAN-clip": "1.002 .985 1.003 1.024 .917",
    "WGAN-GP": "1.802 1.280 .720 1.221 .716",
    "R1 γ = .3": "2.64e-6 2.38e-7 9.1e-34 2.30e-7 9.25e-34",
    "R1 γ = 1": "9.53e-22 8.5e-17 5.4e-12 7.48e-17 5.14e-12",
    "consensus γ = 1": "2.58e-10 1.79e-11 10.96 1.72e-11 10.97",
    "instance noise s = .7": "5.73e-5 4.38e-6 <1e-15 4.00e-6 <1e-15",
}

# The same games as the package plays them; consensus needs a second derivative that none of its optimisers takes.
GAMES: dict[str, dict[str, Any]] = {
    "GAN": {"loss": losses.Minimax()},
    "NSGAN": {"loss": losses.NonSaturating()},
    "WGAN-clip": {"loss": losses.Wasserstein()},
    "R1 γ = .3": {"loss": losses.Minimax(), "penalties": [penalties.R1(0.3)]},
    "R1 γ = 1": {"loss": losses.Minimax(), "penalties": [penalties.R1(1.0)]},
    "instance noise s = .7": {"loss": losses.Minimax(), "input_noise": 0.7},
}


class Point(Layer):
    """G(z) = θ for every z"""

    def shapes(self, d_in):
        return {"b": (1,)}, 1

    def forward(self, p, x, c):
        return np.zeros((len(x), 1), p["b"].dtype) + p["b"], None

    def backward(self, p, cache, dy, c):
        return np.zeros_like(dy), {"b": dy.sum(0)}


def package_step(name: str, theta: float, psi: float, order: str = "simultaneous", k: int = 1) -> tuple[float, float]:
    """(θ, ψ) after one step of `GAN.fit`, always with the same draws. Our logits are positive on data: D is −ψ x."""
    rng = np.random.default_rng(0)
    G = Network([Point()], 1, rng=rng, dtype=np.float64, engine="numpy")
    D = Network([Dense(1, bias=False)], 1, rng=rng, dtype=np.float64, engine="numpy")
    G.theta, D.theta = [theta], [-psi]
    gan = GAN(G, D, opt_G=SGD(H), opt_D=SGD(H, clip=dirac.SETTINGS[name].clip), simultaneous=order == "simultaneous",
              **GAMES[name])
    batch = DRAWS if "input_noise" in GAMES[name] else 1
    gan.fit(np.zeros((batch, 1)), steps=1, batch=batch, k=k, rng=rng)
    return float(G.theta[0]), -float(D.theta[0])


class Eigenvalues(NamedTuple):
    """Of one method at (0, 0), two complex numbers each."""
    field: np.ndarray           # λ of the vector field, Eq. (8.14)
    step: np.ndarray            # of a step by hand, Eqs. (8.15), (8.16)
    measured: np.ndarray        # of the Jacobian by differences, Eq. (8.17), of the package's own step
    package: bool               # … or, where the package has no such step, of the step of `theory.dirac`


def eigenvalues(name: str, order: str = "simultaneous", k: int = 1) -> Eigenvalues:
    """By hand and measured. ValueError for WGAN-GP, whose field jumps at ψ = 0."""
    s = dirac.SETTINGS[name]
    matrix = dirac.step_matrix(dirac.linearisation(s.name, **s.options), H, order, k)
    if name in GAMES:
        jacobian = dirac.jacobian(lambda x: package_step(name, x[0], x[1], order, k))
    else:
        jacobian = dirac.jacobian(lambda x: dirac.step(s.field, x[0], x[1], H, order, k, s.clip))
    return Eigenvalues(dirac.eigenvalues(s.name, **s.options), np.linalg.eigvals(matrix), np.linalg.eigvals(jacobian),
                       name in GAMES)


def runs(steps: int = STEPS) -> dict[str, list[np.ndarray]]:
    """{method: its paths (steps + 1, 2) from (1, 1), one for each of `COLUMNS`}"""
    return {name: [dirac.trajectory(s.field, steps, H, order, k, s.clip) for order, k in COLUMNS]
            for name, s in dirac.SETTINGS.items()}


def draw(folder: Path) -> list[Path]:
    """dirac.png: paths; dirac-norms.png: where they end; dirac-eigenvalues.png; dirac.gif: four methods moving."""
    paths = runs()
    fields = {name: s.field for name, s in dirac.SETTINGS.items()}
    titles = [f"{order}, k = {k}" if order != "simultaneous" else order for order, k in COLUMNS]
    known = {name: text.split() for name, text in KNOWN_NORMS.items()}
    norms = {name: [float(np.hypot(*path[-1])) for path in of_method] for name, of_method in paths.items()}
    found = {name: [eigenvalues(name, *column) for column in COLUMNS[:2]] for name in fields if name != "WGAN-GP"}
    film = plots.paths_film({name: (fields[name], paths[name][:2]) for name in ("GAN", "NSGAN", "WGAN-clip",
                                                                               "R1 γ = .3")}, titles[:2])
    return [write_png(plots.paths({name: (fields[name], paths[name][:3]) for name in fields}, titles[:3]),
                      folder / "dirac.png"),
            write_png(plots.norms(norms, known, titles), folder / "dirac-norms.png"),
            write_png(plots.eigenvalues(found, titles[:2]), folder / "dirac-eigenvalues.png"),
            write_gif(film, folder / "dirac.gif", 0.08)]


# -------------------------------------------------------------------------------------------- the game V = xy

TURNS = 60                              # steps


def circle(steps: int = TURNS) -> np.ndarray:
    """The game in continuous time from (1, 1), after each h: (steps + 1, 2). ẋ = −y, ẏ = x is a rotation."""
    t = H * np.arange(steps + 1)
    return np.stack([np.cos(t) - np.sin(t), np.sin(t) + np.cos(t)], 1)


def draw_bilinear(folder: Path) -> list[Path]:
    """bilinear.gif: V = xy in continuous time, in simultaneous and in alternating steps; bilinear.png: its end."""
    shown = {"continuous time": circle()}
    shown |= {name: dirac.trajectory(dirac.bilinear, TURNS, H, order)
              for name, order in (("simultaneous steps", "simultaneous"), ("alternating steps", "D first"))}
    still, film = plots.bilinear(shown, dirac.bilinear), plots.bilinear_film(shown, dirac.bilinear)
    return [write_png(still, folder / "bilinear.png"), write_gif(film, folder / "bilinear.gif", 0.12)]
