"""`numpygan study modes-search`: the search behind `modes`, three settings for each method on seeds 100 to 102."""
from collections.abc import Sequence

from . import runner
from .cells import Cell
from .modes import COLUMNS, DATA, QUICK, SEARCH, SEARCH_STEPS, measure, notes, recipe
from .table import Row, Study

SEEDS = (100, 101, 102)
RULE = "most modes at 10,000 samples (mean over the seeds), then the highest quality"


def study(quick: bool = False) -> Study:
    """Every method with each of its settings, in a third of the steps; `quick`: the first seed, in fewer."""
    steps = QUICK if quick else SEARCH_STEPS
    cells = [Cell(data, f"{method} [{choice}]", seed,
                  {"data": DATA[data], "recipe": recipe(data, method, choice, steps[data]).to_dict()})
             for data in DATA for method in SEARCH for choice in range(3) for seed in SEEDS[:1 if quick else 3]]
    return Study("modes-search", "The search behind the table of modes", cells, measure, COLUMNS, None, notes(steps))


def grade(row: Row) -> tuple[float, float]:
    """What RULE compares: the larger, the better."""
    return row.values("modes (10,000)").mean(), row.values("quality (10,000)").mean()


def chosen(table: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Data set -> method -> the best of its settings by RULE, among those measured; the first of equals."""
    best: dict[str, dict[str, int]] = {}
    graded = {(row.group, row.method): grade(row) for row in table}
    for data, labelled in graded:
        method, choice = _parted(labelled)
        of_data = best.setdefault(data, {})
        if method not in of_data or graded[data, labelled] > graded[data, f"{method} [{of_data[method]}]"]:
            of_data[method] = choice
    return best


def ranked(table: Sequence[Row], data: str) -> list[str]:
    """The methods on that data set, by the grade of their chosen settings, best first."""
    graded = {(row.group, row.method): grade(row) for row in table}
    choices = chosen(table)[data]
    return sorted(choices, key=lambda method: graded[data, f"{method} [{choices[method]}]"], reverse=True)


def _parted(labelled):
    """"hinge [2]" -> "hinge", 2."""
    method, choice = labelled.removesuffix("]").rsplit(" [", 1)
    return method, int(choice)


def main(seeds: int | None = None, quick: bool = False, jobs: int | None = None, out: str | None = None) -> int:
    """Carry the search out, print its table and what follows from it; the exit status."""
    searched = runner.limited(study(quick), seeds)
    table, failed = runner.run(searched, out, jobs)
    status = runner.show(searched, table, failed, out)
    print(f"\nBy {RULE}:")
    for data, choices in chosen(table).items():
        print(f"{data}: {choices}\n  methods, best first: {', '.join(ranked(table, data))}")
    return status
