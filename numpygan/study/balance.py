"""`numpygan study balance`: a D too strong by rate, width or k, and what each remedy does to G's gradient."""
from dataclasses import replace
from typing import Any

import numpy as np

from .. import data as datasets
from ..checks import scheduled
from ..classifier import train_classifier
from ..functional import minimax_generator, non_saturating_generator
from ..gan import GAN, generator_gradient, instance_noise
from ..metrics import class_shares, confident_share, modes
from ..presets import Recipe, build
from .cells import Cell, Result
from .table import Study

# The setting: the ring of 8, radius 2, std 0.02, and the handwritten digits; G plays non-saturating. `CAUSES` make D
# strong, `REMEDIES` tame it.
BASE = Recipe("ring", z=2, hidden_G=(64, 64), hidden_D=(64, 64), batch=128, lr_G=1e-3, lr_D=1e-3, steps=1000)
DATA = {"ring": BASE, "digits": replace(BASE, data="digits", z=16)}
CAUSES: dict[str, dict[str, Any]] = {
    "as usual": {}, "rate of D × 10": {"lr_D": 1e-2}, "width of D × 8": {"hidden_D": (512, 512)}, "k = 10": {"k": 10}}
REMEDIES: dict[str, dict[str, Any]] = {
    "nothing": {}, "labels 0.9": {"real_label": 0.9}, "instance noise 0.2": {"input_noise": 0.2},
    "R1, 0.1": {"r1": 0.1}, "spectral": {"spectral": True}, "dropout 0.3": {"dropout": 0.3},
    "rate of D / 4": {"lr_D": 0.25}}
SEEDS = range(3)
EVERY, ROWS = 50, 500                   # steps between two looks, and the rows at which they look
COLUMNS = {"D right": ".3f", "push, minimax": ".3f", "push, non-sat.": ".3f", "agreement": ".2f", "modes": ".1f",
           "quality": ".0f"}
NOTES = ("ring of 8, radius 2, std 0.02: G 2-64-64-2, D 2-64-64-1; digits: G 16-64-64-64 with tanh, D 64-64-64-1",
         "batch 128, Adam 1e-3 for both, k = 1, non-saturating, 1,000 steps; looked at every 50 steps, and the mean of "
         "these looks is shown",
         "D right: share of 500 real and 500 fake rows on their side of D = 1/2; push: mean of ‖∂L/∂x_fake‖ per row "
         "for the two losses of G; agreement: cosine of two gradients of G from two minibatches of 128",
         "at the end, 2,500 samples: modes with one within 3 standard deviations, or classes of 1 % at least; quality: "
         "the share of samples in such a mode, or of which a classifier is 90 % sure, in %")


def recipe(cause: str, remedy: str, steps: int = 1000, data: str = "ring") -> Recipe:
    """The recipe of a cause and a remedy; the rate of D is a quarter of what the cause makes it."""
    made = replace(DATA[data], **CAUSES[cause], steps=steps)
    changes = dict(REMEDIES[remedy])
    if "lr_D" in changes:
        changes["lr_D"] *= made.lr_D
    return replace(made, **changes)


def measure(settings: dict[str, Any], seed: int) -> Result:
    """Train; look at D and at the gradient that reaches G; count modes. settings: "recipe"."""
    chosen = Recipe.from_dict(settings["recipe"])
    data: Any = datasets.load(chosen.data)
    rng, eval_rng = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    gan = build(chosen, data, rng)
    seen: list[dict[str, float]] = []
    for _ in range((chosen.steps or 0) // EVERY):
        gan.fit(data, steps=EVERY, batch=chosen.batch, k=chosen.k, rng=rng)
        seen.append(look(gan, data, chosen.batch, eval_rng))
    covered, quality = _end(data, gan.sample(2500, eval_rng), np.random.default_rng(0))
    return {key: float(np.mean([s[key] for s in seen])) for key in seen[0]} | {
        "modes": covered, "quality": 100 * quality}


def _end(data, x, rng):
    """Modes and the share of good samples; or classes, and the share of which a classifier is sure."""
    if data.name == "ring":
        end = modes(x, data)
        return float(end.covered), end.quality
    judge = train_classifier(data.x, np.asarray(data.labels), rng, steps=600)
    return float(np.sum(class_shares(judge, x) >= 0.01)), confident_share(judge, x)


def look(gan: GAN, data: Any, batch: int, rng: np.random.Generator) -> dict[str, float]:
    """How often D is right; the slope of G's losses at each fake; and how far two minibatches agree."""
    std = scheduled(gan.input_noise, len(gan.history), "input_noise")
    x, fake = (instance_noise(a, std, rng) for a in (data.sample(ROWS, rng), gan.sample(ROWS, rng)))
    right = (np.mean(gan.D(x) > 0) + np.mean(gan.D(fake) < 0)) / 2
    pushes = {}
    for name, loss in (("minimax", minimax_generator), ("non-sat.", non_saturating_generator)):
        logit, tape = gan.D.forward(fake)
        dx, _ = gan.D.backward(tape, ROWS * loss(logit)[1], want_g=False)            # of one row, not of a mean
        pushes[f"push, {name}"] = float(np.linalg.norm(dx, axis=1).mean())
    g, h = (generator_gradient(gan.G, gan.D, gan.loss, gan.draw(batch, rng), rng, std)[1] for _ in range(2))
    size = float(np.linalg.norm(g) * np.linalg.norm(h))
    return {"D right": float(right), **pushes, "agreement": float(g @ h) / size if size else 0.0}


def study(quick: bool = False) -> Study:
    """Every cause with every remedy on both data sets, three seeds; `quick`: one seed, 300 steps, no wide D."""
    causes = [cause for cause in CAUSES if not (quick and cause.startswith("width"))]
    cells = [Cell(_group(data, cause), remedy, seed,
                  {"recipe": recipe(cause, remedy, 300 if quick else 1000, data).to_dict()})
             for data in DATA for cause in causes for remedy in REMEDIES for seed in (SEEDS[:1] if quick else SEEDS)]
    notes = [note.replace("1,000 steps", "300 steps") for note in NOTES] if quick else NOTES
    return Study("balance", "A discriminator that is too strong", cells, measure, COLUMNS, _draw, notes)


def _group(data, cause):
    return cause if data == "ring" else f"{data}, {cause}"


def _draw(rows):
    from ..plots.studies import balance
    return balance(rows, list(REMEDIES))
