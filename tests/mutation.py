"""Mutation testing: change one thing in the source, and see whether a test notices.

    python tests/mutation.py functional losses optim --out mutants.jsonl        # goes on where it stopped
    python tests/mutation.py --report mutants.jsonl

Each mutant is one change to the syntax tree: an operator, a comparison, a constant, a sign, a condition, a statement
left out, two arguments swapped. The tests of a file are collected once, and noted which lines each one runs. A mutant
is a fork of that process, in which the functions get the changed code and those tests run that reach the changed line,
the quickest first, with the NumPy engine (a kernel: as a Python loop). What an import runs is changed in a fork that
has not imported it yet. Killed: a test failed, or needed far more time or memory than without the change. A survivor
is a fault that no test would see, or a change that changes nothing: `docs/mutation.md` proves those.
"""
import argparse
import ast
import contextlib
import copy
import gc
import importlib.machinery
import importlib.util
import itertools
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import types
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

os.environ |= {"NUMBA_DISABLE_JIT": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg",
               "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}                # read when the libraries are imported

import _pytest.main  # noqa: E402
import pytest  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, DOC = ROOT / "numpygan", ROOT / "docs" / "mutation.md"
LIBRARIES = ["numpy", "numba", "scipy.integrate", "scipy.linalg", "scipy.optimize", "scipy.spatial", "scipy.special",
             "scipy.stats", "matplotlib.pyplot", "PIL.Image", "hypothesis", "pooch", "threadpoolctl", "torch", "tqdm"]

VALUES, DATA = ["values_by_hand", "twins"], ["data_distributions", "data_contract", "bad_input"]
# file of the package -> the tests that are asked (tests/test_….py)
TESTS = {
    "functional": [*VALUES, "complex_step", "properties", "layers", "batchwise"],
    "optim": ["optim", "schedule", "values_by_hand", "bad_input"],
    "losses": ["losses", "family", "bad_input"],
    "penalties": ["penalties", "values_by_hand", "bad_input"],
    "layers": ["layers", "network", "penalties", "values_by_hand", "bad_input"],
    "network": ["network", "state", "penalties", "layers", "guests", "bad_input"],
    "guests": ["guests"],
    "batchwise": ["batchwise", "state", "bad_input"],
    "spectral": ["spectral", "bad_input"],
    "gan": ["gan", "family", "divergence", "state", "planted_bugs", "feed", "guests", "bad_input"],
    "feed": ["feed", "gan", "guests"],
    "history": ["history", "gan", "checkpoint"],
    "divergence": ["divergence"],
    "checks": ["checks", "theory_bad_input", "bad_input"],
    "averaging": ["averaging", "checkpoint", "bad_input"],
    "schedule": ["schedule"],
    "init": ["network", "layers", "values_by_hand", "bad_input"],
    "slots": ["network", "fused", "state"],
    "fused": ["fused", "spectral"],
    "weights": ["weights", "bad_input"],
    "data/curve": DATA, "data/distribution": DATA, "data/gaussian": DATA, "data/mixture": DATA, "data/uniform": DATA,
    "data/rows": [*DATA, "data_own"], "data/images": ["data_own", "data_mnist"],
    "data/own": ["data_own", "data_contract", "guests", "bad_input"],
    "data/npfile": ["data_own"], "data/idx": ["data_mnist"],
    **dict.fromkeys([f"metrics/{name}" for name in ("anchors", "classes", "coverage", "discrepancy", "frechet", "grid",
                                                    "neighbours", "pairs", "region", "window")],
                    ["metrics", "metrics_modes", "metrics_pairs", "study", "bad_input"]),
    **dict.fromkeys([f"check/{name}" for name in ("comparison", "contract", "derivative", "diagnosis", "game", "gans",
                                                  "layers", "losses", "networks", "report", "second", "trial", "twin")],
                    ["check", "planted_bugs", "bad_input"]),
    "theory/closed_forms": ["theory_divergences", "theory_transport", "theory_bad_input", "bad_input"],
    "theory/density": ["theory_quadrature", "theory_divergences", "theory_bad_input", "bad_input"],
    "theory/dirac": ["theory_dirac", "theory_dirac_package", "theory_bad_input", "bad_input"],
    "theory/divergences": ["theory_divergences", "theory_mistakes", "theory_bad_input", "bad_input"],
    "theory/expectations": ["theory_expectations", "theory_bad_input", "bad_input"],
    "theory/game": ["theory_game", "theory_bad_input", "bad_input"],
    "theory/generated": ["theory_generated", "theory_bad_input", "bad_input"],
    "theory/quadrature": ["theory_quadrature", "theory_bad_input", "bad_input"],
    "theory/transport": ["theory_transport", "theory_bad_input", "bad_input"],
    "kernels/elementwise": [*VALUES, "layers"], "kernels/losses": [*VALUES, "passes"],
    "kernels/exponential": [*VALUES, "passes"], "kernels/family": VALUES,
    "kernels/optim": ["optim", "values_by_hand", "twins"], "kernels/penalties": VALUES,
    "kernels/batch": VALUES, "kernels/spectral": [*VALUES, "spectral"],
    "kernels/pairwise": ["metrics", "metrics_pairs"],
    "kernels/support": [*VALUES, "engine"], "kernels/dense": [*VALUES, "fused", "products", "passes"],
    "kernels/passes": ["passes", "stack", "optim"], "kernels/rows": ["passes", "stack", "fused"],
    "kernels/stack": [*VALUES, "fused", "passes", "stack"],
    "kernels/intrinsics": ["passes", "stack", "optim"], "kernels/tiles": ["products", "passes", "stack"],
    "kernels/team": ["products", "passes", "stack"],
}

BINARY = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
          ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
          ast.MatMult: ast.Mult}
