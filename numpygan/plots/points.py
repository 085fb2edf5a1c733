"""Generated points beside the data: on the line, in the plane, or the two directions in which the data varies most."""
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from ..checks import able, function, generator, told
from ..checks import samples as rows
from ..functional import sigmoid
from .figure import D_COLOUR, DATA, FAKE, axes, legend_below
from .images import sample_grid

SURFACE = LinearSegmentedColormap.from_list("D", ["#FFFFFF", "#7FCFB9"])        # light: points and lines lie on it
LIGHT_FAKE = "#EFA876"                                                          # FAKE, where an area is filled
Density = Callable[[np.ndarray], np.ndarray]


def samples(x_fake: np.ndarray, data: Any, rng: np.random.Generator, *, D: Any = None, title: str = "Samples G(z)",
            ax: Axes | None = None) -> Axes:
    """Samples x_fake (n, d) in the picture that fits the data: image tiles, histogram, plane, principal directions.

    `data` as in `numpygan.data`; as many real points as samples are drawn from it where they are shown. `D`, the
    discriminator, adds what it answers, in one and two dimensions.
    """
    check_data(data)
    x_fake = rows(x_fake, "x_fake")
    if len(data.shape) > 1:
        return sample_grid(x_fake, data.shape, data.range, title=title, ax=ax)
    x_real = data.sample(max(1000, len(x_fake)), generator(rng))
    density = getattr(data, "density", None)
    if x_real.shape[1] == 1:
        return samples_1d(x_fake, x_real, density, D, title=title, ax=ax)
    if x_real.shape[1] == 2:
        return samples_2d(x_fake, x_real, density, D, title=title, ax=ax)
    return principal(x_fake, x_real, title=title, ax=ax)


def samples_1d(x_fake: np.ndarray, x_real: np.ndarray, density: Density | None = None, D: Any = None, *,
               title: str = "Samples G(z)", ax: Axes | None = None) -> Axes:
    """Histogram of x_fake (n, 1) under p_data (a histogram of x_real where that is not known), and D(x).

    D(x) has its own scale at the right, on which ½ is dashed.
    """
    x_fake, x_real = _both(x_fake, x_real, density, D, 1)
    low, high = extent(np.concatenate([x_real, x_fake]))[0]
    ax = axes(ax, title, "x", "density", 7, 4.2)
    edges = np.linspace(low, high, 61)
    ax.stairs(np.histogram(x_fake, edges, density=True)[0], edges, fill=True, color=LIGHT_FAKE, label="samples")
    x = np.linspace(low, high, 400)[:, None]
    if density is None:
        ax.stairs(np.histogram(x_real, edges, density=True)[0], edges, color=DATA, linewidth=1.8, label="data")
    else:
        ax.plot(x, density(x), color=DATA, linewidth=1.8, label="$p_{data}$")
    ax.set_xlim(low, high)
    if D is not None:
        ax.plot([], [], color=D_COLOUR, linewidth=1.8, label="$D(x)$, right scale")
        right = ax.twinx()
        right.plot(x, probability(D, x), color=D_COLOUR, linewidth=1.8)
        right.axhline(0.5, color=D_COLOUR, linestyle="--", linewidth=1)
        right.set_ylim(0, 1.02)
        right.set_ylabel("$D(x)$", color=D_COLOUR)
        right.spines["top"].set_visible(False)
    return legend_below(ax)


def samples_2d(x_fake: np.ndarray, x_real: np.ndarray, density: Density | None = None, D: Any = None, *,
               title: str = "Samples G(z)", ax: Axes | None = None) -> Axes:
    """Samples x_fake (n, 2) over the data: lines around 50 % and 95 % of its mass, or the points x_real themselves.

    With D the plane is the greener the more D takes it for data; dashed: D(x) = ½.
    """
    x_fake, x_real = _both(x_fake, x_real, density, D, 2)
    (left, right), (bottom, top) = extent(x_real)
    height = 5 * min(max((top - bottom) / (right - left), 0.3), 1.5)
    ax = axes(ax, title, "$x_1$", "$x_2$", 6.4 if D is not None else 5.6, height + 1.2)
    if D is not None:
        _surface(ax, D, (left, right), (bottom, top))
    if density is None:
        ax.plot(*x_real.T, ".", color=DATA, markersize=3, alpha=0.5, label="data")
    else:
        _regions(ax, density, x_real, (left, right), (bottom, top))
    ax.plot(*x_fake.T, ".", color=FAKE, markersize=4, alpha=0.75, markeredgewidth=0, label="samples")
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    return legend_below(ax)


