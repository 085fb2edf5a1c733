"""From two gradients that differ to a sentence that says what may have gone wrong."""
import math
from collections.abc import Sequence

import numpy as np

CLOSE = 1e-5        # a pattern is recognised when it explains the difference this well (central differences included)


def explain(name: str, a: np.ndarray, index: np.ndarray, n: np.ndarray, method: str, *, rows: int = 0,
            mistakes: Sequence[tuple[str, np.ndarray]] = (), point: np.ndarray | None = None) -> str:
    """What is wrong with the gradient `a`, whose entries at the flat `index` should be `n`.

    `rows` is the batch size; `mistakes` are gradients to look for, and what to say then; `point` is the tensor itself.
    """
    mine = a.reshape(-1)[index]
    worst = int(np.argmax(np.abs(mine - n)))
    where = ", ".join(str(int(i)) for i in np.unravel_index(index[worst], a.shape))
    analytic, right = _digits(mine[worst], n[worst]), _digits(n[worst], mine[worst])
    hint = _hint(name, a, index, mine, n, rows, mistakes) or _count(a, index, mine, n, point)
    return f"{name}[{where}]: analytic {analytic}, numeric {right} ({method}); {hint}"


def _hint(name, a, index, mine, n, rows, mistakes):
    """The mistake that gives exactly this gradient, if it is a known one."""
    if not a.any():
        return f"{name} is zero everywhere: was the cache flushed, or the gradient never passed on?"
    if _equal(mine, n):                                     # and perhaps the transpose of a symmetric one
        return ""
    ratio = _ratio(mine, n)
    if ratio is not None:
        return _factor(ratio, rows, np.count_nonzero(n))
    if a.ndim == 2 and a.shape == a.T.shape and _equal(a.T.reshape(-1)[index], n):
        return "it is the transpose of the right one: transposed?"
    if a.ndim == 2 and _equal(a.reshape(a.shape[::-1]).T.reshape(-1)[index], n):
        return "the entries are those of the transpose, in another order: reshaped where it should be transposed?"
    return next((says for says, g in mistakes if g.shape == a.shape and _equal(a, g)), "")


def _equal(a, n):
    return np.abs(a - n).max() <= CLOSE * max(np.abs(a).max(), np.abs(n).max())


def _ratio(a, n):
    """r with a = r n everywhere, if there is one."""
    if not n.any():
        return None
    r = float(np.sum(a * n) / np.sum(n * n))
    return r if np.abs(a - r * n).max() <= CLOSE * np.abs(a).max() else None


def factor_name(r: float, rows: int) -> str:
    """What usually puts a factor r > 0 into a gradient, as a question; empty where nothing does."""
    known = []
    if rows > 1:
        known += [(rows, f"a mean taken as a sum (a missing 1/n, n = {rows})?"),
                  (1 / rows, f"1/n applied twice, or a sum taken as a mean (n = {rows})?")]
    known += [(2, "a missing ½?"), (0.5, "a ½ too much?"), (4, "a factor 2 applied twice?")]
    return next((question for value, question in known if math.isclose(r, value, rel_tol=CLOSE)), "")


def _factor(r, rows, entries):
    if math.isclose(r, -1, rel_tol=CLOSE):
        return "the sign is flipped everywhere"
    sign = "the sign is flipped everywhere and " if r < 0 else ""
    known = factor_name(abs(r), rows)
    if entries == 1 and not known:                          # any two numbers have a ratio
        return ""
    return f"{sign}the ratio is {abs(r):.4g} everywhere: {known or 'a constant factor too much or too little?'}"


def _count(a, index, mine, n, point):
    """How many entries are wrong, and what those have in common."""
    size = max(np.abs(mine).max(), np.abs(n).max())
    right = np.abs(mine - n) <= CLOSE * size
    if right.all():
        digits = int(-math.log10(np.abs(mine - n).max() / size))
        return (f"they agree to {digits} digits, which is too few: an ε, a rounded constant, or a difference of "
                f"numbers that are nearly equal?")
    wrong, dead = ~right, (mine == 0) & ~right
    if dead.any() and (n[wrong & ~dead] == 0).all() and not dead[wrong].all():
        return "the zeros are in other places: is a mask drawn anew, or taken from something else?"
    where = _where(a, index, wrong, point)
    if dead.any() and dead[wrong].all():
        return f"{dead.sum()} of {len(n)} entries are 0 where they should not be{where}, the others are right: cut off?"
    if right.any():
        return f"{wrong.sum()} of {len(n)} entries are wrong{where}, the others are right"
    return _none_right(a, mine, n)


def _where(a, index, wrong, point):
    """What the wrong entries share and the right ones do not, as ", all in column 1"; else nothing."""
    for axis, k in enumerate(np.unravel_index(index, a.shape) if a.ndim > 1 else ()):
        if a.shape[axis] > 1 and wrong.sum() > 1 and (k[wrong] == k[wrong][0]).all():
            name = ("row", "column")[axis] if a.ndim == 2 else f"axis {axis} at"
            return f", all in {name} {k[wrong][0]}"
    if point is not None and np.array_equal(point.reshape(-1)[index] < 0, wrong):
        return ", those where the input is negative"
    return ""


def _none_right(a, mine, n):
    if len(n) == 1:
        return "its one entry is wrong"
    if a.ndim == 2 and len(n) == a.size:
        for axis, name in enumerate(("column", "row")):
            off, sums = (np.abs(g.reshape(a.shape).sum(axis)).max() for g in (mine, n))
            if sums < CLOSE * np.abs(n).max() < off:
                return f"no entry is right, and each {name} should add up to 0: is the derivative of a mean missing?"
    lengths = math.sqrt(np.sum(mine * mine) * np.sum(n * n))
    return f"no entry is right; the cosine between both is {np.sum(mine * n) / lengths if lengths else 0:.2f}"


def _digits(value, other):
    """value with as many digits as tell it from the other."""
    for digits in (3, 6, 10):
        text = f"{value + 0.0:#.{digits}g}"                  # −0 is 0
        if text != f"{other:#.{digits}g}":
            return text
    return f"{value:.17g}"
