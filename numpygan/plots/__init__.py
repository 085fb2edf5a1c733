"""Pictures: what a run recorded and what a generator makes, as Matplotlib Axes.

Each function draws into `ax` if it is given one, else into a figure of its own (`ax.figure`); none touches pyplot or
the backend. Colours are those of Okabe & Ito (2008), told apart by everyone: data blue, generator vermillion, D green.
"""
from .animation import animation
from .curves import curves, discriminator, equilibrium, losses, smooth
from .figure import save
from .images import sample_grid, tiles
from .points import principal, samples, samples_1d, samples_2d

__all__ = ["animation", "curves", "discriminator", "equilibrium", "losses", "principal", "sample_grid", "samples",
           "samples_1d", "samples_2d", "save", "smooth", "tiles"]
