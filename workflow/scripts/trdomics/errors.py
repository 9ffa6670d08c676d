"""Errors for users."""

from __future__ import annotations

from collections.abc import Sequence

# Longer parts of a message are cut in the middle.
LONGEST = 400


def readable(text: str) -> str:
    """Return a text in one line without terminal control characters, shortened if very long."""
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 4 :]}"


class InputError(ValueError):
    """Bad input, in one line: which file, which row or key, and how to fix it.

    Parameters
    ----------
    where : str
        The file, and the row, column or key inside it.
    problem : str
        What is wrong with it.
    fix : str
        How the user can fix it.
    """

    def __init__(self, where: str, problem: str, fix: str) -> None:
        self.where, self.problem, self.fix = map(readable, (where, problem, fix))
        super().__init__(f"{self.where}: {self.problem}; {self.fix}")

    @property
    def errors(self) -> Sequence[InputError]:
        """Return the single errors: this one."""
        return [self]


class InputErrors(InputError):
    """All errors in a file, one line each."""

    def __init__(self, errors: Sequence[InputError]) -> None:
        first = errors[0]
        super().__init__(first.where, first.problem, first.fix)
        self._errors = list(errors)
        self.args = ("\n".join(map(str, errors)),)

    @property
    def errors(self) -> Sequence[InputError]:
        """Return the single errors, in the order they were found."""
        return self._errors
