"""What a check hands back: a table when it passes, an error with a sentence when it does not."""
from typing import NamedTuple


class GradientError(AssertionError):
    """A derivative, or a contract that training rests on, is wrong. The message says what and where.

    `hint`: one more sentence, on what the cause may be.
    """

    def __init__(self, message: object, hint: str = "") -> None:
        text = str(message)
        super().__init__(f"{text}{'' if text.endswith(('?', '.')) else '.'} {hint}" if hint else text)

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the message. Its traceback would lead through the checker, not to the fault."""
        return [f"GradientError: {self}"]


class Row(NamedTuple):
    """One comparison: max|a − n| / max(max|a|, max|n|) of a tensor, and how large it may be."""
    tensor: str
    method: str
    error: float
    tolerance: float


class Report:
    """The comparisons of one check that passed: `rows`, exact properties (`also`) and remarks (`notes`)."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.rows: list[Row] = []
        self.also: list[str] = []
        self.notes: list[str] = []

    def add(self, row: Row) -> None:
        """Enter one comparison; of several of the same thing (two engines, say) the worse one is kept."""
        for i, old in enumerate(self.rows):
            if (old.tensor, old.method) == (row.tensor, row.method):
                if row.error * old.tolerance > old.error * row.tolerance:
                    self.rows[i] = row
                return
        self.rows.append(row)

    def exact(self, *facts: str) -> None:
        """Enter properties that hold to the byte."""
        self.also = list(dict.fromkeys([*self.also, *facts]))

    def note(self, text: str) -> None:
        """Enter a remark on how something was compared."""
        if text not in self.notes:
            self.notes.append(text)

    def merge(self, other: "Report") -> None:
        """Enter everything that another report holds."""
        for row in other.rows:
            self.add(row)
        self.exact(*other.also)
        for text in other.notes:
            self.note(text)

    def __repr__(self) -> str:
        cells = [("tensor", "method", "error", "tolerance")]
        cells += [(r.tensor, r.method, f"{r.error:.1e}", f"{r.tolerance:.1e}") for r in self.rows]
        w = [max(len(row[k]) for row in cells) for k in range(4)]
        table = [f"{a:<{w[0]}}  {b:<{w[1]}}  {c:>{w[2]}}  {d:>{w[3]}}" for a, b, c, d in cells]
        exact = [f"exact: {', '.join(self.also)}"] if self.also else []
        return "\n".join([self.title, *table, *exact, *(f"note: {note}" for note in self.notes)])
