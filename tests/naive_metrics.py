"""The oracle for numbers about samples: loops over plain Python floats, nothing of the package imported."""
import math


def squared_distance(a, b):
    """sum of (a_k - b_k)^2"""
    return sum((float(u) - float(v)) ** 2 for u, v in zip(a, b, strict=True))


def squared_distances(x, y):
    """|x_i - y_j|^2                                                                             Eq. (13.9)"""
    return [[squared_distance(a, b) for b in y] for a in x]


def log_sum_exp(s, scale):
    """log of the sum of exp(scale s_ij) over j                                                 Eq. (13.10)"""
    result = []
    for row in s:
        top = max(scale * float(v) for v in row)
        result.append(top + math.log(sum(math.exp(scale * float(v) - top) for v in row)))
    return result


def parzen(x, y, sigma):
    """log of the mean over j of the density of N(y_j, sigma^2) at x_i                          Eq. (13.11)"""
    d = len(x[0])
    sums = log_sum_exp(squared_distances(x, y), -1 / (2 * sigma**2))
    return [s - math.log(len(y)) - d * math.log(sigma * math.sqrt(2 * math.pi)) for s in sums]


def mmd(x, y, h):
    """mean of k over pairs i != j within x, the same within y, less twice that across           Eq. (13.6)"""
    def k(a, b):
        return math.exp(-squared_distance(a, b) / (2 * h * h))

    def within(a):
        n = len(a)
        return sum(k(a[i], a[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))

    return within(x) + within(y) - 2 * sum(k(a, b) for a in x for b in y) / (len(x) * len(y))


def two_sample_accuracy(x, y):
    """leave one out, ask its nearest neighbour; a tie is half right                             Eq. (13.7)"""
    right = 0.0
    for own, other in ((x, y), (y, x)):
        for i, row in enumerate(own):
            own_kind = min(squared_distance(row, b) for j, b in enumerate(own) if j != i)
            other_kind = min(squared_distance(row, b) for b in other)
            right += 1.0 if own_kind < other_kind else 0.5 if own_kind == other_kind else 0.0
    return right / (len(x) + len(y))
