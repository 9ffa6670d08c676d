"""Tables as pages: described, linked, and with names that stay text."""

import re
import shutil
import subprocess

import pandas as pd
import pytest

from trdomics.files import write_table
from trdomics.report.outputs import read_outputs
from trdomics.report.render import render
from trdomics.report.tables import ReportTable, shown_table, table_context
from trdomics.shipped import shipped

HOSTILE = "<script>alert(1)</script>"


def described(path):
    return next(output for output in read_outputs() if output.fits(path))


def page_of(table, path, title="A table"):
    context = {"cohort": HOSTILE, **table_context(table, described(path), title)}
    return render(shipped("workflow/report/table.html.j2"), context)


@pytest.fixture
def members():
    table = pd.DataFrame({"member": ["HTR2B", HOSTILE], "layer": ["small_rna", "mrna"]})
    return table.assign(effect=[0.123456, None], n_carriers=[12, 3])


def test_cells_are_read_by_people_and_columns_are_described(members):
    context = table_context(members, described("panels/serotonin/members.tsv"), "Members")
    assert context["rows"][0] == ([("HTR2B", None)], [("small RNA", None)], *context["rows"][0][2:])
    assert context["rows"][0][2] == [("0.1235", None)]
    assert context["rows"][1][2] == []
    assert [column["look"] for column in context["columns"]] == ["", "whole", "n", "n"]
    assert context["columns"][1]["meaning"]
    assert context["home"] == "../../"


def test_long_names_wrap_and_large_numbers_are_written_out():
    table = pd.DataFrame({"n_reads": [17399512.5], "reason": ["a,b_c"], "answer": ["x" * 60]})
    page = page_of(table, "classification/performance.tsv")
    assert "n_<wbr>reads" in page
    assert "a,<wbr>b_<wbr>c" in page
    assert '<td class="n">17399512</td>' in page
    assert '<td class="wide">' in page


def test_names_are_inert(members):
    page = page_of(members, "panels/serotonin/members.tsv", title=HOSTILE)
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page


def test_answers_link_their_evidence_but_not_what_is_in_every_layer():
    answers = ["Left out: cohort/excluded.tsv.", "layers/<layer>/qc.tsv and summary.html"]
    table = pd.DataFrame({"item": ["1", "2"], "answer": answers})
    page = page_of(table, "reporting/tripod_ai.tsv")
    cells = re.findall(r'<a href="(\.\./[^"]+)">([^<]+)</a>', page.partition("<tbody>")[2])
    assert cells == [
        ("../cohort/excluded.tsv", "cohort/excluded.tsv"),
        ("../summary.html", "summary.html"),
    ]


def test_a_table_without_columns_has_a_page_too(tmp_path):
    write_table(pd.DataFrame(), tmp_path / "empty.tsv")
    page = page_of(shown_table(str(tmp_path / "empty.tsv")), "cohort/label_by_site.tsv")
    assert "The table has no rows." in page


def test_the_title_names_layer_or_panel():
    table = ReportTable("Panels", "Members", "panels/x/members.tsv", "x", {"layer": "small_rna"})
    assert table.title == "Members: small RNA"
    assert table.page == "panels/x/members.html"


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium here")
def test_a_browser_searches_and_sorts(tmp_path):
    table = pd.DataFrame({"item": ["a", "b", "c"], "answer": ["x", "y", "xy"]})
    table["rank"] = [10.0, None, 9.0]
    probe = """<script>
      const texts = () => [...document.querySelectorAll("tbody tr")].filter(row => !row.hidden)
        .map(row => row.cells[0].textContent).join("");
      query.value = "X"; query.dispatchEvent(new Event("input"));
      const found = texts();
      query.value = ""; query.dispatchEvent(new Event("input"));
      const rank = document.querySelectorAll("thead button")[2];
      rank.click(); const up = texts(); rank.click();
      document.body.dataset.found = [found, up, texts()].join(" ");
    </script></body>"""
    page = tmp_path / "table.html"
    text = page_of(table, "reporting/tripod_ai.tsv").replace("</body>", probe)
    page.write_text(text, encoding="utf-8")
    # numbers by value, missing ones last both ways
    assert 'data-found="ac cab acb"' in as_drawn(page, tmp_path)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium here")
def test_in_snakemakes_report_a_page_links_to_no_file_beside_it(tmp_path):
    beside, alone = tmp_path / "table.html", tmp_path / "data/raw/0123456789abcdef/table.html"
    alone.parent.mkdir(parents=True)
    table = pd.DataFrame({"item": ["1"], "answer": ["Left out: cohort/excluded.tsv."]})
    for path in (beside, alone):
        path.write_text(page_of(table, "reporting/tripod_ai.tsv"), encoding="utf-8")
    links = [re.findall('<a href="([^"#]+)"', as_drawn(path, tmp_path)) for path in (beside, alone)]
    assert links == [["../summary.html", "tripod_ai.tsv", "../cohort/excluded.tsv"], []]


def as_drawn(page, folder):
    done = subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *(f"--user-data-dir={folder / 'chromium'}", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
