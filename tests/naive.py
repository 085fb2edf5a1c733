"""The oracle: every equation of the package once more, as loops over plain Python floats.

Slow and short on purpose. Nothing of the package is imported, nothing is clever: an equation of docs/ should
be recognised here at a glance. Arguments are anything that can be indexed (lists, arrays); results are floats
and lists of lists. `naive_gan.py` makes a whole GAN of these functions.
"""
import math


def floats(x):
    """Nested lists of Python floats from anything that can be iterated."""
    return [floats(row) for row in x] if hasattr(x, "__len__") else float(x)


def elementwise(f, *arrays):
    """f at every position of arrays of one shape."""
    if not hasattr(arrays[0], "__len__"):
        return f(*(float(a) for a in arrays))
    return [elementwise(f, *rows) for rows in zip(*arrays, strict=True)]


def column(x):
    """The one column of (n, 1) as a list."""
    return [float(row[0]) for row in x]


# --- affine: chapter 2 --------------------------------------------------------------------------------------


def matmul(x, W):
    """y_ij = sum_k x_ik W_kj"""
    x, W = floats(x), floats(W)
    y = [[0.0] * len(W[0]) for _ in x]
    for i in range(len(x)):
        for j in range(len(W[0])):
            for k in range(len(W)):
                y[i][j] += x[i][k] * W[k][j]
    return y


def affine(x, W, b):
    """y_ij = sum_k x_ik W_kj + b_j                                                               Eq. (2.1)"""
    return [[y_ij + float(b_j) for y_ij, b_j in zip(row, b, strict=True)] for row in matmul(x, W)]


def affine_dx(dy, W):
    """dx_ik = sum_j dy_ij W_kj                                                                   Eq. (2.2)"""
    dy, W = floats(dy), floats(W)
    dx = [[0.0] * len(W) for _ in dy]
    for i in range(len(dy)):
        for k in range(len(W)):
            for j in range(len(W[0])):
                dx[i][k] += dy[i][j] * W[k][j]
    return dx


def affine_dW(x, dy):
    """dW_kj = sum_i x_ik dy_ij                                                                   Eq. (2.3)"""
    x, dy = floats(x), floats(dy)
    dW = [[0.0] * len(dy[0]) for _ in x[0]]
    for k in range(len(x[0])):
        for j in range(len(dy[0])):
            for i in range(len(x)):
                dW[k][j] += x[i][k] * dy[i][j]
    return dW


def affine_db(dy):
    """db_j = sum_i dy_ij                                                                         Eq. (2.4)"""
    return [sum(float(row[j]) for row in dy) for j in range(len(dy[0]))]


# --- activations: chapter 2; y is what the forward function returned ----------------------------------------


def _sigmoid(s):
    return 1 / (1 + math.exp(-s)) if s >= 0 else math.exp(s) / (1 + math.exp(s))   # exp never overflows


def sigmoid(x):
    """1 / (1 + e^-x)                                                                             Eq. (2.5)"""
    return elementwise(_sigmoid, x)


def sigmoid_backward(dy, y):
    """dy y (1 - y)                                                                               Eq. (2.6)"""
    return elementwise(lambda d, v: d * v * (1 - v), dy, y)


def tanh(x):
    """(e^x - e^-x) / (e^x + e^-x)                                                                Eq. (2.7)"""
    return elementwise(math.tanh, x)


def tanh_backward(dy, y):
    """dy (1 - y^2)                                                                               Eq. (2.8)"""
    return elementwise(lambda d, v: d * (1 - v * v), dy, y)


def relu(x):
    """x where x > 0, else 0                                                                      Eq. (2.9)"""
    return elementwise(lambda s: s if s > 0 else 0.0, x)


def relu_backward(dy, y):
    """dy where y > 0, else 0                                                                    Eq. (2.10)"""
    return elementwise(lambda d, v: d if v > 0 else 0.0, dy, y)


def leaky_relu(x, slope):
    """x where x > 0, else slope x                                                               Eq. (2.11)"""
    return elementwise(lambda s: s if s > 0 else slope * s, x)


def leaky_relu_backward(dy, y, slope):
    """dy where y > 0, else slope dy                                                             Eq. (2.12)"""
    return elementwise(lambda d, v: d if v > 0 else slope * d, dy, y)


def maxout(x, k):
    """y_ij = max of x_i,jk .. x_i,jk+k-1, and which of them it was, the first on a tie          Eq. (2.16)"""
    y, index = [], []
    for row in floats(x):
        pieces = [row[j:j + k] for j in range(0, len(row), k)]
        y.append([max(piece) for piece in pieces])
        index.append([piece.index(max(piece)) for piece in pieces])
    return y, index


def maxout_backward(dy, index, k):
    """dx_i,jk+c = dy_ij where c won, else 0                                                     Eq. (2.17)"""
    dx = [[0.0] * (k * len(row)) for row in dy]
    for i, row in enumerate(dy):
        for j, d in enumerate(row):
            dx[i][j * k + int(index[i][j])] = float(d)
    return dx


def dropout_mask(shape, rate, rng, dtype):
    """0 with probability rate, else 1 / (1 - rate): the mean stays 1. One draw per unit, row by row."""
    if len(shape) > 0:
        return [dropout_mask(shape[1:], rate, rng, dtype) for _ in range(shape[0])]
    return 0.0 if rng.random(dtype="float32") < rate else 1 / (1 - rate)


def dropout(x, mask):
    """x mask                                                                                    Eq. (2.18)"""
    return elementwise(lambda s, keep: s * keep, x, mask)