def principal(x_fake: np.ndarray, x_real: np.ndarray, *, title: str = "Samples G(z)", ax: Axes | None = None) -> Axes:
    """x_fake and x_real (n, d) in the plane of the two directions in which x_real varies most."""
    x_real = rows(x_real, "x_real", 2)
    x_fake, project = rows(x_fake, "x_fake", like=x_real), principal_plane(x_real)
    ax = samples_2d(project(x_fake), project(x_real), title=title, ax=ax)
    ax.set(xlabel="first principal direction of the data", ylabel="second")
    return ax


def check_data(data: Any) -> Any:
    """`data` itself; TypeError unless it has the shape and the range of its rows, and can be sampled."""
    able(data, "data", ("sample",), "data.ring()")
    if not (hasattr(data, "shape") and hasattr(data, "range")):
        raise TypeError(f"data must have shape, range and sample, as data.ring() has, got {told(data)}")
    return data


def _both(x_fake, x_real, density, D, d):
    """Both samples, of d columns; density and D as they must be."""
    if density is not None:
        function(density, "density", "data.ring().density")
    if D is not None and not (callable(D) and hasattr(D, "dtype")):
        raise TypeError(f"D must be a Network, the discriminator, or None, got {told(D)}")
    x_real = rows(x_real, "x_real")
    if x_real.shape[1] != d:
        raise ValueError(f"this picture is for {d} dimension{'s' * (d > 1)}, and x_real has {x_real.shape[1]} columns")
    return rows(x_fake, "x_fake", like=x_real), x_real


def principal_plane(x_real: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The projection (n, d) -> (n, 2) onto the two principal directions of x_real."""
    centre = x_real.mean(axis=0)
    _, _, directions = np.linalg.svd(x_real - centre, full_matrices=False)
    return lambda x: (x - centre) @ directions[:2].T


def probability(D: Any, x: np.ndarray) -> np.ndarray:
    """D(x) = σ(logit) at points x (n, d) -> (n,), in float64."""
    return sigmoid(D(x.astype(D.dtype))[:, 0].astype(float))


def extent(x: np.ndarray) -> list[tuple[float, float]]:
    """For each column of x (n, d) an interval that holds it, with a margin of 15 % of its width on both sides."""
    low, high = x.min(axis=0), x.max(axis=0)
    margin = 0.15 * np.where(high > low, high - low, 1.0)
    return [(float(a), float(b)) for a, b in zip(low - margin, high + margin, strict=True)]


def lattice(x: tuple[float, float], y: tuple[float, float], m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """m × m points over a rectangle: both coordinates (m, m) and the points (m², 2)."""
    X, Y = np.meshgrid(np.linspace(*x, m), np.linspace(*y, m))
    return X, Y, np.stack([X.ravel(), Y.ravel()], axis=1)


def _surface(ax, D, x, y):
    X, Y, points = lattice(x, y, 150)
    answers = probability(D, points).reshape(150, 150)
    shown = ax.imshow(answers, cmap=SURFACE, vmin=0, vmax=1, extent=(*x, *y), origin="lower", interpolation="bilinear")
    if answers.min() < 0.5 < answers.max():
        ax.contour(X, Y, answers, [0.5], colors=D_COLOUR, linestyles="dashed", linewidths=1)
    ax.figure.colorbar(shown, ax=ax, label="$D(x)$", shrink=0.8, ticks=[0, 0.5, 1])


def _regions(ax, density, x_real, x, y):
    """The lines p = c that hold half and 95 % of the data: c is a quantile of p over the data itself."""
    X, Y, points = lattice(x, y, 250)
    with np.errstate(divide="ignore"):
        log_p = np.log(density(points)).reshape(X.shape)
        levels = np.quantile(np.log(density(x_real)), [0.05, 0.5])
    ax.contour(X, Y, np.maximum(log_p, -700), np.unique(levels), colors=DATA, linewidths=(1.0, 1.6),
               linestyles="solid")
    ax.plot([], [], color=DATA, label="50 % and 95 % of the data")
