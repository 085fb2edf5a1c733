"""Mutation testing: change one thing in the source, and see whether a test notices.

    python tests/mutation.py functional losses optim --workers 2 --out mutants.json      # goes on where it stopped
    python tests/mutation.py --report mutants.json

Each mutant is one change to the syntax tree: an operator, a comparison, a constant, a sign, a statement left out, two
arguments swapped. The tests that cover its file run on a copy of the tree, with the NumPy engine where the file is no
kernel and with NUMBA_DISABLE_JIT=1 where it is one. Killed: a test failed, or ran for too long. A survivor is a fault
that no test would see, or a change that changes nothing (`docs/mutation.md` lists those).
"""
import argparse
import ast
import concurrent.futures
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GAN = ["test_gan.py", "test_family.py", "test_divergence.py"]
# file of the package -> the tests that cover it, the quickest to notice first
TESTS = {
    "functional.py": ["test_values_by_hand.py", "test_twins.py", "test_complex_step.py"],
    "losses.py": ["test_losses.py", "test_family.py", "test_bad_input.py"],
    "optim.py": ["test_optim.py", "test_values_by_hand.py", "test_bad_input.py"],
    "penalties.py": ["test_penalties.py", "test_bad_input.py"],
    "layers.py": ["test_layers.py", "test_values_by_hand.py", "test_network.py", "test_bad_input.py"],
    "network.py": ["test_network.py", "test_state.py", "test_bad_input.py"],
    "batchwise.py": ["test_batchwise.py", "test_state.py", "test_bad_input.py"],
    "spectral.py": ["test_spectral.py", "test_bad_input.py"],
    "gan.py": [*GAN, "test_bad_input.py"],
    "feed.py": [*GAN, "test_checkpoint.py"],
    "history.py": ["test_history.py"],
    "divergence.py": ["test_divergence.py"],
    **{f"theory/{name}.py": [f"test_theory_{test}.py" for test in tests] for name, tests in {
        "closed_forms": ["divergences", "transport"], "density": ["quadrature", "divergences"],
        "dirac": ["dirac", "dirac_package"], "divergences": ["divergences", "mistakes"],
        "expectations": ["expectations"], "game": ["game"], "quadrature": ["quadrature"],
        "transport": ["transport"]}.items()},
    **{f"kernels/{name}.py": ["test_values_by_hand.py", "test_twins.py"]
       for name in ("elementwise", "dense", "losses", "optim", "penalties", "batch", "spectral")},
}
BINARY = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
          ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr}
COMPARE = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
           ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}


# ------------------------------------------------------------------------------------------------------ mutants

