"""The density of G(z) for a generator of one number from one number: exact, without a sample."""
import math

import numpy as np

from ..network import Network

REACH = {"normal": 6.0, "uniform": math.sqrt(3)}        # noise beyond that: 2e-9 of the mass, none


def generated_density(G: Network, x: np.ndarray, noise: str = "normal", m: int = 4001) -> np.ndarray:
    """p_g(x) = Σ p_z(z)/|G'(z)| over all z with G(z) = x                                       Eq. (6.2)

    x (k,) -> p_g (k,), in float64. G' is its backward pass with dy = 1, on a grid of `m` values of z; between them
    p_z/|G'| is taken as linear in x. Where G turns back the density is infinite, and the grid only goes up to it.
    """
    if (G.d_in, G.d_out) != (1, 1):
        raise ValueError(f"the density can be computed for a generator of one column from one, and this has "
                         f"{G.d_in} and {G.d_out}: draw samples instead")
    if noise not in REACH:
        raise ValueError(f"unknown noise {noise!r}: choose one of {', '.join(REACH)}")
    z = np.linspace(-REACH[noise], REACH[noise], m)
    y, tape = G.forward(z[:, None])
    slope, _ = G.backward(tape, np.ones_like(y), want_g=False)
    at, slope = y[:, 0].astype(float), np.abs(slope[:, 0].astype(float))
    q = np.divide(noise_density(z, noise), slope, out=np.zeros_like(slope), where=slope > 0)
    return sum((_branch(x, at[part], q[part]) for part in _monotone(np.sign(np.diff(at)))), np.zeros(np.shape(x)))


def noise_density(z: np.ndarray, noise: str = "normal") -> np.ndarray:
    """p_z(z) of Eq. (3.7), where it is not 0."""
    if noise == "uniform":
        return np.full(np.shape(z), 1 / (2 * math.sqrt(3)))
    return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _monotone(rises: np.ndarray) -> list[slice]:
    """The parts of the grid on which G only rises, or only falls, as slices; one on which it rests is left out."""
    turns = np.flatnonzero(np.diff(rises)) + 1
    ends = [0, *turns.tolist(), len(rises)]
    return [slice(a, b + 1) for a, b in zip(ends[:-1], ends[1:], strict=True) if rises[a] != 0]


def _branch(x: np.ndarray, at: np.ndarray, q: np.ndarray) -> np.ndarray:
    order = slice(None) if at[0] < at[-1] else slice(None, None, -1)
    return np.interp(x, at[order], q[order], left=0.0, right=0.0)
