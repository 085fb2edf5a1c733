"""The oracle for the later chapters: other losses (chapter 9), second derivatives and penalties (chapter 10).

Written like `naive.py`: loops over plain Python floats, nothing of the package imported.
"""
import math

from naive import column, elementwise, floats

# --- losses on logits: chapter 9 ------------------------------------------------------------------------------


def least_squares_discriminator(logit_real, logit_fake):
    """half the mean of (s_real - 1)^2 + half the mean of s_fake^2, and its derivatives       Eqs. (9.1), (9.2)"""
    real, fake = column(logit_real), column(logit_fake)
    n, m = len(real), len(fake)
    L = sum((s - 1)**2 for s in real) / (2 * n) + sum(s**2 for s in fake) / (2 * m)
    return L, [[(s - 1) / n] for s in real], [[s / m] for s in fake]


def least_squares_generator(logit_fake):
    """half the mean of (s - 1)^2, and its derivative                                         Eqs. (9.3), (9.4)"""
    fake = column(logit_fake)
    m = len(fake)
    return sum((s - 1)**2 for s in fake) / (2 * m), [[(s - 1) / m] for s in fake]


def hinge_discriminator(logit_real, logit_fake):
    """mean of max(0, 1 - s_real) + mean of max(0, 1 + s_fake), and its derivatives           Eqs. (9.5), (9.6)"""
    real, fake = column(logit_real), column(logit_fake)
    n, m = len(real), len(fake)
    L = sum(max(0.0, 1 - s) for s in real) / n + sum(max(0.0, 1 + s) for s in fake) / m
    return L, [[-1 / n if s < 1 else 0.0] for s in real], [[1 / m if s > -1 else 0.0] for s in fake]


def wasserstein_discriminator(logit_real, logit_fake):
    """-mean of s_real + mean of s_fake, and its derivatives                                  Eqs. (9.7), (9.8)"""
    real, fake = column(logit_real), column(logit_fake)
    n, m = len(real), len(fake)
    return -sum(real) / n + sum(fake) / m, [[-1 / n] for _ in real], [[1 / m] for _ in fake]


def wasserstein_generator(logit_fake):
    """-mean of s, and its derivative                                                        Eqs. (9.9), (9.10)"""
    fake = column(logit_fake)
    m = len(fake)
    return -sum(fake) / m, [[-1 / m] for _ in fake]


# --- derivatives of derivatives: chapter 10; y is what the forward function returned --------------------------


def sigmoid_curvature(dy_dot, x_dot, y):
    """dy_dot x_dot sigmoid''(x), sigmoid'' = y (1 - y) (1 - 2 y)                                  Eq. (10.12)"""
    return elementwise(lambda d, u, v: d * u * v * (1 - v) * (1 - 2 * v), dy_dot, x_dot, y)


def tanh_curvature(dy_dot, x_dot, y):
    """dy_dot x_dot tanh''(x), tanh'' = -2 y (1 - y^2)                                             Eq. (10.13)"""
    return elementwise(lambda d, u, v: -2 * d * u * v * (1 - v * v), dy_dot, x_dot, y)


def maxout_jvp(x_dot, index, k):
    """y_dot_ij = x_dot at the piece of unit j that won                                            Eq. (10.10)"""
    return [[float(row[j * k + winner]) for j, winner in enumerate(winners)]
            for row, winners in zip(x_dot, index, strict=True)]


def square_penalty(u, gamma):
    """gamma / 2 times the mean over rows of |u_i|^2, and its derivative              Eqs. (10.1), (10.2), (10.4)"""
    u, n = floats(u), len(u)
    P = gamma / 2 * sum(a * a for row in u for a in row) / n
    return P, [[gamma / n * a for a in row] for row in u]


def norm_penalty(u, weight):
    """weight times the mean over rows of (|u_i| - 1)^2, and its derivative; 0 where u_i = 0  Eqs. (10.3), (10.5)"""
    P, v, n = 0.0, [], len(u)
    for row in floats(u):
        size = math.sqrt(sum(a * a for a in row))
        P += weight * (size - 1)**2 / n
        v.append([2 * weight / n * (size - 1) * a / size if size > 0 else 0.0 for a in row])
    return P, v
