import base64

import pytest
from jinja2 import UndefinedError

from trdomics.report.render import embedded, render, write_page


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "page.j2"
    path.write_text("<p>{{ label }}</p>", encoding="utf-8")
    return path


def test_names_from_users_files_cannot_become_markup(template):
    assert "<script>" not in render(template, {"label": "<script>alert(1)</script>"})


def test_a_name_that_is_lacking_is_an_error_not_a_gap(template):
    with pytest.raises(UndefinedError):
        render(template, {})


def test_figures_are_inside_the_page(tmp_path):
    figure = tmp_path / "a.svg"
    figure.write_bytes(b"<svg/>")
    kind, data = embedded(figure).split(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data) == b"<svg/>"


def test_a_page_is_written_whole_or_not_at_all(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        write_page("half \ud800", page)
    assert page.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [page]
