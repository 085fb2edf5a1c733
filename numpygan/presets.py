"""Recipes: for each data set the networks, loss, optimisers and length of training that suit it."""
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from . import init as initial
from . import losses, optim, penalties
from .batchwise import BatchNorm, MinibatchStd, Pack
from .checks import one_of
from .feed import count_steps
from .gan import GAN
from .layers import Dense, Dropout
from .network import Network, activation, init_below
from .schedule import LinearDecay
from .spectral import SpectralDense


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run but the data's bytes and the seed."""

    data: str = ""                          # a name of numpygan.data.NAMES, or a path
    # the two networks
    z: int = 16                             # columns of noise
    noise: str = "normal"                   # "normal" or "uniform", both of variance 1
    hidden_G: tuple[int, ...] = (128, 128)
    hidden_D: tuple[int, ...] = (128, 128)
    activation_G: str = "relu"
    activation_D: str = "leaky_relu"
    output: str = ""                        # of G: "tanh", "identity", …; empty: tanh for images, identity for points
    dropout: float = 0.0                    # after every hidden layer of D
    batch_norm: str = ""                    # in "G", "D" or "GD": below every hidden activation
    spectral: bool = False                  # D's matrices divided by their largest singular value
    minibatch_std: bool = False             # below D's last layer, a column with the spread of the batch
    pack: int = 1                           # rows that D judges together
    init: str = "he"                        # "he" (Glorot where no ReLU follows) or "linear", that of PyTorch
    # the game
    loss: str = "non-saturating"
    real_label: float = 1.0                 # below 1: one-sided label smoothing
    fake_label: float = 0.0
    flip: float = 0.0                       # the share of labels turned round
    label_noise: float = 0.0                # the width of noise on the labels, inwards
    r1: float = 0.0                         # weights of the penalties on D's gradient; 0: none
    r2: float = 0.0
    gradient_penalty: float = 0.0
    input_noise: float = 0.0                # standard deviation of the noise on D's inputs
    anneal: float = 0.0                     # the last share of the steps, in which that noise falls linearly to 0
    simultaneous: bool = False
    # its course
    optimiser: str = "adam"
    lr_G: float = 1e-3
    lr_D: float = 1e-3
    beta1: float = 0.5                      # of Adam
    beta2: float = 0.999
    decay: float = 0.0                      # the last share of the steps, in which both rates fall linearly to 0
    clip: float = 0.0                       # bound of D's weights after each of its steps; 0: none
    k: int = 1                              # steps of D for one of G
    average: float = 0.0                    # β of the averaged generator, which then makes the samples; 0: none
    batch: int = 64
    steps: int | None = None                # either steps of G
    epochs: int | None = None               # or passes through finite data

    def changed(self, **settings: Any) -> "Recipe":
        """This recipe with some settings replaced; `steps` puts `epochs` out of force and the other way round."""
        if "steps" in settings:
            settings.setdefault("epochs", None)
        elif "epochs" in settings:
            settings["steps"] = None
        return replace(self, **settings)

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON holds them; `Recipe.from_dict` is the way back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> "Recipe":
        """The recipe of those settings; TypeError for one that recipes do not have."""
        listed: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()}
        return cls(**listed)


# The recipes, by data set. Points: a small dense game in the plane, and for modes that are narrow and far apart what
# docs/results-modes.md found: hinge where they are few, R1 + R2 where they are many. Images: 8 × 8 and 28 × 28 pixels.
POINTS = Recipe(z=4, lr_G=1e-3, lr_D=1e-3, batch=256, steps=8000)
MODES = Recipe(z=2, hidden_G=(128,) * 3, hidden_D=(128,) * 3, lr_G=2e-3, lr_D=2e-3, beta2=0.99, decay=0.5, average=0.99,
               batch=256)

