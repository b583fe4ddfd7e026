"""Bad input as sentences: what is wrong, where (file:line: key), what was expected, what to do."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

_LONGEST_SENTENCE = 600
_LONGEST_WORD = 80
_MOST_COMPARED = 2_000
_MOST_NAMED = 12
_SHORTEST_PART = 3


@dataclass(frozen=True)
class Problem:
    """One mistake in the input. `where` is `file:line: key`, or the parts of it that are known."""

    where: str
    what: str

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return visible(text if len(text) <= _LONGEST_SENTENCE else text[:_LONGEST_SENTENCE] + "…")


def visible(text: str) -> str:
    """Return the text with what a terminal would obey or hide (escapes, line breaks, marks that
    turn the direction of writing) written out."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


@dataclass
class InputError(Exception):
    """The input cannot be used. Nothing was made or changed; the command ends with exit code 2."""

    problems: list[Problem] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def bad_input(what: str, where: str = "") -> InputError:
    """Return an `InputError` about one problem."""
    return InputError([Problem(where, what)])


def _with_part(asked: str, known: Iterable[str]) -> list[str]:
    """Return the words that begin with a part of a word, or have it in them if none does."""
    if len(asked) < _SHORTEST_PART:
        return []
    found = sorted(name for name in known if asked in name)
    return [name for name in found if name.startswith(asked)] or found


def nearest(word: object, known: Iterable[object]) -> str:
    """Return `; did you mean X?` where a known word is near, else what there is, shortened.

    Words that differ in their case only are near. Among thousands of words only that is looked for.
    """
    spelled = {str(name).casefold(): str(name) for name in known}
    asked = str(word)[:_LONGEST_WORD].casefold()
    few = (
        spelled
        if len(spelled) <= _MOST_COMPARED
        else [name for name in (asked,) if name in spelled]
    )
    close = get_close_matches(asked, few, n=1) or _with_part(asked, few)
    if close:
        return f"; did you mean {spelled[close[0]]!r}?"
    names = sorted(name[:_LONGEST_WORD] for name in spelled.values())
    some = ", ".join(names[:_MOST_NAMED])
    return f"; there is {some}{' …' if len(names) > _MOST_NAMED else ''}" if names else ""
