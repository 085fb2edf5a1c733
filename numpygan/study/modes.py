"""`numpygan study modes`: which methods cover the eight modes of a ring and the twenty-five of a grid, and how well."""
from dataclasses import replace
from typing import Any

import numpy as np

from .. import data as datasets
from ..averaging import Averaged
from ..metrics import modes, perfect_modes
from ..presets import Recipe, build
from .cells import Cell, Result
from .table import Study

# The data of the literature: VEEGAN (Srivastava et al. 2017), PacGAN (Lin et al. 2018).
DATA: dict[str, dict[str, float]] = {"ring": {"m": 8, "radius": 1.0, "std": 0.01},
                                     "grid": {"k": 5, "spacing": 2.0, "std": 0.05}}
MANY, FEW = 10_000, 2500                # samples of a generator; the first 2,500 of them are the literature's number
SHOWN = 400                             # of them in the picture
STEPS = {"ring": 4000, "grid": 10_000}  # of D, for every method: those with k = 5 take a fifth of them with G
SEARCHED = 1500                         # of D, in the search
QUICK = {"ring": 800, "grid": 1200}

# What all methods share: G and D 128-128-128, z ~ N(0, I) in the plane, Adam, minibatches of 256, both rates falling
# linearly to 0 in the second half, and samples from the running mean of G's parameters.
BASE = Recipe(z=2, hidden_G=(128,) * 3, hidden_D=(128,) * 3, batch=256, beta1=0.5, beta2=0.99, decay=0.5, average=0.99)

# For each method the three settings of its search (`numpygan study modes-search`, seeds 100 to 102), which is all the
# tuning that any of them got; the networks, the batch and the number of steps were the same for all.
RATES: list[dict[str, Any]] = [{"lr_G": lr, "lr_D": lr} for lr in (5e-4, 1e-3, 2e-3)]
SEARCH: dict[str, list[dict[str, Any]]] = {
    "vanilla": [rate | {"decay": 0.0, "average": 0.0} for rate in RATES],
    "minimax": [rate | {"loss": "minimax"} for rate in RATES],
    "non-saturating": RATES,
    "least squares": [rate | {"loss": "least-squares"} for rate in RATES],
    "hinge": [rate | {"loss": "hinge"} for rate in RATES],
    "WGAN, clipped": [{"loss": "wasserstein", "optimiser": "rmsprop", "k": 5, "clip": clip, "lr_G": lr, "lr_D": lr}
                      for clip, lr in ((0.01, 5e-5), (0.05, 2e-4), (0.1, 5e-4))],
    "WGAN-GP": [{"loss": "wasserstein", "k": 5, "gradient_penalty": weight, "beta1": 0.0, "lr_G": 1e-3, "lr_D": 1e-3}
                for weight in (0.1, 1.0, 10.0)],
    "R1 + R2": [{"r1": gamma, "r2": gamma, "beta1": 0.0, "lr_G": 2e-3, "lr_D": 2e-3} for gamma in (0.01, 0.03, 0.1)],
    "packed, 4": [rate | {"pack": 4} for rate in RATES],
    "tricks": [rate | {"real_label": 0.9, "input_noise": 0.1, "anneal": 1.0, "minibatch_std": True} for rate in RATES],
}
# Which of the three: what `modes-search` says, on the ring (docs/results-modes.md); the grid gets the same, untuned.
CHOSEN = {"vanilla": 1, "minimax": 1, "non-saturating": 2, "least squares": 2, "hinge": 2, "WGAN, clipped": 1,
          "WGAN-GP": 1, "R1 + R2": 0, "packed, 4": 2, "tricks": 2}
TEN = ("vanilla", "tricks", "non-saturating")           # vanilla and the best two of it get ten seeds, the others three
LATER = (("ring", "hinge"), ("ring", "R1 + R2"), ("grid", "R1 + R2"))    # but these: the best of the table with three

# And one recipe for both, outside the comparison: the middle γ, and the steps that the ring and the grid leave of five
# minutes. Settled on seed 100.
LONGER, LONGER_STEPS, LONGER_SEEDS = "R1 + R2, longer", 20_000, {"ring": 3, "grid": 5}


