"""The oracle for the later chapters: other losses (9), second derivatives and penalties (10), tricks (11).

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


# --- tricks: chapter 11 ---------------------------------------------------------------------------------------


def _moments(numbers):
    """Mean, and mean squared distance from it."""
    n = len(numbers)
    mean = sum(numbers) / n
    return mean, sum((a - mean)**2 for a in numbers) / n


def _columns(x):
    return [list(numbers) for numbers in zip(*floats(x), strict=True)]


def _rows(columns):
    return [list(row) for row in zip(*columns, strict=True)]


def batch_norm(x, gamma, beta, eps):
    """Column by column: (a - mean) / sqrt(variance + eps), then gamma times that plus beta         Eq. (11.2)"""
    y, x_hat, means, variances = [], [], [], []
    for numbers, g, b in zip(_columns(x), gamma, beta, strict=True):
        mean, variance = _moments(numbers)
        normal = [(a - mean) / math.sqrt(variance + eps) for a in numbers]
        x_hat.append(normal)
        y.append([float(g) * a + float(b) for a in normal])
        means.append(mean)
        variances.append(variance)
    return _rows(y), _rows(x_hat), means, variances


def batch_norm_backward(dy, x_hat, var, gamma, eps):
    """The chain rule, step by step: x_hat = c / root, root = sqrt(mean c^2 + eps), c = x - mean        Eq. (11.3)"""
    dx, dgamma, dbeta = [], [], []
    for d, h, variance, g in zip(_columns(dy), _columns(x_hat), var, gamma, strict=True):
        n, root = len(d), math.sqrt(float(variance) + eps)
        dh = [a * float(g) for a in d]                                    # x_hat = c / root,  c = x - mean
        droot = sum(-a * b / root for a, b in zip(dh, h, strict=True))    # d(1/root) = -1/root^2, and c = h root
        dvariance = droot / (2 * root)
        dc = [a / root + dvariance * 2 * b * root / n for a, b in zip(dh, h, strict=True)]
        dx.append([a - sum(dc) / n for a in dc])
        dgamma.append(sum(a * b for a, b in zip(d, h, strict=True)))
        dbeta.append(sum(d))
    return _rows(dx), dgamma, dbeta


def minibatch_std(x, eps):
    """One more column, the mean deviation of the columns; and how that moves with each entry       Eq. (11.5)"""
    x, n, d = floats(x), len(x), len(x[0])
    moments = [_moments(numbers) for numbers in _columns(x)]
    sigma = [math.sqrt(variance + eps) for _, variance in moments]
    s = sum(sigma) / d
    slope = [[(row[j] - moments[j][0]) / (n * d * sigma[j]) for j in range(d)] for row in x]
    return [[*row, s] for row in x], slope


def minibatch_std_backward(dy, slope):
    """dy of the row itself, and the slope times dy of the last column of every row                 Eq. (11.6)"""
    dy = floats(dy)
    ds = sum(row[-1] for row in dy)
    return [[d + float(a) * ds for d, a in zip(row[:-1], slopes, strict=True)]
            for row, slopes in zip(dy, slope, strict=True)]


def power_iteration(W, v):
    """u = W v, v = W^T u, each divided by its length                                               Eq. (11.9)"""
    W, v = floats(W), floats(v)
    u = _unit([sum(w * b for w, b in zip(row, v, strict=True)) for row in W])
    return u, _unit([sum(w * a for w, a in zip(numbers, u, strict=True)) for numbers in _columns(W)])


def _unit(x):
    size = math.sqrt(sum(a * a for a in x))
    return [a / size for a in x]


def spectral_norm(W, u, v):
    """W divided by sigma = sum_ij u_i W_ij v_j                                                     Eq. (11.8)"""
    W, u, v = floats(W), floats(u), floats(v)
    sigma = sum(u[i] * W[i][j] * v[j] for i in range(len(u)) for j in range(len(v)))
    return [[w / sigma for w in row] for row in W], sigma


def spectral_norm_backward(dW_bar, W_bar, u, v, sigma):
    """(dW_bar_ij - (sum_kl dW_bar_kl W_bar_kl) u_i v_j) / sigma                                   Eq. (11.10)"""
    dW_bar, W_bar, u, v, sigma = floats(dW_bar), floats(W_bar), floats(u), floats(v), float(sigma)
    along = sum(d * w for ds, ws in zip(dW_bar, W_bar, strict=True) for d, w in zip(ds, ws, strict=True))
    return [[(dW_bar[i][j] - along * u[i] * v[j]) / sigma for j in range(len(v))] for i in range(len(u))]


def clip(theta, bound):
    """theta, but nothing above bound and nothing below -bound                                     Eq. (11.12)"""
    return elementwise(lambda w: max(min(w, bound), -bound), theta)


def average(old, new, beta):
    """beta old + (1 - beta) new                                                         Eqs. (11.4), (11.13)"""
    return elementwise(lambda a, b: beta * a + (1 - beta) * b, old, new)