COMPARE = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
           ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}


# What compiled code alone runs, by the name of its first argument: LLVM's instructions, and the team's pieces of work.
INSTRUCTIONS = {"typingctx", "builder", "job"}
# Files whose functions are written out in the compiled code of others.
SHARED = {"kernels/support", "kernels/intrinsics", "kernels/exponential"}


# ------------------------------------------------------------------------------------------------------ mutants

class Mutant(NamedTuple):
    name: str               # "function: what, before -> after", numbered where a function has several alike
    node: ast.AST           # of the tree
    change: Any             # node -> None: makes the change
    lines: range | None     # of which a test must run one to meet it; None: an import does


def changes(node):
    """(what, how to change this node in place) for every mutant of it."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in BINARY:
        yield "operator", lambda n: setattr(n, "op", BINARY[type(n.op)]())
    elif isinstance(node, ast.BoolOp):
        yield "and/or", lambda n: setattr(n, "op", ast.And() if isinstance(n.op, ast.Or) else ast.Or())
    elif isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            if type(op) in COMPARE:
                yield "comparison", lambda n, i=i: n.ops.__setitem__(i, COMPARE[type(n.ops[i])]())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign", lambda n: setattr(n, "op", ast.UAdd())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not", lambda n: setattr(n, "operand", ast.UnaryOp(ast.Not(), n.operand))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "constant", lambda n: setattr(n, "value", not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield "constant", lambda n: setattr(n, "value", n.value + 1)
    elif isinstance(node, ast.Call) and len(node.args) >= 2 and not _fixed(node):
        yield "arguments", lambda n: n.args.__setitem__(slice(0, 2), n.args[1::-1])
    elif isinstance(node, ast.IfExp):
        yield "condition", lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
    holds = isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.While | ast.With)
    for field in ("body", "orelse") if holds else ():
        for k, statement in enumerate(getattr(node, field, [])):
            text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not text and not isinstance(statement, ast.Return | ast.Pass | ast.FunctionDef):
                yield statement, lambda n, field=field, k=k: _never(getattr(n, field), k)


def _never(body, k):
    body[k] = ast.If(ast.Constant(False), [body[k]], [])         # there for the compiler, which looks for variables


def _fixed(call):
    """Are its arguments no two values that could be mistaken for each other?"""
    names = "isinstance", "cast", "getattr", "min", "max", "smin", "smax"
    alike = isinstance(call.func, ast.Name) and call.func.id in names
    return alike or any(isinstance(a, ast.Starred) for a in call.args)


def told(node):
    """What of this node only tells, and neither computes nor decides: types, and the wording of errors."""
    if isinstance(node, ast.Raise):
        return [node.exc]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "cast"):
        return node.args[1:]
    return [part for part in (getattr(node, name, None) for name in ("annotation", "returns")) if part]


def instructions(node):
    """Is this a function, or a lambda, that no Python ever runs?"""
    arguments = node.args.args if isinstance(node, ast.FunctionDef | ast.Lambda) else []
    return bool(arguments) and arguments[0].arg in INSTRUCTIONS


def places(node, compiled, function=None, statement=None, path=""):
    """(node, the function and the statement it is in, the names of what it is in) for all that may be mutated."""
    for child in ast.iter_child_nodes(node):
        if (child in told(node) or isinstance(child, ast.JoinedStr) or getattr(child, "name", "") == "__repr__"
                or not compiled and instructions(child)):
            continue
        inner = f"{path}.{child.name}".lstrip(".") if isinstance(child, ast.FunctionDef | ast.ClassDef) else path
        here = child if isinstance(child, ast.stmt) else statement
        within = child if isinstance(child, ast.FunctionDef) else function
        yield child, within, here, inner
        yield from places(child, compiled, within, here, inner)


def reach(function, statement):
    """The lines of the statement, or of its head where it holds others."""
    if function is None or statement is function:
        return None
    body = getattr(statement, "body", None)
    return range(statement.lineno, body[0].lineno if body else statement.end_lineno + 1)


def mutants(tree, compiled=False):
    """Every mutant of this tree, in the order of the text."""
    seen = Counter()
    for node, function, statement, path in places(tree, compiled):
        for what, change in changes(node):
            left_out = isinstance(what, ast.stmt)
            before = ast.unparse(what if left_out else node).splitlines()[0]
            how = f"left out, {before}" if left_out else f"{what}, {before} -> {after(node, change)}"
            name = f"{path or 'module'}: {how}"
            seen[name] += 1
            lines = reach(function, what if left_out else statement)
            yield Mutant(name + (f" #{seen[name]}" if seen[name] > 1 else ""), node, change, lines)


def after(node, change):
    other = copy.deepcopy(node)
    change(other)
    return ast.unparse(other).splitlines()[0]


# --------------------------------------------------------------------------------------------- inside of a fork

class Planted(importlib.machinery.SourceFileLoader):
    """Imports `code` in place of the file of one module."""

    def __init__(self, name, path, code):
        super().__init__(name, str(path))
        self.code = code

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, fullname):
        return self.code


def replant(functions, code):
    """Give these functions, all those that live of one file, their code out of that of the whole file."""
    new, stack = {}, [code]
    while stack:
        inner = [c for c in stack.pop().co_consts if isinstance(c, types.CodeType)]
        new |= {(c.co_qualname, c.co_firstlineno): c for c in inner}
        stack += inner
    for f in functions:
        f.__code__ = new[f.__code__.co_qualname, f.__code__.co_firstlineno]


class Tests:
    """The plugin of a pytest that has only to collect the tests of one file; `then` is called with its session."""

    def __init__(self, name, then):
        self.path, self.then, self.lines = PACKAGE / f"{name}.py", then, set()

    def pytest_configure(self):
        os.environ["NUMPYGAN_ENGINE"] = "numpy"                              # after conftest has removed it

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        kernel = self.path.parent.name == "kernels"                          # the other engine, other processes: no
        items[:] = [i for i in items if "python" not in i.fixturenames and (kernel or "numba" not in i.name)]

    def pytest_runtestloop(self, session):
        self.functions = [f for f in gc.get_objects()
                          if type(f) is types.FunctionType and f.__code__.co_filename == str(self.path)]
        gc.freeze()                                                # the forks share these objects, untouched
        self.then(session)
        return True

    def trace(self, frame, event, arg):
        if frame.f_code.co_filename == str(self.path):
            self.lines.add(frame.f_lineno)
            return self.trace
        return None

    def baseline(self, session, note):
        """Run all tests, which must pass with the code put in anew; write [test, seconds, lines] of each."""
        replant(self.functions, compile(self.path.read_text(encoding="utf-8"), self.path, "exec", dont_inherit=True))
        for item in session.items:
            start, self.lines = time.process_time(), set()
            sys.settrace(self.trace)
            failed = not runs(session, [item])
            sys.settrace(None)
            if failed:
                os.write(note, item.nodeid.encode())
                return 1
            os.write(note, (json.dumps([item.nodeid, time.process_time() - start, sorted(self.lines)]) + "\n").encode())
        return 0


class Killer:
    """The plugin that notes the first test that fails."""

    def __init__(self, note):
        self.note = note

    def pytest_runtest_logreport(self, report):
        if report.failed:
            os.write(self.note, report.nodeid.encode())


def runs(session, items):
    """Do these tests pass, in this order?"""
    session.items = items
    with contextlib.suppress(session.Failed):
        _pytest.main.pytest_runtestloop(session)
    return not session.testsfailed


def collect(name, plugin, *more):
    files = [f"tests/test_{f}.py" for f in TESTS[name]]
    return pytest.main(["-x", "-p", "no:terminal", *files], plugins=[plugin, *more])


# ------------------------------------------------------------------------------------------------------- running

def fork(seconds, work):
    """work(file descriptor to write a note to) in a process of its own, within so much CPU time; its id."""
    if pid := os.fork():
        return pid
    status = 99
    try:
        for limit, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, 8 << 30)):
            resource.setrlimit(limit, (most, most))
        signal.alarm(3600)                                                   # for what waits without computing
        status = work(os.open(_note(os.getpid()), os.O_CREAT | os.O_WRONLY))
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(int(status))


def _note(pid):
    return Path(tempfile.gettempdir(), f"note-{pid}")


def end(pid=-1):
    """Wait for a process: (its id, its status, the note it wrote)."""
    pid, status = os.waitpid(pid, 0)
    note = _note(pid).read_text() if _note(pid).exists() else ""
    _note(pid).unlink(missing_ok=True)
    return pid, status, note


def outcome(status, who):
    """Who killed the mutant; None: it survived."""
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1, 2):
        sys.exit(f"the tests cannot be run (exit status {code})")
    return (who or "import") if code else None


def farm(jobs, workers, tell):
    """Run (mutant, seconds, work), so many at a time, and tell each outcome."""
    running = {}

    def finish():
        pid, status, note = end()
        tell(running.pop(pid), outcome(status, note))

    for mutant, seconds, work in jobs:
        while len(running) >= (workers if os.getloadavg()[0] < 3 else 1):
            finish()
        running[fork(seconds, work)] = mutant
    while running:
        finish()


def mutate(name, known, args):
    """Try the mutants of this file that are not known; each verdict is a line of `args.out`."""
    path, module = PACKAGE / f"{name}.py", "numpygan." + name.replace("/", ".")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    every = list(mutants(tree, args.compiled))
    if args.again:
        todo = [m for m in every if m.name in known and known[m.name] is None]
    else:
        drawn = random.Random(args.seed).sample(range(len(every)), min(args.sample or len(every), len(every)))
        todo = [every[i] for i in sorted(drawn) if every[i].name not in known]
    print(f"{name}: {len(todo)} of {len(every)} mutants to try", flush=True)

    def code(mutant):
        mutant.change(mutant.node)                                           # in the fork alone
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)

    def tell(mutant, killer):
        with args.out.open("a") as out:
            out.write(json.dumps([name, mutant.name, killer], ensure_ascii=False) + "\n")
        if killer is None:
            print(f"survived {name}.py {mutant.name}", flush=True)

    def inside(session):
        """Where the tests are collected: the functions' own mutants."""
        _, status, note = end(fork(3600, lambda note: tests.baseline(session, note)))
        if status:
            sys.exit(f"a test of {name} fails without any mutant: {note.splitlines()[-1]}")
        base = {test: (seconds, set(lines)) for test, seconds, lines in map(json.loads, note.splitlines())}
        jobs = []
        for mutant in (m for m in todo if m.lines):
            items = sorted((i for i in session.items if base[i.nodeid][1].intersection(mutant.lines)),
                           key=lambda i: base[i.nodeid][0])
            cost = list(itertools.accumulate(base[i.nodeid][0] for i in items))
            items = items[:sum(c <= args.seconds for c in cost)]

            def work(note, mutant=mutant, items=items):
                session.config.pluginmanager.register(Killer(note))
                replant(tests.functions, code(mutant))
                return not runs(session, items)
            jobs.append((mutant, 10 + round(5 * args.seconds), work))
        farm(jobs, args.workers, tell)

    def imported(mutant):
        """A fork that imports the mutant, and then asks all tests."""
        def work(note):
            sys.meta_path.insert(0, Planted(module, path, code(mutant)))
            return collect(name, Tests(name, lambda session: runs(session, session.items)), Killer(note))
        return mutant, 600, work

    if args.compiled:
        with_compiler(name, path.read_text(encoding="utf-8"), todo, tell)
        return
    tests = Tests(name, inside)
    if any(m.lines for m in todo) and (status := end(fork(100_000, lambda note: collect(name, tests)))[1]):
        sys.exit(f"{name}: pytest cannot collect {TESTS[name]} (status {status})")
    farm((imported(m) for m in todo if not m.lines), args.workers, tell)


