"""The exponential, and what is made of it: sigmoid, tanh, softplus and log σ, compiled.

The library computes one exponential at a time. Here it is arithmetic that vectorises, in two versions: float32 makes
do with shorter polynomials, and float64 is compiled for those alone who use it.
"""
import math

import numpy as np

from .support import alike, floats, jit, ordered_jit, reals

# The constants of `decay_float32` and `log1p_float32`: as names of the file they take the compiler half the time.
HALF, ONE, TWO, MOST, LAST = np.float32(0.5), np.float32(1), np.float32(2), np.float32(104), np.float32(150)
PER_LOG2, LOG2, LOG2_REST = np.float32(1.44269504088896341), np.float32(0.693359375), np.float32(-2.12194440e-4)
A2, A3, A4 = np.float32(5.0000001201e-1), np.float32(1.6666665459e-1), np.float32(4.1665795894e-2)
A5, A6, A7 = np.float32(8.3334519073e-3), np.float32(1.3981999507e-3), np.float32(1.9875691500e-4)
C3, C5, C7, C9, C11, C13 = (np.float32(1 / k) for k in range(3, 15, 2))

# And those of float64. E: 1/k!, L: 1/k; log(2) in two parts.
ROUND_64, PER_LOG2_64 = 1.5 * 2**52, np.float64(1.44269504088896341)       # NumPy's, whose products have a `view`
LOG2_64, LOG2_REST_64 = 0.693359375, -2.121944400546905827679e-4
E2, E3, E4, E5, E6, E7, E8, E9, E10, E11, E12, E13 = (1 / math.factorial(k) for k in range(2, 14))
L3, L5, L7, L9, L11, L13, L15, L17, L19, L21, L23, L25, L27, L29, L31 = (1 / k for k in range(3, 33, 2))


