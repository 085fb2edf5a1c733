"""check.gan: both gradients of the game with respect to every parameter, and one step of each network."""
import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import gan as algorithm
from ..checks import able, samples, whole
from ..losses import NonSaturating
from ..network import Network
from ..network import check_network as of_type
from ..optim import SGD
from .comparison import Gradient, compare
from .contract import Untouched, named, pair, same, tensor
from .derivative import EPS, EPS32, at_smooth_points, close, relative
from .game import Game, mistaken_for
from .losses import loss as check_loss
from .networks import Pass
from .networks import network as check_network
from .report import GradientError, Report, Row
from .twin import along, top_down

Function = Callable[..., Any]
CALLS = {"D": "discriminator_gradient(D, loss, x, x_fake, rng) -> L_D, g_D",
         "G": "generator_gradient(G, D, loss, z, rng) -> L_G, g_G"}
NAMES = {"D": "discriminator", "G": "generator"}
GIVEN = {"D": {"G": "it learns from G(z), made anew in every step, not from z, nor from the fakes of an earlier step",
               "x": "it learns from real rows too", "z": "its fakes are made of this noise"},
         "G": {"D": "the gradient of G goes through D", "z": "its fakes are made of this noise"}}
DRAWS = 4                               # of something else in the place of one thing that a step is given


def gan(G: Network, D: Network, loss: Any = None, n: int = 5, *, x: np.ndarray | None = None,
        discriminator_gradient: Function | None = None, generator_gradient: Function | None = None,
        discriminator_step: Function | None = None, generator_step: Function | None = None,
        engine: str | None = None, seed: int = 0) -> Report:
    """Is g_D the gradient of L_D in every parameter of D, and g_G that of L_G, through D, in every parameter of G?

    Checked in float64 on copies of both networks, at parameters a little off theirs, with n rows (the first n of x,
    if given): the value of each loss; every derivative; a gradient changes nothing, G and D included; L_D with fewer
    fakes than reals; float32 stays float32; after a step of one network it has moved wherever its gradient is not
    zero, downhill, and the other one is what it was to the byte. In a training pass too where one differs.

    Give your own functions to have them checked in place of the package's:

        discriminator_gradient(D, loss, x, x_fake, rng) -> L_D, g_D
        generator_gradient(G, D, loss, z, rng)          -> L_G, g_G
        discriminator_step(G, D, loss, x, z, rng)
        generator_step(G, D, loss, z, rng)

    A step updates one network in place and returns nothing; by default it is one of gradient descent along the
    gradient above. What it does must depend on all that it is given: on G(z), made anew, and not on z alone or on
    fakes of the step before (not seen where a step keeps something, as Adam does, from one call to the next). In a
    training pass random numbers are used for D(x), then D(x_fake), then D's targets; for G, then D. Tensors
    of more than 200 entries are checked along random directions.

    Returns a Report; raises GradientError with the reason.
    """
    loss = NonSaturating() if loss is None else able(loss, "loss", ("discriminator", "generator"),
                                                     "losses.NonSaturating()")
    of_type(G, "G"), of_type(D, "D")
    if G.d_out != D.d_in or D.d_out != 1:
        raise ValueError(f"G makes {G.d_out} columns, D takes {D.d_in} and must end in one, but ends in {D.d_out}")
    if whole(n, "n") < 3:
        raise ValueError(f"n, the number of rows, must be at least 3 to tell a sum from a mean, got {n!r}")
    whole(seed, "seed", 0)
    x = None if x is None else samples(x)
    gradients = {"D": discriminator_gradient or algorithm.discriminator_gradient,
                 "G": generator_gradient or algorithm.generator_gradient}
    steps = {"D": discriminator_step or functools.partial(_descend_D, gradients["D"]),
             "G": generator_step or functools.partial(_descend_G, gradients["G"])}
    report = Report(f"check.gan: {named(loss)}, G {G.theta.size:,} and D {D.theta.size:,} parameters, {n} rows, "
                    f"engine {engine or D.engine}")
    play = functools.partial(_play, G, D, loss, n, x, engine, gradients, steps)
    report.merge(at_smooth_points(play, seed))
    report.exact("shapes", "dtypes", "gradients change nothing", "a step moves one network, downhill, everywhere",
                 "the other stays to the byte")
    return report


