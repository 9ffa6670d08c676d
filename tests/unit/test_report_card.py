"""The model card's Markdown as HTML."""

from trdomics.report.card import card_html

CARD = """# Card: &lt;b&gt;

Of *the authors*.

## Model
- **Not** for `../sites.tsv`.
- Second.

| Measure | value |
| --- | --- |
| AUROC | 0.7 |
"""


def test_headings_lists_and_tables_become_html():
    assert card_html(CARD).splitlines() == [
        "<h1>Card: &lt;b&gt;</h1>",
        "<p>Of <em>the authors</em>.</p>",
        "<h2>Model</h2>",
        "<ul><li><strong>Not</strong> for "
        '<a href="../sites.tsv"><code>sites.tsv</code></a>.</li><li>Second.</li></ul>',
        '<table><thead><tr><th scope="col">Measure</th><th scope="col">value</th></tr></thead>'
        "<tbody><tr><td>AUROC</td><td>0.7</td></tr></tbody></table>",
    ]