def changes(node):
    """(what, how to change a copy of this node in place) for every mutant that begins at it."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in BINARY:
        yield "operator", lambda n: setattr(n, "op", BINARY[type(n.op)]())
    elif isinstance(node, ast.BoolOp):
        yield "and/or", lambda n: setattr(n, "op", ast.And() if isinstance(n.op, ast.Or) else ast.Or())
    elif isinstance(node, ast.Compare) and len(node.ops) >= 1:
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
    elif isinstance(node, ast.Call) and len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args):
        yield "arguments", lambda n: n.args.__setitem__(slice(0, 2), n.args[1::-1])
    elif isinstance(node, ast.IfExp):
        yield "condition", lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))


def is_text(statement):
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def mutants(source):
    """(name, source) of every mutant, "line: what, before -> after"; texts, annotations and errors stay."""
    tree = ast.parse(source)
    skipped = set()
    for node in ast.walk(tree):
        told = [node.exc] if isinstance(node, ast.Raise) and node.exc else []
        told += [node] if isinstance(node, ast.JoinedStr) else []
        for part in [*told, *filter(None, (getattr(node, name, None) for name in ("annotation", "returns")))]:
            skipped |= {id(n) for n in ast.walk(part)}
    nodes = [n for n in ast.walk(tree) if hasattr(n, "lineno") or isinstance(n, ast.Module)]
    for i, node in enumerate(nodes):
        if id(node) in skipped:
            continue
        for what, change in changes(node):
            yield _mutated(tree, nodes, i, what, change)
        body = getattr(node, "body", None)
        if isinstance(body, list) and isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.While | ast.With):
            for k, statement in enumerate(body):
                if not is_text(statement) and not isinstance(statement, ast.Return | ast.Pass | ast.FunctionDef):
                    yield _mutated(tree, nodes, i, "left out", lambda n, k=k: n.body.__setitem__(k, ast.Pass()),
                                   statement)


def _mutated(tree, nodes, i, what, change, shown=None):
    other = copy.deepcopy(tree)
    node = [n for n in ast.walk(other) if hasattr(n, "lineno") or isinstance(n, ast.Module)][i]
    before = ast.unparse(shown or nodes[i]).split("\n")[0]
    place = shown or nodes[i]
    change(node)
    ast.fix_missing_locations(other)
    after = "" if shown else f" -> {ast.unparse(node).splitlines()[0]}"
    return f"{place.lineno}:{place.col_offset}: {what}, {before}{after}", ast.unparse(other)


# ------------------------------------------------------------------------------------------------------- running

def environment(name, scratch):
    kernel = name.startswith("kernels/")
    more = {"NUMBA_DISABLE_JIT": "1"} if kernel else {"NUMPYGAN_ENGINE": "numpy"}
    return os.environ | {"MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(scratch),
                         "NUMPYGAN_TEST_CACHE": str(scratch / "numba")} | more


def chosen(name):
    """Leave out what a mutant of this file cannot reach: the other engine, and what times or starts processes."""
    return ["-k", "not numba"] if not name.startswith("kernels/") else []


def run(tree, name, limit):
    """Did the tests of this file pass on that copy? None when they took longer than `limit` seconds."""
    tests = [str(tree / "tests" / test) for test in TESTS[name] if (tree / "tests" / test).exists()]
    argv = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:randomly", *chosen(name), *tests]
    try:
        done = subprocess.run(argv, cwd=tree, env=environment(name, tree.parent), capture_output=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return None
    return done.returncode == 0


class Copy:
    """One copy of the repository for each worker, into which mutants are put one after the other."""

    def __init__(self, folder):
        self.tree = Path(folder) / "tree"
        shutil.copytree(ROOT, self.tree, ignore=shutil.ignore_patterns(".git", "__pycache__", "runs"))

    def kills(self, name, source, limit):
        path = self.tree / "numpygan" / name
        whole = path.read_text(encoding="utf-8")
        path.write_text(source, encoding="utf-8")
        try:
            return run(self.tree, name, limit) is not True
        finally:
            path.write_text(whole, encoding="utf-8")


def mutate(names, workers, out):
    """All mutants of these files, as many at a time as there are workers; `out` is written after each."""
    told = json.loads(out.read_text()) if out.exists() else {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [Copy(Path(folder) / str(i)) for i in range(workers)]
        for name in names:
            start = time.monotonic()
            if run(copies[0].tree, name, 600) is not True:
                sys.exit(f"the tests of {name} fail, or take ten minutes, without any mutant: mend that first")
            limit = 10 + 4 * (time.monotonic() - start)
            done = told.setdefault(name, {})
            todo = [m for m in mutants((ROOT / "numpygan" / name).read_text(encoding="utf-8")) if m[0] not in done]
            print(f"{name}: {len(todo)} mutants to try, {len(done)} known, at most {limit:.0f} s each", flush=True)
            with concurrent.futures.ThreadPoolExecutor(workers) as pool:
                free = list(copies)

                def one(mutant, name=name, limit=limit, free=free):
                    tree = free.pop()
                    try:
                        return mutant[0], tree.kills(name, mutant[1], limit)
                    finally:
                        free.append(tree)

                for what, killed in pool.map(one, todo):
                    done[what] = killed
                    out.write_text(json.dumps(told, indent=1, ensure_ascii=False))
                    if not killed:
                        print(f"survived {name}:{what}", flush=True)


def report(told):
    for name, done in told.items():
        killed = sum(done.values())
        print(f"{name}: {killed} of {len(done)} killed, {100 * killed / max(1, len(done)):.1f} %")
        print(*(f"    {what}" for what, dead in done.items() if not dead), sep="\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"files, without .py: {', '.join(n[:-3] for n in TESTS)}")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("mutants.json"))
    parser.add_argument("--report", type=Path)
    args = parser.parse_args()
    if args.report is None:
        unknown = [name for name in args.names if f"{name}.py" not in TESTS]
        if unknown or not args.names:
            parser.error(f"unknown files {unknown}: choose from {', '.join(n[:-3] for n in TESTS)}")
        mutate([f"{name}.py" for name in args.names], args.workers, args.out)
    report(json.loads((args.report or args.out).read_text()))


if __name__ == "__main__":
    main()
