"""Learning rates that change with the step, as values that a checkpoint can hold."""
import math


class LinearDecay:
    """rate(t) = lr for the first `hold` of the `steps`, then falling linearly to 0 at the last.

    A game that turns round its equilibrium comes to rest as its steps shrink (chapter 8).
    """

    def __init__(self, lr: float, steps: int, hold: float = 0.5):
        if not 0 <= lr < math.inf:
            raise ValueError(f"lr must be a number of at least 0, got {lr!r}")
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps!r}")
        if not 0 <= hold < 1:
            raise ValueError(f"hold, the share of the steps before the rate falls, must lie in [0, 1), got {hold!r}")
        self.lr, self.steps, self.hold = float(lr), int(steps), float(hold)

    def __call__(self, step: int) -> float:
        """The rate at step 0, 1, …"""
        return self.lr * min(1.0, max(0.0, (1 - step / self.steps) / (1 - self.hold)))

    def __repr__(self) -> str:
        return f"LinearDecay({self.lr}, steps={self.steps}, hold={self.hold})"
