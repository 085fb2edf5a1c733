"""Learning rates, momenta and noise that change with the step, as values that a checkpoint can hold."""
import math

from .checks import fraction, number, real, whole


class LinearDecay:
    """rate(t) = lr for the first `hold` of the `steps`, then falling linearly, to 0 after the last.

    A game that turns round its equilibrium comes to rest as its steps shrink (chapter 8).
    """

    def __init__(self, lr: float, steps: int, hold: float = 0.5):
        self.hold = fraction(hold, "hold, the share of the steps before the rate falls,", "[0, 1)")
        self.lr, self.steps = number(lr, "lr"), whole(steps, "steps")

    def __call__(self, step: int) -> float:
        """The rate at step 0, 1, …"""
        return self.lr * min(1.0, max(0.0, (1 - step / self.steps) / (1 - self.hold)))

    def __repr__(self) -> str:
        return f"LinearDecay({self.lr}, steps={self.steps}, hold={self.hold})"


class Exponential:
    """rate(t) = lr / factorᵗ: what the code of the 2014 paper does, with a factor of 1.000004."""

    def __init__(self, lr: float, factor: float):
        if not (real(factor) and 1 <= factor < math.inf):
            raise ValueError(f"factor, by which the rate is divided in every step, must be at least 1, got {factor!r}")
        self.lr, self.factor = number(lr, "lr"), float(factor)

    def __call__(self, step: int) -> float:
        """The rate at step 0, 1, …"""
        return self.lr * self.factor**-step

    def __repr__(self) -> str:
        return f"Exponential({self.lr}, factor={self.factor})"


class Ramp:
    """value(t) on a line from `first` to `last` over that many steps, and `last` from then on: momentum .5 to .7."""

    def __init__(self, first: float, last: float, steps: int):
        if not all(real(v) and math.isfinite(v) for v in (first, last)):
            raise ValueError(f"first and last must be finite numbers, got {first!r} and {last!r}")
        self.first, self.last, self.steps = float(first), float(last), whole(steps, "steps")

    def __call__(self, step: int) -> float:
        """The value at step 0, 1, …"""
        return self.first + (self.last - self.first) * min(1.0, step / self.steps)

    def __repr__(self) -> str:
        return f"Ramp({self.first}, {self.last}, steps={self.steps})"


SCHEDULES = (LinearDecay, Exponential, Ramp)
