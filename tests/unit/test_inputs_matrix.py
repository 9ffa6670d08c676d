"""Reading of matrices: any valid one as it is, any other with the cell that is wrong."""

import gzip
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trdomics.errors import InputError
from trdomics.inputs.annotation import read_annotation
from trdomics.inputs.checks import check_not_clinical, check_varies
from trdomics.inputs.layouts import SUMMARY_ROW, SUMS
from trdomics.inputs.matrix import read_header, read_layer_matrix
from trdomics.layers.types import layer_type

NAMES = pd.Series({"p1": "a", "p2": "b", "p3": np.nan, "p4": "d"}, dtype=object)
COUNTS = layer_type("counts").value_rules({})
SOUND = "gene\tb\ta\tother\nTP53\t1\t2\tx\nNA\t3\t0\ty\n"


def write(folder, text, name="m.tsv"):
    path = folder / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return str(path)


def read(path, kind="counts", **more):
    return read_layer_matrix(path, "rna", NAMES, layer_type(kind).value_rules(more))


def failures(path, kind="counts", **more):
    with pytest.raises(InputError) as caught:
        read(path, kind, **more)
    return list(map(str, caught.value.errors))


def failure(path, kind="counts", **more):
    (text,) = failures(path, kind, **more)
    assert text.startswith(f"{path} (layer rna)")
    assert "\n" not in text
    return text.removeprefix(f"{path} (layer rna)").removeprefix(": ").strip()


@pytest.mark.parametrize("name", ["m.tsv", "m.tsv.gz", "m.csv", "m.csv.gz", "m.txt"])
def test_patients_by_features_in_the_order_of_the_sheet(tmp_path, name):
    text = SOUND.replace("\t", ",") if "csv" in name else SOUND
    matrix, ignored, *_ = read(write(tmp_path, text, name))
    expected = pd.DataFrame(
        [[2, 0], [1, 3]],
        index=pd.Index(["p1", "p2"], name="patient_id", dtype=object),
        columns=pd.Index(["TP53", "NA"], name="feature", dtype=object),
    )
    pd.testing.assert_frame_equal(matrix, expected)
    # what nobody in the sheet has is left out, and need not be numbers
    assert ignored == ["other"]


@pytest.mark.parametrize("as_index", [True, False])
def test_parquet_with_features_as_index_or_first_column(tmp_path, as_index):
    table = pd.DataFrame({"gene": ["g1", "g2"], "a": [1, 2], "b": [3, 4]})
    path = str(tmp_path / "m.parquet")
    (table.set_index("gene") if as_index else table).to_parquet(path)
    assert read_header(path, "rna") == ["a", "b"]
    assert read(path)[0].to_numpy().tolist() == [[1, 2], [3, 4]]


def test_a_bgzipped_matrix_is_several_gzip_members(tmp_path):
    path = tmp_path / "m.tsv.gz"
    path.write_bytes(b"".join(gzip.compress(line.encode()) for line in SOUND.splitlines(True)))
    assert read(str(path))[0].shape == (2, 2)


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_names(tmp_path):
    path = tmp_path / "m.tsv"
    path.write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())
    assert read_header(str(path), "rna") == ["b", "a", "other"]
    assert list(read(str(path))[0].columns) == ["TP53", "NA"]


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("many", "counts", "feature `g2`, sample `a`: 'many' is not a number; correct the value"),
        ("1,5", "continuous", "feature `g2`, sample `a`: '1,5' is not a number"),
        ("-3", "counts", "feature `g2`, sample `a`: -3 is a negative count; give raw counts"),
        (
            "2.5",
            "counts",
            "feature `g2`, sample `a`: 2.5 is a fractional count: no value is ab",
        ),
        ("NA", "counts", "feature `g2`, sample `a`: missing where a count must be; write 0"),
        ("", "counts", "feature `g2`, sample `a`: missing where a count must be; write 0"),
        ("1e300", "counts", "feature `g2`, sample `a`: 1e+300 is too large for a count"),
        ("inf", "continuous", "feature `g2`, sample `a`: inf is not finite"),
        ("2", "binary", "feature `g2`, sample `a`: 2 is neither 0 nor 1"),
    ],
)
def test_the_cell_that_is_wrong_is_named(tmp_path, value, kind, expected):
    path = write(tmp_path, f"f\tb\ta\ng1\t1\t1\ng2\t0\t{value}\ng3\t1\t0\n")
    assert expected in failure(path, kind)


def test_text_in_parquet_is_named_too(tmp_path):
    path = str(tmp_path / "m.parquet")
    pd.DataFrame({"gene": ["g1", "g2"], "a": ["1", "x"]}).to_parquet(path)
    assert "feature `g2`, sample `a`: 'x' is not a number" in failure(path)


