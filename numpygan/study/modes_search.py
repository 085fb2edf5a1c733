"""`numpygan study modes-search`: the search behind `modes`, three settings for each method on seeds 100 to 102."""
from collections.abc import Sequence

from . import runner
from .cells import Cell
from .modes import COLUMNS, DATA, QUICK, SEARCH, SEARCHED, measure, notes, recipe
from .table import Row, Study

SEEDS = (100, 101, 102)
RULE = "most modes at 10,000 samples (mean over the seeds), then the highest quality"


def study(quick: bool = False) -> Study:
    """Every method with each of its settings, on the ring; `quick`: the first seed, in fewer steps."""
    data, steps = "ring", QUICK["ring"] if quick else SEARCHED
    cells = [Cell(data, f"{method} [{choice}]", seed,
                  {"data": DATA[data], "recipe": recipe(data, method, choice, steps).to_dict()})
             for method in SEARCH for choice in range(3) for seed in SEEDS[:1 if quick else 3]]
    said = notes({data: steps})
    return Study("modes-search", "The search behind the table of modes", cells, measure, COLUMNS, None, said)


def grade(row: Row) -> tuple[float, float]:
    """What RULE compares: the larger, the better."""
    return row.values("modes (10,000)").mean(), row.values("quality (10,000)").mean()


def chosen(table: Sequence[Row]) -> dict[str, int]:
    """Method -> the best of its settings by RULE, among those measured; the first of equals. The best method first."""
    best: dict[str, tuple[tuple[float, float], int]] = {}
    for row in table:
        method, choice = row.method.removesuffix("]").rsplit(" [", 1)
        if method not in best or grade(row) > best[method][0]:
            best[method] = grade(row), int(choice)
    return {method: best[method][1] for method in sorted(best, key=lambda method: best[method][0], reverse=True)}


def main(seeds: int | None = None, quick: bool = False, jobs: int | None = None, out: str | None = None) -> int:
    """Carry the search out, print its table and what follows from it; the exit status."""
    plan = runner.limited(study(quick), seeds)
    table, failed = runner.run(plan, out, jobs)
    status = runner.show(plan, table, failed, out)
    print(f"\nThe setting of each method, counted from 0, and the best method first, by {RULE}:\n{chosen(table)}")
    return status
