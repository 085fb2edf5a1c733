"""`numpygan study collapse`: a generator that trains alone against a frozen D, and what D does once it is released."""
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .. import data as datasets
from ..classifier import train_classifier
from ..functional import sigmoid
from ..gan import GAN, generator_gradient
from ..metrics import class_shares, modes
from ..network import Network
from ..presets import Recipe, build
from .cells import Cell, Result
from .table import Study

# The setting: "together" steps of both networks, "alone" steps of G against D as it was then, "released" steps of both.
RING = Recipe("ring", z=2, hidden_G=(64, 64), hidden_D=(64, 64), batch=128, steps=1)
DIGITS = Recipe("digits", z=16, hidden_G=(128, 128), hidden_D=(128, 128), batch=64, steps=1, lr_G=5e-4, lr_D=5e-4)
GROUPS: dict[str, tuple[Recipe, dict[str, int]]] = {
    "digits": (DIGITS, {"together": 1500, "alone": 2000, "released": 500}),
    "ring, early": (RING, {"together": 300, "alone": 1500, "released": 1000}),
    "ring, late": (RING, {"together": 2000, "alone": 1500, "released": 1000})}
METHODS: dict[str, float] = {"no penalty": 0.0, "R1, 0.1": 0.1}
PARTS = ("together", "alone", "released")
EVERY = 50                              # steps between two looks
LOOK = 500                              # samples at each
SEEDS = range(5)
COLUMNS = {f"{key}: {part}": form for key, form in (("spread", ".2f"), ("‖dG/dz‖", ".2f"), ("covered", ".1f"),
                                                    ("D(G(z))", ".2f")) for part in PARTS}
NOTES = ("digits: G 16-128-128-64 with tanh, D 64-128-128-1, batch 64, Adam 5e-4: 1,500 steps together, 2,000 of G "
         "alone, 500 together",
         "ring of 8, radius 2, std 0.02: 2-64-64-2 and 2-64-64-1, batch 128, Adam 1e-3: 300 (early) or 2,000 (late) "
         "steps together, 1,500 of G alone, 1,000 together",
         "each at the end of that part, 500 samples. spread: root mean square distance from their mean, data = 1; "
         "‖dG/dz‖: mean Frobenius norm; covered: of 8 modes (a sample within 3 standard deviations) or of 10 classes "
         "(1 % of the samples at least)")


def sensitivity(G: Network, z: np.ndarray) -> float:
    """The mean over z of ‖dG/dz‖, Frobenius: 0 where all noise gives one sample.   z (n, d_z)."""
    y, tape = G.forward(z)
    rows = [G.backward(tape, np.broadcast_to(e, y.shape), want_g=False)[0] for e in np.eye(y.shape[1], dtype=y.dtype)]
    return float(np.mean(np.sqrt(sum(np.square(row).sum(1) for row in rows))))


def spread(x: np.ndarray) -> float:
    """√(mean ‖x − mean x‖²) of rows x (n, d)."""
    return float(np.sqrt(np.square(x - x.mean(axis=0, dtype=float)).sum(axis=1).mean()))


def train_generator(gan: GAN, steps: int, batch: int, rng: np.random.Generator) -> None:
    """`steps` steps of G on its own loss, with D as it is."""
    for _ in range(steps):
        _, g = generator_gradient(gan.G, gan.D, gan.loss, gan.draw(batch, rng), rng)
        gan.opt_G.step(gan.G, g)


def measure(settings: dict[str, Any], seed: int) -> Result:
    """The three parts, looked at every few steps. settings: "recipe", and "steps" of each part."""
    recipe = Recipe.from_dict(settings["recipe"])
    data = datasets.load(recipe.data)
    rng, eval_rng = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    covered, width = _coverage(data, eval_rng), spread(data.sample(5000, eval_rng))
    gan = build(recipe, data, rng)
    z = gan.draw(LOOK, eval_rng)
    seen, pictures = [_look(gan, z, width, covered) | {"step": 0, "part": "start"}], []
    for part in PARTS:
        for _ in range(settings["steps"][part] // EVERY):
            if part == "alone":
                train_generator(gan, EVERY, recipe.batch, rng)
            else:
                gan.fit(data, steps=EVERY, batch=recipe.batch, rng=rng)
            seen.append(_look(gan, z, width, covered) | {"step": seen[-1]["step"] + EVERY, "part": part})
        pictures.append(np.round(gan.G(z[:16]).astype(float), 2).tolist())
    last = {part: [s for s in seen if s["part"] == part][-1] for part in PARTS}
    keys = ("spread", "‖dG/dz‖", "covered", "D(G(z))")
    return {f"{key}: {part}": last[part][key] for key in keys for part in PARTS} | {
        "frozen at": settings["steps"]["together"], "released at": last["alone"]["step"], "pictures": pictures,
        "course": {key: [s[key] for s in seen] for key in ("step", *keys)}}


def _coverage(data: Any, rng: np.random.Generator) -> Callable[[np.ndarray], float]:
    """What counts the modes, or the classes of digits, that samples cover."""
    if data.name == "ring":
        return lambda x: float(modes(x, data).covered)
    judge = train_classifier(data.x, np.asarray(data.labels), rng, steps=600)
    return lambda x: float(np.sum(class_shares(judge, x) >= 0.01))


def _look(gan, z, width, covered):
    x = gan.G(z)
    return {"spread": spread(x) / width, "‖dG/dz‖": sensitivity(gan.G, z), "covered": covered(x),
            "D(G(z))": float(sigmoid(gan.D(x)).mean())}


def study(quick: bool = False) -> Study:
    """Three settings with and without R1, five seeds; `quick`: one seed."""
    cells = [Cell(group, method, seed, {"recipe": replace(recipe, r1=gamma).to_dict(), "steps": steps})
             for group, (recipe, steps) in GROUPS.items() for method, gamma in METHODS.items()
             for seed in (SEEDS[:1] if quick else SEEDS)]
    return Study("collapse", "G alone against a frozen D", cells, measure, COLUMNS, _draw, NOTES)


def _draw(rows):
    from ..plots.studies import collapse
    return collapse(rows)
