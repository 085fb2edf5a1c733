"""The shape of the source, read from its syntax trees: what must call what, what must not be there, and sizes."""
import ast
import inspect
from pathlib import Path

import pytest

import numpygan

PACKAGE = Path(numpygan.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
LEAVES = [p for p in (PACKAGE / "kernels").glob("*.py") if p.name != "__init__.py"]
GENERATORS = {"Generator", "default_rng", "SeedSequence", "BitGenerator", "PCG64", "PCG64DXSM", "MT19937", "Philox",
              "SFC64"}
LONGER = {"functional.py": 600}                 # the page of equations, short pieces that are read one by one


def name(path):
    return str(path.relative_to(PACKAGE))


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path):
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]


def is_intrinsic(function):
    """Python that writes machine code: it may call plain Python, but none of another file, as that goes unnoticed."""
    return any(isinstance(d, ast.Name) and d.id == "intrinsic" for d in function.decorator_list)


def is_jitted(function):
    """Decorated with something whose name ends in jit: @jit, @njit, @numba.njit(...), @vectorize and the like."""
    names = [n.id if isinstance(n, ast.Name) else n.attr for d in function.decorator_list
             for n in ast.walk(d) if isinstance(n, ast.Name | ast.Attribute)]
    return any(n.endswith("jit") or n in ("vectorize", "guvectorize", "stencil") for n in names)


def imported(path):
    """Every module named by an import of the file, relative ones with their dots."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ([module] if node.module else [module + alias.name for alias in node.names])


def private(path):
    """Every name with an underscore that the file imports from another one of ours."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("numpygan")):
            yield from (alias.name for alias in node.names
                        if alias.name.startswith("_") and not alias.name.endswith("__"))


def strangers(path):
    """(function, callee) for each call in a jitted function of a name that stands for anything but jitted code of its
    file or something that kernels share."""
    top = tree(path).body
    jitted = {f.name for f in top if isinstance(f, ast.FunctionDef) and (is_jitted(f) or is_intrinsic(f))}
    plain = {f.name for f in top if isinstance(f, ast.FunctionDef | ast.ClassDef)} - jitted
    brought = {alias.asname or alias.name for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom)
               for alias in node.names if node.module not in ("intrinsics", "exponential")}
    for function in functions(path):
        if is_jitted(function) or is_intrinsic(function):
            foreign = brought if is_intrinsic(function) else plain | brought
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in foreign:
                    yield function.name, call.func.id


@pytest.mark.parametrize("path", LEAVES, ids=name)
def test_a_jitted_function_calls_only_jitted_functions_of_its_own_file(path):
    """And the instructions of `intrinsics` and the `exponential`, which are written out where they are called."""
    assert list(strangers(path)) == []


@pytest.mark.parametrize("path", LEAVES, ids=name)
def test_a_leaf_of_the_kernels_imports_nothing_of_ours_but_its_support(path):
    """And what is called by address, the team of threads and the code in tiles, or from Python."""
    ours = {m for m in imported(path) if m.startswith((".", "numpygan"))}
    assert ours <= {"support.py": set(), "intrinsics.py": set(),
                    "passes.py": {".intrinsics", ".rows", ".support", ".team", ".tiles"},
                    "dense.py": {".passes", ".rows", ".support", ".team", ".tiles"},
                    "stack.py": {".dense", ".passes", ".rows", ".support", ".team", ".tiles"},
                    "losses.py": {".exponential", ".support"},
                    "optim.py": {".intrinsics", ".passes", ".support", ".team"}}.get(
                        path.name, {".intrinsics", ".support"})


def test_there_are_kernels_to_look_at():
    assert {"dense.py", "elementwise.py", "losses.py", "optim.py", "support.py"} <= {p.name for p in LEAVES}
    assert sum(is_jitted(f) for p in LEAVES for f in functions(p)) >= 20


@pytest.mark.parametrize("path", FILES, ids=name)
def test_what_begins_with_an_underscore_stays_in_its_file(path):
    assert list(private(path)) == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_is_drawn_from_numpys_global_state(path):
    drawn = [ast.unparse(node) for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)
             and ast.unparse(node.value) in ("np.random", "numpy.random") and node.attr not in GENERATORS]
    assert drawn == []
    assert not {m for m in imported(path) if m == "random" or m.startswith("numpy.random")}


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_module_begins_with_what_it_is_for_and_ends_before_400_lines(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith('"""')
    assert ast.get_docstring(tree(path)).splitlines()[0].strip()
    assert len(lines) <= LONGER.get(name(path), 400)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_function_is_longer_than_60_lines(path):
    assert {f.name: f.end_lineno - f.lineno + 1 for f in functions(path) if f.end_lineno - f.lineno >= 60} == {}


def at_the_top(path):
    """The packages that are imported whenever the file is; what stands in a `try` has another way."""
    return {m.split(".")[0] for node in tree(path).body if isinstance(node, ast.Import | ast.ImportFrom)
            for m in ([a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""])}


@pytest.mark.parametrize("path", [p for p in FILES if p not in LEAVES], ids=name)
def test_numba_and_matplotlib_are_imported_only_where_they_are_needed(path):
    """At the top of a file: Numba in the kernels alone, Matplotlib nowhere but in the files of plots."""
    assert "numba" not in at_the_top(path)
    assert "plots" in name(path) or "matplotlib" not in at_the_top(path)


def test_modules_that_windows_lacks_are_imported_with_another_way():
    lacking = {"curses", "fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
    assert {name(path): found for path in FILES if (found := lacking & at_the_top(path))} == {}


def test_kernels_have_the_names_and_signatures_of_functional():
    """All of them; and the fused ones."""
    from numpygan import functional, kernels

    def table(module):
        return {n: tuple(inspect.signature(f).parameters) for n, f in vars(module).items()
                if inspect.isfunction(f) and not n.startswith("_")}

    ours, theirs = table(kernels), table(functional)
    assert {n: ours.get(n) for n in theirs} == theirs
    assert set(theirs) <= set(kernels.__all__)
    assert set(ours) - set(theirs) == set(kernels.FUSED)


# ---------------------------------------------------------------------------------- the readers themselves are tried

PLANTED = '''
"""A kernel file with four strangers."""
import numba
from .intrinsics import smin
from .support import floats, jit

def plain(x): return x

@jit
def good(x): return x

@jit
def calls_plain(x): return plain(good(x))

@numba.njit(cache=True)
def calls_support(x): return floats(x)

@intrinsic
def writes(typingctx, x): return plain(jit(x))

@jit
def calls_intrinsic(x): return smin(writes(x), x)

def outside(x): return plain(x)
'''


def test_planted_faults_are_found(tmp_path):
    path = tmp_path / "planted.py"
    path.write_text(PLANTED, encoding="utf-8")
    assert list(strangers(path)) == [("calls_plain", "plain"), ("calls_support", "floats"), ("writes", "jit")]
    assert set(imported(path)) == {"numba", ".intrinsics", ".support"}
    path.write_text("from . import dense\nfrom ..functional import affine\nimport numpygan.gan\n", encoding="utf-8")
    assert set(imported(path)) == {".dense", "..functional", "numpygan.gan"}
    path.write_text("from . import __version__\nfrom .a import _b, c\nfrom numpygan.d import _e\nfrom os import _f\n",
                    encoding="utf-8")
    assert list(private(path)) == ["_b", "_e"]
