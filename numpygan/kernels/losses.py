"""The losses on logits, compiled: value and gradient from one exponential per logit."""
import numpy as np

from .elementwise import decays
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
def _log1p(e):
    return np.log1p(e)


@jit
def _log1p_float32(e):
    """log(1 + e) for 0 <= e <= 1 by arithmetic that vectorises: log((1 + r)/(1 − r)) = 2 (r + r³/3 + r⁵/5 + …) where
    r = e/(2 + e) <= 1/3, so that r¹⁵/15 is below an eighth of eps."""
    one, two = np.float32(1), np.float32(2)
    c3, c5, c7 = np.float32(1 / 3), np.float32(1 / 5), np.float32(1 / 7)
    c9, c11, c13 = np.float32(1 / 9), np.float32(1 / 11), np.float32(1 / 13)
    r = e / (two + e)
    z = r * r
    return two * r * (one + z * (c3 + z * (c5 + z * (c7 + z * (c9 + z * (c11 + z * c13))))))


def _bce_mean_with(log1p):
    @jit
    def bce_mean(s, target, ds):
        """(1/n) Σ ℓ(sᵢ, t) for one target t; its gradient into ds, which holds e^−|sᵢ|. Loops that vectorise."""
        zero, one, t = s.dtype.type(0), s.dtype.type(1), s.dtype.type(target)
        share = one / s.dtype.type(s.size)
        total = 0.0
        for i in range(s.size):
            total += ((one - t) * s[i] if s[i] > zero else -t * s[i]) + log1p(ds[i])
        for i in range(s.size):
            high = one / (one + ds[i])
            low = ds[i] * high
            ds[i] = share * ((one - t) * low - t * high if s[i] < zero else (one - t) * high - t * low)
        return total / s.size
    return bce_mean


_bce_mean = {"f": _bce_mean_with(_log1p_float32), "d": _bce_mean_with(_log1p)}


@jit
def _bce_mean_each(s, t, ds):
    """(1/n) Σ ℓ(sᵢ, tᵢ) for a target each; its gradient into ds."""
    zero, one = s.dtype.type(0), s.dtype.type(1)
    n = s.dtype.type(s.size)
    total = 0.0
    for i in range(s.size):
        e = np.exp(-abs(s[i]))
        low, high = e / (one + e), one / (one + e)
        total += ((one - t[i]) * s[i] if s[i] > zero else -t[i] * s[i]) + np.log1p(e)
        ds[i] = ((one - t[i]) * low - t[i] * high if s[i] < 0 else (one - t[i]) * high - t[i] * low) / n
    return total / s.size


@jit
def _mean_sigmoid(s, e):
    one = s.dtype.type(1)
    total = 0.0
    for i in range(s.size):
        total += (e[i] if s[i] < 0 else one) / (one + e[i])
    return total / s.size


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


@jit
def _square_mean(s, target, ds):
    n = s.dtype.type(s.size)
    total = 0.0
    for i in range(s.size):
        r = s[i] - target
        total += r * r
        ds[i] = r / n
    return total / (2 * s.size)


@jit
def _hinge_mean(s, sign, ds):
    """(1/n) Σ max(0, 1 − sign · sᵢ); its gradient into ds."""
    zero, one = s.dtype.type(0), s.dtype.type(1)
    slope = -sign / s.dtype.type(s.size)
    total = 0.0
    for i in range(s.size):
        r = one - sign * s[i]
        total += zero if r <= zero else r
        ds[i] = slope if r > zero else zero
    return total / s.size


@jit
def _plain_mean(s, sign, ds):
    slope = sign / s.dtype.type(s.size)
    total = 0.0
    for i in range(s.size):
        total += s[i]
        ds[i] = slope
    return sign * (total / s.size)


def _logits(x):
    x = floats(x)
    return x, np.empty(x.shape, x.dtype)


def _targets(logit, target):
    logit = floats(logit)
    target = np.broadcast_to(np.asarray(target, logit.dtype), logit.shape)
    return logit, np.asarray(target, order="C")


def _pair(kernel, dy, x):
    x = floats(x)
    x, dy = alike(x, np.broadcast_to(np.asarray(dy, x.dtype), x.shape))
    dx = np.empty(x.shape, x.dtype)
    kernel(dy.ravel(), x.ravel(), dx.ravel())
    return dx


def softplus(x):
    """y = log(1 + eˣ)                                                                          Eq. (4.1)

    Optimizations: one pass, no temporaries.
    """
    x, y = _logits(x)
    _softplus(x.ravel(), y.ravel())
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
    _log_sigmoid(x.ravel(), y.ravel())
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
    _bce(s.ravel(), t.ravel(), out.ravel())
    return out