def with_compiler(name, source, todo, tell):
    """Tell who kills each mutant of a kernel with the JIT on: an interpreter for each, which finds a changed copy."""
    room, files = Path(tempfile.mkdtemp()), [f"tests/test_{f}.py" for f in TESTS[name]]
    known, cache, copied = room / "known", room / "cache", room / "numpygan" / f"{name}.py"
    env = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    env |= {"PYTHONPATH": str(room), "PYTHONDONTWRITEBYTECODE": "1"}
    for folder in ("numpygan", "tests", "docs"):
        shutil.copytree(ROOT / folder, room / folder)
    shutil.copy(ROOT / "setup.cfg", room)
    # The cache is asked for the state of all kernel files. Here it is told: anew where others are made of the change.
    support = room / "numpygan" / "kernels" / "support.py"
    asked, told = "super()._index_key(*args), _sources()", "super()._index_key(*args), os.environ['SOURCES']"
    assert asked in support.read_text(encoding="utf-8")
    support.write_text(support.read_text(encoding="utf-8").replace(asked, told), encoding="utf-8")

    def killer(kernels, sources="known"):
        done = subprocess.run([sys.executable, "-m", "pytest", "-xq", "--tb=no", *files], cwd=room, text=True,
                              env=env | {"NUMPYGAN_TEST_CACHE": str(kernels), "SOURCES": sources},
                              stdout=subprocess.PIPE,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (600, 600)))
        if done.returncode < 0:
            return signal.Signals(-done.returncode).name
        failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return (failed or ["import"])[0] if done.returncode else None

    if failed := killer(known):
        sys.exit(f"a test of {name} fails without any mutant: {failed}")
    for mutant in todo:
        tree = ast.parse(source)
        other = next(m for m in mutants(tree, compiled=True) if m.name == mutant.name)
        other.change(other.node)
        copied.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
        shutil.rmtree(cache, ignore_errors=True)
        shutil.copytree(known, cache)                       # the kernels of all other files
        tell(mutant, killer(cache, "known" if mutant.lines and name not in SHARED else "changed"))


