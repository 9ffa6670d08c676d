"""The columns of a formula, parsed from its text."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterable

_QUOTED = r"'[^']*'|\"[^\"]*\"|`[^`]*`"
_NAMES = re.compile(
    r"'[^']*'|\"[^\"]*\"|`([^`]+)`|(?<![\w.])([A-Za-z_]\w*)(?!\w|\s*[(.]|\s*=(?!=))"
)
# Words, dotted or not, that are not function calls.
_WORDS = re.compile(rf"{_QUOTED}|(?<![\w.)])([A-Za-z_]\w*(?:\.\w+)*)(?![\w.]|\s*\()")
_CONSTANTS = ("True", "False", "None")


def design_columns(design: str) -> list[str]:
    """Return the columns that a formula names, in its order.

    Parsed from the text: formulaic's ``required_variables`` omit columns inside stateful transforms
    such as ``poly``, and importing it takes a second.
    """
    found = (quoted or name for quoted, name in _NAMES.findall(design))
    return list(dict.fromkeys(name for name in found if name and name not in _CONSTANTS))


def quoted(column: str) -> str:
    """Return a column as named in a formula: in backquotes unless it is a plain word."""
    plain = re.fullmatch(r"[A-Za-z_]\w*", column) and "__" not in column
    return column if plain and not keyword.iskeyword(column) else f"`{column}`"


def unquoted_columns(design: str) -> list[str]:
    """Return names such as ``C1A.C1B``, which without backquotes are read as Python."""
    words = (name for name in _WORDS.findall(design) if "." in name or "__" in name)
    return list(dict.fromkeys(words))


def with_quotes(design: str, columns: Iterable[str]) -> str:
    """Return a formula with missing backquotes added to these columns."""
    for column in columns:
        bare = rf"(?<![\w.])({re.escape(column)})(?![\w.])"
        design = re.sub(
            rf"{_QUOTED}|{bare}", lambda found: quoted(found[1]) if found[1] else found[0], design
        )
    return design


def with_contrast(design: str, column: str) -> str:
    """Return the fix for a formula that lacks the contrast's column, to be pasted into the config.

    If the column is there without backquotes, it gets them; otherwise it is added.
    """
    if "`" in column:
        return (
            f"rename the column {column!r} in the sheet and here: no formula can hold a backquote"
        )
    fixed = with_quotes(design.strip(), [column, *unquoted_columns(design)])
    if column not in design_columns(fixed):
        fixed += f" + {quoted(column)}"
    return f"write design: {json.dumps(fixed, ensure_ascii=False)}"
