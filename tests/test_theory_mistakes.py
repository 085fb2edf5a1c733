"""The appendix of common mistakes keeps its word: every entry says what is correct and is checked by something real."""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "common-mistakes.md").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^### (\d+)\. (.*?)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S)
TESTS = re.findall(r"`(tests/\w+\.py)::(\w+)`", PAGE)


def test_entries_are_numbered_one_after_the_other():
    assert [int(number) for number, _, _ in ENTRIES] == list(range(1, len(ENTRIES) + 1))
    assert len(ENTRIES) == PAGE.count("\n### ") >= 30


@pytest.mark.parametrize(("number", "title", "body"), ENTRIES, ids=[e[0] for e in ENTRIES])
def test_every_entry_is_corrected_and_checked(number, title, body):
    """By a test or by lines that run; what was written somewhere, by where."""
    assert "- **Correct:**" in body
    assert ("- **Check:** `tests/" in body or re.search(r"```python\n.+?```\n\n```text\n.+?```", body, re.S)
            or number in ("41", "42", "43") and "- **Source:** " in body)


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_the_tests_it_names_exist(file, name):
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.M)
