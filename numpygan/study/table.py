"""A study: cells to measure, the table of their means, and where both are kept."""
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..files import write_csv
from .cells import Cell, Measure, Result, Store


@dataclass(frozen=True)
class Study:
    """What `run` carries out, and how its table looks."""
    name: str
    title: str
    cells: Sequence[Cell]
    measure: Measure
    columns: dict[str, str]                     # key of a result: format of its mean, such as ".1f"
    draw: Callable[[Sequence["Row"]], Any] | None = None    # rows -> Axes
    notes: Sequence[str] = field(default_factory=tuple)     # the setting, and what to hold the numbers against


class Row(NamedTuple):
    """The cells of one method that have been measured."""
    group: str
    method: str
    seeds: list[int]
    results: list[Result]

    def values(self, column: str) -> np.ndarray:
        return np.array([result[column] for result in self.results], float)

    def mean(self, column: str) -> tuple[float, float]:
        """The mean over n seeds, and its standard error s/√n, s² = Σ (v − mean)²/(n − 1); NaN where n = 1."""
        values = self.values(column)
        n = len(values)
        return float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(n)) if n > 1 else math.nan


def rows(study: Study, found: dict[str, Result]) -> list[Row]:
    """The measured cells by method, in the order of the study; `found`: name of a cell -> result."""
    table: dict[tuple[str, str], Row] = {}
    for cell in study.cells:
        if cell.name in found:
            row = table.setdefault((cell.group, cell.method), Row(cell.group, cell.method, [], []))
            row.seeds.append(cell.seed)
            row.results.append(found[cell.name])
    return list(table.values())


def known(study: Study, store: Store) -> dict[str, Result]:
    """The cells that were measured before; one whose file has lost a number, or holds NaN, is measured again."""
    read = ((cell.name, store.read(cell)) for cell in study.cells)
    return {name: result for name, result in read if isinstance(result, dict) and
            all(_kept(result.get(column)) for column in (*study.columns, "seconds"))}


def _kept(value):
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


# ------------------------------------------------------------------------------------------------- as text

def markdown(study: Study, table: Sequence[Row]) -> str:
    """The table with mean ± standard error, as Markdown that a terminal shows well."""
    groups = any(row.group for row in table)
    lines = [[*(["group"] if groups else []), "method", "seeds", *study.columns]]
    for row in table:
        entries = [_shown(*row.mean(c), form) for c, form in study.columns.items()]
        lines.append([*([row.group] if groups else []), row.method, str(len(row.seeds)), *entries])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = ["| " + " | ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True)) + " |" for line in lines]
    return "\n".join([text[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *text[1:]])


def _shown(mean, error, form):
    return f"{mean:{form}}" if math.isnan(error) else f"{mean:{form}} ± {error:{form}}"


def write_tables(study: Study, table: Sequence[Row], folder: Path) -> None:
    """cells.csv with every measured cell, table.csv with mean and standard error, empty where that is NaN."""
    columns = list(study.columns)
    each = [[row.group, row.method, seed, *(result[c] for c in columns)]
            for row in table for seed, result in zip(row.seeds, row.results, strict=True)]
    means = [[row.group, row.method, len(row.seeds),
              *("" if math.isnan(v) else v for c in columns for v in row.mean(c))] for row in table]
    both = [f"{c}{end}" for c in columns for end in ("", " (standard error)")]
    write_csv(folder / "cells.csv", ["group", "method", "seed", *columns], each)
    write_csv(folder / "table.csv", ["group", "method", "seeds", *both], means)
