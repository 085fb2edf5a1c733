"""Build the notebooks: one source per lesson, src/NN_name.py, makes two editions of it.

    python notebooks/build.py [NN …]           run the lessons and write both editions
    python notebooks/build.py --try [NN …]     run them in fast mode and write nothing
    python notebooks/build.py --check [NN …]   only say which notebooks differ from their sources

The worked edition, NN_name.ipynb, is executed. In the fill-in edition, exercises/NN_name.ipynb, the lines between
`# --- solution: what to do ---` and `# --- end ---` give way to `raise NotImplementedError("your turn: what to do")`,
and the cells that check the answers are folded, because they know them.
Nothing random or local enters a notebook (ids, times, paths, addresses), so that a rebuild shows real changes only.
"""
import argparse
import contextlib
import hashlib
import json
import os
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "src"
LARGEST = 1_000_000                                                     # bytes of one notebook
METADATA = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"}}
KINDS = {"# %%": "code", "# %% [check]": "check", "# %% [markdown]": "markdown"}
SOLUTION = re.compile(r"^(?P<indent> *)# --- solution: (?P<what>.+?) ---\n(?P<answer>.*?)^(?P=indent)# --- end ---$",
                      re.MULTILINE | re.DOTALL)


class BuildError(Exception):
    """A source, a run or a notebook that is not fit to be handed out; one line says where and why."""


# ------------------------------------------------------------------------------------------------- the source

class Cell(NamedTuple):
    kind: str           # "code", "check", "markdown"; "banner" below the title
    text: str
    line: int           # of the source file, where the text begins


def sources(numbers=()):
    """The source files, all of them or those of the given numbers."""
    found = sorted(SOURCES.glob("[0-9][0-9]_*.py"))
    unknown = set(numbers) - {path.name[:2] for path in found}
    if unknown:
        raise BuildError(f"no lesson {', '.join(sorted(unknown))}: there are {', '.join(p.name[:2] for p in found)}")
    return [path for path in found if not numbers or path.name[:2] in numbers]


