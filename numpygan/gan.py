"""Algorithm 1 of Goodfellow et al. (2014): the two gradients, and the loop that takes turns."""
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import checkpoint, memory
from . import engine as engines
from .checks import able, flag, functions, generator, number, numeric, one_of, scheduled, whole
from .divergence import divergence
from .feed import Feed, Position, count_steps
from .guests import answer
from .history import History
from .losses import NonSaturating
from .network import Network, Tape, check_network
from .optim import Adam
from .threads import blas_threads

# What is asked of losses and penalties
OF_D = "discriminator must return (L, dL/dlogit_real, dL/dlogit_fake), L one number, the others shaped like the logits"
OF_G = "generator must return (L, dL/dlogit), L one number, the other shaped like the logits"
OF_P = "a penalty must return (P, g), P one number, g its gradient shaped like D.theta"


# ------------------------------------------------------------------------------------------------- gradients

def discriminator_gradient(D: Network, loss: Any, x: np.ndarray, x_fake: np.ndarray,
                           rng: np.random.Generator | None = None, log: dict | None = None) -> tuple[float, np.ndarray]:
    """L_D = loss on D(x) and D(x_fake)                                                         Eq. (3.2)
    g_D = ∂L_D/∂θ_D = g_real + g_fake                                                           Eq. (3.3)

    x (n, d) real, x_fake (m, d) held fixed -> L_D and g_D, shaped like D.theta; changes nothing. `log`, a dict,
    receives the means of D(x) and D(x_fake), and the tapes as "tape_D" where D has a state to commit. Real and fake
    pass apart through a D whose rows see each other (see `numpygan.batchwise` for what together would do).
    """
    check_network(D, "D")
    able(loss, "loss", ("discriminator",), "losses.NonSaturating()")
    _check_log(log)
    targets = {"rng": rng} if getattr(loss, "draws", False) else {}
    if D.rowwise:                                          # one pass of n + m rows: the same sums, larger products
        x, x_fake = D._input(x, D.theta), D._input(x_fake, D.theta)
        n = len(x)
        logit, tape = D.forward(np.concatenate([x, x_fake]), rng)
        logit_r, logit_f = logit[:n], logit[n:]
        L_D, dr, df = answer(loss.discriminator(logit_r, logit_f, **targets), loss, OF_D, logit_r, logit_f)
        _, g_D = D.backward(tape, np.concatenate([dr, df]), want_dx=False)
        tapes: tuple[Tape, ...] = (tape,)
    else:
        logit_r, tape_r = D.forward(x, rng)
        logit_f, tape_f = D.forward(x_fake, rng)
        L_D, dr, df = answer(loss.discriminator(logit_r, logit_f, **targets), loss, OF_D, logit_r, logit_f)
        _, g_real = D.backward(tape_r, dr, want_dx=False)
        _, g_fake = D.backward(tape_f, df, want_dx=False)
        g_D = g_real + g_fake
        tapes = (tape_r, tape_f)
    if log is not None:
        mean = engines.ops(D.engine).mean_sigmoid
        log["D_real"], log["D_fake"] = mean(logit_r), mean(logit_f)
        if D.remembers:
            log["tape_D"] = tapes
    return L_D, g_D


def generator_gradient(G: Network, D: Network, loss: Any, z: np.ndarray, rng: np.random.Generator | None = None,
                       input_noise: float = 0.0, log: dict | None = None) -> tuple[float, np.ndarray]:
    """L_G = loss on D(G(z))                                                                    Eq. (3.5)
    g_G = ∂L_G/∂θ_G, backwards through D, which stays as it is                                  Eq. (3.6)

    z (m, d_z) -> L_G and g_G, shaped like G.theta; changes nothing. `input_noise` is the standard deviation of the
    noise that D's input carries (see `instance_noise`); a sum passes the gradient on as it is. `log`, a dict, receives
    the tape as "tape_G" where G has a state to commit; that D has seen fakes is not for G's step to remember.
    """
    check_network(D, "D")
    able(loss, "loss", ("generator",), "losses.NonSaturating()")
    _check_log(log)
    x_fake, tape_g = check_network(G, "G").forward(z, rng)
    logit_f, tape_f = D.forward(instance_noise(x_fake, input_noise, rng), rng)
    L_G, df = answer(loss.generator(logit_f), loss, OF_G, logit_f)
    dx_fake, _ = D.backward(tape_f, df, want_g=False)
    _, g_G = G.backward(tape_g, dx_fake, want_dx=False)
    if log is not None and G.remembers:
        log["tape_G"] = (tape_g,)
    return L_G, g_G


