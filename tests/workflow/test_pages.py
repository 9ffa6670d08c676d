"""The pages of a run, as a browser, a reader and a printer see them."""

from __future__ import annotations

import html
import json
import re

import pytest
from browser import AXE, CHROMIUM, assert_accessible, in_browser
from nasty import MARKER, POISON

PAGES = (
    *("summary.html", "genes.html", "mechanism/mechanism.html"),
    *("panels/serotonin/panel.html", "pharmacogenes/pharmacogenes.html"),
    *("classification/model/CARD.html", "reporting/tripod_ai.html", "cohort/quality.html"),
)


def text_of(page: str) -> str:
    """Return what is read on a page, alternative texts included, but for what is set as code."""
    page = re.sub(r"<(script|style|code)\b.*?</\1>", "", page, flags=re.DOTALL)
    spoken = re.findall(r'(?:alt|aria-label)="([^"]*)"', page)
    return html.unescape(" ".join([re.sub(r"<[^>]*>", " ", page), *spoken]))


def after_ready(script: str) -> str:
    """Return a script that waits until the page has drawn its figures."""
    return (
        "const wait = setInterval(() => { if (document.body.dataset.ready !== 'yes') return; "
        f"clearInterval(wait); {script} }}, 50);"
    )


@pytest.mark.parametrize("name", PAGES)
def test_pages_need_nothing_else_and_names_are_inert(ran, name):
    page = (ran.results / name).read_text("utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href|url\()=?["']?(?:https?:)?//""", page)
    for hostile in (text for text in POISON if "<" in text):
        assert hostile not in page
    assert "@media print" in page


def test_the_summary_is_written_for_readers(ran):
    page = (ran.results / "summary.html").read_text("utf-8")
    text = text_of(page)
    assert not {word for word in re.findall(r"\w*[a-z]_[a-z]\w*", text) if MARKER not in word}
    # single quotes of a column in a name are a user's; those of sentences are set as code
    assert "`" not in text.replace(f"`touch {MARKER}`", "")
    linked = set(re.findall(r'href="#(term-[^"]+)"', page))
    assert linked == set(re.findall(r'id="(term-[^"]+)"', page))
    assert {"term-auroc", "term-mofa", "term-false-discovery-rate"} <= linked
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(re.findall(r'id="([^"]+)"', page))


@pytest.mark.skipif(not CHROMIUM, reason="no chromium here")
def test_the_figures_of_the_summary_answer(ran, tmp_path):
    probe = after_ready(
        """
        const found = document.querySelector("#volcano input");
        const slider = document.querySelector("#threshold input");
        found.value = "usp18"; found.dispatchEvent(new Event("input"));
        const before = document.querySelector("#threshold p[aria-live]").textContent;
        slider.value = slider.max; slider.dispatchEvent(new Event("input"));
        document.body.dataset.found = JSON.stringify({
          links: [...document.querySelectorAll("#volcano .found a")].map(
            a => a.getAttribute("href")),
          circles: document.querySelectorAll(".waffle circle").length,
          moved: before !== document.querySelector("#threshold p[aria-live]").textContent,
          factors: document.querySelectorAll("#factor option").length,
          parts: document.querySelectorAll("#factor .parts > div").length,
          wide: document.documentElement.scrollWidth,
          fallback: getComputedStyle(document.querySelector(".static")).display});
        """
    )
    seen = json.loads(in_browser(ran.results / "summary.html", probe, tmp_path, width=500))
    assert seen["links"] == ["genes.html#mrna/USP18"]
    assert seen["circles"] == 100
    assert seen["moved"]
    assert seen["factors"] >= 1
    assert seen["parts"] >= 3
    assert seen["wide"] <= 500
    assert seen["fallback"] == "none"


@pytest.mark.slow
@pytest.mark.skipif(not (CHROMIUM and AXE), reason="AXE_CORE names no axe.min.js, or no chromium")
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation(ran, name, tmp_path):
    # of the genes, one with its card
    assert_accessible(ran.results / name, tmp_path, "#mrna/USP18" if name == "genes.html" else "")