PRESETS: dict[str, Recipe] = {
    # R1, and noise on its inputs, keep D from learning 1,797 images by heart. β₂ = 0.99: with 0.999 G can die in its
    # first steps, all pixels ±1.
    "digits": Recipe("digits", z=16, hidden_G=(256, 256, 256), r1=0.7, input_noise=0.2, lr_G=2e-3, lr_D=2e-3,
                     beta1=0.0, beta2=0.99, decay=0.5, batch=64, steps=10_000),
    "mnist": Recipe("mnist", z=64, hidden_G=(256, 256), hidden_D=(256, 256), dropout=0.3, real_label=0.9, lr_G=2e-4,
                    lr_D=2e-4, batch=100, epochs=20),
    "ring": replace(MODES, data="ring", loss="hinge", steps=4000),
    "grid": replace(MODES, data="grid", r1=0.01, r2=0.01, beta1=0.0, steps=10_000),
    "gaussian": replace(POINTS, data="gaussian", z=1, hidden_G=(32,), hidden_D=(32, 32), steps=4000),
    "moons": replace(POINTS, data="moons"),
    "swiss_roll": replace(POINTS, data="swiss_roll"),
    "uniform": replace(POINTS, data="uniform", z=1, hidden_G=(32, 32), hidden_D=(32, 32), steps=4000),
    # The fully connected GAN that PyTorch tutorials train on MNIST (they go on for 200 epochs: --epochs 200). Its
    # layers start as U(±1/√fan_in), which init "linear" repeats for W; biases, drawn likewise there, start at 0 here.
    "pytorch-tutorial": Recipe("mnist", z=64, hidden_G=(256, 256), hidden_D=(256, 256), init="linear", lr_G=2e-4,
                               lr_D=2e-4, beta1=0.9, batch=100, epochs=20),
}
PRESETS["fashion_mnist"] = replace(PRESETS["mnist"], data="fashion_mnist")

LOSSES = {"minimax": losses.Minimax, "non-saturating": losses.NonSaturating, "least-squares": losses.LeastSquares,
          "hinge": losses.Hinge, "wasserstein": losses.Wasserstein}
OPTIMISERS = {"adam": optim.Adam, "sgd": optim.SGD, "momentum": optim.Momentum, "rmsprop": optim.RMSProp}
INITS = ("he", "linear")
LABELS = ("real_label", "fake_label", "flip", "label_noise")


def choose(name: str, preset: str | None, data: Any) -> Recipe:
    """The recipe of that preset, else of that data set; for data of the user's own that of the data it resembles."""
    if preset is not None:
        return PRESETS[preset]
    if name in PRESETS:
        return PRESETS[name]
    d = math.prod(data.shape)
    if len(data.shape) == 1 and d <= 16:
        return replace(POINTS, data=name)
    return replace(PRESETS["digits" if d <= 256 else "mnist"], data=name)


def build(recipe: Recipe, data: Any, rng: np.random.Generator, engine: str | None = None) -> GAN:
    """The GAN of a recipe for that data: G first, then D, their initial values drawn from `rng`.

    ValueError for settings that do not go together, each with what to do.
    """
    _enough_rows(recipe, data)
    G, D = _generator(recipe, data, rng, engine), _discriminator(recipe, data, rng, engine)
    weights = {penalties.R1: recipe.r1, penalties.R2: recipe.r2, penalties.GradientPenalty: recipe.gradient_penalty}
    terms: list[Any] = [penalty(weight) for penalty, weight in weights.items() if weight]
    if terms and any(layer.batchwise for layer in D.layers):
        raise ValueError(f"{terms[0]!r} needs the slope of D row by row, which batch_norm, minibatch_std and pack mix: "
                         f"leave them out of D, or the penalty")
    steps = count_steps(data, recipe.batch, recipe.k, recipe.steps, recipe.epochs)
    lr_G: Any = recipe.lr_G
    lr_D: Any = recipe.lr_D
    noise: Any = recipe.input_noise
    if recipe.decay:                                     # D takes k steps for one of G
        lr_G = LinearDecay(lr_G, steps, 1 - recipe.decay)
        lr_D = LinearDecay(lr_D, recipe.k * steps, 1 - recipe.decay)
    if recipe.anneal and not recipe.input_noise:
        raise ValueError(f"anneal={recipe.anneal:g} lets the instance noise fall, and there is none: say how large it "
                         f"is with input_noise, or leave anneal out")
    if recipe.anneal:
        noise = LinearDecay(noise, steps, 1 - recipe.anneal)
    return GAN(G, D, _loss(recipe), _optimiser(recipe, lr_G), _optimiser(recipe, lr_D, recipe.clip),
               noise=recipe.noise, penalties=terms, input_noise=noise, simultaneous=recipe.simultaneous)