def _check_log(log):
    if not (log is None or isinstance(log, dict)):
        raise TypeError(f"log must be a dictionary, which receives what is to be told, or None, got {log!r}")


# ----------------------------------------------------------------------------------------------------- noise

def normal(n: int, d: int, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """z ~ N(0, I) -> (n, d)                                                                    Eq. (3.7)"""
    return rng.standard_normal((n, d), dtype=dtype)


def uniform(n: int, d: int, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """z ~ U(−√3, √3), of variance 1, as in the paper's code for MNIST -> (n, d)                 Eq. (3.7)"""
    return (2 * rng.random((n, d), dtype=dtype) - 1) * math.sqrt(3)


NOISE: dict[str, Callable] = {"normal": normal, "uniform": uniform}


def instance_noise(x: np.ndarray, std: float, rng: np.random.Generator | None) -> np.ndarray:
    """x + std · ε, ε ~ N(0, I): both densities that D compares are smoothed alike             Eq. (11.7)

    Sønderby et al. 2017, section 3.2; Arjovsky & Bottou 2017, section 3.
    """
    std = number(std, "input_noise, a standard deviation,")
    if std == 0:
        return x
    if rng is None:
        raise TypeError("instance noise is drawn: pass rng=np.random.default_rng(0)")
    x = numeric(x, "x")
    x = x if x.dtype.kind == "f" else x.astype(float)
    return x + std * rng.standard_normal(x.shape, dtype=x.dtype)


# ------------------------------------------------------------------------------------------------------ loop

LARGEST = {t: float(np.finfo(t).max) for t in "fd"}


class GAN:
    """A generator and a discriminator that train each other.

    `G` maps noise (n, d_z) to samples (n, d), `D` maps samples to one logit. `noise` is "normal" or "uniform"
    (both of variance 1). `penalties` are added to D's loss (see `numpygan.penalties`). `input_noise`, a number or a
    function of the step of G, is the standard deviation of the noise on both inputs of D. `simultaneous` takes both
    gradients before both steps; otherwise they alternate, as in Algorithm 1.
    """

    def __init__(self, G: Network, D: Network, loss: Any = None, opt_G: Any = None, opt_D: Any = None,
                 noise: str = "normal", penalties: Sequence[Callable] = (),
                 input_noise: float | Callable[[int], float] = 0.0, simultaneous: bool = False):
        check_pair(G, D)
        one_of(noise, "noise", NOISE)
        loss = NonSaturating() if loss is None else able(loss, "loss", ("discriminator", "generator"),
                                                         "losses.NonSaturating()")
        self.G, self.D, self.noise, self.simultaneous = G, D, noise, flag(simultaneous, "simultaneous")
        self.penalties = functions(penalties, "penalties", "penalties.R1(1.0)")
        self.input_noise = input_noise if callable(input_noise) else number(input_noise, "input_noise")
        self.loss = loss.using(D.engine) if hasattr(loss, "using") else loss
        self.opt_G = Adam(2e-4, beta1=0.5) if opt_G is None else opt_G
        self.opt_D = Adam(2e-4, beta1=0.5) if opt_D is None else opt_D
        for name, opt in (("opt_G", self.opt_G), ("opt_D", self.opt_D)):
            able(opt, name, ("step",), "optim.Adam(2e-4)")
        if self.opt_G is self.opt_D:
            raise ValueError("G and D need an optimiser each: the moments of one network mean nothing to the other")
        self.history = History()
        self.position: Position | None = None              # in finite data, after the last step
        self._feed: Feed | None = None

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n rows of noise z for G.                                                             Eq. (3.7)"""
        return NOISE[self.noise](whole(n, "n"), self.G.d_in, generator(rng), self.G.dtype)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """x_fake = G(z): n samples (n, d)."""
        return self.G(self.draw(n, rng))

    def save(self, path: str | os.PathLike, rng: np.random.Generator | None = None) -> None:
        """Write everything to a .npz file; with the `rng` that trains it, `fit` can go on to the same bits."""
        checkpoint.save(path, self, rng)

    @staticmethod
    def load(path: str | os.PathLike, own: Sequence[type] = (), rng: np.random.Generator | None = None,
             engine: str | None = None) -> "GAN":
        """The GAN of that file; `own`: classes in it that are not the package's. `rng` is put into the saved state.

        `engine`: that of the networks, where it should not be the one they were saved with.
        """
        gan, saved, *_ = checkpoint.load(path, GAN, own, engine)
        if rng is not None:
            checkpoint.set_state(generator(rng), saved, path)
        return gan

    def fit(self, data: Any, *, rng: np.random.Generator, batch: int = 64, steps: int | None = None,
            epochs: int | None = None, k: int = 1, callbacks: Sequence[Callable] = ()) -> History:
        """Train for `steps` steps of G, or until D has seen finite data `epochs` times.

        `data` is an array (n, d) or anything that samples (see `numpygan.data`). Each step draws k times a
        minibatch for D, then noise for G. Each of `callbacks` is called with the GAN after every step; one that
        returns True ends the run. Called again, it continues. Returns the history of all calls.

        Raises Divergence as soon as a loss, a gradient or a parameter is not finite.
        """
        rng, callbacks = generator(rng), functions(callbacks, "callbacks", "Snapshots(z)")
        feed = self._feed
        if feed is None or not feed.serves(data, batch):
            feed = Feed(data, batch, self.G.dtype, self.position if feed is None else None)
        check_fit(self, feed.data, batch, k)
        count = count_steps(feed.data, batch, k, steps, epochs)
        self._feed = feed                                 # only now: a call that was refused has changed nothing
        step = self._simultaneous if self.simultaneous else self._alternating
        memory.keep()
        with blas_threads(batch, self.G, self.D):
            for _ in range(count):
                step(feed, batch, k, rng)
                self.position = feed.position
                answers = [callback(self) for callback in callbacks]
                if any(isinstance(a, bool | np.bool_) and a for a in answers):
                    break
        return self.history

    def __getstate__(self):
        """A copy or a pickle leaves the data behind; given it again, it goes on at the same `position`."""
        return self.__dict__ | {"_feed": None}

    # ------------------------------------------------------------------------------------ the compositions

    def _alternating(self, feed, batch, k, rng):
        """One round of Algorithm 1."""
        log = {}
        for _ in range(k):
            x = feed.next(rng)
            z = self.draw(len(x), rng)
            L_D, g_D = self._discriminator(x, z, rng, log)
            self._finite(log, x, z, D=(L_D, g_D))
            self.opt_D.step(self.D, g_D)                                                    # Eq. (3.4)
            self.D.commit(*log.pop("tape_D", ()))
            self._sound(x, z, "D")
        z = self.draw(batch, rng)
        L_G, g_G = generator_gradient(self.G, self.D, self.loss, z, rng, self._std(), log)
        self._finite(log, x, z, G=(L_G, g_G))
        self.opt_G.step(self.G, g_G)
        self.G.commit(*log.pop("tape_G", ()))
        self._sound(x, z, "G")
        self.history.record(**log)

    def _simultaneous(self, feed, batch, k, rng):
        """Both gradients at the same point (θ_G, θ_D) and on the same noise, then both steps."""
        log = {}
        x = feed.next(rng)
        z = self.draw(len(x), rng)
        L_D, g_D = self._discriminator(x, z, rng, log)
        L_G, g_G = generator_gradient(self.G, self.D, self.loss, z, rng, self._std(), log)
        self._finite(log, x, z, D=(L_D, g_D), G=(L_G, g_G))
        self.opt_D.step(self.D, g_D)
        self.opt_G.step(self.G, g_G)
        self.D.commit(*log.pop("tape_D", ()))
        self.G.commit(*log.pop("tape_G", ()))
        self._sound(x, z, "D", "G")
        self.history.record(**log)

    def _discriminator(self, x, z, rng, log):
        """D's loss and gradient, penalties included, at inputs with instance noise."""
        # A training pass of G: with dropout or batch statistics in G, D must judge the very distribution that G's
        # step differentiates. Nothing of it is committed; for a G whose rows pass alone it is G(z).
        x_fake = self.G(z, rng)
        std = self._std()
        x, x_fake = instance_noise(x, std, rng), instance_noise(x_fake, std, rng)
        L_D, g_D = discriminator_gradient(self.D, self.loss, x, x_fake, rng, log)
        for penalty in self.penalties:
            P, g_P = answer(penalty(self.D, x, x_fake, rng), penalty, OF_P, g_D)
            L_D += P
            g_D += g_P
        return L_D, g_D

    def _std(self):
        """The standard deviation of the instance noise in this step."""
        return scheduled(self.input_noise, len(self.history), "input_noise")

    # ---------------------------------------------------------------------------------------------- checks

    def _finite(self, log, x, z, **gradients):
        """Record loss and gradient norm of each network in `log`; refuse what is not a number, or its square is not."""
        for name, (L, g) in gradients.items():
            size = engines.ops(self.D.engine).norm(g)
            log[f"loss_{name}"], log[f"norm_g_{name}"] = float(L), size
            if not (math.isfinite(L) and size * size <= LARGEST[g.dtype.char]):      # Adam and RMSProp square it
                raise divergence(self, name, x, z, L, g)

    def _sound(self, x, z, *names):
        """Refuse an update that left the numbers: one pass over the parameters, see `docs/promises.md` for its cost."""
        for name in names:
            net = getattr(self, name)
            if not (math.isfinite(engines.ops(net.engine).norm(net.theta))
                    and (not net.remembers or np.isfinite(net.state).all())):
                raise divergence(self, name, x, z)


def check_pair(G: Network, D: Network) -> None:
    """TypeError or ValueError unless D can judge what G makes, and both can learn."""
    check_network(G, "G")
    if check_network(D, "D").d_out != 1:
        raise ValueError(f"the discriminator must end in one column, the logit; it has {D.d_out}")
    if G is D:
        raise ValueError("G and D are one network, and each step of the one would undo the other's: make two")
    for name, net in (("G", G), ("D", D)):
        if not net.theta.size:
            raise ValueError(f"{name} has no parameters, and so nothing to learn: give it a Dense layer")
    if G.d_out != D.d_in:
        raise ValueError(f"the generator makes rows of {G.d_out} columns, the discriminator takes {D.d_in}: make them "
                         f"equal")
    if G.dtype != D.dtype:
        raise ValueError(f"G is {G.dtype} and D is {D.dtype}: give both networks one dtype")


def check_fit(gan: GAN, data: Any, batch: int, k: int) -> None:
    """ValueError unless `gan` can be trained on that data, `batch` rows at a time and k steps of D for one of G."""
    for name, value in (("batch", batch), ("k", k)):
        whole(value, name)
    if gan.simultaneous and k != 1:
        raise ValueError(f"simultaneous updates take one gradient each, so k must be 1, got {k}")
    d = math.prod(data.shape)
    if d != gan.G.d_out:
        raise ValueError(f"the data has {d} columns and the generator makes {gan.G.d_out}: make them equal")
    (low, high), (lowest, highest) = data.range, gan.G.range
    if low < lowest or high > highest:
        raise ValueError(f"the generator's output lies in [{lowest:g}, {highest:g}] and cannot reach the data, "
                         f"which lies in [{low:g}, {high:g}]: rescale the data, or change G's last layer")


class Snapshots:
    """A callback that keeps G(z_fixed): at first call, then every `every` steps, at most `most` of them.

    When there are more, every second one is dropped and `every` doubles: a long run stays small.
    """

    def __init__(self, z: np.ndarray, every: int = 100, most: int = 200):
        if not isinstance(z, np.ndarray) or z.ndim != 2 or len(z) == 0:
            raise ValueError(f"z must be rows of noise (n, d) for G, such as gan.draw(64, rng), got "
                             f"{z.shape if isinstance(z, np.ndarray) else type(z).__name__}")
        self.z, self.every, self.most = z, whole(every, "every"), whole(most, "most")
        self.steps: list[int] = []
        self.samples: list[np.ndarray] = []

    def __call__(self, gan: GAN) -> None:
        if not isinstance(gan, GAN):
            raise TypeError(f"gan must be a GAN, got {type(gan).__name__}: give these snapshots to fit as a callback")
        step = len(gan.history)
        if self.steps and step % self.every:
            return
        self.steps.append(step)
        self.samples.append(gan.G(self.z))
        if len(self.steps) > self.most:
            self.steps, self.samples, self.every = self.steps[::2], self.samples[::2], 2 * self.every
