"""The sigmoid, and the losses on logits, compiled: value and gradient from one exponential per logit."""
import numpy as np

from .support import ODD_ARGUMENTS, alike, closed, floats, jit, matrix, opened, ordered_jit


@jit
def _sigmoid(x, y):
    one = x.dtype.type(1)
    for i in range(x.size):
        e = np.exp(-abs(x[i]))
        y[i] = (e if x[i] < 0 else one) / (one + e)


# The constants of `_decay_float32` and `_log1p_float32`: as names of the file they take the compiler half the time.
HALF, ONE, MOST, LAST = np.float32(0.5), np.float32(1), np.float32(104), np.float32(150)
PER_LOG2, LOG2, LOG2_REST = np.float32(1.44269504088896341), np.float32(0.693359375), np.float32(-2.12194440e-4)
A2, A3, A4 = np.float32(5.0000001201e-1), np.float32(1.6666665459e-1), np.float32(4.1665795894e-2)
A5, A6, A7 = np.float32(8.3334519073e-3), np.float32(1.3981999507e-3), np.float32(1.9875691500e-4)
TWO, C3, C5, C7, C9, C11, C13 = (np.float32(c) for c in (2, 1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13))


@ordered_jit
def _decay_float32(x):
    """e^−|x| of a number, from arithmetic that vectorises; np.exp is a call for each number.

    e^−|x| = 2⁻ⁿ eʳ with n whole and |r| <= log(2)/2; eʳ is a polynomial of degree 7 (Cephes, expf) and 2⁻ⁿ is written
    as bits, in two factors, since it may lie below 2⁻¹²⁶. log(2) comes in two parts, of which the first, times n, is
    exact: added up beforehand they would be 30 eps off.
    """
    t = abs(x)
    t = MOST if t > MOST else t                # a comparison, not min: NaN stays NaN
    n = np.floor(t * PER_LOG2 + HALF)
    r = n * LOG2 - t + n * LOG2_REST
    e = ONE + r + r * r * (A2 + r * (A3 + r * (A4 + r * (A5 + r * (A6 + r * A7)))))
    k = np.int32(n if n < LAST else LAST)      # the last for NaN, which has no whole number
    h = k >> 1
    return e * (np.int32((127 - h) << 23).view(np.float32) * np.int32((127 - k + h) << 23).view(np.float32))


@ordered_jit
def _sigmoid_float32(x, y):
    one = np.float32(1)
    for i in range(x.size):
        e = _decay_float32(x[i])
        y[i] = (e if x[i] < 0 else one) / (one + e)


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


@ordered_jit
def _log1p_float32(e):
    """log(1 + e) for 0 <= e <= 1 by arithmetic that vectorises, Eq. (12.6): log((1 + r)/(1 − r)) = 2 (r + r³/3 + …)
    where r = e/(2 + e) <= 1/3, so that r¹⁵/15 is below an eighth of eps."""
    r = e / (TWO + e)
    z = r * r
    return TWO * r * (ONE + z * (C3 + z * (C5 + z * (C7 + z * (C9 + z * (C11 + z * C13))))))


@ordered_jit
def _sum(x):
    """Σ xᵢ in float64"""
    total = 0.0
    for i in range(x.size):
        total += np.float64(x[i])
    return total


@ordered_jit
def _bce_of(s, t, e, log, one):
    """ℓ(s, t) and its derivative, from e = e^−|s| and log = log(1 + e)"""
    high = one / (one + e)
    low = e * high
    if s > one - one:
        return (one - t) * s + log, (one - t) * high - t * low
    return -t * s + log, (one - t) * low - t * high


@closed
@ordered_jit
def _bce_mean(s, target, ds, room):
    """(1/n) Σ ℓ(sᵢ, t) for one target t; its gradient into ds; and (1/n) Σ ℓ′(sᵢ, t)."""
    one, t = s.dtype.type(1), s.dtype.type(target)
    for i in range(s.size):
        e = np.exp(-abs(s[i]))
        room[i], d = _bce_of(s[i], t, e, np.log1p(e), one)
        ds[i] = d / s.dtype.type(s.size)
    return _sum(room) / s.size, _sum(ds)


@closed
@ordered_jit
def _bce_mean_float32(s, target, ds, room):
    one, t = np.float32(1), np.float32(target)
    share = one / np.float32(s.size)
    for i in range(s.size):
        e = _decay_float32(s[i])
        room[i], d = _bce_of(s[i], t, e, _log1p_float32(e), one)
        ds[i] = d * share
    return _sum(room) / s.size, _sum(ds) / (np.float64(share) * s.size)


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


def _logits(x):
    x = floats(x)
    return x, np.empty(x.shape, x.dtype)


def _each(x, a):
    """x as `floats`, and `a`, one number for all entries of x or one for each, like x."""
    x = floats(x)
    return alike(x, np.full(x.shape, a, x.dtype) if np.ndim(a) == 0 else np.asarray(a, x.dtype))


def _pair(kernel, dy, x):
    x, dy = _each(x, dy)
    dx = np.empty(x.shape, x.dtype)
    kernel(dy.ravel(), x.ravel(), dx.ravel())
    return dx


def sigmoid(x):
    """y = σ(x)                                                                                 Eq. (2.5)

    Optimizations: one pass, no temporaries; in float32 an exponential (error at most 2 eps) that vectorises.
    """
    x, y = _logits(x)
    (_sigmoid_float32 if x.dtype.char == "f" else _sigmoid)(x.ravel(), y.ravel())
    return y


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
    s, t = _each(logit, target)
    out = np.empty(s.shape, s.dtype)
    _bce(s.ravel(), t.ravel(), out.ravel())
    return out


def bce_with_logits_backward(dy, logit, target):
    """ds = dy · (σ(s) − t)                                                                     Eq. (4.6)

    Optimizations: σ(s) and σ(−s) from one exponential.
    """
    (s, t), (_, dy) = _each(logit, target), _each(logit, dy)
    ds = np.empty(s.shape, s.dtype)
    _bce_backward(dy.ravel(), s.ravel(), t.ravel(), ds.ravel())
    return ds


def _mean(logit, target):
    """The mean cross-entropy of the logits with one target, or with one target each, and its gradient."""
    if not isinstance(target, np.ndarray):
        return _with_one(logit, float(target))[:2]
    s, t = _each(logit, target)
    ds = np.empty(s.shape, s.dtype)
    return s.dtype.type(_bce_mean_each(s.ravel(), t.ravel(), ds.ravel())), ds


def _with_one(logit, target):
    """The mean of ℓ(sᵢ, t), its gradient, and the mean of ℓ′(sᵢ, t)."""
    try:                                                    # with an array as it nearly always is
        if logit.size:
            return _with(logit, target)
    except ODD_ARGUMENTS:
        pass
    with opened(_bce_mean, _bce_mean_float32):
        return _with(floats(logit), target)


def _with(s, target):
    kernel, ds = _bce_mean_float32 if s.dtype.char == "f" else _bce_mean, np.empty(s.shape, s.dtype)
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
    s, ds = _logits(matrix(logits))
    labels = np.ascontiguousarray(labels)
    if labels.shape != s.shape[:1] or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= s.shape[1]:
        raise ValueError(f"labels must hold {len(s)} whole numbers 0 … {s.shape[1] - 1}, one for each row of logits")
    s = s - s.max(axis=1, keepdims=True)       # out here: in there "reassoc" may add the largest logit to the sum first
    return s.dtype.type(_softmax_cross_entropy(s, labels.astype(np.int64), ds)), ds
