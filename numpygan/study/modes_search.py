"""`numpygan study modes-search`: the search behind `modes`, three settings for each method on seeds 100 to 102."""
from . import runner
from .cells import Cell
from .modes import COLUMNS, DATA, QUICK, SEARCH, measure, notes, recipe
from .table import Study

SEEDS = (100, 101, 102)


def study(quick: bool = False) -> Study:
    """Every method with each of its settings; `quick`: the first seed, a tenth of the steps."""
    cells = [Cell(data, f"{method} [{choice}]", seed,
                  {"data": DATA[data],
                   "recipe": recipe(data, method, choice, QUICK[data] if quick else None).to_dict()})
             for data in DATA for method in SEARCH for choice in range(3) for seed in SEEDS[:1 if quick else 3]]
    return Study("modes-search", "The search behind the table of modes", cells, measure, COLUMNS, None, notes(quick))


def main(seeds: int | None = None, quick: bool = False, jobs: int | None = None, out: str | None = None) -> int:
    """Carry the search out and print its table; the exit status."""
    return runner.main(runner.limited(study(quick), seeds), out, jobs)