def _play(G, D, loss, n, x, engine, gradients, steps, rng):
    """Everything at one random point."""
    report = Report("")
    game = Game(G, D, loss, n, x, engine, rng)
    for training in (False, True)[game.targets:1 + game.drawn]:
        game.training = training
        _tapes_apart(game)
        found = {which: _gradient(game, which, gradients[which], report, rng) for which in ("D", "G")}
        _unequal(game, gradients["D"], report, rng)
        _undisturbed(game, gradients, found)
    game.training = True                                    # a step of training is given random numbers
    for which in ("D", "G"):
        _step(game, which, steps[which], found[which])
        _heeds(game, which, steps[which], gradients[which], rng)
    return report


# ----------------------------------------------------------------------------------------------------- gradients

def _tapes_apart(game):
    """Where real and fake go through D in one pass, a layer that keeps its cache on self is right by luck."""
    for name, net, x in (("D", game.D, game.x), ("G", game.G, game.z)):
        try:
            Pass(net, x, np.random.default_rng(1), game.training).tapes_apart()
        except GradientError as e:
            raise GradientError(f"{name}: {e}") from None


def _call(game, which, function):
    """L and g of one network; nothing may change."""
    who = f"{NAMES[which]}_gradient"
    net = game.D if which == "D" else game.G
    owned = [own(net) for net in (game.G, game.D)]
    before = Untouched(x=game.x, x_fake=game.x_fake, z=game.z)
    first = (game.D, game.loss, game.x, game.x_fake) if which == "D" else (game.G, game.D, game.loss, game.z)
    out = function(*first, game.rng())
    before.verify(who)
    for name, now, old in (("G", game.G, owned[0]), ("D", game.D, owned[1])):
        if not same(own(now), old):
            turn = "" if name == which else f", and in {which}'s turn {name} stays as it is"
            raise GradientError(f"{who} changed the parameters of {name}: a gradient changes nothing{turn}")
    L, g = pair(out, f"{who} must return two things: {CALLS[which]}")
    return L, tensor(g, f"g_{which}", net.theta.shape, net.dtype, who)


def own(net: Network) -> list[np.ndarray]:
    """Copies of all that belongs to a network."""
    return [net.theta.copy(), net.state.copy()]


def _gradient(game, which, function, report, rng):
    """Every parameter of one network; returns the gradient."""
    net, outcome = (game.D, game.L_D) if which == "D" else (game.G, game.L_G)
    label = " (training)" if game.training else ""
    L, g = _call(game, which, function)
    expected = float(outcome())
    floor = 8 * EPS * float(np.abs(g).max())
    largest = 0.0
    for name in top_down(net):
        one = Gradient(f"g_{which}: d({name}){label}", net.params(g)[name], along(net, name, outcome), np.ones(()),
                       f"{NAMES[which]}_gradient", len(game.z))
        try:
            largest = max(largest, np.abs(compare(one, report, rng, floor)).max())
        except GradientError as e:
            raise GradientError(e, _culprit(game) or mistaken_for(game, which, g)) from None
    if not close(float(L), expected):
        raise GradientError(f"{NAMES[which]}_gradient returns L_{which} = {float(L):.6g}, but the loss of these rows "
                            f"is {expected:.6g}")
    if largest == 0:
        raise GradientError(f"L_{which} does not depend on any parameter of {which} at this point: nothing can be "
                            f"learned, and nothing can be checked")
    _float32(game, which, function, g, report, label)
    return g


def _float32(game, which, function, g, report, label):
    _, single = _call(game.in_float32(), which, function)
    widest = max(a for net in (game.G, game.D) for v in net.params().values() for a in v.shape)
    depth = len(game.D.layers) + len(game.G.layers)
    off = relative(_call(game.shaken(), which, function)[1], g)
    row = Row(f"g_{which}{label}", "float32 against float64", relative(single, g),
              50 * max(EPS32, off) * widest**0.5 * depth)
    if not row.error <= row.tolerance:
        raise GradientError(f"{NAMES[which]}_gradient gives other numbers in float32: off by {row.error:.2g} of the "
                            f"largest entry, allowed {row.tolerance:.1g}")
    report.add(row)


def _unequal(game, function, report, rng):
    """Fewer fakes than reals: each half is a mean over its own rows."""
    fewer = game.with_fakes(len(game.x) - 2)
    try:
        fewer.L_D()
    except ValueError:
        return                                              # too few rows for a layer that joins them
    counts = f"{len(fewer.x)} real and {len(fewer.z)} fake rows"
    try:
        _, g = _call(fewer, "D", function)
    except (ValueError, IndexError) as e:
        raise GradientError(f"discriminator_gradient fails with {counts} ({type(e).__name__}: {e}): is the cache of "
                            f"one pass used for the other?") from e
    one = Gradient(f"g_D, {counts}", g, lambda delta: fewer.L_D(fewer.D.theta + delta), np.ones(()),
                   "discriminator_gradient", 0)
    try:
        compare(one, report, rng, 8 * EPS * float(np.abs(g).max()))
    except GradientError as e:
        raise GradientError(e, "With as many fakes as reals it is right: is one half divided by the number of rows of "
                               "the other?") from None


