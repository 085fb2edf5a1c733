"""What a training run recorded: one row of numbers per step of G."""
import csv
import io
import os
from array import array
from pathlib import Path

import numpy as np

from .files import atomic

COLUMNS = ("loss_D", "loss_G", "D_real", "D_fake", "norm_g_D", "norm_g_G")


class History:
    """Columns of equal length, `history["loss_D"]` each a NumPy array:

    step              1, 2, …: steps of G taken
    loss_D, loss_G    the two losses, each minimised by its own network
    D_real, D_fake    mean D(x) and mean D(G(z)) on the minibatch of D's last gradient in that step
    norm_g_D, norm_g_G   ‖∂L_D/∂θ_D‖ (the last of k) and ‖∂L_G/∂θ_G‖
    """

    def __init__(self) -> None:
        self._columns = {name: array("d") for name in COLUMNS}

    def record(self, **row: float) -> None:
        """Append one step; every column must be given."""
        for name in COLUMNS:
            self._columns[name].append(row[name])

    def __len__(self) -> int:
        return len(self._columns["loss_D"])

    def __getitem__(self, name: str) -> np.ndarray:
        if name == "step":
            return np.arange(1, len(self) + 1)
        if name not in self._columns:
            raise KeyError(f"the history has no column {name!r}; it has step, {', '.join(COLUMNS)}")
        return np.array(self._columns[name])

    @property
    def columns(self) -> tuple[str, ...]:
        return ("step", *COLUMNS)

    def __repr__(self) -> str:
        if not len(self):
            return "History(no steps)"
        last = ", ".join(f"{name}={self._columns[name][-1]:.4g}" for name in COLUMNS)
        return f"History({len(self)} steps; last: {last})"

    def to_csv(self, path: str | os.PathLike) -> Path:
        """Write all columns, with a header, exactly (17 digits); whole or not at all."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(self.columns)
        rows = zip(*self._columns.values(), strict=True)
        writer.writerows([step, *map(repr, row)] for step, row in enumerate(rows, start=1))
        with atomic(path) as file:
            file.write(text.getvalue().encode())
        return Path(path)