def longer(data: str) -> Recipe:
    """The recipe of `LONGER`."""
    return recipe(data, "R1 + R2", 1, LONGER_STEPS)


def recipe(data: str, method: str, choice: int | None = None, steps: int | None = None) -> Recipe:
    """The recipe of that method for that data, with one of its three settings."""
    changes = SEARCH[method][CHOSEN[method] if choice is None else choice]
    chosen = replace(BASE, data=data, **changes)
    return chosen.changed(steps=(steps or STEPS[data]) // chosen.k)


def seeds(data: str, method: str) -> range:
    """Those of the table."""
    return range(10 if method in TEN or (data, method) in LATER else 3)


def measure(settings: dict[str, Any], seed: int) -> Result:
    """Train, draw, count. settings: "data", the arguments of its function; "recipe", that of `Recipe`."""
    chosen = Recipe.from_dict(settings["recipe"])
    data = getattr(datasets, chosen.data)(**settings["data"])
    rng = np.random.default_rng(seed)
    gan = build(chosen, data, rng)
    mean = Averaged(chosen.average)
    gan.fit(data, steps=chosen.steps, batch=chosen.batch, k=chosen.k, rng=rng,
            callbacks=[mean] if chosen.average else [])
    draw = np.random.default_rng([seed, 1])
    x = mean.sample(gan, MANY, draw) if chosen.average else gan.sample(MANY, draw)
    few, many = modes(x[:FEW], data), modes(x, data)
    return {"modes": float(few.covered), "quality": 100 * few.quality, "KL": few.reverse_kl,
            "modes (10,000)": float(many.covered), "quality (10,000)": 100 * many.quality,
            "KL (10,000)": many.reverse_kl, "samples": np.round(x[:SHOWN].astype(float), 3).tolist()}


COLUMNS = {"modes": ".1f", "quality": ".1f", "KL": ".4f", "modes (10,000)": ".1f", "quality (10,000)": ".1f",
           "KL (10,000)": ".4f", "seconds": ".0f"}


def study(quick: bool = False) -> Study:
    """The table: every method on both data sets with its `seeds`, and `LONGER`; `quick`: the methods on one seed, in a
    tenth of the steps."""
    def cell(data, method, seed, chosen):
        return Cell(data, method, seed, {"data": DATA[data], "recipe": chosen.to_dict()})
    cells = []
    for data in DATA:
        cells += [cell(data, method, seed, recipe(data, method, steps=QUICK[data] if quick else None))
                  for method in SEARCH for seed in (range(1) if quick else seeds(data, method))]
        cells += [cell(data, LONGER, seed, longer(data)) for seed in range(0 if quick else LONGER_SEEDS[data])]
    said = notes(QUICK if quick else STEPS)
    return Study("modes", "Modes of a ring and of a grid", cells, measure, COLUMNS, _draw, said)


def notes(steps: dict[str, int]) -> list[str]:
    """The protocol in a few lines, and what perfect samples score."""
    said = ["2,500 samples, then 10,000. modes: those with a sample within 3 standard deviations; quality: the share "
            "of such samples in %; KL: of the modes' shares from uniform ones, each counted to its nearest mode",
            "G and D 128-128-128, batch 256, rates decayed and G averaged, but for vanilla; steps of D: "
            + ", ".join(f"{n:,} on the {name}" for name, n in steps.items())]
    for name in steps:
        data = getattr(datasets, name)(**DATA[name])
        few, many = (perfect_modes(data, n) for n in (FEW, MANY))
        said.append(f"perfect samples of the {name}: {few.covered:.1f} modes, {100 * few.quality:.1f} %, KL "
                    f"{few.reverse_kl:.4f} at 2,500 and {many.reverse_kl:.5f} at 10,000")
    return said


def _draw(rows):
    from ..plots.studies import clouds
    rows = [row for row in rows if row.method != LONGER]
    return clouds(rows, {name: getattr(datasets, name)(**DATA[name]) for name in DATA})
