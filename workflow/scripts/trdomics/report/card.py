"""The model card as HTML, from its Markdown."""

from __future__ import annotations

import re

# What the card's template uses of Markdown, in text that is already escaped.
INLINE = (
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\*([^*]+)\*"), r"<em>\1</em>"),
    (re.compile(r"`((?:\.\./)+)([^`]+)`"), r'<a href="\1\2"><code>\2</code></a>'),
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
)


def card_html(markdown: str) -> str:
    """Return headings, lists, tables and paragraphs of escaped Markdown as HTML.

    Parameters
    ----------
    markdown : str
        Blocks separated by blank lines; escaped, so that it holds no tag.
    """
    blocks: list[str] = []
    for block in re.split(r"\n{2,}", markdown.strip()):
        lines = [line for line in block.splitlines() if line]
        while lines and lines[0].startswith("#"):
            level, _, heading = lines.pop(0).partition(" ")
            blocks.append(f"<h{len(level)}>{_inline(heading)}</h{len(level)}>")
        if not lines:
            continue
        if lines[0].startswith("|"):
            blocks.append(_table(lines))
        elif lines[0].startswith("- "):
            items = "".join(f"<li>{_inline(line[2:])}</li>" for line in lines)
            blocks.append(f"<ul>{items}</ul>")
        else:
            blocks.append(f"<p>{_inline(' '.join(lines))}</p>")
    return "\n".join(blocks)


def _table(lines: list[str]) -> str:
    """Return a table; the row below its head is Markdown's rule."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in cells[0])
    rows = "".join(
        "<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>" for row in cells[2:]
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _inline(text: str) -> str:
    for pattern, replacement in INLINE:
        text = pattern.sub(replacement, text)
    return text
