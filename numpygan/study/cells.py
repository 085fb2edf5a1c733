"""One cell of a study's table: a method, a seed, and the small file that keeps what was measured."""
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from .. import __version__
from ..engine import name_of
from ..files import write_json
from ..threads import one_thread

Result = dict[str, Any]                             # column: a number, or a list of numbers for the picture
Measure = Callable[[dict[str, Any], int], Result]   # settings, seed -> result; a function of a module's top level


class Cell(NamedTuple):
    """What is measured once. `settings` decide it, together with the seed, and are what JSON can hold."""
    group: str                      # such as "grid"; "" where a table has one group only
    method: str
    seed: int
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.group + ', ' if self.group else ''}{self.method}, seed {self.seed}"


Carried = tuple[Cell, Result | None, str]           # the last: what went wrong, or nothing


class Store:
    """The folder of the cells: a file for each, written whole or not at all.

    A file's name holds a digest of all that decides its numbers: a setting, an engine or a version that changes
    leads to another file, and the old one is not read.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, cell: Cell) -> Path:
        plain = "".join(c if c.isalnum() else "-" for c in f"{cell.group} {cell.method}".strip().lower())
        return self.folder / f"{plain}-{cell.seed}-{_digest(_identity(cell))}.json"

    def read(self, cell: Cell) -> Result | None:
        """What was measured; None where it is not there, or not what `write` wrote."""
        try:
            content = json.loads(self.path(cell).read_bytes())
            return content["result"] if content["cell"] == _identity(cell) else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def write(self, cell: Cell, result: Result) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.path(cell), {"cell": _identity(cell), "result": result})


def carry_out(measure: Measure, cell: Cell) -> Carried:
    """The cell, its result with "seconds" added, and ""; or the cell, None, and what went wrong in one line.

    Runs in a worker, on one thread: a second one would belong to another cell. The seconds are that thread's time on
    the processor, which other programs and a worker that was stopped do not lengthen.
    """
    start = time.thread_time()
    try:
        with one_thread(name_of(None)):
            result = measure(cell.settings, cell.seed)
    except Exception as error:
        return cell, None, " ".join(f"{type(error).__name__}: {error}".split())
    return cell, result | {"seconds": round(time.thread_time() - start, 2)}, ""


def _identity(cell):
    return json.loads(json.dumps({"group": cell.group, "method": cell.method, "seed": cell.seed,
                                  "settings": cell.settings, "engine": name_of(None), "version": __version__}))


def _digest(identity):
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:10]
