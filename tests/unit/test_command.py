"""How a command ends."""

import datetime

from trdomics.command import what_to_read
from trdomics.files import write_json


def test_what_was_made_is_to_be_read_and_what_a_bundle_leaves_out_is_said(tmp_path):
    page, manifest, old = (str(tmp_path / name) for name in ("p.html", "m.json", "old.html"))
    pages = {page: "Read the page", manifest: "Read the manifest", old: "Read the old one"}
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    assert what_to_read(pages, before) == []
    write_json({"left_out": ["the frozen model: few", "dna"]}, manifest)
    (tmp_path / "p.html").touch()
    said = "Read the manifest\nIt leaves out the frozen model: few\nIt leaves out dna"
    assert what_to_read(pages, before) == ["Read the page", said]
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    assert what_to_read(pages, later) == []
