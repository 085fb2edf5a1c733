"""check.loss: one loss on logits, its gradients, its means and its tails, with every engine."""
import functools
from typing import Any

import numpy as np

from ..checks import able, flag, whole
from .comparison import Gradient, compare
from .contract import Untouched, draw, engine_names, named, same, tensor
from .derivative import EPS, EPS32, SAME, at_smooth_points, close, relative
from .diagnosis import explain
from .report import GradientError, Report, Row

CONTRACT = {"discriminator": "discriminator(logit_real, logit_fake) -> L, d_real, d_fake",
            "generator": "generator(logit_fake) -> L, d_fake"}
SURE = 3.0          # a logit at which every loss that is minimised still wants D, or G, to move
FAR = 80.0          # where e^s is finite in float32, and any ε inside a log has won


def loss(loss: Any, n: int = 5, m: int = 3, *, like: Any = None, engine: str | None = None, tails: bool = True,
         seed: int = 0) -> Report:
    """Are d_real and d_fake the derivatives of L, and does the loss keep the contract of `numpygan.losses`?

    Checked on n real and m fake logits: shapes; float32 and float64 stay what they are and agree; logits stay
    untouched; L is a mean over the batch; it is something to minimise (D raises real and lowers fake logits, G raises
    fake ones); every derivative, also for one row alone. With `tails`, also that all is finite at ±1e4 and that the
    gradient does not die out in the tails, as log(D + ε) makes it. `like`, a loss that is known to be right, is
    compared over logits from −40 to 40.

    A loss that has `using(engine)` is checked with every engine, or the one named. Returns a Report; raises
    GradientError with the reason.
    """
    for method in CONTRACT:
        if not callable(getattr(loss, method, None)):
            raise TypeError(f"{named(loss)} has no {method}; a loss has {' and '.join(CONTRACT.values())}")
    for name, value, least in (("n", n, 1), ("m", m, 1), ("seed", seed, 0)):
        whole(value, name, least)
    if like is not None:
        able(like, "like", tuple(CONTRACT), "losses.NonSaturating()")
    flag(tails, "tails")
    names = engine_names(engine) if hasattr(loss, "using") else ["numpy"]
    report = Report(f"check.loss: {named(loss)}, {n} real and {m} fake logits, engine {' and '.join(names)}")
    for name in names:
        one = loss.using(name) if hasattr(loss, "using") else loss
        for method, counts in (("discriminator", (n, m)), ("generator", (m,))):
            side = Side(one, method)
            report.merge(at_smooth_points(functools.partial(_side, side, counts), seed))
            _one_row(side, counts, seed)
            if tails:
                _finite(side, counts)
                _alive(side, counts)
            if name != "numpy":
                report.add(_alike(side, Side(loss.using("numpy"), method), f"{name} against numpy"))
            if like is not None:
                report.add(_alike(side, Side(like, method), f"against {type(like).__name__}"))
    report.exact("shapes", "dtypes", "logits untouched", "the same twice")
    return report


class Side:
    """The discriminator's or the generator's half of a loss, as one function of its logits."""

    def __init__(self, loss: Any, method: str):
        self.loss, self.method = loss, method
        self.who = f"{named(loss)}.{method}"
        self.names = ("d_real", "d_fake")[-1 if method == "generator" else 0:]
        self.draws = method == "discriminator" and bool(getattr(loss, "draws", False))

    def __call__(self, *logits: np.ndarray) -> tuple[Any, ...]:
        """L, then one gradient for each array of logits; targets that are drawn are drawn alike in every call."""
        drawn = {"rng": np.random.default_rng(1)} if self.draws else {}
        out = getattr(self.loss, self.method)(*logits, **drawn)
        if not isinstance(out, tuple) or len(out) != 1 + len(logits) or np.ndim(out[0]) != 0:
            raise GradientError(f"{self.who} must return one number and the gradient of each argument: "
                                f"{CONTRACT[self.method]}")
        return out

    def value(self, logits: list[np.ndarray], i: int, delta: np.ndarray) -> np.ndarray:
        """L when `delta` is added to the i-th array of logits: the function to differentiate."""
        moved = [s + delta if k == i else s.copy() for k, s in enumerate(logits)]
        return self(*moved)[0]


def _side(side, counts, rng):
    """Everything about one half of a loss at one random point."""
    report = Report("")
    logits = [2 * draw(rng, n, 1) for n in counts]
    single, (L, gradients) = (_contract(side, [s.astype(dtype) for s in logits], dtype)
                              for dtype in (np.float32, np.float64))
    steepest = max(np.abs(d).max() for d in gradients)
    for name, a, b, size in (("L", single[0], L, max(1.0, abs(L))),
                             *((*both, steepest) for both in zip(side.names, single[1], gradients, strict=True))):
        if not np.abs(a - b).max() <= 50 * EPS32 * size:
            raise GradientError(f"{side.who}: float32 gives another {name} than float64, off by "
                                f"{np.abs(a - b).max() / size:.2g}, allowed {50 * EPS32:.1g}")
    floor = 8 * EPS * steepest
    for i, (name, d) in enumerate(zip(side.names, gradients, strict=True)):
        f = functools.partial(side.value, logits, i)
        compare(Gradient(f"{side.method}: {name}", d, f, np.ones(()), named(side.loss), len(d)), report, rng, floor)
    if not side.draws:                      # targets drawn for other rows are other targets
        _mean(side, logits, L)
        _direction(side, counts)
    return report


