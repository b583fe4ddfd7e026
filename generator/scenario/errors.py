"""Bad input as sentences: what is wrong, where (file:line: key), what was expected, what to do."""

from dataclasses import dataclass, field
from difflib import get_close_matches


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the input. `where` is `file:line: key` as far as it is known."""

    where: str
    what: str

    def __str__(self) -> str:
        return visible(f"{self.where}: {self.what}" if self.where else self.what)


def visible(text: str) -> str:
    """The text with what a terminal would obey or hide (escapes, line breaks, marks that turn the
    direction of writing) written out."""
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
    """An `InputError` about one problem."""
    return InputError([Problem(where, what)])


def nearest(word: object, known: set[str]) -> str:
    """`; did you mean X?` where a known word is near, else what there is, shortened. Words that
    differ in their case only are near."""
    spelled = {each.casefold(): each for each in sorted(known)}
    close = get_close_matches(str(word).casefold(), spelled, n=1)
    if close:
        return f"; did you mean {spelled[close[0]]!r}?"
    some = ", ".join(sorted(known)[:12])
    return f"; there is {some}{' …' if len(known) > 12 else ''}" if known else ""
