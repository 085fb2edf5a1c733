"""`numpygan study NAME`: tables of measured quality, each number beside its anchors and its protocol.

Each study is a module of its name here. Most have `study(quick) -> Study`, a table over methods and seeds, which `run`
carries out in parallel and goes on with after a stop; one that prints more has `main(seeds, quick, jobs, out)` itself.
"""
import importlib

from ..app.options import Misuse, unknown
from . import runner
from .cells import Cell
from .runner import run
from .table import Row, Study

STUDIES = {
    "digits": "what the default recipe makes of the handwritten digits, beside anchors",
    "modes": "nine methods and the tricks on a ring of 8 and a grid of 25 modes",
    "modes-search": "the search behind it: three settings of each method",
    "collapse": "G alone against a frozen D, and what D does once released",
    "balance": "a D too strong by rate, width or k, and what each remedy does to G's gradient",
    "parzen": "MNIST, the table of the paper of 2014: its recipe and a better one, beside anchors",
}

__all__ = ["STUDIES", "Cell", "Row", "Study", "main", "run"]


def main(name: str, seeds: int | None = None, quick: bool = False, jobs: int | None = None,
         out: str | None = None) -> int:
    """Carry out the study of that name, print its table, and return the exit status. Misuse for an unknown name."""
    if name not in STUDIES:
        raise Misuse(unknown(name, STUDIES))
    module = importlib.import_module(f".{name.replace('-', '_')}", __name__)
    if hasattr(module, "main"):
        return module.main(seeds, quick, jobs, out)
    return runner.main(runner.limited(module.study(quick), seeds), out, jobs)
