"""The figures of the theory, each computed when it is drawn: `numpygan figures`, one file here for each subject."""
import importlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from ..app import outputs
from ..app.options import Misuse
from ..app.terminal import interactive
from ..files import sweep


class Figure(NamedTuple):
    """Where a figure is drawn (a function of a module here: folder -> paths), the files it makes, and what it shows."""
    function: str
    files: tuple[str, ...]
    shows: str


FIGURES = {
    "figure1": Figure("figure1.draw", ("figure1.png", "figure1.gif"),
                      "Figure 1 of the paper, from a training run: p_data, p_g, D and D*"),
    "saturation": Figure("saturation.draw", ("saturation.png",),
                         "the slope of the generator's losses in D and in the logit"),
    "frozen": Figure("saturation.draw_frozen", ("frozen.png",), "the gradient of a G that stands still while D learns"),
    "supports": Figure("supports.draw", ("supports.png", "supports.gif"),
                       "two boxes that slide apart: JSD, W1, and JSD through instance noise"),
    "dimension": Figure("dimension.draw", ("dimension.png",), "accuracy of a trained D against the dimension"),
    "dirac": Figure("dirac.draw", ("dirac.png", "dirac-norms.png", "dirac-eigenvalues.png", "dirac.gif"),
                    "the Dirac-GAN: eight methods, where they end, and their eigenvalues"),
    "bilinear": Figure("dirac.draw_bilinear", ("bilinear.png", "bilinear.gif"), "the game V = xy, rotating"),
}


def draw(name: str, folder: Path) -> list[Path]:
    """Draw one of `FIGURES` into a folder that exists; the paths of its pictures. Each is written whole or not at all.

    One thread for BLAS: the products are small.
    """
    module, function = FIGURES[name].function.split(".")
    sweep(folder, FIGURES[name].files)
    with threadpool_limits(1, user_api="blas"):
        make: Callable[[Path], list[Path]] = getattr(importlib.import_module(f".{module}", __name__), function)
        return make(folder)


def main(names: Iterable[str], out: str) -> int:
    """`numpygan figures`: draw them into the folder `out`, made if need be, and print the path of each picture.

    Misuse when `out` is a file, or empty, or another process draws there, whose half-written files would be swept.
    """
    from tqdm import tqdm
    if not out:
        raise Misuse("'' is no name: name a folder with --out")
    folder = outputs.folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    with (outputs.locked(folder),
          tqdm(list(names), disable=not interactive(), unit="figure", dynamic_ncols=True) as bar):
        for name in bar:
            bar.set_description(name)
            for path in draw(name, folder):
                tqdm.write(str(path), sys.stdout)
            sys.stdout.flush()
    return 0
