"""From two gradients that differ to a sentence that says what may have gone wrong."""
import math

import numpy as np

CLOSE = 1e-5        # a pattern is recognised when it explains the difference this well (central differences included)


def explain(name: str, a: np.ndarray, index: np.ndarray, n: np.ndarray, method: str, *, rows: int = 0,
            upstream: np.ndarray | None = None) -> str:
    """What is wrong with the gradient `a`, whose entries at the flat `index` should be `n`.

    `rows` is the batch size, `upstream` the gradient from above.
    """
    mine = a.reshape(-1)[index]
    worst = int(np.argmax(np.abs(mine - n)))
    where = ", ".join(str(int(i)) for i in np.unravel_index(index[worst], a.shape))
    analytic, right = _digits(mine[worst], n[worst]), _digits(n[worst], mine[worst])
    hint = _hint(name, a, index, mine, n, rows, upstream)
    return f"{name}[{where}]: analytic {analytic}, numeric {right} ({method}); {hint}"


def _hint(name, a, index, mine, n, rows, upstream):
    if not a.any():
        return f"{name} is zero everywhere: was the cache flushed, or the gradient never passed on?"
    ratio = _ratio(mine, n)
    if ratio is not None:
        return _factor(ratio, rows)
    if a.ndim == 2 and a.shape == a.T.shape and _equal(a.T.reshape(-1)[index], n):
        return "it is the transpose of the right one: transposed?"
    if a.ndim == 2 and _equal(a.reshape(a.shape[::-1]).T.reshape(-1)[index], n):
        return "the entries are those of the transpose, in another order: reshaped where it should be transposed?"
    if upstream is not None and upstream.shape == a.shape and _equal(a, upstream):
        return "it is the gradient from above itself: was the derivative f′ forgotten?"
    return _count(mine, n)


def _equal(a, n):
    return np.abs(a - n).max() <= CLOSE * max(np.abs(a).max(), np.abs(n).max())


def _ratio(a, n):
    """r with a = r n everywhere, if there is one that is not 1."""
    if not n.any():
        return None
    r = float(np.sum(a * n) / np.sum(n * n))
    return r if np.abs(a - r * n).max() <= CLOSE * np.abs(a).max() and abs(r - 1) > CLOSE else None


def factor_name(r: float, rows: int) -> str:
    """What usually puts a factor r > 0 into a gradient, as a question; empty where nothing does."""
    known = []
    if rows > 1:
        known += [(rows, f"a mean taken as a sum (a missing 1/n, n = {rows})?"),
                  (1 / rows, f"1/n applied twice, or a sum taken as a mean (n = {rows})?")]
    known += [(2, "a missing ½?"), (0.5, "a ½ too much?"), (4, "a factor 2 applied twice?")]
    return next((question for value, question in known if math.isclose(r, value, rel_tol=CLOSE)), "")


def _factor(r, rows):
    if math.isclose(r, -1, rel_tol=CLOSE):
        return "the sign is flipped everywhere"
    sign = "the sign is flipped everywhere and " if r < 0 else ""
    known = factor_name(abs(r), rows)
    return f"{sign}the ratio is {abs(r):.4g} everywhere: {known or 'a constant factor too much or too little?'}"


def _count(a, n):
    size = max(np.abs(a).max(), np.abs(n).max())
    right = np.abs(a - n) <= CLOSE * size
    if right.all():
        digits = int(-math.log10(np.abs(a - n).max() / size))
        return f"they agree to {digits} digits, which is too few: an ε, or a rounded constant?"
    dead = (a == 0) & ~right
    if dead.any() and (dead | right).all():
        return f"{dead.sum()} of {len(a)} entries are 0 where they should not be, the others are right: cut off?"
    if right.any():
        return f"{(~right).sum()} of {len(a)} entries are wrong, the others are right"
    lengths = math.sqrt(np.sum(a * a) * np.sum(n * n))
    return f"no entry is right; the cosine between both is {np.sum(a * n) / lengths if lengths else 0:.2f}"


def _digits(value, other):
    """value with as many digits as tell it from the other."""
    for digits in (3, 6, 10):
        text = f"{value:#.{digits}g}"
        if text != f"{other:#.{digits}g}":
            return text
    return f"{value:.17g}"
