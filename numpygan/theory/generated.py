"""The density of G(z) for a generator of one number from one number: exact, without a sample."""
import math

import numpy as np

from ..checks import no_nan, one_of, whole
from ..network import Network

REACH = {"normal": 6.0, "uniform": math.sqrt(3)}        # noise beyond that: 2e-9 of the mass, none


def generated_density(G: Network, x: np.ndarray, noise: str = "normal", m: int = 4001) -> np.ndarray:
    """p_g(x) = Σ p_z(z)/|G'(z)| over all z with G(z) = x                                       Eq. (6.2)

    x (k,) -> p_g (k,), in float64; `noise` as in `GAN`. G' is G's backward pass with dy = 1, on a grid of `m` values of
    z; between them p_z/|G'| is taken as linear in x, with an error of O(1/m²), but for a step of the grid in which G'
    more than doubles, at a kink of G (of a leaky ReLU, say): its mass is spread evenly over it. Where G turns back or
    stands still for a moment the density is infinite, and is given as far as the grid resolves it; noise on which G is
    constant makes an atom, which has no density, and is left out.
    """
    if not isinstance(G, Network):
        raise TypeError(f"G must be a Network, got {type(G).__name__}")
    if (G.d_in, G.d_out) != (1, 1):
        raise ValueError(f"the density can be computed for a generator of one column from one, and this has "
                         f"{G.d_in} and {G.d_out}: draw samples instead")
    one_of(noise, "noise", REACH)
    x = no_nan(x, "x")
    z = np.linspace(-REACH[noise], REACH[noise], whole(m, "m", 3))
    y, tape = G.forward(z[:, None])
    slope, _ = G.backward(tape, np.ones_like(y), want_g=False)
    at, slope = y[:, 0].astype(float), np.abs(slope[:, 0].astype(float))
    if not np.isfinite(at).all():
        raise ValueError("G(z) is NaN or infinite for some z: its parameters have diverged")
    q = np.zeros(np.shape(x))
    for part in _monotone(np.sign(np.diff(at))):
        q += _branch(x, at[part], z[part], noise_density(z[part], noise), slope[part])
    return q


def noise_density(z: np.ndarray, noise: str) -> np.ndarray:
    """p_z(z) of Eq. (3.7), where it is not 0."""
    if noise == "uniform":
        return np.full(np.shape(z), 1 / (2 * math.sqrt(3)))
    return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _monotone(rises: np.ndarray) -> list[slice]:
    """The parts of the grid on which G only rises, or only falls, as slices; one on which it rests is left out."""
    turns = np.flatnonzero(np.diff(rises)) + 1
    ends = [0, *turns.tolist(), len(rises)]
    return [slice(a, b + 1) for a, b in zip(ends[:-1], ends[1:], strict=True) if rises[a] != 0]


def _branch(x: np.ndarray, at: np.ndarray, z: np.ndarray, p_z: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """p_z/|G'| on one of them, 0 beyond its ends."""
    order = np.flatnonzero(slope > 0)[::1 if at[0] < at[-1] else -1]
    if len(order) < 2:
        return np.zeros(np.shape(x))
    at, z, p_z, slope = at[order], z[order], p_z[order], slope[order]
    smooth = np.interp(x, at, p_z / slope, left=0.0, right=0.0)
    i = np.searchsorted(at, x).clip(1, len(at) - 1)                        # the step of the grid that x lies in
    even = (p_z[i] + p_z[i - 1]) / 2 * np.abs(z[i] - z[i - 1]) / (at[i] - at[i - 1])
    bent = np.maximum(slope[i], slope[i - 1]) > 2 * np.minimum(slope[i], slope[i - 1])
    return np.where(bent & (at[0] <= x) & (x <= at[-1]), even, smooth)
