"""Carry out what a study lacks, keep every cell as it comes, and show the table."""
import datetime
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..app import outputs
from ..app.run import environment
from ..app.terminal import interactive
from ..engine import name_of
from ..files import sweep
from .cells import Store
from .table import Row, Study, known, markdown, rows, write_tables
from .workers import results


def run(study: Study, out: str | os.PathLike | None = None, jobs: int | None = None) -> tuple[list[Row], list[str]]:
    """Measure the cells that are missing in the folder `out` (default runs/study-NAME); its table, and what failed.

    Killed, it goes on where it was: every cell that is measured is a file. The first seed of every method comes first,
    so that a study that is stopped is a table of fewer seeds. cells.csv and table.csv are written anew after each
    cell; NAME.png at the end. A cell that fails is named in the second list; the others go on. Misuse where `out` is a
    file, or where another process carries out a study in it.
    """
    folder = folder_of(study.name, out)
    folder.mkdir(parents=True, exist_ok=True)
    with outputs.locked(folder):
        return _run(study, folder, jobs)


def folder_of(name: str, out: str | os.PathLike | None) -> Path:
    """Where the results of the study of that name go; Misuse where `out` is a file."""
    return Path("runs", f"study-{name}") if out is None else outputs.folder(out)


def _run(study, folder, jobs):
    from tqdm import tqdm
    store = Store(folder / "cells")
    sweep(folder, ("cells.csv", "table.csv", f"{study.name}.png"))       # what a killed study left half-written
    sweep(store.folder, ("*",))
    found, failed = known(study, store), []
    missing = sorted((cell for cell in study.cells if cell.name not in found), key=lambda cell: cell.seed)
    with tqdm(total=len(study.cells), initial=len(found), disable=not interactive(), unit="cell", desc=study.name,
              dynamic_ncols=True) as bar:
        for cell, result, problem in results(study.measure, missing, jobs):
            problem = problem or _keep(store, cell, result, found)
            if problem:
                failed.append(f"{cell.name}: {problem}")
            bar.update()
            bar.set_postfix_str(cell.name, refresh=False)
            write_tables(study, rows(study, found), folder)
    table = rows(study, found)
    write_tables(study, table, folder)
    if study.draw and table:
        from ..plots import save
        save(study.draw(table), folder / f"{study.name}.png")
    return table, failed


def _keep(store, cell, result, found):
    """Write the cell; "" or why it cannot be kept."""
    try:
        store.write(cell, result)
    except (TypeError, ValueError) as error:             # NaN, infinity, or what JSON does not know
        return f"its result cannot be kept ({error})"
    found[cell.name] = result
    return ""


def main(study: Study, out: str | None = None, jobs: int | None = None) -> int:
    """`run` for a person, and `show`; the exit status."""
    return show(study, *run(study, out, jobs), out)


def show(study: Study, table: Sequence[Row], failed: Sequence[str], out: str | None = None) -> int:
    """Print the setting, the table, the files, and on the error output what failed; the exit status, 1 then."""
    folder = folder_of(study.name, out)
    print(f"{study.title}\n")
    for note in study.notes:
        print(f"- {note}")
    if table:
        print(f"\n{markdown(study, table)}\n\n{stamp(table)}")
        files = [folder / name for name in ("table.csv", "cells.csv", f"{study.name}.png")]
        print(", ".join(str(file) for file in files if file.exists()))
    for problem in failed:
        print(f"numpygan: failed: {problem}", file=sys.stderr)
    return 1 if failed else 0


def stamp(table: Sequence[Row]) -> str:
    """Date, versions, machine and time, without which a table is a rumour."""
    about = environment()
    seconds = sum(result["seconds"] for row in table for result in row.results)
    cells = sum(len(row.seeds) for row in table)
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (f"{datetime.date.today()}; {cells} cells, {seconds / 60:.1f} minutes of processor time in all; "
            f"{versions}; engine {name_of(None)}; {about['cpus']} cores")


def limited(study: Study, seeds: int | None) -> Study:
    """The study with the first `seeds` seeds of each method alone; all for None."""
    first: dict[tuple[str, str], list[int]] = {}
    for cell in study.cells:
        first.setdefault((cell.group, cell.method), []).append(cell.seed)
    return replace(study, cells=[cell for cell in study.cells if cell.seed in first[cell.group, cell.method][:seeds]])