def _enough_rows(recipe, data):
    """ValueError where the last minibatch of an epoch is too small for layers in which rows see each other."""
    fewest = recipe.batch if data.n is None else (data.n - 1) % recipe.batch + 1
    needed = max(recipe.pack * (2 if "D" in recipe.batch_norm else 1), 2 if recipe.batch_norm else 1)
    if fewest < needed:
        given = {"pack": recipe.pack, "batch_norm": recipe.batch_norm}
        what = " with ".join(f"{name}={value}" for name, value in given.items() if value not in (1, ""))
        raise ValueError(f"the smallest minibatch has {fewest} row{'s' * (fewest > 1)}, too few for {what}, which "
                         f"takes at least {needed}: choose another batch size than {recipe.batch}")


def _generator(recipe, data, rng, engine):
    sizes = [*recipe.hidden_G, math.prod(data.shape)]
    output = recipe.output or ("tanh" if len(data.shape) > 1 else "identity")
    layers = []
    for width in sizes[:-1]:
        layers += _hidden(recipe, "G", width, Dense)
    layers += _dense(recipe, Dense, sizes[-1], output)
    return Network(layers, recipe.z, rng=rng, engine=engine)


def _discriminator(recipe, data, rng, engine):
    dense = SpectralDense if recipe.spectral else Dense
    layers = [Pack(recipe.pack)] if recipe.pack > 1 else []
    for width in recipe.hidden_D:
        layers += _hidden(recipe, "D", width, dense)
        if recipe.dropout:
            layers.append(Dropout(recipe.dropout))
    if recipe.minibatch_std:
        layers.append(MinibatchStd())
    layers += _dense(recipe, dense, 1, "identity")
    return Network(layers, math.prod(data.shape), rng=rng, engine=engine)


def _hidden(recipe, net, width, dense):
    """Dense, batch normalisation where it is wanted, activation."""
    first, *above = _dense(recipe, dense, width, recipe.activation_G if net == "G" else recipe.activation_D)
    return [first, *([BatchNorm()] if net in recipe.batch_norm else []), *above]


def _dense(recipe, dense, width, name):
    linear = one_of(recipe.init, "initialisation", INITS) == "linear"
    above = activation(name)
    layer = dense(width, init=initial.linear if linear else init_below(above))
    return [layer] if above is None else [layer, above]


def _loss(recipe):
    loss = LOSSES[one_of(recipe.loss, "loss", LOSSES)]
    given = {name: getattr(recipe, name) for name in LABELS}
    if recipe.loss in ("minimax", "non-saturating"):
        return loss(**given)
    for name, value in given.items():
        if value != getattr(Recipe, name):
            raise ValueError(f"the loss {recipe.loss} has no labels to smooth or flip: leave {name}={value:g} out, or "
                             f"take the loss minimax or non-saturating")
    return loss()


def _optimiser(recipe, lr, clip=0.0):
    optimiser = OPTIMISERS[one_of(recipe.optimiser, "optimiser", OPTIMISERS)]
    betas = {"beta1": recipe.beta1, "beta2": recipe.beta2} if optimiser is optim.Adam else {}
    return optimiser(lr, clip=clip or None, **betas)