def dropout_backward(dy, mask):
    """dy mask                                                                                   Eq. (2.19)"""
    return elementwise(lambda d, keep: d * keep, dy, mask)


# --- losses on logits: chapter 4 ----------------------------------------------------------------------------


def _softplus(s):
    return max(s, 0.0) + math.log1p(math.exp(-abs(s)))


def softplus(x):
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)                                                 Eq. (4.1)"""
    return elementwise(_softplus, x)


def softplus_backward(dy, x):
    """dy sigmoid(x)                                                                              Eq. (4.2)"""
    return elementwise(lambda d, s: d * _sigmoid(s), dy, x)


def log_sigmoid(x):
    """log sigmoid(x) = -softplus(-x)                                                             Eq. (4.3)"""
    return elementwise(lambda s: -_softplus(-s), x)


def log_sigmoid_backward(dy, x):
    """dy sigmoid(-x)                                                                             Eq. (4.4)"""
    return elementwise(lambda d, s: d * _sigmoid(-s), dy, x)


def bce_with_logits(logit, target):
    """-t log D - (1 - t) log(1 - D) = softplus(s) - t s, at each logit s                         Eq. (4.5)"""
    return elementwise(lambda s, t: _softplus(s) - t * s, logit, _like(logit, target))


def bce_with_logits_backward(dy, logit, target):
    """dy (sigmoid(s) - t)                                                                        Eq. (4.6)"""
    return elementwise(lambda d, s, t: d * (_sigmoid(s) - t), dy, logit, _like(logit, target))


def _like(logit, target):
    """A target for each logit: as given, or one number for all of them."""
    return target if hasattr(target, "__len__") else elementwise(lambda s: target, logit)


def bce_discriminator(logit_real, logit_fake, alpha, beta=0):
    """mean of bce(s_real, alpha) + mean of bce(s_fake, beta), and its derivatives           Eqs. (4.7), (4.8)"""
    n, m = len(logit_real), len(logit_fake)
    real = list(zip(column(logit_real), column(_like(logit_real, alpha)), strict=True))
    fake = list(zip(column(logit_fake), column(_like(logit_fake, beta)), strict=True))
    L = sum(_softplus(s) - t * s for s, t in real) / n + sum(_softplus(s) - t * s for s, t in fake) / m
    return L, [[(_sigmoid(s) - t) / n] for s, t in real], [[(_sigmoid(s) - t) / m] for s, t in fake]


def minimax_generator(logit_fake):
    """mean of log(1 - D(G(z))) = -mean of softplus(s), and its derivative               Eqs. (4.9), (4.10)"""
    fake = column(logit_fake)
    m = len(fake)
    return -sum(_softplus(s) for s in fake) / m, [[-_sigmoid(s) / m] for s in fake]


def non_saturating_generator(logit_fake):
    """-mean of log D(G(z)) = mean of softplus(-s), and its derivative                  Eqs. (4.11), (4.12)"""
    fake = column(logit_fake)
    m = len(fake)
    return sum(_softplus(-s) for s in fake) / m, [[-_sigmoid(-s) / m] for s in fake]


def softmax_cross_entropy(logits, labels):
    """-mean of log softmax(s)_y, softmax = e^s_j / sum of e^s_k; (softmax - onehot) / n   Eqs. (4.14), (4.15)"""
    n, L, ds = len(logits), 0.0, []
    for row, y in zip(floats(logits), labels, strict=True):
        exps = [math.exp(s - max(row)) for s in row]                       # the largest exponential is 1
        L += (math.log(sum(exps)) + (max(row) - row[y])) / n
        ds.append([(e / sum(exps) - (j == y)) / n for j, e in enumerate(exps)])
    return L, ds


# --- optimisers: chapter 5; lists of numbers in, new lists out ----------------------------------------------


def sgd(theta, g, lr):
    """theta - lr g                                                                               Eq. (5.1)"""
    return elementwise(lambda w, d: w - lr * d, theta, g)


def momentum(theta, g, v, lr, mu):
    """v = mu v + g; theta - lr v                                                                 Eq. (5.2)"""
    v = elementwise(lambda u, d: mu * u + d, v, g)
    return elementwise(lambda w, u: w - lr * u, theta, v), v


def rmsprop(theta, g, s, lr, rho, eps):
    """s = rho s + (1 - rho) g^2; theta - lr g / (sqrt(s) + eps)                          Eqs. (5.3), (5.4)"""
    s = elementwise(lambda a, d: rho * a + (1 - rho) * d * d, s, g)
    return elementwise(lambda w, d, a: w - lr * d / (math.sqrt(a) + eps), theta, g, s), s


def adam(theta, g, m, v, t, lr, beta1, beta2, eps):
    """Running means of g and g^2, their bias taken out, one step                       Eqs. (5.5) to (5.8)"""
    m = elementwise(lambda a, d: beta1 * a + (1 - beta1) * d, m, g)
    v = elementwise(lambda a, d: beta2 * a + (1 - beta2) * d * d, v, g)
    m_hat = elementwise(lambda a: a / (1 - beta1**t), m)
    v_hat = elementwise(lambda a: a / (1 - beta2**t), v)
    return elementwise(lambda w, a, b: w - lr * a / (math.sqrt(b) + eps), theta, m_hat, v_hat), m, v


def mean_sigmoid(logit):
    """what D answers on average: the mean of 1 / (1 + e^-s)"""
    return sum(_sigmoid(s) for s, in floats(logit)) / len(logit)


def norm(g):
    """sqrt of the sum of g_i^2"""
    return math.sqrt(sum(d * d for d in floats(g)))
