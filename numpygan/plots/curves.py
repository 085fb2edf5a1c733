"""The course of training: losses and D's answers over the steps, beside what they should become."""
import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..checks import able, numeric, told, whole
from ..history import History
from .figure import DATA, FAKE, axes, figure, legend_above

Reference = tuple[float, str]          # a value, and how it is written


def curves(history: History, loss: Any = None) -> tuple[Axes, Axes]:
    """`losses` above `discriminator`, in one figure."""
    _not_empty(history)
    upper, lower = figure(8, 6.4).subplots(2, 1, sharex=True)
    losses(history, loss, ax=upper).set_xlabel("")
    return upper, discriminator(history, loss, ax=lower)


def losses(history: History, loss: Any = None, ax: Axes | None = None) -> Axes:
    """L_D and L_G over the steps, each raw (light) and smoothed, beside what they are where G has learned the data.

    Dashed: p_g = p_data and D = ½ everywhere, so L_D = log 4 and L_G = log 2 (−log 2 for `Minimax`). `loss` is that of
    the GAN (None: `NonSaturating`); with smoothed labels the value of L_G at the best D is dotted.
    """
    _not_empty(history)
    ax = axes(ax, "Losses", "step of G", "loss")
    _curve(ax, history, "loss_D", DATA, "discriminator, $L_D$")
    _curve(ax, history, "loss_G", FAKE, "generator, $L_G$")
    shown = equilibrium(loss)
    _references(ax, shown.get("loss_D", []), DATA)
    _references(ax, shown.get("loss_G", []), FAKE)
    _limits(ax, history, [y for name in ("loss_D", "loss_G") for y, _ in shown.get(name, [])])
    return legend_above(ax)


def discriminator(history: History, loss: Any = None, ax: Axes | None = None) -> Axes:
    """Mean D(x) on real and mean D(G(z)) on generated minibatches; dashed: ½, where D cannot tell them apart."""
    _not_empty(history)
    ax = axes(ax, "What D answers", "step of G", "mean D")
    _curve(ax, history, "D_real", DATA, "on data, $D(x)$")
    _curve(ax, history, "D_fake", FAKE, "on samples, $D(G(z))$")
    _references(ax, equilibrium(loss).get("D", []), "black")
    ax.set_ylim(-0.02, 1.02)
    return legend_above(ax)


def equilibrium(loss: Any = None) -> dict[str, list[Reference]]:
    """The values of D, L_D and L_G where p_g = p_data and D is at its best, each with how it is written.

    For the two losses of 2014 the first of each list is that of D = ½. With mean targets a on real and b on generated
    rows the best D is (a + b)/2 instead, Eq. (11.1) at p = q: D and L_G there follow. `LeastSquares`: s = ½,
    `Hinge`: any |s| ≤ 1, `Wasserstein`: W₁ = 0. A loss that is not the package's has none.
    """
    if loss is not None:
        able(loss, "loss", ("discriminator", "generator"), "losses.NonSaturating()")
    name = "NonSaturating" if loss is None else type(loss).__name__
    if name == "LeastSquares":
        return {"loss_D": [(0.25, "¼")], "loss_G": [(0.125, "⅛")]}
    if name in ("Hinge", "Wasserstein"):
        return {"loss_D": [(2.0, "2") if name == "Hinge" else (0.0, "0")]}
    if name not in ("NonSaturating", "Minimax"):
        return {}
    saturating = name == "Minimax"
    half = (-math.log(2), "−log 2") if saturating else (math.log(2), "log 2")
    values = {"D": [(0.5, "½")], "loss_D": [(math.log(4), "log 4")], "loss_G": [half]}
    D = (getattr(loss, "real_label", 1.0) + getattr(loss, "fake_label", 0.0)) / 2
    if D != 0.5 and not getattr(loss, "draws", False):
        L_G = math.log(1 - D) if saturating else -math.log(D)
        values["D"].append((D, f"{D:.2f}, smoothed"))
        values["loss_G"].append((L_G, f"{L_G:.2f}, smoothed"))
    return values


def smooth(y: np.ndarray, width: int) -> np.ndarray:
    """The mean of y over a window of `width` steps about each, or what there is of it at both ends; (n,) -> (n,)."""
    y, width = numeric(y, "y"), whole(width, "width")
    if y.ndim != 1:
        raise ValueError(f"y must be a list of numbers (n,), got shape {y.shape}")
    before, after = (width - 1) // 2, width // 2
    total = np.concatenate([[0.0], np.cumsum(y)])
    i = np.arange(len(y))
    low, high = np.maximum(i - before, 0), np.minimum(i + after + 1, len(y))
    return (total[high] - total[low]) / (high - low)


def _curve(ax, history, name, colour, label):
    y, step = history[name], history["step"]
    thin = slice(None, None, max(1, len(y) // 4000))              # more points than dots show nothing
    if len(y) > 50:
        ax.plot(step[thin], y[thin], color=colour, alpha=0.25, linewidth=0.6)
        y = smooth(y, len(y) // 50)
    ax.plot(step[thin], y[thin], color=colour, linewidth=1.8, label=label)


def _references(ax, values, colour):
    """The first dashed, a second dotted; each named at the right edge, outside the Axes."""
    for (y, text), style in zip(values, ("--", ":"), strict=False):
        ax.axhline(y, color=colour, linestyle=style, linewidth=1.2)
        apart = 4 * np.sign(sum(y - other for other, _ in values))        # two names never lie on each other
        ax.annotate(text, (1, y), (5, apart), xycoords=("axes fraction", "data"), textcoords="offset points",
                    color=colour, va="center")


def _limits(ax, history, references):
    """From the smallest to the largest loss but the wildest thousandths, references included."""
    y = np.concatenate([history["loss_D"], history["loss_G"]])
    shown = [*np.quantile(y, [0.001, 0.999]), *references]
    margin = 0.05 * (max(shown) - min(shown)) + 1e-3
    ax.set_ylim(min(shown) - margin, max(shown) + margin)


def _not_empty(history):
    if not isinstance(history, History):
        raise TypeError(f"history must be a History, what fit returns, got {told(history)}")
    if len(history) == 0:
        raise ValueError("the history has no steps to draw: train first, or draw later")
