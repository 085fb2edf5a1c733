"""A table of numbers for several sets of samples, as text and for machines."""
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


class Column(NamedTuple):
    """One metric: its heading, how a value is written, and how it is taken of samples (n, d)."""
    heading: str
    form: str
    measure: Callable[[np.ndarray], float | None]


@dataclass
class Board:
    """Rows of samples against columns of metrics, and what was compared with what."""
    title: str
    columns: Sequence[Column]
    protocol: Sequence[str]
    rows: list[tuple[str, dict[str, tuple[float | None, float | None]]]] = field(default_factory=list)

    def score(self, name: str, *draws: np.ndarray) -> None:
        """Append a row: the mean over one or several draws of samples, and their standard deviation."""
        values = {}
        for column in self.columns:
            found = [column.measure(x) for x in draws]
            numbers = [v for v in found if v is not None]
            spread = float(np.std(numbers, ddof=1)) if len(numbers) > 1 else None
            values[column.heading] = (float(np.mean(numbers)) if numbers else None, spread)
        self.rows.append((name, values))

    def text(self) -> str:
        """The table, the protocol below it."""
        lines = [["", *(column.heading for column in self.columns)]]
        for name, values in self.rows:
            lines.append([name, *(_shown(values[c.heading][0], c.form) for c in self.columns)])
            if any(std is not None for _, std in values.values()):
                lines.append(["  their spread", *(_shown(values[c.heading][1], c.form) for c in self.columns)])
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        table = ["  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in
                                                        zip(line[1:], widths[1:], strict=True))]).rstrip()
                 for line in lines]
        return "\n".join([self.title, "", *table, "", *(f"- {line}" for line in self.protocol)])

    def plain(self) -> dict[str, Any]:
        """The same as JSON holds it; null where a metric does not apply."""
        rows = [{"samples": name, "values": {heading: value for heading, (value, _) in values.items()},
                 "std": {heading: std for heading, (_, std) in values.items() if std is not None}}
                for name, values in self.rows]
        return {"title": self.title, "protocol": list(self.protocol), "rows": rows}


def _shown(value, form):
    return "–" if value is None else f"{value:{form}}"
