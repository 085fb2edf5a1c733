"""The losses on logits, compiled: value and gradient from one exponential per logit."""
import numpy as np

from .support import alike, floats, jit


@jit
def _softplus(x, y):
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = (x[i] if x[i] > zero else zero) + np.log1p(np.exp(-abs(x[i])))


@jit
def _log_sigmoid(x, y):
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = (x[i] if x[i] < zero else zero) - np.log1p(np.exp(-abs(x[i])))


@jit
def _softplus_backward(dy, x, dx):
    one = x.dtype.type(1)
    for i in range(x.size):
        e = np.exp(-abs(x[i]))
        dx[i] = dy[i] * (e if x[i] < 0 else one) / (one + e)


@jit
def _log_sigmoid_backward(dy, x, dx):
    one = x.dtype.type(1)
    for i in range(x.size):
        e = np.exp(-abs(x[i]))
        dx[i] = dy[i] * (one if x[i] < 0 else e) / (one + e)


@jit
def _bce(s, t, out):
    zero, one = s.dtype.type(0), s.dtype.type(1)
    for i in range(s.size):
        out[i] = ((one - t[i]) * s[i] if s[i] > zero else -t[i] * s[i]) + np.log1p(np.exp(-abs(s[i])))


@jit
def _bce_backward(dy, s, t, ds):
    one = s.dtype.type(1)
    for i in range(s.size):
        e = np.exp(-abs(s[i]))
        low, high = e / (one + e), one / (one + e)
        ds[i] = dy[i] * ((one - t[i]) * low - t[i] * high if s[i] < 0 else (one - t[i]) * high - t[i] * low)


@jit
def _bce_mean(s, t, ds):
    """(1/n) Σ ℓ(sᵢ, t) for one target t; its gradient into ds."""
    zero, one = s.dtype.type(0), s.dtype.type(1)
    n = s.dtype.type(s.size)
    total = 0.0
    for i in range(s.size):
        e = np.exp(-abs(s[i]))
        low, high = e / (one + e), one / (one + e)
        total += ((one - t) * s[i] if s[i] > zero else -t * s[i]) + np.log1p(e)
        ds[i] = ((one - t) * low - t * high if s[i] < 0 else (one - t) * high - t * low) / n
    return total / s.size


def _logits(x):
    x = floats(x)
    return x, np.empty(x.shape, x.dtype)


def _targets(logit, target):
    logit = floats(logit)
    target = np.broadcast_to(np.asarray(target, logit.dtype), logit.shape)
    return logit, np.ascontiguousarray(target)


def _pair(kernel, dy, x):
    x = floats(x)
    x, dy = alike(x, np.broadcast_to(np.asarray(dy, x.dtype), x.shape))
    dx = np.empty(x.shape, x.dtype)
    kernel(dy.reshape(-1), x.reshape(-1), dx.reshape(-1))
    return dx


def softplus(x):
    """y = log(1 + eˣ)                                                                          Eq. (4.1)

    Optimizations: one pass, no temporaries.
    """
    x, y = _logits(x)
    _softplus(x.reshape(-1), y.reshape(-1))
    return y


def softplus_backward(dy, x):
    """dx = dy · σ(x)                                                                           Eq. (4.2)

    Optimizations: one pass, no temporaries.
    """
    return _pair(_softplus_backward, dy, x)


def log_sigmoid(x):
    """y = log σ(x)                                                                             Eq. (4.3)

    Optimizations: one pass, no temporaries.
    """
    x, y = _logits(x)
    _log_sigmoid(x.reshape(-1), y.reshape(-1))
    return y


def log_sigmoid_backward(dy, x):
    """dx = dy · σ(−x)                                                                          Eq. (4.4)

    Optimizations: one pass, no temporaries.
    """
    return _pair(_log_sigmoid_backward, dy, x)


def bce_with_logits(logit, target):
    """ℓ(s, t) = softplus(s) − t s                                                              Eq. (4.5)

    Optimizations: one pass, no temporaries.
    """
    s, t = _targets(logit, target)
    out = np.empty(s.shape, s.dtype)
    _bce(s.reshape(-1), t.reshape(-1), out.reshape(-1))
    return out


def bce_with_logits_backward(dy, logit, target):
    """ds = dy · (σ(s) − t)                                                                     Eq. (4.6)

    Optimizations: σ(s) and σ(−s) from one exponential.
    """
    s, t = _targets(logit, target)
    s, dy = alike(s, np.broadcast_to(np.asarray(dy, s.dtype), s.shape))
    ds = np.empty(s.shape, s.dtype)
    _bce_backward(dy.reshape(-1), s.reshape(-1), t.reshape(-1), ds.reshape(-1))
    return ds


def _mean(logit, target):
    """The mean cross-entropy of all logits with one target, and its gradient."""
    s, ds = _logits(logit)
    L = _bce_mean(s.reshape(-1), s.dtype.type(target), ds.reshape(-1))
    return s.dtype.type(L), ds


def bce_discriminator(logit_real, logit_fake, alpha):
    """L_D = (1/n) Σ ℓ(s_real, α) + (1/m) Σ ℓ(s_fake, 0)                                        Eq. (4.7)
    d_real = ((1 − α) σ(s_real) − α σ(−s_real)) / n,   d_fake = σ(s_fake) / m                   Eq. (4.8)

    Optimizations: value and gradient in one pass over each batch; the sum in float64.
    """
    L_real, d_real = _mean(logit_real, alpha)
    L_fake, d_fake = _mean(logit_fake, 0)
    return L_real + L_fake, d_real, d_fake


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
