"""Which words of a command are targets."""

import pytest

from trdomics.command import is_target, left_out_of, what_to_read
from trdomics.files import write_json


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("check --cores 1 --configfile config/mine.yaml", True),
        ("--cores 1 check", True),
        ("-n check", True),
        ("all check --cores 1", True),
        ("--configfile config/mine.yaml --cores 1 check", True),
        ("--cores 1 --directory check", False),
        ("-d check --cores 1 all", False),
        ("--directory=check --cores 1", False),
        ("--cores 1 --config cohort=check", False),
        ("--cores 1 --configfile mine.yaml check", False),
        ("--cores 1", False),
    ],
)
def test_only_a_target_counts(command, expected):
    assert is_target("check", command.split()) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("export --cores 1 --configfile config/mine.yaml", ["the bundle"]),
        ("--cores 1 score export", ["the bundle", "the scores"]),
        ("--cores 1 --directory export", ["the summary"]),
        ("--cores 1", ["the summary"]),
    ],
)
def test_what_is_to_be_read_is_what_was_asked_for(command, expected):
    pages = {"export": "the bundle", "score": "the scores"}
    assert what_to_read(pages, command.split(), "the summary") == expected


def test_what_a_bundle_leaves_out_is_told_where_there_is_one(tmp_path):
    manifest = tmp_path / "manifest.json"
    assert left_out_of(str(manifest)) == ""
    write_json({"left_out": ["the frozen model: few", "dna"]}, manifest)
    told = "\nIt leaves out the frozen model: few\nIt leaves out dna"
    assert left_out_of(str(manifest)) == told
