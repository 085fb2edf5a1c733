"""Pictures: what a run recorded and what a generator makes, as Matplotlib Axes.

Each function draws into `ax` if it is given one, else into a figure of its own (`ax.figure`); none touches pyplot or
the backend. `dynamics`, `pair`, `supports` and `theory` hold the figures of the theory (see `numpygan.figures`),
`moving` writes films. Colours are those of Okabe & Ito (2008), told apart by everyone: data blue, generator
vermillion, D green.
"""
from . import dynamics, moving, pair, supports, theory
from .animation import animation
from .curves import curves, discriminator, equilibrium, losses, smooth
from .figure import save
from .images import sample_grid, tiles
from .points import principal, samples, samples_1d, samples_2d

__all__ = ["animation", "curves", "discriminator", "dynamics", "equilibrium", "losses", "moving", "pair", "principal",
           "sample_grid", "samples", "samples_1d", "samples_2d", "save", "smooth", "supports", "theory", "tiles"]
