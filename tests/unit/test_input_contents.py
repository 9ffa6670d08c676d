import os

import pytest

from trdomics.errors import InputError
from trdomics.input_contents import Contents


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.tsv").write_text("1\t2\n", encoding="utf-8")
    return tmp_path / ".snakemake" / "kept.json"


def replace(text, time):
    with open("a.tsv", "w", encoding="utf-8") as handle:
        handle.write(text)
    os.utime("a.tsv", (time, time))


def test_another_content_under_an_older_time_is_noticed_and_named(kept):
    before = Contents(kept).digests(["a.tsv"])
    replace("1\t3\n", 1e9)
    contents = Contents(kept)
    assert contents.digests(["a.tsv"]) != before
    assert contents.changed == ["a.tsv"]
    again = Contents(kept)
    assert again.digests(["a.tsv"]) != before
    assert not again.changed


def test_another_time_or_place_of_the_same_content_is_the_same(kept, tmp_path):
    before = Contents(kept).digests(["a.tsv"])
    replace("1\t2\n", 2e9)
    assert Contents(kept).digests(["a.tsv"]) == before
    (tmp_path / "b.tsv").write_text("1\t2\n", encoding="utf-8")
    assert Contents(kept).digests(["b.tsv"]) == before


def test_a_file_is_read_once(kept, monkeypatch):
    before = Contents(kept).digests(["a.tsv"])
    monkeypatch.setattr("trdomics.input_contents._checksum", lambda path: pytest.fail("read again"))
    assert Contents(kept).digests(["a.tsv"]) == before


@pytest.mark.parametrize("damaged", ["", "{", "[1]", '{"a.tsv": 5}', '{"a.tsv": [1]}'])
def test_a_damaged_record_is_made_anew(kept, damaged):
    before = Contents(kept).digests(["a.tsv"])
    kept.write_text(damaged, encoding="utf-8")
    assert Contents(kept).digests(["a.tsv"]) == before


def test_a_file_that_is_not_there_is_an_error(kept):
    with pytest.raises(InputError, match=r"nowhere\.tsv: cannot be read"):
        Contents(kept).digests(["nowhere.tsv"])
