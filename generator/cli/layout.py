"""Text and tables that fit the width of a terminal: no word is broken and no number is cut.

A column of text folds at the ends of words, and a long identifier after one of its underscores. All
other columns keep their width, and where that is too much for the terminal, a table becomes a list
of records.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from generator.scenario.errors import visible

# A pipe has no width. It gets the tables of a wide terminal.
WIDTH_OF_A_PIPE = 200
_BETWEEN = 2
_INDENT = 2
# A longer word of a text may be divided.
_IDENTIFIER = 24


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, and whether it holds numbers, or text that may fold."""

    title: str
    is_number: bool = False
    is_text: bool = False


@dataclass(frozen=True)
class Command:
    """A command to copy, which no line break may divide."""

    text: str


Cell = str | Text
Part = str | Text | Command | RenderableType


def console(to_stderr: bool = False) -> Console:
    """Return a console for stdout or stderr, of the width of the terminal or of a pipe."""
    found = Console(stderr=to_stderr, highlight=False)
    if not found.is_terminal:
        found.width = WIDTH_OF_A_PIPE
    return found


def print_part(target: Console, part: Part) -> None:
    """Print a text, folded at the ends of words on a terminal, or something for rich to draw."""
    if isinstance(part, Command):
        target.print(Text(visible(part.text)), soft_wrap=True)
    elif isinstance(part, str):
        print_part(target, text(part))
    elif isinstance(part, Text):
        is_folded = target.is_terminal
        target.print(part, soft_wrap=not is_folded, overflow="fold" if is_folded else "ignore")
    else:
        target.print(part)


def text(content: Cell, style: str = "") -> Text:
    """Return a text in which nothing is obeyed or hidden, line by line."""
    if isinstance(content, Text):
        return content
    return Text("\n".join(map(visible, content.split("\n"))), style=style)


def indent(content: Cell, by: int = _INDENT) -> RenderableType:
    """Return a text with all lines moved to the right."""
    return Padding(text(content), (0, 0, 0, by))


def table(
    columns: Sequence[Column], rows: Iterable[Sequence[Cell]], width: int, has_header: bool = True
) -> RenderableType:
    """Return a table that fits the width. Columns without content are left out."""
    filled = [[text(cell) for cell in row] for row in rows]
    shown = [index for index in range(len(columns)) if any(row[index].plain for row in filled)]
    chosen = [columns[index] for index in shown]
    cells = [[row[index] for index in shown] for row in filled]
    widths = _widths(chosen, cells, width, has_header)
    if widths is None:
        return _records(chosen, cells)
    found = Table(
        box=SIMPLE_HEAD if has_header else None,
        show_header=has_header,
        show_edge=False,
        pad_edge=False,
        padding=(0, _BETWEEN - has_header, 0, 0),
        header_style="bold",
    )
    for column, column_width in zip(chosen, widths, strict=True):
        found.add_column(
            column.title,
            justify="right" if column.is_number else "left",
            width=column_width,
            overflow="fold",
        )
    for row in cells:
        found.add_row(*map(_fold, row, widths))
    return found


def _fold(cell: Text, width: int) -> Text:
    """Return a cell whose words fit a width: longer ones are divided after an underscore, or where
    they have none, at the width."""
    ends, start = [], 0
    for word in re.finditer(r"\S+", cell.plain):
        start, end = word.span()
        while end - start > width:
            start = cell.plain.rfind("_", start, start + width) + 1 or start + width
            ends.append(start)
    return Text("\n").join(cell.divide(ends)) if ends else cell


def _widths(
    columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int, has_header: bool
) -> list[int] | None:
    """Return a width for each column with which a table is not wider than this, and no word of a
    title or cell is broken; None if there are none."""
    room = width - _BETWEEN * max(len(columns) - 1, 0)
    least, most = [], []
    for index, column in enumerate(columns):
        title = Text(column.title if has_header else "")
        cells = [title, *(row[index] for row in rows)]
        whole = max(_longest(cell.plain.split("\n")) for cell in cells)
        words = max(_longest(cell.plain.split()) for cell in cells)
        most.append(whole)
        least.append(min(words, _IDENTIFIER) if column.is_text else whole)
    spare = room - sum(least)
    if spare < 0:
        return None
    widths = []
    wanted = sum(most) - sum(least)
    for low, high in zip(least, most, strict=True):
        more = min(high - low, spare if wanted <= spare else spare * (high - low) // wanted)
        widths.append(low + more)
    return widths


def _longest(parts: Iterable[str]) -> int:
    return max((Text(part).cell_len for part in parts), default=0)


def _records(columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> Text:
    """Return one block of lines for each row: its first cell, then the others with their titles."""
    lines = []
    for row in rows:
        lines.append(row[0])
        for column, cell in zip(columns[1:], row[1:], strict=True):
            if cell.plain:
                title = f"  {' '.join(column.title.split())}: " if column.title else "  "
                lines.append(Text(title) + Text(" ").join(cell.split("\n")))
    return Text("\n").join(lines)
