import numpy as np
import pandas as pd
import pytest

from trdomics.files import (
    plain,
    read_json,
    read_matrix,
    read_table,
    replacing,
    write_json,
    write_matrix,
    write_table,
)


def test_tables_keep_ids_as_text_and_tell_missing_from_the_text_none(tmp_path):
    table = pd.DataFrame(
        {"patient_id": ["007", "1e5"], "drug": ["None", None], "value": [1.5, np.nan]}
    )
    write_table(table, tmp_path / "t.tsv")
    back = read_table(tmp_path / "t.tsv")
    assert back["patient_id"].tolist() == ["007", "1e5"]
    assert back["drug"].isna().tolist() == [False, True]
    assert back["value"].isna().tolist() == [False, True]


def test_matrices_come_back_as_they_were(tmp_path):
    columns = pd.MultiIndex.from_tuples([("1:5:A:G", "X"), ("2:7:C:T", "Y")], names=["v", "gene"])
    matrix = pd.DataFrame(
        [[0, 1], [2, np.nan]], index=pd.Index(["p1", "p2"], name="patient_id"), columns=columns
    ).astype("float32")
    write_matrix(matrix, tmp_path / "m.parquet")
    pd.testing.assert_frame_equal(read_matrix(tmp_path / "m.parquet"), matrix)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.json"
    write_json({"a": 1}, path)
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("{half", encoding="utf-8")
        raise RuntimeError("killed")
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_what_json_does_not_know_becomes_null_or_plain():
    value = {"n": np.int64(3), "x": np.nan, "y": np.float32(0.5), "b": np.bool_(True), "m": pd.NA}
    assert plain(value) == {"n": 3, "x": None, "y": 0.5, "b": True, "m": None}
    assert plain(np.array([1.0, np.inf])) == [1.0, None]