@ordered_jit
def decay_float32(x):
    """e^−|x| of a number.

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
def log1p_float32(e):
    """log(1 + e) for 0 <= e <= 1, Eq. (12.6): log((1 + r)/(1 − r)) = 2 (r + r³/3 + …) where r = e/(2 + e) <= 1/3, so
    that r¹⁵/15 is below an eighth of eps."""
    r = e / (TWO + e)
    z = r * r
    return TWO * r * (ONE + z * (C3 + z * (C5 + z * (C7 + z * (C9 + z * (C11 + z * C13))))))


@ordered_jit
def _power_float64(t):
    """e⁻ᵗ = 2⁻ⁿ (1 + p) for t >= 0: a whole number whose last 12 bits are n, and p = eʳ − 1.

    AVX2 has no vectors of such whole numbers, but beside 1.5 · 2⁵² there is no room for digits after the point: to add
    it rounds to n, and its bits end with those of n. For NaN they are anything, and p is NaN. The series of eʳ goes to
    r¹³/13!, and p is right to its last digits near 0 too: what is left out is a twentieth of eps.
    """
    m = t * PER_LOG2_64 + ROUND_64
    n = m - ROUND_64
    r = n * LOG2_64 - t + n * LOG2_REST_64
    high = E7 + r * (E8 + r * (E9 + r * (E10 + r * (E11 + r * (E12 + r * E13)))))
    return m.view(np.int64), r + r * r * (E2 + r * (E3 + r * (E4 + r * (E5 + r * (E6 + r * high)))))


@ordered_jit
def decay_float64(x):
    """e^−|x| of a number, as `decay_float32`."""
    t = abs(x)
    k, p = _power_float64(746.0 if t > 746.0 else t)
    h = k >> 1
    return (1.0 + p) * (((1023 - h) << 52).view(np.float64) * ((1023 - k + h) << 52).view(np.float64))


@ordered_jit
def log1p_float64(e):
    """log(1 + e) for 0 <= e <= 1, as `log1p_float32`; r³³/33 is below a twelfth of eps."""
    r = e / (2.0 + e)
    z = r * r
    high = L17 + z * (L19 + z * (L21 + z * (L23 + z * (L25 + z * (L27 + z * (L29 + z * L31))))))
    return 2.0 * r * (1.0 + z * (L3 + z * (L5 + z * (L7 + z * (L9 + z * (L11 + z * (L13 + z * (L15 + z * high))))))))


@jit
def _tanh_float32(x, y):
    # Odd/even polynomials of degree 13/6 on |x| <= 7.9, where float32 tanh reaches 1 − eps/2.
    top = np.float32(7.90531110763549805)
    a1, a3, a5 = np.float32(4.89352455891786e-03), np.float32(6.37261928875436e-04), np.float32(1.48572235717979e-05)
    a7, a9 = np.float32(5.12229709037114e-08), np.float32(-8.60467152213735e-11)
    a11, a13 = np.float32(2.00018790482477e-13), np.float32(-2.76076847742355e-16)
    b0, b2 = np.float32(4.89352518554385e-03), np.float32(2.26843463243900e-03)
    b4, b6 = np.float32(1.18534705686654e-04), np.float32(1.19825839466702e-06)
    for i in range(x.size):
        t = x[i]
        t = top if t > top else t                  # comparisons, not min and max: NaN stays NaN
        t = -top if t < -top else t
        s = t * t
        p = a1 + s * (a3 + s * (a5 + s * (a7 + s * (a9 + s * (a11 + s * a13)))))
        y[i] = t * p / (b0 + s * (b2 + s * (b4 + s * b6)))


@ordered_jit
def _tanh_float64(x, y):
    """tanh t = (1 − e^−2t) / (1 + e^−2t) for t = |x|, Eq. (12.7), where e^−2t = s + s p with s = 2⁻ⁿ: near 0, where
    s = 1, the numerator is −p, and nothing cancels. From 20 on, tanh is 1."""
    for i in range(x.size):
        t = abs(x[i])
        t = 20.0 if t > 20.0 else t
        k, p = _power_float64(t + t)
        s = ((1023 - k) << 52).view(np.float64)
        y[i] = np.copysign((1.0 - s - s * p) / (1.0 + s + s * p), x[i])


@ordered_jit
def _sigmoid_float32(x, y):
    for i in range(x.size):
        e = decay_float32(x[i])
        y[i] = (e if x[i] < 0 else ONE) / (ONE + e)


@ordered_jit
def _sigmoid_float64(x, y):
    for i in range(x.size):
        e = decay_float64(x[i])
        y[i] = (e if x[i] < 0 else 1.0) / (1.0 + e)


@ordered_jit
def _exponentials_float32(x, e, log):
    """e^−|x|, and log(1 + e^−|x|)."""
    for i in range(x.size):
        e[i] = decay_float32(x[i])
        log[i] = log1p_float32(e[i])


@ordered_jit
def _exponentials_float64(x, e, log):
    for i in range(x.size):
        e[i] = decay_float64(x[i])
        log[i] = log1p_float64(e[i])


def _map(kernel_float32, kernel_float64, x):
    x = floats(x)
    y = np.empty(x.shape, x.dtype)
    (kernel_float32 if x.dtype.char == "f" else kernel_float64)(x.ravel(), y.ravel())
    return y


def exponentials(x):
    """e^−|x| and log(1 + e^−|x|) of what is as `floats` gives it."""
    e, log = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    kernel = _exponentials_float32 if x.dtype.char == "f" else _exponentials_float64
    kernel(x.ravel(), e.ravel(), log.ravel())
    return e, log


def each(x, a, name):
    """x as `floats`, and `a`, one number for all entries of x or one for each, like x."""
    x, a = floats(x), reals(a, name)
    return alike(x, np.full(x.shape, a, x.dtype) if a.ndim == 0 else np.asarray(a, x.dtype))


def sigmoid(x):
    """y = σ(x)                                                                                 Eq. (2.5)

    Optimizations: one pass, no temporaries; an exponential (error at most 2 eps) that vectorises.
    """
    return _map(_sigmoid_float32, _sigmoid_float64, x)


def tanh(x):
    """y = tanh x                                                                               Eq. (2.7)

    Optimizations: in float32 a rational function (error at most 4 eps where |x| > 1e-36; below, its numerator is
    denormal), in float64 an exponential (2 eps), which vectorise; the library's tanh does not.
    """
    return _map(_tanh_float32, _tanh_float64, x)


def softplus(x):
    """y = log(1 + eˣ)                                                                          Eq. (4.1)

    Optimizations: the exponential and the logarithm vectorise.
    """
    x = floats(x)
    e, y = exponentials(x)
    y += np.maximum(x, 0, out=e)
    return y


def softplus_backward(dy, x):
    """dx = dy · σ(x)                                                                           Eq. (4.2)

    Optimizations: those of σ.
    """
    x, dy = each(x, dy, "dy")
    dx = sigmoid(x)
    dx *= dy
    return dx


def log_sigmoid(x):
    """y = log σ(x)                                                                             Eq. (4.3)

    Optimizations: those of softplus: log σ(x) = −softplus(−x).
    """
    y = softplus(-floats(x))
    return np.negative(y, out=y)


def log_sigmoid_backward(dy, x):
    """dx = dy · σ(−x)                                                                          Eq. (4.4)

    Optimizations: those of σ.
    """
    x, dy = each(x, dy, "dy")
    return softplus_backward(dy, -x)