def verdicts(out):
    """{file: {mutant: who killed it}} as that file tells it; what it tells last holds."""
    all_of_them: dict[str, dict] = {}
    for line in out.read_text().splitlines() if out.exists() else ():
        name, mutant, killer = json.loads(line)
        all_of_them.setdefault(name, {})[mutant] = killer
    return all_of_them


def report(out, compiled):
    """The score of every file, of those mutants that its source still has, and the survivors without a proof."""
    doc, sums, missing = DOC.read_text(encoding="utf-8"), Counter(), []
    print("| file | mutants | tried | killed | survivors | of them proved equivalent |\n|---|---|---|---|---|---|")
    for name, known in sorted(verdicts(out).items(), key=lambda item: list(TESTS).index(item[0])):
        tree = ast.parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))
        every = [m.name for m in mutants(tree, compiled)]
        tried = [m for m in every if m in known]
        alive = [m for m in tried if known[m] is None]
        proved = [m for m in alive if f"`{name}.py` `{m}`" in doc]
        missing += [f"{name}.py {m}" for m in alive if m not in proved]
        row = [len(every), len(tried), len(tried) - len(alive), len(alive), len(proved)]
        sums.update(dict(enumerate(row)))
        print(line(f"`{name}.py`", *row))
    print(line("all", *(sums[i] for i in range(5))), *(f"survived {m}" for m in missing), sep="\n")


