"""What a training run recorded: one row of numbers per step of G, thinned out in long runs."""
import os
from array import array
from pathlib import Path

import numpy as np

from .files import write_csv

COLUMNS = ("loss_D", "loss_G", "D_real", "D_fake", "norm_g_D", "norm_g_G")
MAX_ROWS = 100_000      # 4.8 MB


class History:
    """Columns of equal length, `history["loss_D"]` each a NumPy array:

    step              of G, 1, 2, …
    loss_D, loss_G    the two losses, each minimised by its own network
    D_real, D_fake    mean D(x) and mean D(G(z)) on the minibatch of D's last gradient in that step
    norm_g_D, norm_g_G   ‖∂L_D/∂θ_D‖ (the last of k) and ‖∂L_G/∂θ_G‖

    `len(history)` is the number of steps taken. A run of more than 100,000 keeps the rows of every second one, then of
    every fourth, and so on: `step` says which, and memory stays below 5 MB.
    """

    def __init__(self) -> None:
        self._rows = array("d")                                         # one after the other
        self._last: tuple[float, ...] = ()
        self._steps, self._every = 0, 1

    def record(self, **row: float) -> None:
        """Append one step; every column must be given."""
        self._last = tuple([float(row[name]) for name in COLUMNS])
        self._steps += 1
        if self._steps % self._every == 0:
            self._rows.extend(self._last)
            if len(self._rows) > MAX_ROWS * len(COLUMNS):
                self._every *= 2
                self._rows = array("d", self.rows()[1::2].tobytes())

    def rows(self) -> np.ndarray:
        """All columns but the step, side by side: (rows, 6)."""
        return np.array(self._rows).reshape(-1, len(COLUMNS))

    @classmethod
    def of(cls, steps: int, rows: np.ndarray) -> "History":
        """The history of that many steps whose `rows` these are; ValueError where it would have kept another number."""
        history = cls()
        while steps // history._every > MAX_ROWS:
            history._every *= 2
        if len(rows) != steps // history._every:
            raise ValueError(f"a history of {steps} steps keeps {steps // history._every} rows, and these are "
                             f"{len(rows)}")
        if rows.shape[1:] != (len(COLUMNS),):
            raise ValueError(f"the rows of a history hold {len(COLUMNS)} numbers each, got shape {rows.shape}")
        history._steps = steps
        history._rows = array("d", rows.astype(float).tobytes())
        history._last = tuple(rows[-1].tolist()) if len(rows) else ()
        return history

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, name: str) -> np.ndarray:
        if name == "step":
            return self._every * np.arange(1, len(self.rows()) + 1)
        if name not in COLUMNS:
            raise KeyError(f"the history has no column {name!r}; it has step, {', '.join(COLUMNS)}")
        return self.rows()[:, COLUMNS.index(name)].copy()

    @property
    def columns(self) -> tuple[str, ...]:
        return ("step", *COLUMNS)

    def __repr__(self) -> str:
        if not len(self):
            return "History(no steps)"
        last = ", ".join(f"{name}={value:.4g}" for name, value in zip(COLUMNS, self._last, strict=True))
        return f"History({len(self)} steps; last: {last})"

    def to_csv(self, path: str | os.PathLike) -> Path:
        """Write all columns, with a header, exactly (17 digits); whole or not at all."""
        rows = zip(self["step"].tolist(), self.rows().tolist(), strict=True)
        return write_csv(path, self.columns, ([step, *row] for step, row in rows))
