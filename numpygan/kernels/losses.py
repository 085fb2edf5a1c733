"""The losses on logits, compiled: value and gradient from one exponential per number."""
import numpy as np

from .exponential import decay_float32, decay_float64, each, exponentials, log1p_float32, log1p_float64
from .support import COMPILED, ODD_ARGUMENTS, closed, floats, jit, matrix, opened, ordered_jit, reals


@ordered_jit
def _sum(x):
    """Σ xᵢ in float64"""
    total = 0.0
    for i in range(x.size):
        total += np.float64(x[i])
    return total


@ordered_jit
def _bce_of(s, t, e, log, one):
    """ℓ(s, t) and its derivative, from e = e^−|s| and log = log(1 + e); a target that is met is no 0 · ∞."""
    high = one / (one + e)
    low = e * high
    if s > one - one:
        return ((one - t) * s if t != one else one - t) + log, (one - t) * high - t * low
    return (-t * s if t != one - one else t) + log, (one - t) * low - t * high


@closed
@ordered_jit
def _bce_mean_float32(s, target, ds, room):
    """(1/n) Σ ℓ(sᵢ, t) for one target t; its gradient into ds; and (1/n) Σ ℓ′(sᵢ, t)."""
    one, t = np.float32(1), np.float32(target)
    share = one / np.float32(s.size)
    for i in range(s.size):
        e = decay_float32(s[i])
        room[i], d = _bce_of(s[i], t, e, log1p_float32(e), one)
        ds[i] = d * share
    return _sum(room) / s.size, _sum(ds) / (np.float64(share) * s.size)


@closed
@ordered_jit
def _bce_mean_float64(s, target, ds, room):
    for i in range(s.size):
        e = decay_float64(s[i])
        room[i], d = _bce_of(s[i], target, e, log1p_float64(e), 1.0)
        ds[i] = d / s.size
    return _sum(room) / s.size, _sum(ds)


@jit
def _bce_each(s, t, e, log):
    """With a target each: ℓ(sᵢ, tᵢ) in place of the logarithm, ℓ′(sᵢ, tᵢ) in place of e^−|sᵢ|."""
    one = s.dtype.type(1)
    for i in range(s.size):
        log[i], e[i] = _bce_of(s[i], t[i], e[i], log[i], one)


@jit
def _softmax_cross_entropy(s, labels, ds):
    """s: logits whose largest is 0 in every row."""
    n = s.dtype.type(s.shape[0])
    total = 0.0
    for i in range(s.shape[0]):
        z = 0.0
        for j in range(s.shape[1]):
            ds[i, j] = np.exp(s[i, j])
            z += ds[i, j]
        total += np.log(z) - s[i, labels[i]]
        scale = s.dtype.type(1 / z) / n
        for j in range(s.shape[1]):
            ds[i, j] *= scale
        ds[i, labels[i]] -= 1 / n
    return total / s.shape[0]


def _with_each(logit, target):
    """ℓ(sᵢ, tᵢ) and ℓ′(sᵢ, tᵢ) of each logit."""
    s, t = each(logit, target, "the target")
    slope, loss = exponentials(s)
    _bce_each(s.ravel(), t.ravel(), slope.ravel(), loss.ravel())
    return loss, slope


def bce_with_logits(logit, target):
    """ℓ(s, t) = softplus(s) − t s                                                              Eq. (4.5)

    Optimizations: the exponential and the logarithm vectorise.
    """
    return _with_each(logit, target)[0]


def bce_with_logits_backward(dy, logit, target):
    """ds = dy · (σ(s) − t)                                                                     Eq. (4.6)

    Optimizations: σ(s) and σ(−s) from one exponential.
    """
    logit, dy = each(logit, dy, "dy")
    _, ds = _with_each(logit, target)
    ds *= dy
    return ds


def _mean(logit, target):
    """The mean cross-entropy of the logits with one target, or with one target each, and its gradient."""
    if type(target) in (float, int):
        return _with_one(logit, float(target))[:2]
    target = reals(target, "the target")
    if target.ndim == 0:
        return _with_one(logit, float(target))[:2]
    loss, ds = _with_each(logit, target)
    ds /= ds.size
    return ds.dtype.type(loss.sum(dtype=np.float64) / ds.size), ds


def _with_one(logit, target):
    """The mean of ℓ(sᵢ, t), its gradient, and the mean of ℓ′(sᵢ, t)."""
    try:                                                    # with an array as it nearly always is
        if COMPILED and logit.size:                         # a loop in Python would take any types
            return _with(logit, target)
    except ODD_ARGUMENTS:
        pass
    with opened(_bce_mean_float32, _bce_mean_float64):
        return _with(floats(logit), target)


def _with(s, target):
    kernel, ds = _bce_mean_float32 if s.dtype.char == "f" else _bce_mean_float64, np.empty(s.shape, s.dtype)
    mean, slope = kernel(s.ravel(), target, ds.ravel(), np.empty(s.size, s.dtype))
    return s.dtype.type(mean), ds, slope


def bce_discriminator(logit_real, logit_fake, alpha, beta=0):
    """L_D = (1/n) Σ ℓ(s_real, α) + (1/m) Σ ℓ(s_fake, β)                                        Eq. (4.7)
    d_real = ((1 − α) σ(s_real) − α σ(−s_real)) / n,   d_fake likewise with β and m            Eq. (4.8)

    Optimizations: value and gradient in one pass over each batch; the sum in float64.
    """
    L_real, d_real = _mean(logit_real, alpha)
    L_fake, d_fake = _mean(logit_fake, beta)
    return L_real + L_fake, d_real, d_fake


def mean_sigmoid(logit):
    """(1/n) Σ σ(sᵢ), as a float: what D answers on average.

    Optimizations: one pass, no temporaries; σ(s) = ℓ′(s, 0), so that there is one kernel for this and for the losses.
    """
    return _with_one(logit, 0.0)[2]


def minimax_generator(logit_fake):
    """L_G = −(1/m) Σ softplus(s)                                                               Eq. (4.9)
    d_fake = −σ(s) / m                                                                         Eq. (4.10)

    Optimizations: value and gradient in one pass: −ℓ(s, 0).
    """
    L, d_fake = _mean(logit_fake, 0)
    return -L, -d_fake


def non_saturating_generator(logit_fake):
    """L_G = (1/m) Σ softplus(−s)                                                              Eq. (4.11)
    d_fake = −σ(−s) / m                                                                        Eq. (4.12)

    Optimizations: value and gradient in one pass: ℓ(s, 1).
    """
    return _mean(logit_fake, 1)


def softmax_cross_entropy(logits, labels):
    """L = (1/n) Σᵢ (log Σⱼ e^sᵢⱼ − sᵢ,yᵢ)                                                      Eq. (4.14)
    ds = (softmax(s) − onehot(y)) / n                                                          Eq. (4.15)

    Optimizations: value and gradient row by row; the sum in float64.
    """
    s = floats(matrix(logits))
    ds = np.empty(s.shape, s.dtype)
    labels = np.ascontiguousarray(labels)
    if labels.shape != s.shape[:1] or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= s.shape[1]:
        raise ValueError(f"labels must hold {len(s)} whole numbers 0 … {s.shape[1] - 1}, one for each row of logits")
    s = s - s.max(axis=1, keepdims=True)       # out here: in there "reassoc" may add the largest logit to the sum first
    return s.dtype.type(_softmax_cross_entropy(s, labels.astype(np.int64), ds)), ds