def line(name, every, tried, killed, alive, proved):
    return f"| {name} | {every} | {tried} | {killed}, {100 * killed / max(1, tried):.1f} % | {alive} | {proved} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"files, without .py: {', '.join(TESTS)}")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time; one while the load is above 3")
    parser.add_argument("--sample", type=int, help="so many mutants of a file, drawn at random with --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3, help="of CPU time for the tests of one mutant")
    parser.add_argument("--again", action="store_true", help="try the survivors again, and nothing else")
    parser.add_argument("--compiled", action="store_true", help="with the JIT on, for kernels: half a minute each")
    parser.add_argument("--out", type=Path, default=Path("mutants.jsonl"))
    parser.add_argument("--report", type=Path)
    args = parser.parse_args()
    if args.report is None:
        if unknown := [name for name in args.names if name not in TESTS]:
            parser.error(f"unknown files {unknown}: choose from {', '.join(TESTS)}")
        args.out = args.out.resolve()
        os.chdir(ROOT)
        sys.path.insert(0, str(ROOT))
        with tempfile.TemporaryDirectory(prefix="mutants-") as tempfile.tempdir:
            os.environ["TMPDIR"], sys.pycache_prefix = tempfile.tempdir, tempfile.tempdir + "/pyc"
            for library in LIBRARIES:
                with contextlib.suppress(ImportError):
                    importlib.import_module(library)
            for name in args.names:
                mutate(name, verdicts(args.out).get(name, {}), args)
    report(args.report or args.out, args.compiled)


if __name__ == "__main__":
    main()
