import pandas as pd
import pytest

from trdomics.errors import InputError
from trdomics.scoring.feature_names import mapped, read_names

NAMES = pd.DataFrame(
    [
        ("ENSG01", "TP53"),
        ("ENSG02", "CD4"),
        ("ENSG03", "CD4"),
        ("ENSG04", "IL6"),
        ("ENSG04", "IL6ST"),
        ("ENSG05.2", "FOS"),
    ],
    columns=["theirs", "ours"],
)
COLUMNS = ["ENSG01.17", "ENSG02.3", "ENSG03.11_PAR_Y", "ENSG04.1", "ENSG05.2", "ACTB"]
TABLE = pd.DataFrame([[1, 2, 3, 4, 5, 6], [10, 20, 30, 40, 50, 60]], ["a", "b"], COLUMNS)


@pytest.mark.parametrize(
    ("kind", "joined"), [("counts", [5, 50]), ("continuous", [2.5, 25]), ("binary", [3, 30])]
)
def test_versions_are_dropped_several_are_joined_and_the_doubtful_left_out(kind, joined):
    result = mapped(TABLE, NAMES, kind)
    assert sorted(result.table.columns) == ["ACTB", "CD4", "FOS", "TP53"]
    assert result.table["CD4"].tolist() == joined
    assert result.table["TP53"].tolist() == [1, 10]
    assert result.table["FOS"].tolist() == [5, 50]
    assert result.table["ACTB"].tolist() == [6, 60]
    assert (result.n_mapped, result.n_joined) == (4, 1)
    assert result.ambiguous == ["ENSG04.1"]


def test_genes_of_variants_are_renamed():
    columns = pd.MultiIndex.from_tuples(
        [("v1", "ENSG01.17", "lof"), ("v2", "TTN", "lof"), ("v3", "", "")],
        names=["variant", "gene", "consequence_class"],
    )
    result = mapped(pd.DataFrame([[0, 1, 2]], ["a"], columns), NAMES, "variants")
    assert list(result.table.columns.get_level_values("gene")) == ["TP53", "TTN", ""]
    assert list(result.table.columns.get_level_values("variant")) == ["v1", "v2", "v3"]
    assert result.n_mapped == 1


def test_a_table_of_names_is_read_in_any_order_and_without_gaps(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("ours,theirs\nTP53,ENSG01\n,ENSG09\nTP53,ENSG01\n")
    assert read_names(path, "mrna")[["theirs", "ours"]].to_numpy().tolist() == [["ENSG01", "TP53"]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("theirs\tours\textra\na\tb\tc\n", "has the columns `theirs`, `ours`, `extra`"),
        ("id\tsymbol\na\tb\n", "has no column `theirs`, `ours`"),
        ("theirs\tours\n", "has no rows"),
        ("theirs\tours\na\t\n", "has no names"),
        ("", "has no rows"),
    ],
)
def test_what_is_no_table_of_names_is_told_in_a_line(tmp_path, text, problem):
    path = tmp_path / "names.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=problem) as told:
        read_names(path, "mrna")
    assert "scoring.feature_names.mrna" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_missing_table_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_names(tmp_path / "none.tsv", "mrna")
