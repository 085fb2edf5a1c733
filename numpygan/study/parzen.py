"""`numpygan study parzen`: the paper's table for MNIST, its own recipe and a better one, beside what misleads in it."""
import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import data as datasets
from .. import init, metrics, optim
from ..app.terminal import say
from ..averaging import Averaged
from ..classifier import train_classifier
from ..data.rows import Rows
from ..files import sweep
from ..gan import GAN
from ..layers import Dense, Dropout, Maxout, ReLU, Sigmoid
from ..network import Network
from ..presets import Recipe, build
from ..schedule import Exponential, Ramp
from . import runner
from .best import SAMPLES, Best
from .cells import Cell, Result
from .table import Row, Study

KNOWN, VALID, JUDGED = 50_000, 1000, 1000       # training images; for σ; samples that the classifier and neighbours see
PUBLISHED = {"DBN": (138, 2), "stacked CAE": (121, 1.6), "deep GSN": (214, 1.1), "GAN": (225, 2)}
COLUMNS = {"log-likelihood": ".1f", "test error": ".1f", "σ": ".3f", "epochs": ".0f", "confident %": ".1f",
           "rarest class %": ".1f", "commonest %": ".1f", "Fréchet": ".1f", "nearest": ".2f"}
NOTES = (
    f"log-likelihood: Parzen windows on {SAMPLES:,} samples, σ the best of logspace(−1, 0, 10) on the first {VALID:,} "
    f"of 10,000 validation images, mean over 10,000 test images; test error: the standard error over these",
    f"classes and Fréchet: features of a small classifier trained here on the {KNOWN:,} training images, {SAMPLES:,} "
    f"samples (Fréchet against the test images); nearest: median distance of {JUDGED:,} samples to the nearest "
    f"training image, as a multiple of that of test images",
    "published (Goodfellow et al. 2014, Table 1): " + ", ".join(f"{k} {m} ± {e}" for k, (m, e) in PUBLISHED.items()))


def paper(x: Rows, seed: int, epochs: int) -> tuple[GAN, None, int]:
    """The recipe of Goodfellow et al. 2014 as their code has it; D's loss is half the sum, so its rate is half of .1.

    Its rate falls by 1.000004 in each update and its momentum rises from .5 to .7 over 250 epochs, however many are
    trained.
    """
    rng = np.random.default_rng(seed)
    wide = functools.partial(Dense, init=init.uniform(0.05))
    thin = functools.partial(Dense, init=init.uniform(0.005))
    G = Network([wide(1200), ReLU(), wide(1200), ReLU(), wide(784), Sigmoid()], 100, rng=rng)
    D = Network([Dropout(0.2), thin(1200), Maxout(5), Dropout(0.5), thin(1200), Maxout(5), Dropout(0.5), thin(1)], 784,
                rng=rng)
    _start_at_the_mean(G, x)
    opt_G, opt_D = (optim.Momentum(Exponential(lr, 1.000004), momentum=Ramp(0.5, 0.7, 250 * KNOWN // 100))
                    for lr in (0.1, 0.05))
    return GAN(G, D, opt_G=opt_G, opt_D=opt_D, noise="uniform", simultaneous=True), None, 100


def _start_at_the_mean(G: Network, x: Rows) -> None:
    """The bias of the last layer so that σ of it is the mean image."""
    mean = np.clip(x.x.mean(axis=0), 1e-7, 1 - 1e-7)
    *_, bias = G.params().values()
    bias[...] = np.log(mean / (1 - mean))


BETTER = Recipe("mnist", z=8, hidden_G=(256, 512), hidden_D=(512, 256), output="sigmoid", r1=0.05, input_noise=0.2,
                lr_G=1e-3, lr_D=1e-3, beta1=0.0, beta2=0.99, decay=0.8, average=0.9995, batch=100)


def better(x: Rows, seed: int, epochs: int) -> tuple[GAN, Averaged, int]:
    """Smaller networks, Adam, R1, rates that fall to 0, and the averaged generator.

    D sees everything through noise of standard deviation .2, about the width of the windows: it compares the densities
    smoothed as Parzen smooths them, Eq. (7.11), and G is not asked for details that the windows wash out.
    """
    recipe = BETTER.changed(epochs=epochs)
    gan = build(recipe, x, np.random.default_rng(seed))
    _start_at_the_mean(gan.G, x)
    return gan, Averaged(recipe.average), recipe.batch


RECIPES = {"paper": paper, "better": better}
SEEDS = {"paper": 1, "better": 3}                # hours for a seed of the one, minutes for one of the other
PATIENCE = 25                                   # epochs without a better validation likelihood


# ------------------------------------------------------------------------------------------------- measuring

def measured(settings: dict[str, Any], seed: int, folder: Path) -> Result:
    """One row: samples of an anchor, or of the best generator of a recipe that is trained (on) in `folder`."""
    known, valid, test = load()
    rng = np.random.default_rng([seed, 2])
    best, name = None, settings["samples"]
    if name == "training images":
        x = known.x[rng.permutation(known.n)[:SAMPLES]]
    elif name == "centroids":
        x = metrics.centroids(known.x, settings["k"], rng, settings["rounds"])
    elif name == "noise":
        x = rng.random((SAMPLES, 784), dtype=np.float32)
    else:
        best = trained(name, seed, settings["epochs"], known, valid.x[:VALID], folder)
        x = best.sample(SAMPLES, rng)
        draw_samples(x, f"{name}-{seed}", best, folder)
    found = scores(x, known, valid, test)
    if best is not None:
        found |= {"epochs": best.epochs, "best epoch": best.best_epoch, "training seconds": round(best.seconds, 1),
                  "curve": [list(row) for row in best.curve]}
    return found


def trained(name: str, seed: int, epochs: int, known: Rows, valid: np.ndarray, folder: Path) -> Best:
    """The recipe of that name trained for `epochs`, from where its file of `folder` has it."""
    file = folder / f"{name}-{seed}-of-{epochs}.npz"
    gan, mean, batch = RECIPES[name](known, seed, epochs)
    best = Best.load(file) if file.exists() else Best(gan, mean, np.random.default_rng([seed, 1]))
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder, (file.name,))                             # what a killed study left half-written
    best.train(known, valid, epochs, batch, PATIENCE, file, lambda text: say(f"{name}, seed {seed}, {text}"))
    return best


def load() -> tuple[Rows, Rows, Rows]:
    """MNIST in [0, 1]: the first 50,000 training images, the other 10,000, the test images."""
    train, test = (datasets.mnist(part=part) for part in ("train", "test"))

    def rows(data, part):
        return datasets.array((data.x[part] + 1) / 2, data.labels[part], range=(0, 1), name="mnist")
    return rows(train, slice(0, KNOWN)), rows(train, slice(KNOWN, None)), rows(test, slice(None))


def scores(x: np.ndarray, known: Rows, valid: Rows, test: Rows) -> Result:
    """The numbers of a row for samples x in [0, 1]."""
    p = metrics.parzen(valid.x[:VALID], test.x, x_fake=x)
    judge = train_classifier(2 * known.x - 1, np.asarray(known.labels), np.random.default_rng(123))    # in every row
    seen = 2 * x - 1                                         # the classifier's pixels lie in [−1, 1]
    shares = metrics.class_shares(judge, seen)
    new = metrics.nearest_distance(test.x[:JUDGED], known.x)
    return {"log-likelihood": p.log_likelihood, "test error": p.error, "σ": p.sigma, "epochs": 0,
            "confident %": 100 * metrics.confident_share(judge, seen), "rarest class %": 100 * shares.min(),
            "commonest %": 100 * shares.max(),
            "Fréchet": metrics.frechet_distance(judge.features(2 * test.x - 1), judge.features(seen)),
            "nearest": metrics.nearest_distance(x[:JUDGED], known.x) / new}


# --------------------------------------------------------------------------------------------------- showing

def draw_samples(x: np.ndarray, name: str, best: Best, folder: Path) -> None:
    """NAME.png: 100 samples, not chosen."""
    from ..plots import sample_grid, save
    title = f"{name.rpartition('-')[0]}: 100 of {len(x):,} samples, epoch {best.best_epoch}"
    save(sample_grid(x[:100], (28, 28), (0, 1), title=title), folder / f"{name}.png")


def draw(found: Sequence[Row]) -> Any:
    """Validation likelihood over the epochs, beside training images as samples and the published 225."""
    from ..plots.figure import DATA, FAKE, axes
    ax = axes(None, "Parzen log-likelihood of validation images", "epoch", "nats")
    for row, colour in zip((r for r in found if "curve" in r.results[0]), (FAKE, "#009E73"), strict=False):
        for i, result in enumerate(row.results):
            epoch, log_p, _ = zip(*result["curve"], strict=True)
            ax.plot(epoch, log_p, "o-", ms=3, color=colour, label=row.method if i == 0 else None)
    for row in found:
        if row.method == "training images":
            ax.axhline(row.values("log-likelihood").mean(), color=DATA, ls="--", label="training images (test)")
    ax.axhline(225, color="black", ls=":", label="published, GAN (test)")
    ax.set_xscale("log")
    ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200) if t <= ax.get_xlim()[1]]
    ax.set_xticks(ticks, [str(t) for t in ticks])
    ax.minorticks_off()
    ax.figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return ax