def parse(path):
    """The cells of a source: `# %%` begins one of code, `# %% [check]` one of code that checks an answer,
    `# %% [markdown]` one of text in comments."""
    cells: list[tuple[str, list[str], int]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("# %%"):
            kind = KINDS.get(line.rstrip())
            if kind is None:
                raise BuildError(f"{path.name}:{number}: a cell begins with one of {', '.join(KINDS)}, not {line!r}")
            cells.append((kind, [], number + 1))
        elif cells and cells[-1][0] == "markdown" and line.strip():
            if not re.match(r"#( |$)", line):
                raise BuildError(f"{path.name}:{number}: every line of a markdown cell begins with '# '")
            cells[-1][1].append(line[2:].rstrip())
        elif cells:
            cells[-1][1].append(line.rstrip())
        elif line.strip():
            raise BuildError(f"{path.name}:{number}: the file must begin with a cell, '# %% [markdown]'")
    return [Cell(kind, "\n".join(lines).rstrip(), line) for kind, lines, line in cells]


def worked(text):
    """A code cell with its solutions, without the markers."""
    return SOLUTION.sub(lambda m: m["answer"].rstrip("\n"), text)


def fill_in(text):
    """A code cell with its solutions taken out."""
    return SOLUTION.sub(lambda m: m["indent"] + open_line(m["what"]), text)


def open_line(what):
    """What stands in place of a solution."""
    return f"raise NotImplementedError({json.dumps('your turn: ' + what, ensure_ascii=False)})"


# ----------------------------------------------------------------------------------------------- the notebook

class Edition(NamedTuple):
    folder: Path
    banner: str         # second cell, below the title
    code: object        # what becomes of a code cell
    up: str             # from the notebook to the folder of the repository


EDITIONS = {
    "worked": Edition(HERE, "*The worked edition. To solve the exercises yourself, open "
                            "[exercises/{name}](exercises/{name}).*", worked, "../"),
    "fill-in": Edition(HERE / "exercises", "*The fill-in edition: replace each `raise NotImplementedError(\"your turn: "
                                           "…\")` by your own lines; the check that follows tells you how they do. The "
                                           "worked edition is [{name}](../{name}).*", fill_in, "../../"),
}


def notebook(path, edition):
    """The notebook of a source in one edition, not yet executed."""
    e = EDITIONS[edition]
    title, *rest = parse(path)
    banner = Cell("banner", e.banner.format(name=f"{path.stem}.ipynb"), 0)
    nb = nbformat.v4.new_notebook(metadata=METADATA)
    seen = Counter()
    for cell in (title, banner, *rest):
        text = e.code(cell.text) if cell.kind in ("code", "check") else cell.text
        if cell.kind == "markdown":
            text = text.replace("](../", f"]({e.up}")
        if re.search(r"# --- (solution|end)", text):
            raise BuildError(f"{path.name}: the cell at line {cell.line} has a solution marker without its partner")
        new = nbformat.v4.new_code_cell if cell.kind in ("code", "check") else nbformat.v4.new_markdown_cell
        folded = {"jupyter": {"source_hidden": True}} if cell.kind == "check" and edition == "fill-in" else {}
        nb.cells.append(new(text, id=_identity(text, seen), metadata=folded))
    return nb


def _identity(text, seen):
    """An id that depends on the cell alone, so that a new cell leaves those of the others as they are."""
    seen[text] += 1
    return hashlib.sha256(f"{seen[text]} {text}".encode()).hexdigest()[:12]


def target(path, edition):
    return EDITIONS[edition].folder / f"{path.stem}.ipynb"


def stale(path):
    """The notebooks of a source, of both editions, whose cells are not those of the source."""
    files = [target(path, edition) for edition in EDITIONS]
    wanted = [_cells(notebook(path, edition)) for edition in EDITIONS]
    return [f for f, cells in zip(files, wanted, strict=True)
            if not f.exists() or _cells(nbformat.read(f, as_version=4)) != cells]


def _cells(nb):
    return [(cell.cell_type, cell.id, cell.source) for cell in nb.cells]


# ------------------------------------------------------------------------------------------------------- runs

def execute(nb, name, fast=False):
    """Run a notebook in a fresh kernel, outputs into it. BuildError names the cell that failed, in one line."""
    with _surroundings(fast) as env:
        client = NotebookClient(nb, timeout=300, kernel_name="python3", record_timing=False, coalesce_streams=True,
                                resources={"metadata": {"path": str(HERE)}})
        client.extra_arguments = ["--log-level=ERROR"]      # not that the loopback connection is unencrypted
        try:
            client.execute(env=env)
        except CellExecutionError as e:
            failed = [number for number, cell in enumerate(nb.cells, start=1)
                      if any(output.output_type == "error" for output in cell.get("outputs", ()))]
            raise BuildError(f"{name}, cell {failed[0]}: {e.ename}: {e.evalue}") from None
    nb.metadata = nbformat.from_dict(METADATA)              # the kernel adds its version
    return nb


@contextlib.contextmanager
def _surroundings(fast):
    """The environment of a kernel: this checkout first on the path, nothing left in anybody's home."""
    with tempfile.TemporaryDirectory() as scratch:
        before = dict(os.environ)
        os.environ.update(JUPYTER_RUNTIME_DIR=scratch, IPYTHONDIR=scratch, JUPYTER_PLATFORM_DIRS="1")
        env = {k: v for k, v in os.environ.items() if k not in ("MPLBACKEND", "NUMPYGAN_FAST", "NUMPYGAN_ENGINE")}
        env["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), *filter(None, [before.get("PYTHONPATH")])])
        try:
            yield env | {"NUMPYGAN_FAST": "1"} if fast else env
        finally:
            os.environ.clear()
            os.environ.update(before)


def faults(nb):
    """Why the outputs of an executed notebook cannot be handed out: one line each."""
    local = {str(HERE.parent), str(Path.home()), tempfile.gettempdir(), sys.prefix} - {"/"}
    found = []
    for number, cell in enumerate(nb.cells, start=1):
        for output in cell.get("outputs", ()):
            kinds = set(output.get("data", {}))
            text = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
            if output.output_type == "error" or output.get("name") == "stderr":
                found.append(f"cell {number} writes an error or a warning")
            if kinds - {"image/png", "text/plain"}:
                found.append(f"cell {number} shows {', '.join(sorted(kinds))}: only pictures and text are kept")
            if any(place in text for place in local) or re.search(r"0x[0-9a-f]{6,}", text):
                found.append(f"cell {number} shows a path or an address of this machine")
    size = len(nbformat.writes(nb).encode())
    return found + [f"{size:,} bytes are too many: at most {LARGEST:,}"] * (size >= LARGEST)


def build(path):
    """Both editions of a lesson, the worked one executed, onto disk. Returns the files that changed."""
    editions = {edition: notebook(path, edition) for edition in EDITIONS}
    bad = faults(execute(editions["worked"], path.stem))
    if bad:
        raise BuildError(f"{path.stem}: " + "; ".join(bad))
    changed = []
    for edition, nb in editions.items():
        file, text = target(path, edition), nbformat.writes(nb).rstrip("\n") + "\n"
        nbformat.validate(nb)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
            changed.append(file)
    return changed


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="*", metavar="NN", help="lessons (all, if none is named)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="only say which notebooks differ from their sources")
    how.add_argument("--try", action="store_true", dest="fast", help="run in fast mode, write nothing")
    args = parser.parse_args(argv)
    behind = []
    try:
        for path in sources(args.numbers):
            if args.check:
                behind += stale(path)
            elif args.fast:
                execute(notebook(path, "worked"), path.stem, fast=True)
                print(f"{path.stem}: runs")
            else:
                changed = build(path)
                print(f"{path.stem}: " + (", ".join(str(f.relative_to(HERE)) for f in changed) or "nothing changed"))
    except BuildError as e:
        return str(e)
    for file in behind:
        print(f"{file.relative_to(HERE)} is not what its source makes: run python notebooks/build.py {file.name[:2]}")
    return 1 if behind else 0


if __name__ == "__main__":
    sys.exit(main())
