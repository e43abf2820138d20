"""Table: columns and rows of text and numbers, for the terminal and for the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simlab.foundation.errors import shown
from simlab.report.numbers import DASH, duration, number, percent, plain

Row = Mapping[str, float | str]

_GAP = "  "
_NARROWEST = 7


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    key : str
        Which value of a row it shows; its Monte Carlo error is the value called ``<key>_mcse``.
    heading : str
        What stands above it; words are broken into lines.
    form : str
        ``text``, ``level`` (of a factor), ``number``, ``signed``, ``share`` or ``time``.
    decimals : int
        Of a number.
    meaning : str
        What the numbers are, for the legend below the table.
    brief : bool
        Whether the terminal shows the mean without its Monte Carlo error, for lack of room.
    """

    key: str
    heading: str
    form: str = "number"
    decimals: int = 2
    meaning: str = ""
    brief: bool = False

    @property
    def numeric(self) -> bool:
        """Whether the column is set flush right."""
        return self.form not in ("text", "level")

    def text(self, row: Row, *, compact: bool = False) -> str:
        """Return a row's value as text; a dash where there is none. ``compact`` writes the error in less room."""
        value = row.get(self.key, float("nan"))
        if isinstance(value, str):
            return shown(value, 60)
        if self.form == "level":
            return plain(value)
        if self.form == "share":
            return percent(value)
        if self.form == "time":
            return duration(value)
        main = number(value, self.decimals, signed=self.form == "signed")
        error = row.get(f"{self.key}_mcse", float("nan"))
        if (
            main == DASH
            or (compact and self.brief)
            or isinstance(error, str)
            or not math.isfinite(error)
            or error == 0.0
        ):
            return main
        small = number(error, self.decimals)
        return f"{main} ±{small.removeprefix('0')}" if compact else f"{main} ± {small}"


@dataclass(frozen=True)
class Table:
    """Rows of values by column key, the columns that show them, and notes in words."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def without_empty(self) -> Table:
        """Return the table without columns in which no row has a value."""
        kept = tuple(c for c in self.columns if any(c.text(row) != DASH for row in self.rows))
        return Table(kept, self.rows, self.notes)

    def cells(self, *, compact: bool = False) -> list[list[str]]:
        """Return the text of every cell; the levels of factors only where they change, so that groups are seen."""
        return _grouped(
            [[column.text(row, compact=compact) for column in self.columns] for row in self.rows], self.columns
        )


def as_text(table: Table, width: int = 110) -> str:
    """Return a table as aligned lines no wider than ``width``; what does not fit is left out from the right, and said."""
    columns = list(table.columns)
    dropped: list[str] = []
    while True:
        cells = Table(tuple(columns), table.rows).cells(compact=True)
        headings = [_broken(column, [line[i] for line in cells]) for i, column in enumerate(columns)]
        widths = [max(map(len, [*headings[i], *(line[i] for line in cells)])) for i in range(len(columns))]
        too_wide = sum(widths) + len(_GAP) * (len(widths) - 1) - width
        for i in sorted(range(len(columns)), key=lambda i: -widths[i]):
            if too_wide > 0 and not columns[i].numeric:
                cut = min(too_wide, max(widths[i] - _NARROWEST, 0))
                widths[i] -= cut
                too_wide -= cut
        numbers = [i for i, column in enumerate(columns) if column.numeric]
        if too_wide <= 0 or len(numbers) < 2:
            break
        dropped.append(columns.pop(numbers[-1]).heading)
    height = max((len(h) for h in headings), default=0)
    lines = []
    for k in range(height):
        parts = [h[k - height + len(h)] if k >= height - len(h) else "" for h in headings]
        lines.append(_line(parts, columns, widths))
    lines.append("─" * (sum(widths) + len(_GAP) * (len(widths) - 1)))
    lines += [_line(line, columns, widths) for line in cells]
    notes = list(table.notes)
    if dropped:
        notes.append(f"Left out for lack of room: {', '.join(reversed(dropped))}.")
    return "\n".join([*lines, *_wrapped(notes, width)])


def _grouped(cells: list[list[str]], columns: Sequence[Column]) -> list[list[str]]:
    """Return the cells with the levels of factors only where they change, so that groups are seen."""
    n_levels = sum(column.form == "level" for column in columns)
    before: list[str] = []
    out = []
    for line in cells:
        same = next((i for i in range(n_levels) if line[: i + 1] != before[: i + 1]), n_levels)
        out.append([*([""] * same), *line[same:]])
        before = line
    return out


def _line(parts: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    cut = [p if len(p) <= w else f"{p[: w - 1]}…" for p, w in zip(parts, widths, strict=True)]
    set_ = [p.rjust(w) if c.numeric else p.ljust(w) for p, c, w in zip(cut, columns, widths, strict=True)]
    return _GAP.join(set_).rstrip()


def _broken(column: Column, cells: Sequence[str]) -> list[str]:
    """Return a heading in lines not much wider than what stands below it."""
    import textwrap

    widest = max((len(cell) for cell in cells), default=0)
    longest = max((len(word) for word in column.heading.split()), default=0)
    return textwrap.wrap(column.heading, max(widest, longest, 5), break_long_words=False) or [""]


def _wrapped(notes: Sequence[str], width: int) -> list[str]:
    import textwrap

    return [line for note in notes for line in textwrap.wrap(note, width)]