def test_up_to_twenty_are_named_in_reading_order(tmp_path):
    path = write(tmp_path, "f\ta\tb\ng1\t1\tfirst\ng2\tsecond\t1\n")
    first, second = failures(path)
    assert "feature `g1`, sample `b`: 'first'" in first
    assert "feature `g2`, sample `a`: 'second'" in second
    rows = "g\t1\t1\n" + "".join(f"g{i}\tx\t1\n" for i in range(30))
    *_, last = found = failures(write(tmp_path, f"f\ta\tb\n{rows}"))
    assert len(found) == 21
    assert "10 more problems like these" in last


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("f\ta\tb\ng\0\t1\t1\n", r"feature 'g\x00' holds a control character"),
        ("f\ta\tb\ng\x1b[31m\t1\t1\n", r"feature 'g\x1b[31m' holds a control character"),
        ("f\ta\tb\x07\ng\t1\t1\n", r"sample 'b\x07' holds a control character"),
        ("f\ta\tb\ng\t9e15\t1\n", "9e+15 is too large for a count"),
    ],
)
def test_what_no_file_may_hold(tmp_path, text, said):
    assert said in failure(write(tmp_path, text))


def test_no_pipe_and_no_endless_line_is_read(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.tsv")
    assert "not a file but a folder, pipe or device" in failure(str(tmp_path / "pipe.tsv"))
    monkeypatch.setattr("trdomics.inputs.text_table.LONGEST_LINE", 1000)
    path = tmp_path / "m.tsv.gz"
    path.write_bytes(gzip.compress(b"a" * 2000))
    assert "line 1 does not end within 1,000 characters" in failure(str(path))


def test_logarithms_of_negative_values_are_refused(tmp_path):
    path = write(tmp_path, "f\ta\tb\ng1\t1\t-0.5\n")
    assert "sample `b`: -0.5 is negative, but `log2: true`" in failure(
        path, "continuous", log2=True
    )
    assert read(path, "continuous", log2=False)[0].loc["p2", "g1"] == -0.5


def test_missing_values_stay_missing_where_they_may_be(tmp_path):
    matrix, *_ = read(write(tmp_path, "f\ta\tb\ng1\t1\tNA\ng2\t\t0\n"), "binary")
    assert np.isnan(matrix.to_numpy()).tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "f\ta\tb\nTP53\t1\t1\ng\t1\t1\nTP53\t1\t1\n",
            "feature `TP53` is duplicated (rows 1 and 3",
        ),
        ("f\ta\tb\n\t1\t1\n", "row 1 has no feature name"),
        ("f\ta\tb\ta\ng\t1\t1\t1\n", "sample column `a` is duplicated; keep or rename one"),
        (
            "f\ta\tb\ng\t1\n",
            "line 2: 2 fields where the header has 3; the file is truncated in this",
        ),
        ("f\ta\tb\ng\t1\nh\t1\t1\n", "line 2: 2 fields where the header has 3; add or remove"),
        ("f\ta\tb\nh\t1\t1\ng\t1\t1\t7\n", "line 3: 4 fields where the header has 3"),
        ("f\ta\tb\n", "it has no features; give one row per feature"),
        ("f\ta\tb", "it has no features; give one row per feature"),
        ("", "empty; give a header"),
        ("f\ng\n", "no sample columns in its header"),
        ("f\ta\tb\ng\t0\t1\n", "sample `a` has no counts at all; remove its column, or set `excl"),
    ],
)
def test_a_matrix_that_is_no_matrix(tmp_path, text, expected):
    assert expected in failure(write(tmp_path, text))


def test_a_layer_of_other_patients_shows_three_of_each_side(tmp_path):
    path = write(tmp_path, "f\tS1\tS2\tS3\tS4\ng\t1\t1\t1\t1\n")
    assert failure(path) == (
        "it shares no patient with the sheet: its samples are `S1`, `S2`, `S3`, …, the sheet's "
        "are `a`, `b`, `d`; set `layers.rna.id_column` to the sheet's column with these names"
    )


