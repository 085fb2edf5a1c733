"""The documentation keeps its word: equations are numbered and named, links lead somewhere, and the code runs.

A ```python block of docs/ is executed, one namespace per page; a ```text block right under it is what it prints.
"""
import contextlib
import importlib.util
import io
import re
from pathlib import Path

import numpy as np
import pytest

import numpygan as ng

EPS = np.finfo(np.float64).eps
ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
LINKED = [*PAGES, *(p for p in [ROOT / "README.md"] if p.exists())]
CODE = sorted(p for folder in ("numpygan", "notebooks/src") for p in (ROOT / folder).rglob("*.py"))

NUMBER = r"\((\d+\.\d+)\)"
NAMED = re.compile(rf"\bEqs?\.\s+({NUMBER}(?:(?:,|;|\s+and|\s+to|\s*–)\s*(?:and\s+)?{NUMBER})*)")
EQUATION = re.compile(r'^<a id="(eq-[^"]*)"></a>\n\n\$\$\n(.*?)\n\$\$\n', re.M | re.S)
FENCE = re.compile(r"^(```+)(\w*)\n(.*?)^\1\s*$", re.M | re.S)
DISPLAY = re.compile(r"^\$\$\n(.*?)\n\$\$$", re.M | re.S)
INLINE = re.compile(r"(?<!\$)\$(?!\$)([^$\n]+)\$(?!\$)")


# ------------------------------------------------------------------------------------------- reading a page

def read(page):
    return page.read_text(encoding="utf-8")


def named(text):
    """The numbers in `Eq. (2.1)`, `Eqs. (4.7), (4.8)` and `Eqs. (5.5) to (5.8)`, ranges filled in."""
    numbers = set()
    for match in NAMED.finditer(text):
        parts = re.split(r"(\s+to\s+|\s*–\s*)", match[1])
        lists = [re.findall(NUMBER, part) for part in parts[::2]]
        numbers.update(number for part in lists for number in part)
        for before, after in zip(lists, lists[1:], strict=False):
            (chapter, first), (_, last) = before[-1].split("."), after[0].split(".")
            numbers.update(f"{chapter}.{i}" for i in range(int(first), int(last) + 1))
    return numbers


def equations(text):
    """{number by its anchor: number by its tag} of the numbered equations of a page."""
    found = {}
    for anchor, formula in EQUATION.findall(text):
        tags = re.findall(r"\\tag\{([^}]*)\}", formula)
        found[anchor.removeprefix("eq-").replace("-", ".")] = tags[0] if len(tags) == 1 else tags
    return found


def prose(text):
    """A page without its code blocks."""
    return FENCE.sub("", text)


