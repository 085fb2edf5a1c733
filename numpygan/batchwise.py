"""Layers in which the rows of a batch see each other: batch normalisation, minibatch deviation, packing.

The gradient of a batch is then no sum over its rows: every row moves what the others are given. So it matters which
rows share a batch. `discriminator_gradient` gives such a D real and fake rows in two passes, apart:

- *Apart*, each half is judged against its own statistics, and G's step, where D sees fake rows alone, finds D as D
  was trained. What D cannot see through BatchNorm is how the mean and the scale of the two batches differ. With
  MinibatchStd and Pack, D compares batches that are all real with batches that are all fake, which is their purpose.
- *Together*, in one pass of 2n rows, the statistics are those of the mixture, and a mean that differs gives the fake
  away; but in G's step, without the real rows, D is another function than the one that was trained.

Penalties need ∇ₓD row by row and refuse these layers.
"""
import numpy as np

from .checks import real, whole
from .layers import Layer


class BatchNorm(Layer):
    """y = γ (x − μ) / √(σ² + eps) + β, column by column                                       Eq. (11.2)

    A training pass takes μ and σ² from the batch and proposes running ones, Eq. (11.4),

        mean ← (1 − momentum) mean + momentum μ,    var ← (1 − momentum) var + momentum σ² n / (n − 1);

    an evaluation uses those. (In the batch σ² is divided by n, in the running variance by n − 1, so that it estimates
    the variance of the data without bias: PyTorch does the same.) ValueError for a training pass of one row, which
    would be normalised to nothing. Ioffe & Szegedy 2015.
    """
    batchwise = True

    def __init__(self, momentum: float = 0.1, eps: float = 1e-5):
        if not (real(momentum) and 0 < momentum <= 1):
            raise ValueError(f"BatchNorm: the momentum must lie in (0, 1], got {momentum!r}")
        self.momentum, self.eps = float(momentum), _eps(eps, "BatchNorm")

    def shapes(self, d_in):
        return {"gamma": (d_in,), "beta": (d_in,)}, d_in

    def init(self, p, rng):
        p["gamma"][...], p["beta"][...] = 1, 0

    def state(self, d_in):
        return {"mean": np.zeros(d_in), "var": np.ones(d_in)}

    def forward(self, p, x, c):
        if c.rng is None:                          # evaluation is never the hot path: plain NumPy
            x_hat = (x - c.state["mean"]) / np.sqrt(c.state["var"] + self.eps)
            return p["gamma"] * x_hat + p["beta"], (x_hat, c.state["var"], True)
        n = len(x)
        if n == 1:
            raise ValueError("BatchNorm: a training pass needs at least 2 rows, and got 1, which is its own mean: "
                             "choose a batch size that leaves no last minibatch of one row")
        y, x_hat, mean, var = c.ops.batch_norm(x, p["gamma"], p["beta"], self.eps)
        old, new = 1 - self.momentum, self.momentum
        c.new["mean"] = old * c.state["mean"] + new * mean.real                             # Eq. (11.4)
        c.new["var"] = old * c.state["var"] + (new * n / (n - 1)) * var.real
        return y, (x_hat, var, False)

    def backward(self, p, cache, dy, c):
        """Eq. (11.3); in evaluation the running moments are constants and dx = dy γ / √(var + eps)"""
        x_hat, var, constant = cache
        if constant:
            dx = dy * (p["gamma"] / np.sqrt(var + self.eps))
            return dx, {"gamma": (dy * x_hat).sum(axis=0), "beta": dy.sum(axis=0)}
        dx, dgamma, dbeta = c.ops.batch_norm_backward(dy, x_hat, var, p["gamma"], self.eps)
        return dx, {"gamma": dgamma, "beta": dbeta}


class MinibatchStd(Layer):
    """y = x and one more column, the mean over the columns of their standard deviation in the batch   Eq. (11.5)

    D sees how varied the batch is, and G that makes the same sample over and over gives itself away. The same in
    training and evaluation: D's logit of a row depends on the batch it comes in. Karras et al. 2018, section 3;
    eps is inside the root, so that a batch of equal rows has a gradient.
    """
    batchwise = True

    def __init__(self, eps: float = 1e-8):
        self.eps = _eps(eps, "MinibatchStd")

    def shapes(self, d_in):
        return {}, d_in + 1

    def forward(self, p, x, c):
        return c.ops.minibatch_std(x, self.eps)

    def backward(self, p, slope, dy, c):
        """Eq. (11.6)"""
        return c.ops.minibatch_std_backward(dy, slope), {}


class Pack(Layer):
    """yᵢ = (x_im, …, x_im+m−1): every m rows become one, and D judges them together           Eq. (11.11)

    x (n, d) -> y (n // m, m d), so D gives one logit for m samples and learns Jensen-Shannon between the m-fold
    products of the densities, in which a lost mode weighs more. The n % m rows left over are left out and get
    gradient 0. ValueError for fewer rows than m. Lin et al. 2018 (PacGAN), section 3.
    """
    batchwise = True

    def __init__(self, m: int):
        self.m = whole(m, "Pack: the number of rows in a pack")

    def shapes(self, d_in):
        return {}, self.m * d_in

    def forward(self, p, x, c):
        packs = len(x) // self.m
        if packs == 0:
            raise ValueError(f"Pack({self.m}): the batch has {len(x)} rows, fewer than one pack: choose a batch size "
                             f"that leaves at least {self.m} rows in the last minibatch")
        return x[:packs * self.m].reshape(packs, -1), x.shape

    def backward(self, p, shape, dy, c):
        dx = np.zeros(shape, dy.dtype)
        dx[:len(dy) * self.m] = dy.reshape(-1, shape[1])
        return dx, {}


def _eps(eps: float, name: str) -> float:
    if not (real(eps) and 0 < eps < np.inf):
        raise ValueError(f"{name}: eps must be positive, got {eps!r}: it keeps 0 / 0 out of a column of equal entries")
    return float(eps)