def test_a_truncated_gzip(tmp_path):
    whole = gzip.compress(
        ("f\ta\tb\n" + "".join(f"g{i}\t{i * 7919 % 1000}\t1\n" for i in range(9000))).encode()
    )
    path = tmp_path / "m.tsv.gz"
    for length in (len(whole) // 2, 12, len(whole) - 4):
        path.write_bytes(whole[:length])
        assert "ends too early" in failure(str(path))
        assert "copy it again" in failure(str(path))


def test_what_is_called_gz_and_is_not(tmp_path):
    path = tmp_path / "m.tsv.gz"
    path.write_text(SOUND)
    assert "not a valid gzip file" in failure(str(path))


def test_missing_files_and_unknown_suffixes(tmp_path):
    assert "no such file; correct the path in `layers.rna`" in failure(str(tmp_path / "no.tsv"))
    (tmp_path / "m.xlsx").touch()
    assert "a spreadsheet (.xlsx); save it as tab-sep" in failure(str(tmp_path / "m.xlsx"))
    (tmp_path / "m.dat").touch()
    assert "name it .tsv, .csv (both also .gz) or .parquet" in failure(str(tmp_path / "m.dat"))


def test_broken_parquet(tmp_path):
    path = tmp_path / "m.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    assert "cannot be read" in failure(str(path))


cells = st.integers(0, 2**31 - 2)
# rows and columns that sum up the others are left out, by their names
names = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters='"'), min_size=1
).filter(lambda name: not SUMMARY_ROW.fullmatch(name) and name.casefold() not in SUMS)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_matrix_of_counts_comes_back_as_it_was_written(tmp_path, data):
    samples = data.draw(st.lists(names, min_size=1, max_size=4, unique=True))
    features = data.draw(st.lists(names, min_size=1, max_size=5, unique=True))
    values = data.draw(
        st.lists(
            st.lists(cells, min_size=len(samples), max_size=len(samples)),
            min_size=len(features),
            max_size=len(features),
        )
    )
    values[0] = [value + 1 for value in values[0]]  # a sample without any count is refused
    table = pd.DataFrame(values, columns=samples)
    table.insert(0, "the features", features)
    kind = data.draw(st.sampled_from(["tsv", "csv", "tsv.gz", "parquet"]))
    path = tmp_path / f"m.{kind}"
    if kind == "parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, sep="," if "csv" in kind else "\t", index=False)
    order = data.draw(st.permutations(samples))
    patients = pd.Series(order, index=[f"p{i}" for i in range(len(order))], dtype=object)
    matrix, ignored, *_ = read_layer_matrix(str(path), "rna", patients, COUNTS)
    assert ignored == []
    assert list(matrix.columns) == features
    assert matrix.to_numpy().tolist() == table[order].to_numpy().T.tolist()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    row=st.integers(0, 4),
    column=st.integers(0, 3),
    bad=st.sampled_from(["-1", "0.5", "x", "", "NA", "1e99", "nan"]),
)
def test_one_bad_count_anywhere_is_found_there(tmp_path, row, column, bad):
    table = pd.DataFrame("1", index=[f"g{i}" for i in range(5)], columns=list("wxyz"))
    table.iloc[row, column] = bad
    table.to_csv(tmp_path / "m.tsv", sep="\t", index_label="gene")
    patients = pd.Series(list("wxyz"), index=list("wxyz"), dtype=object)
    with pytest.raises(InputError, match=f"feature `g{row}`, sample `{'wxyz'[column]}`: "):
        read_layer_matrix(str(tmp_path / "m.tsv"), "rna", patients, COUNTS)


def test_annotation_takes_ensembls_names_and_the_first_of_repeated_rows(tmp_path):
    path = write(tmp_path, "id\tsymbol\tchr\nE1\tTP53\tchr17\nE1\tOTHER\t1\nE2\tNA\tX\n")
    table = read_annotation(path, "rna", ["E2", "E1", "E9"])
    assert table["symbol"].tolist() == ["E2", "TP53", "E9"]
    assert table["chromosome"].fillna("?").tolist() == ["X", "17", "?"]


def test_a_symbol_before_a_bar_is_the_symbol():
    table = read_annotation(None, "rna", ["TP53|7157", "?|100130426", "|1"])
    assert table["symbol"].tolist() == ["TP53", "?|100130426", "|1"]


def test_without_annotation_a_feature_is_its_own_symbol():
    table = read_annotation(None, "rna", ["miR-16"])
    assert table["symbol"].tolist() == ["miR-16"]
    assert table["chromosome"].isna().all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id\tsymbol\nX1\tA\n", "none of its features is in the matrix: it has `X1`"),
        ("id\tname\nE1\tA\n", "neither a column `symbol` nor `chromosome`"),
        ("", "empty; give a header"),
    ],
)
def test_annotation_that_cannot_be_used(tmp_path, text, expected):
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_annotation(path, "rna", ["E1"])
    assert expected in str(caught.value)


def test_a_constant_layer_is_refused():
    check_varies(np.array([[1, 2], [1, 3]]), "m.tsv")
    check_varies(np.array([[1.0, 2.0]]), "m.tsv")
    with pytest.raises(InputError, match=r"m.tsv: constant: each feature has the same value"):
        check_varies(np.array([[1, 2], [1, np.nan]]), "m.tsv")


SHEET = pd.DataFrame(
    {"Age": ["30.0", "41", "", "30"], "sex": list("fmmf"), "IDH1": list("0110")}, index=list("abcd")
)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("age", [30, 41, 7, 30]),
        ("sex", [2, 1, 1, 2]),
        ("IDH1", [0, 1, 1, 0]),
        ("IDH1", [1, 2, 2, 1]),
    ],
)
def test_a_clinical_column_in_a_table_is_refused(name, values):
    table = pd.DataFrame({"A": [1, 2, 3, 4], name: values}, index=SHEET.index)
    with pytest.raises(InputError, match=f"`{name}` is the column .* of the sample sheet"):
        check_not_clinical(table, SHEET.replace("", np.nan), "m.tsv (layer rna)")


@pytest.mark.parametrize(
    ("name", "values"), [("IDH1", [0, 15, 7, 3]), ("sex", [1, 2, 3, 4]), ("gene", [0, 1, 1, 0])]
)
def test_a_gene_may_be_named_like_a_clinical_column(name, values):
    table = pd.DataFrame({name: values}, index=SHEET.index)
    check_not_clinical(table, SHEET.replace("", np.nan), "m.tsv (layer rna)")