def _one_row(side, counts, seed):
    """The last minibatch may be one row."""
    try:
        at_smooth_points(functools.partial(_side, side, (1,) * len(counts)), seed)
    except GradientError as e:
        raise GradientError(e, "That is for one row alone; for more it is right: is an axis of length 1 dropped?"
                            ) from None


def _contract(side, logits, dtype):
    """L and its gradients; shapes, dtypes, nothing changed, the same twice."""
    before = Untouched(**{name.replace("d_", "logit_"): s for name, s in zip(side.names, logits, strict=True)})
    out = side(*logits)
    before.verify(side.who)
    if not np.isfinite(out[0]):
        raise GradientError(f"{side.who} returns L = {out[0]} for ordinary logits")
    for name, d, s in zip(side.names, out[1:], logits, strict=True):
        tensor(d, name, s.shape, dtype, side.who)
    again = side(*logits)
    if float(again[0]) != float(out[0]) or not same(again[1:], out[1:]):
        raise GradientError(f"{side.who} gives something else when it is called again with the same logits")
    return float(out[0]), out[1:]


def _mean(side, logits, L):
    """A mean stays as it is when every row comes twice, and so does the mean of each half by itself."""
    twice = float(side(*(np.concatenate([s, s]) for s in logits))[0])
    if not close(twice, L):
        how = "doubles: a sum where a mean is meant (a missing 1/n)?"
        if not close(twice, 2 * L):
            how = f"goes from {L:.6g} to {twice:.6g}: is 1/n applied twice, or not at all?"
        raise GradientError(f"{side.who}: a loss averages over the batch, but when every row comes twice, L {how}")
    for i, name in enumerate(side.names):
        one = float(side(*(np.concatenate([s, s]) if k == i else s for k, s in enumerate(logits)))[0])
        if not close(one, L):
            raise GradientError(f"{side.who}: each half is a mean over its own rows, but when every row of "
                                f"{name.replace('d_', 'logit_')} comes twice, L goes from {L:.6g} to {one:.6g}: is it "
                                f"divided by the number of other rows?")


def _direction(side, counts):
    """Minimising must pull the right way where D, or G, is plainly wrong."""
    logits = [np.full((n, 1), s) for n, s in zip(counts, (-SURE, SURE) if len(counts) == 2 else (-SURE,), strict=True)]
    for name, d, s in zip(side.names, side(*logits)[1:], logits, strict=True):
        if not np.all(np.sign(d) == np.sign(s)):
            goal = "raise it" if s[0, 0] < 0 else "lower it"
            raise GradientError(f"{side.who}: at the logit {s[0, 0]:g} a step down the gradient {name} = {d[0, 0]:.3g} "
                                f"would not {goal}: every loss is something to minimise, so is its sign flipped, or "
                                f"real taken for fake?")


def _finite(side, counts):
    """No finite logit makes L or its gradient anything but a number."""
    for dtype in (np.float64, np.float32):
        for size in (-1e4, 1e4):
            for i, name in enumerate(side.names):
                logits = [np.full((n, 1), size if k == i else 0.5, dtype) for k, n in enumerate(counts)]
                with np.errstate(all="ignore"):
                    out = side(*logits)
                if not all(np.isfinite(a).all() for a in out):
                    where = f"at the {name.replace('d_', 'logit_')} {size:g} in {np.dtype(dtype)}"
                    raise GradientError(f"{side.who}: {where} L is {out[0]:.3g}, the gradient {out[1 + i][0, 0]:.3g}: "
                                        f"write it with softplus, max(s, 0) + log1p(exp(−|s|)) (or pass tails=False)")


def _alive(side, counts):
    """A gradient that is still large at ±8 does not vanish at ±80, unless an ε or a clip has cut the logarithm off."""
    for i, name in enumerate(side.names):
        largest = max(abs(_slope(side, counts, i, s)) for s in range(-8, 9))
        for sign in (-1, 1):
            near, far = (_slope(side, counts, i, sign * s) for s in (8.0, FAR))
            if abs(near) > 0.5 * largest and abs(far) < 0.5 * abs(near):
                raise GradientError(f"{side.who}: {name} is {near:.3g} at the logit {sign * 8} and {far:.3g} at "
                                    f"{sign * FAR:g}: it dies out where D is surest. Is there an ε inside a log, or a "
                                    f"clip? Write it with softplus, without any ε (or pass tails=False)")


def _slope(side, counts, i, s):
    """∂L/∂s when all logits of the i-th array are s."""
    with np.errstate(all="ignore"):
        return float(side(*(np.full((n, 1), s if k == i else 0.5, float) for k, n in enumerate(counts)))[1 + i].sum())


def _alike(side, other, label):
    """The same numbers as another way to write the same loss, far out as well."""
    s = np.linspace(-40, 40, 33)[:, None]
    logits = [s, s / 2][:len(side.names)]
    mine, right = side(*logits), other(*logits)
    worst = relative(np.array([mine[0]]), np.array([right[0]]))
    for name, d, d_right, at in zip(side.names, mine[1:], right[1:], logits, strict=True):
        error = relative(d, d_right)
        if not error <= SAME:
            k = int(np.argmax(np.abs(d - d_right)))
            text = explain(name, d, np.arange(len(s)), d_right[:, 0], "the other", rows=len(s))
            raise GradientError(f"{side.who} ({label}) is another one at the logit {at[k, 0]:g}: {text}")
        worst = max(worst, error)
    if not worst <= SAME:
        raise GradientError(f"{side.who} ({label}): L is {mine[0]:.6g}, the other gives {right[0]:.6g}")
    return Row(f"{side.method}: L and gradients", label, worst, SAME)