def flagged(found: Sequence[Row]) -> list[str]:
    """A sentence for every row that is above training images as samples: no praise."""
    means = {row.method: float(row.values("log-likelihood").mean()) for row in found}
    anchor = means.get("training images", math.inf)
    return [f"{name} is above training images as samples ({log_p:.1f} > {anchor:.1f}): its samples are nearer to the "
            f"mean than real ones, not better" for name, log_p in means.items() if log_p > anchor]


# -------------------------------------------------------------------------------------------------- the study

def cells(quick: bool = False) -> list[Cell]:
    """Anchors first, then each recipe on its `SEEDS`; `quick`: one seed, and 1 or 2 epochs."""
    epochs = {"paper": 1, "better": 2} if quick else {"paper": 250, "better": 10}
    k, rounds = (500, 3) if quick else (2000, 5)
    return [Cell("", "training images", 0, {"samples": "training images"}),
            Cell("", f"{k:,} k-means centroids", 0, {"samples": "centroids", "k": k, "rounds": rounds}),
            Cell("", "noise, U(0, 1)", 0, {"samples": "noise"}),
            *(Cell("", f"{name} recipe", seed, {"samples": name, "epochs": epochs[name]})
              for name in RECIPES for seed in range(1 if quick else SEEDS[name]))]


def study(folder: Path, quick: bool = False) -> Study:
    """The table; `folder` keeps what is being trained."""
    return Study("parzen", "MNIST, the table of the paper", cells(quick),
                 functools.partial(measured, folder=folder), COLUMNS, draw, NOTES)


def main(seeds: int | None = None, quick: bool = False, jobs: int | None = None, out: str | None = None) -> int:
    """Carry out what is missing and print the table; stopped at any time, it goes on at the last whole epoch."""
    load()                                                   # no MNIST: said at once, and not by every cell
    plan = runner.limited(study(runner.folder_of("parzen", out), quick), seeds)
    table, failed = runner.run(plan, out, jobs)
    status = runner.show(plan, table, failed, out)
    for sentence in flagged(table):
        print(sentence)
    return status