def bce_with_logits_backward(dy, logit, target):
    """ds = dy · (σ(s) − t)                                                                     Eq. (4.6)

    Optimizations: σ(s) and σ(−s) from one exponential.
    """
    s, t = _targets(logit, target)
    s, dy = alike(s, np.broadcast_to(np.asarray(dy, s.dtype), s.shape))
    ds = np.empty(s.shape, s.dtype)
    _bce_backward(dy.ravel(), s.ravel(), t.ravel(), ds.ravel())
    return ds


def _mean(logit, target):
    """The mean cross-entropy of the logits with one target, or with one target each, and its gradient."""
    if not isinstance(target, np.ndarray):
        s, ds = floats(logit), decays(logit)
        L = _bce_mean[s.dtype.char](s.ravel(), float(target), ds.ravel())
    else:
        s, t = _targets(logit, target)
        ds = np.empty(s.shape, s.dtype)
        L = _bce_mean_each(s.ravel(), t.ravel(), ds.ravel())
    return s.dtype.type(L), ds


def bce_discriminator(logit_real, logit_fake, alpha, beta=0):
    """L_D = (1/n) Σ ℓ(s_real, α) + (1/m) Σ ℓ(s_fake, β)                                        Eq. (4.7)
    d_real = ((1 − α) σ(s_real) − α σ(−s_real)) / n,   d_fake likewise with β and m            Eq. (4.8)

    Optimizations: value and gradient in one pass over each batch; the sum in float64.
    """
    L_real, d_real = _mean(logit_real, alpha)
    L_fake, d_fake = _mean(logit_fake, beta)
    return L_real + L_fake, d_real, d_fake


def mean_sigmoid(logit):
    """(1/n) Σ σ(sᵢ), as a float: what D answers on average.   Optimizations: one pass, no temporaries."""
    return float(_mean_sigmoid(floats(logit).ravel(), decays(logit).ravel()))


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
    s, ds = _logits(logits)
    labels = np.ascontiguousarray(labels)
    if labels.shape != s.shape[:1] or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= s.shape[1]:
        raise ValueError(f"labels must hold {len(s)} whole numbers 0 … {s.shape[1] - 1}, one for each row of logits")
    s = s - s.max(axis=1, keepdims=True)       # out here: in there "reassoc" may add the largest logit to the sum first
    return s.dtype.type(_softmax_cross_entropy(s, labels.astype(np.int64), ds)), ds


def _reduce(kernel, logit, constant):
    s, ds = _logits(logit)
    return s.dtype.type(kernel(s.ravel(), s.dtype.type(constant), ds.ravel())), ds


def least_squares_discriminator(logit_real, logit_fake):
    """L_D = (1/2n) Σ (s_real − 1)² + (1/2m) Σ s_fake²                                          Eq. (9.1)
    d_real = (s_real − 1) / n,   d_fake = s_fake / m                                            Eq. (9.2)

    Optimizations: value and gradient in one pass.
    """
    (L_real, d_real), (L_fake, d_fake) = _reduce(_square_mean, logit_real, 1), _reduce(_square_mean, logit_fake, 0)
    return L_real + L_fake, d_real, d_fake


def least_squares_generator(logit_fake):
    """L_G = (1/2m) Σ (s_fake − 1)²                                                             Eq. (9.3)
    d_fake = (s_fake − 1) / m                                                                   Eq. (9.4)

    Optimizations: value and gradient in one pass.
    """
    return _reduce(_square_mean, logit_fake, 1)


def hinge_discriminator(logit_real, logit_fake):
    """L_D = (1/n) Σ max(0, 1 − s_real) + (1/m) Σ max(0, 1 + s_fake)                            Eq. (9.5)
    d_real = −1/n where s_real < 1, else 0;   d_fake = 1/m where s_fake > −1, else 0            Eq. (9.6)

    Optimizations: value and gradient in one pass.
    """
    (L_real, d_real), (L_fake, d_fake) = _reduce(_hinge_mean, logit_real, 1), _reduce(_hinge_mean, logit_fake, -1)
    return L_real + L_fake, d_real, d_fake


def wasserstein_discriminator(logit_real, logit_fake):
    """L_D = −(1/n) Σ s_real + (1/m) Σ s_fake                                                   Eq. (9.7)
    d_real = −1/n,   d_fake = 1/m                                                               Eq. (9.8)

    Optimizations: value and gradient in one pass.
    """
    (L_real, d_real), (L_fake, d_fake) = _reduce(_plain_mean, logit_real, -1), _reduce(_plain_mean, logit_fake, 1)
    return L_real + L_fake, d_real, d_fake


def wasserstein_generator(logit_fake):
    """L_G = −(1/m) Σ s_fake                                                                    Eq. (9.9)
    d_fake = −1/m                                                                              Eq. (9.10)

    Optimizations: value and gradient in one pass.
    """
    return _reduce(_plain_mean, logit_fake, -1)
