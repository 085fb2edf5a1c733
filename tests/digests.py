"""What every kernel returns, as digests, and what its machine code consists of; `test_cache` runs this in processes."""
import hashlib
import re

import numpy as np
from cases import CASES, as_tuple, drawer
from numba.core.codegen import CPUCodeLibrary

from numpygan import kernels
from numpygan.kernels import pairwise

# Rows, inputs, outputs: one piece and less than a tile; few columns; several pieces, deeper than a packed strip, with
# tiles that are partly filled, and 601 · 257 parameters, which are shared with the team.
SIZES = {"small": (7, 9, 10), "thin": (203, 300, 3), "large": (205, 601, 257)}
STEP = ("dense", "adam", "affine", "average", "bce_discriminator", "non_saturating_generator", "norm", "tanh",
        "tanh_backward")                                            # what a step of training calls


def _dense(a, n, d, m):
    """Two layers of that size, and between them one of few columns of y and one of few of x."""
    sizes, slopes = (d, m, 2, d, m), (0.2, 1.0, 0.0, 0.2)
    x, theta, dy = a(n, d), a(sum((k + 1) * j for k, j in zip(sizes, sizes[1:], strict=False))), a(n, m)
    y, hidden = kernels.mlp(x, theta, sizes, slopes)
    g = np.empty_like(theta)
    return y, hidden, kernels.mlp_backward(x, hidden, y, dy, theta, sizes, slopes, g, True), g, kernels.affine_db(dy)


def _pairs(a, n, d, m):
    square = pairwise.squared_distances(a(n, d), a(m, d))
    return square, pairwise.log_sum_exp(square, -0.3)


OTHERS = {"dense": _dense, "pairs": _pairs}                         # what has no twin of its name in `functional`
ALL = (*OTHERS, *CASES)
ARITHMETIC = re.compile(r" f(?:add|mul|div|rem) |@llvm\.(?:fm|sqrt)| fsub .* (\S+), (?!\1$)", re.MULTILINE)   # in LLVM

def digest(name, dtype, size, layout):
    a = drawer(dtype, [layout])
    results = OTHERS[name](a, *SIZES[size]) if name in OTHERS else as_tuple(
        getattr(kernels, name)(**CASES[name](a, *SIZES[size])[0]))
    return hashlib.sha256(b"".join(np.asarray(r).tobytes() for r in results)).hexdigest()


def write(names, dtypes="f", backwards=False):
    """A line for each call; in an order that has the large arrays before the small ones, or backwards."""
    calls = [(name, dtype, size, layout) for name in names for dtype in dtypes for size in reversed(SIZES)
             for layout in (("C", "Fortran") if name.startswith(("affine", "matmul")) else ("C",))]
    for call in reversed(calls) if backwards else calls:
        print(*call, digest(*call))


def watch():
    """Have each function that is compiled from here on write down which others' arithmetic its code has a copy of.

    x − x is the zero of the type of x, and no arithmetic.
    """
    finalize = CPUCodeLibrary.finalize

    def watched(self):
        finalize(self)
        for f in self.get_defined_functions():
            if f.linkage.name == "linkonce_odr" and ARITHMETIC.search(str(f)):
                print(f"copy: {self.name} holds {f.name}")

    CPUCodeLibrary.finalize = watched