def anchors(text):
    """What `#…` can lead to on a page: its explicit anchors, and its headings as GitHub names them."""
    text, slugs = prose(text), []
    for heading in re.findall(r"^#+ +(.+?) *$", text, re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        slugs.append(f"{slug}-{slugs.count(slug)}" if slug in slugs else slug)
    return set(slugs) | set(re.findall(r'<a id="([^"]+)">', text))


def links(text):
    """The targets of all links and pictures of a page."""
    text = re.sub(r"`[^`\n]*`", "", INLINE.sub("", DISPLAY.sub("", prose(text))))
    return re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", text)


def blocks(text):
    """(line, code, printed) of every ```python block; printed is None where no ```text block follows."""
    fences, found = list(FENCE.finditer(text)), []
    for i, fence in enumerate(fences):
        if fence[2] == "python":
            below = fences[i + 1] if i + 1 < len(fences) else None
            shown = below and below[2] == "text" and not text[fence.end():below.start()].strip()
            found.append((text.count("\n", 0, fence.start(3)), fence[3], below[3] if below and shown else None))
    return found


# ------------------------------------------------------------------------------------------- the reader itself

def test_names_of_equations_are_read_with_lists_and_ranges():
    assert named("y = x W + b      Eq. (2.1)") == {"2.1"}
    assert named("Eqs. (4.7), (4.8)\n and Eq. (4.13).") == {"4.7", "4.8", "4.13"}
    assert named("Eqs. (5.5) to (5.8); Eqs. (2.9)–(2.11) and (2.20)") == {
        "5.5", "5.6", "5.7", "5.8", "2.9", "2.10", "2.11", "2.20"}
    assert named("Goodfellow et al. 2014, Eq. 1; Kingma & Ba, Eq. 16 (2015)") == set()


def test_the_parts_of_a_page_are_told_apart():
    page = ('# A `b` c\n\n<a id="eq-2-1"></a>\n\n$$\ny = x \\tag{2.1}\n$$\n\n[one](2-x.md#eq-2-1) and '
            '`[code](nowhere.md)`\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n\n```python\n# [no](link.md)\n```\n')
    assert equations(page) == {"2.1": "2.1"}
    assert anchors(page) == {"a-b-c", "eq-2-1"}
    assert links(page) == ["2-x.md#eq-2-1"]
    assert blocks(page) == [(11, "print(1)\n", "1\n"), (19, "# [no](link.md)\n", None)]


# ------------------------------------------------------------------------------------------- equations

DEFINED = {page: equations(read(page)) for page in PAGES}
ALL = [number for found in DEFINED.values() for number in found]
IN_CODE = {(path.relative_to(ROOT).as_posix(), number) for path in CODE for number in named(read(path))}


def in_text(page):
    """The equations that the text of a page refers to, by name or by link."""
    text = EQUATION.sub("", prose(read(page)))
    linked = (target.partition("#eq-")[2] for target in links(text))
    return named(text) | {number.replace("-", ".") for number in linked if number}


def test_every_equation_named_in_code_is_in_the_docs():
    assert sorted((path, number) for path, number in IN_CODE if number not in ALL) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_equation_referred_to_in_text_is_in_the_docs(page):
    assert sorted(in_text(page) - set(ALL)) == []


def test_every_numbered_equation_is_named_by_code_or_text():
    used = {number for _, number in IN_CODE}.union(*map(in_text, PAGES))
    assert [number for number in ALL if number not in used] == []


def test_numbers_are_given_once():
    assert sorted(number for number in set(ALL) if ALL.count(number) > 1) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_anchors_and_tags_agree(page):
    text, found = read(page), DEFINED[page]
    assert found == {number: number for number in found}
    assert sorted(re.findall(r"\\tag\{([^}]*)\}", prose(text))) == sorted(found), "a tag without its anchor"
    assert len(re.findall(r'<a id="eq-', text)) == len(found), "an anchor without its equation"
    chapter = re.match(r"\d+", page.name)
    assert all(chapter and number.split(".")[0] == chapter[0] for number in found), "an equation in a wrong chapter"
    ids = re.findall(r'<a id="([^"]+)">', text)
    assert len(ids) == len(set(ids))


# ------------------------------------------------------------------------------------------- links

@pytest.mark.parametrize("page", LINKED, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_resolve(page):
    broken = []
    for target in links(read(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(read(path))):
            broken.append(target)
    assert broken == []


# ------------------------------------------------------------------------------------------- formulas

# What GitHub refuses, or its Markdown changes before the formula is read: \\ and \{ lose a backslash, _ after a bracket
# and * and ~ become emphasis, | ends the cell of a table, < a letter opens a tag.
UNSAFE = re.compile(r"\\[^A-Za-z]|(?<![A-Za-z0-9])_|[*~|<>`#]|\]\(|"
                    r"\\(?:operatorname|mbox|phantom|def|newcommand|renewcommand|require|href|DeclareMathOperator)\b")


def unsafe(text):
    """The formulas of a page that GitHub would not show as they are meant."""
    text = prose(text)
    found = [part for formula in DISPLAY.findall(text) for part in formula.split("\n")
             if UNSAFE.search(part) or re.match(r"\s*([-+=]|\d+[.)]|$)", part)]
    text = re.sub(r"^```.*?^```", "", DISPLAY.sub("", text), flags=re.M | re.S)
    text = re.sub(r"`[^`\n]*`", "code", text)
    found += [match[0] for match in INLINE.finditer(text)
              if UNSAFE.search(match[1]) or match[1] != match[1].strip()
              or not re.match(r"[\s(|]", text[match.start() - 1]) or re.match(r"[\w-]", text[match.end()])]
    return found + re.findall(r".*\$.*", INLINE.sub("", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_formulas_survive_githubs_markdown(page):
    assert unsafe(read(page)) == []


@pytest.mark.parametrize("formula", [
    r"a \\ b", r"\{a\}", r"\mathbb{E}_{x}", r"|x|", r"x^*", r"a<b", r"\operatorname{KL}", r"[a](b)"])
def test_unsafe_formulas_are_noticed(formula):
    assert unsafe(f"\n$$\n{formula}\n$$\n") == [formula]
    assert unsafe(f"see ${formula}$.\n") == [f"${formula}$"]


@pytest.mark.parametrize("text", [
    "the $k$-th\n", "a$x$ b\n", "**$x$**\n", "an $ x$ b\n", "\n$$ x $$\n", "\n$$\na\n- b\n$$\n"])
def test_misplaced_formulas_are_noticed(text):
    assert unsafe(text) != []


def test_safe_formulas_pass():
    assert unsafe("\n$$\n\\mathbb E_{x \\sim p_{\\mathrm{data}}} \\log D(x) \\tag{1.1}\n$$\n") == []
    assert unsafe("so $y_i$, ($x$) and `$PATH`.\n") == []


# ------------------------------------------------------------------------------------------- code

@pytest.mark.parametrize("page", [p for p in PAGES if blocks(read(p))], ids=lambda p: p.name)
def test_the_code_runs_and_prints_what_the_page_says(page, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMPYGAN_ENGINE", "numpy")          # nothing to compile
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": page.stem}
    for line, code, printed in blocks(read(page)):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile("\n" * line + code, page, "exec"), namespace)
        if printed is not None:
            assert out.getvalue().rstrip() == printed.rstrip(), f"{page.name}, line {line}"


def test_the_tutorial_in_pytorch_gives_the_same_numbers():
    """pytorch-tutorial.md: from the same weights, minibatches and noise, losses and parameters agree."""
    torch = pytest.importorskip("torch")
    nn = torch.nn
    theirs_D = nn.Sequential(nn.Linear(12, 8), nn.LeakyReLU(0.2), nn.Linear(8, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1),
                             nn.Sigmoid()).double()
    theirs_G = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 12),
                             nn.Tanh()).double()
    opt_D, opt_G = (torch.optim.Adam(net.parameters(), lr=2e-4) for net in (theirs_D, theirs_G))
    bce = nn.BCELoss()
    ones, zeros = torch.ones(10, 1).double(), torch.zeros(10, 1).double()

    rng = np.random.default_rng(0)
    D = ng.MLP([12, 8, 8, 1], hidden="leaky_relu", rng=rng, dtype=np.float64)
    G = ng.MLP([3, 8, 8, 12], hidden="relu", output="tanh", rng=rng, dtype=np.float64)
    D.theta, G.theta = _flat(theirs_D), _flat(theirs_G)
    loss, ours_D, ours_G = ng.losses.NonSaturating(), ng.optim.Adam(2e-4), ng.optim.Adam(2e-4)

    for _ in range(5):
        x, z1, z2 = rng.uniform(-1, 1, (10, 12)), rng.standard_normal((10, 3)), rng.standard_normal((10, 3))
        L_D, g_D = ng.discriminator_gradient(D, loss, x, G(z1))
        ours_D.step(D, g_D)
        L_G, g_G = ng.generator_gradient(G, D, loss, z2)
        ours_G.step(G, g_G)

        x, z1, z2 = (torch.from_numpy(a) for a in (x, z1, z2))
        loss_D = bce(theirs_D(x), ones) + bce(theirs_D(theirs_G(z1)), zeros)
        _step(opt_D, opt_G, loss_D, opt_D)
        loss_G = bce(theirs_D(theirs_G(z2)), ones)
        _step(opt_D, opt_G, loss_G, opt_G)
        assert [L_D, L_G] == pytest.approx([loss_D.item(), loss_G.item()], rel=100 * EPS)
    assert np.abs(D.theta - _flat(theirs_D)).max() < 1000 * EPS
    assert np.abs(G.theta - _flat(theirs_G)).max() < 1000 * EPS


def _step(opt_D, opt_G, loss, opt):
    opt_D.zero_grad()
    opt_G.zero_grad()
    loss.backward()
    opt.step()


def _flat(net):
    """The parameters of a PyTorch network in the order of ours: W (in, out) row by row, then b."""
    return np.concatenate([p.detach().numpy().T.ravel() for p in net.parameters()])


# ------------------------------------------------------------------------------------------- pictures

def test_the_pictures_are_those_that_the_code_draws(tmp_path):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    pictures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pictures)
    drawn = pictures.draw(tmp_path)
    shown = {target for page in PAGES for target in links(read(page)) if target.startswith("img/")}
    assert {f"img/{path.name}" for path in drawn} <= shown
    assert all(path.stat().st_size < 60_000 for path in drawn)
