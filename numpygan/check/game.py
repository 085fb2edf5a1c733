"""Both networks, a loss and two minibatches: the two losses as functions of any parameters."""
import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import losses
from ..gan import discriminator_gradient, generator_gradient
from ..network import Network
from .contract import draw, nearby
from .derivative import relative
from .twin import settle, shaken, stochastic, twin

LOSSES = (losses.Minimax, losses.NonSaturating, losses.LeastSquares, losses.Hinge, losses.Wasserstein)


class Game:
    """Copies of G and D in float64 at parameters a little off, real rows x, noise z and x_fake = G(z)."""

    training: bool                                          # set for each pass

    def __init__(self, G: Network, D: Network, loss: Any, n: int, x: Any, engine: str | None, rng: np.random.Generator):
        self.G = twin(G, engine=engine, theta=nearby(G.theta, rng))
        self.D = twin(D, engine=engine, theta=nearby(D.theta, rng))
        self.loss = loss.using(self.D.engine) if hasattr(loss, "using") else loss
        self.x: np.ndarray = draw(rng, n, D.d_in) if x is None else np.array(x[:n], np.float32).astype(np.float64)
        self.z: np.ndarray = draw(rng, n, G.d_in)
        settle(self.G, self.z)
        settle(self.D, self.x)
        self.x_fake = self._fakes()

    def _fakes(self) -> np.ndarray:
        return self.G(self.z).astype(np.float32).astype(np.float64)

    @property
    def drawn(self) -> bool:
        """Does anything depend on the random numbers of a training pass?"""
        return stochastic(self.G, self.D) or self.targets

    @property
    def targets(self) -> bool:
        """Does the loss draw D's targets?"""
        return bool(getattr(self.loss, "draws", False))

    def rng(self) -> np.random.Generator | None:
        """The same random numbers for every call; none in evaluation."""
        return np.random.default_rng(1) if self.training else None

    def shaken(self) -> "Game":
        """The same point with parameters off by one rounding of float32."""
        other = copy.copy(self)
        other.G, other.D = shaken(self.G), shaken(self.D)
        return other

    def in_float32(self) -> "Game":
        """The same point, which float32 holds exactly, in float32."""
        other = copy.copy(self)
        other.G, other.D = twin(self.G, np.float32), twin(self.D, np.float32)
        other.x, other.z, other.x_fake = (a.astype(np.float32) for a in (self.x, self.z, self.x_fake))
        return other

    def with_fakes(self, m: int) -> "Game":
        """The same point with m fake rows."""
        other = copy.copy(self)
        other.z, other.x_fake = self.z[:m], self.x_fake[:m]
        return other

    def instead(self, name: str, rng: np.random.Generator) -> "Game":
        """The same point with another G, D, x or z."""
        other, old = copy.copy(self), getattr(self, name)
        new = draw(rng, *old.shape) if name in "xz" else twin(old, theta=draw(rng, *old.theta.shape))
        setattr(other, name, new)
        other.x_fake = other._fakes()
        return other

    def L_D(self, theta: np.ndarray | None = None) -> Any:
        """The discriminator's loss at parameters theta of D: random numbers for x, then x_fake, then targets."""
        rng = self.rng()
        logit_real, logit_fake = (self.D.forward(a, rng, theta)[0] for a in (self.x, self.x_fake))
        return self.loss.discriminator(logit_real, logit_fake, **({"rng": rng} if self.targets else {}))[0]

    def L_G(self, theta: np.ndarray | None = None) -> Any:
        """The generator's loss at parameters theta of G: random numbers for G, then D."""
        rng = self.rng()
        x_fake = self.G.forward(self.z, rng, theta)[0]
        return self.loss.generator(self.D.forward(x_fake, rng)[0])[0]


# --------------------------------------------------------------------------- what students compute in place of g

def mistaken_for(game: Game, which: str, g: np.ndarray) -> str:
    """Which well-known mistake gives exactly g, as a sentence."""
    candidates = iter(()) if game.drawn else (_wrong_g_D if which == "D" else _wrong_g_G)(game)
    for what, candidate in candidates:
        if candidate.any() and relative(g, candidate) <= 1e-9:
            return f"It is {what}"
    return "The loss, D and G pass by themselves: look at how they are put together"


def _wrong_g_D(game: Game) -> Iterator[tuple[str, np.ndarray]]:
    D, loss = game.D, game.loss
    (s_r, tape_r), (s_f, tape_f) = D.forward(game.x), D.forward(game.x_fake)
    _, dr, df = loss.discriminator(s_r, s_f)
    g_real, g_fake = D.backward(tape_r, dr)[1], D.backward(tape_f, df)[1]
    yield "g_real alone: the + of g_D = g_real + g_fake is missing", g_real
    yield "g_fake alone: the + of g_D = g_real + g_fake is missing", g_fake
    yield "g_real − g_fake: the sign of the fake half is flipped", g_real - g_fake
    yield "g_fake − g_real: the sign of the real half is flipped", g_fake - g_real
    if len(dr) == len(df):
        yield ("what comes out when D(x_fake) overwrites the cache of D(x): each pass must keep its own tape",
               D.backward(tape_f, dr + df)[1])
        yield ("what comes out when D(x) overwrites the cache of D(x_fake): each pass must keep its own tape",
               D.backward(tape_r, dr + df)[1])
    yield "that of the generator's loss", D.backward(tape_f, loss.generator(s_f)[1])[1]
    yield "that of L_D with real and fake in each other's place", _gradient_D(game, loss, game.x_fake, game.x)
    for other in LOSSES:
        yield f"that of losses.{other.__name__}", _gradient_D(game, other(), game.x, game.x_fake)


def _gradient_D(game, loss, x, x_fake):
    return discriminator_gradient(game.D, loss, x, x_fake)[1]


def _wrong_g_G(game: Game) -> Iterator[tuple[str, np.ndarray]]:
    G, D, loss = game.G, game.D, game.loss
    x_fake, tape_g = G.forward(game.z)
    s_f, tape_f = D.forward(x_fake)
    _, _, df = loss.discriminator(D(game.x), s_f)
    yield ("that of the discriminator's loss, which G must not lower: use loss.generator",
           G.backward(tape_g, D.backward(tape_f, df)[0])[1])
    for other in LOSSES:
        yield f"that of losses.{other.__name__}", generator_gradient(G, D, other(), game.z)[1]