def _undisturbed(game, gradients, found):
    """Both gradients again, in the other order."""
    for which in ("G", "D"):
        if not same(_call(game, which, gradients[which])[1], found[which]):
            raise GradientError(f"{NAMES[which]}_gradient gives another gradient when it is called again at the same "
                                f"point: what did the other one leave behind?")


def _culprit(game):
    """Which part fails by itself, as a sentence; empty if none does."""
    parts = {"the loss": lambda: check_loss(game.loss, engine=game.D.engine, tails=False),
             "D": lambda: check_network(game.D), "G": lambda: check_network(game.G)}
    for name, check in parts.items():
        try:
            check()
        except GradientError as e:
            return f"Of the parts {name} fails by itself: {e}"
    return ""


# --------------------------------------------------------------------------------------------------------- steps

def _descend_D(gradient, G, D, loss, x, z, rng):
    SGD(0.01).step(D, gradient(D, loss, x, G(z, rng), rng)[1])                                # Eq. (3.4)


def _descend_G(gradient, G, D, loss, z, rng):
    SGD(0.01).step(G, gradient(G, D, loss, z, rng)[1])


def _step(game, which, step, g):
    """The network that steps moves downhill wherever its gradient is not zero; the other stays."""
    who = f"{NAMES[which]}_step"
    before = Untouched(x=game.x, z=game.z)
    nets = _stepped(game, which, step)
    before.verify(who)
    other = "G" if which == "D" else "D"
    if not same(own(nets[other]), own(getattr(game, other))):
        raise GradientError(f"{who} changed {other}: in {which}'s step {other} stays as it is, to the byte")
    net = getattr(game, which)
    change = nets[which].theta - net.theta
    if not change.any():
        raise GradientError(f"{who} did not move {which} at all, though ‖g_{which}‖ = {np.linalg.norm(g):.3g}")
    _moved(net, which, who, change, g, game.drawn)
    kept = np.abs(net.theta) <= np.abs(nets[which].theta).max()             # not pulled back by a clipping of weights
    if not game.drawn and not np.sum((g * change)[kept]) <= 0:
        raise GradientError(f"{who} goes uphill: θ ← θ − lr · g, not +")


def _stepped(game, which, step):
    """Copies of both networks after one step."""
    nets = {"G": copy.deepcopy(game.G), "D": copy.deepcopy(game.D)}
    step(*nets.values(), game.loss, *((game.x, game.z) if which == "D" else (game.z,)), game.rng())
    return nets


def _heeds(game, which, step, gradient, rng):
    """What a step does depends on all that it is given, and not on what the step before it was given.

    A right one may do the same for two gradients where weights are clipped, or move by the sign alone. So one is asked
    only if something else made another move of every parameter that moves, and if the sign of a gradient is another.
    """
    def after(other):
        _stepped(game, which, step)
        return _stepped(other, which, step)[which].theta

    usual, others, free = after(game), {}, False
    moved = usual != getattr(game, which).theta
    for name in GIVEN[which]:
        others[name] = [game.instead(name, rng) for _ in range(DRAWS)]
        differs = next((d for d in (after(other) != usual for other in others[name]) if d.any()), None)
        if differs is not None:
            free = free or differs[moved].all()
            del others[name]
    sign = np.sign(_call(game, which, gradient)[1])
    for name, draws in others.items():
        if free and any((moved & (np.sign(_call(other, which, gradient)[1]) != sign)).any() for other in draws):
            raise GradientError(f"{NAMES[which]}_step does the same whatever {name} is: {GIVEN[which][name]}")


def _moved(net, which, who, change, g, drawn):
    """Every parameter with a gradient, or every tensor where the step drew other random numbers."""
    for name, gradient in net.params(g).items():
        moved = net.params(change)[name] != 0
        stuck = ~moved & (np.abs(gradient) > 1e-8 * np.abs(g).max())
        if (stuck.all() if drawn else stuck.any()) and stuck.size:
            k = np.unravel_index(np.argmax(np.where(stuck, np.abs(gradient), 0)), stuck.shape)
            where = ", ".join(str(int(i)) for i in k)
            raise GradientError(f"{who} left {name}[{where}] of {which} where it was, though its gradient is "
                                f"{gradient[k]:.3g} ({stuck.sum()} of {stuck.size} entries did not move): does the "
                                f"step reach every parameter?")
