"""What pages explain of the terms that they use."""

import re

import pytest

from trdomics.report.glossary import TERMS, Glossary


def explained(html):
    glossary = Glossary()
    return str(glossary.explain(html)), [term.name for term in glossary.used]


def test_the_first_use_in_each_section_is_linked_to_its_definition():
    html, used = explained("<section><p>AUROC, AUROC</p></section><section>AUROCs</section>")
    assert html.count('href="#term-auroc"') == 2
    assert used == ["AUROC"]


def test_the_longest_term_is_meant_and_code_headings_and_links_are_left():
    html, used = explained("<h2>MOFA</h2><p>calibration slope in <a>weight</a> <code>p</code></p>")
    assert used == ["calibration slope"]
    assert ">calibration slope</a>" in html


def test_parts_of_words_are_no_terms():
    assert explained("<p>P4 hsa-miR-p steps, no-factor, Ρ</p>")[1] == []


def test_signs_stay_with_their_numbers():
    html, _ = explained("<p>71% of -0.39 (-0.5 to 0.1), 5 %; x &lt; 0.1, 2024-05, `-1`</p>")
    space = "\N{NO-BREAK SPACE}"
    assert f"71{space}% of −0.39 (−0.5 to 0.1), 5{space}%; x &lt;{space}0.1, 2024-05," in html
    assert "<code>-1</code>" in html


def test_markup_of_names_stays_what_it_was():
    hostile = "<p>&lt;img onerror=p&gt; `&lt;b&gt;` `a.b`</p>"
    html, _ = explained(hostile)
    assert re.sub(r"</?(?:a|code)\b[^>]*>", "", html) == hostile.replace("`a.b`", "a.b").replace(
        "`&lt;b&gt;`", "&lt;b&gt;"
    )
    assert "<img" not in html and "<b>" not in html
    assert "<code>a.b</code>" in html


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_every_term_is_found_by_its_name(term):
    assert explained(f"<p>the {term.name} of</p>")[1] == [term.name]
    assert len(term.definition) < 230
