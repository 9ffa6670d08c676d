"""The sample sheet: typed columns, and the line of whatever cannot be used."""

import numpy as np
import pandas as pd
import pytest

from trdomics.cohort.config import resolve_config, sheet_settings
from trdomics.cohort.samples import EXCLUDE, labels, read_sheet, sheet_notes, typed_names
from trdomics.errors import InputError

ROWS = [
    "id\tresponse\tage\tbatch\tcentre\tdrug\ttube\tnotes",
    "07\tyes\t31\t1\t04\tNone\tT1\t5 or 6",
    "p2\tno\t45.5\t2\t04\tSSRI\tT2\t7",
    "p3\t\tNA\t\t12\tSSRI\t\t",
]


def config(folder, *rows, name="s.tsv", **samples):
    path = folder / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return resolve_config(
        {
            "cohort": "c",
            "samples": {"file": str(path), "patient_id": "id", "site": "centre", **samples},
            "label": {"column": "response", "positive": "yes", "negative": "no"},
            "clinical": {"predictors": ["age", "batch"], "confounders": ["drug"]},
            "layers": {"rna": {"type": "counts", "file": "m.tsv", "id_column": "tube"}},
        },
        "c.yaml",
    )


def read_samples(settings):
    sheet = read_sheet(sheet_settings(settings))
    return sheet.loc[~sheet[EXCLUDE], typed_names(sheet_settings(settings))]


def failure(folder, *rows, **options):
    with pytest.raises(InputError) as caught:
        read_samples(config(folder, *rows, **options))
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(str(folder / options.get("name", "s.tsv")))
    return text.removeprefix(str(folder / options.get("name", "s.tsv"))).strip()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("p\x002\tno\t4\t1\t04\tSSRI\tT2\t-", r"line 3: `id` 'p\x002' holds a control character"),
        ("p2\tno\t4\t1\t0\x1b[2J4\tSSRI\tT2\t-", "line 3: column `centre` holds a control"),
    ],
)
def test_control_characters_are_refused_where_they_are_read(tmp_path, row, said):
    assert said in failure(tmp_path, ROWS[0], ROWS[1], row)


def test_up_to_twenty_problems_are_named(tmp_path):
    rows = [f"q{i}\tyes\t{'old' if i else 31}\t1\t04\tNone\tS{i}\t-" for i in range(31)]
    with pytest.raises(InputError) as caught:
        read_samples(config(tmp_path, ROWS[0], *rows))
    found = list(map(str, caught.value.errors))
    assert len(found) == 21
    assert "line 3: column `age` holds numbers, but here `old`" in found[0]
    assert "10 more problems like these" in found[-1]


def test_ids_that_were_numbers_are_those_of_the_layers(tmp_path):
    rows = [f"{i}.0\tyes\t31\t1\t04\tNone\t{i}.0\t-" for i in range(1, 4)]
    sheet = read_samples(config(tmp_path, ROWS[0], *rows))
    assert list(sheet.index) == sheet["tube"].tolist() == ["1", "2", "3"]
    mixed = read_samples(config(tmp_path, ROWS[0], rows[0], ROWS[1]))
    assert list(mixed.index) == ["1.0", "07"]


def test_decimal_commas_between_semicolons_are_read_and_said(tmp_path):
    rows = [row.replace("\t", ";").replace("45.5", "45,5") for row in ROWS]
    settings = config(tmp_path, *rows, name="s.csv")
    assert read_samples(settings)["age"].tolist()[:2] == [31, 45.5]
    (note,) = sheet_notes(sheet_settings(settings))
    assert "commas were read as decimal marks" in note
    assert not sheet_notes(sheet_settings(config(tmp_path, *ROWS)))


def test_columns_are_typed_and_only_those_named_are_read(tmp_path):
    sheet = read_samples(config(tmp_path, *ROWS))
    assert list(sheet.index) == ["07", "p2", "p3"]
    assert set(sheet) == {"response", "age", "batch", "centre", "drug", "tube"}
    np.testing.assert_array_equal(sheet["age"], [31, 45.5, np.nan])
    assert sheet["batch"].dtype == float
    # sites are names, and None is a drug class rather than a missing value
    assert sheet["centre"].tolist() == ["04", "04", "12"]
    assert sheet["drug"].tolist() == ["None", "SSRI", "SSRI"]
    assert sheet["tube"].isna().tolist() == [False, False, True]


def test_numbers_that_are_names(tmp_path):
    sheet = read_samples(config(tmp_path, *ROWS, categorical=["batch"]))
    assert sheet["batch"].fillna("?").tolist() == ["1", "2", "?"]


def test_commas_where_the_suffix_says_so_and_a_byte_order_mark(tmp_path):
    rows = ["﻿" + ROWS[0], *ROWS[1:]]
    sheet = read_samples(config(tmp_path, *(r.replace("\t", ",") for r in rows), name="s.csv"))
    assert len(sheet) == 3


@pytest.mark.parametrize(
    ("line", "row", "expected"),
    [
        (2, "p2\tno\t4\t1\t04\tSSRI\tT9\t", "lines 3 and 4: patient `p2` is duplicated; keep one"),
        (2, "\tno\t4\t1\t04\tSSRI\tT9\t", "line 4: no `id`; give every patient an id"),
        (
            2,
            " p9\tno\t4\t1\t04\tSSRI\tT9\t",
            "line 4: `id` ' p9' has leading or trailing spaces; remove",
        ),
        (2, "p9\tno\told\t1\t04\tSSRI\tT9\t", "line 4: column `age` holds numbers, but here `old`"),
        (2, "p9\tno\t4,5\t1\t04\tSSRI\tT9\t", "line 4: column `age` holds numbers, but here `4,5`"),
        (2, "p9\tno\tinf\t1\t04\tSSRI\tT9\t", "line 4: column `age` holds numbers, but here `inf`"),
        (2, "p9\tno\t4\t1\t04\tSSRI\tT1\t", "lines 2 and 4: `tube` is `T1` for both 07 and p9"),
        (2, "p9\tno\t4\t1", "line 4: 4 fields where the header has 8"),
    ],
)
def test_the_line_that_is_wrong_is_named(tmp_path, line, row, expected):
    rows = ROWS.copy()
    rows[line + 1] = row
    assert expected in failure(tmp_path, *rows)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([ROWS[0].replace("drug", "drg"), *ROWS[1:]], "no column `drug`, which `clinical.confoun"),
        ([ROWS[0].replace("drug", "drg"), *ROWS[1:]], "did you mean `drg`?"),
        ([ROWS[0].replace("notes", "age"), *ROWS[1:]], "column `age` is duplicated"),
        ([ROWS[0]], "it has no patients"),
        ([""], "empty"),
        ([ROWS[0].replace("\t", ","), *ROWS[1:]], "it has 1 field, but each row below has 8"),
    ],
)
def test_a_sheet_that_is_no_sheet(tmp_path, rows, expected):
    assert expected in failure(tmp_path, *rows)


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_sheet_may_be_separated_otherwise_than_its_name_says(tmp_path, separator):
    settings = config(tmp_path, *(row.replace("\t", separator) for row in ROWS))
    pd.testing.assert_frame_equal(
        read_samples(settings), read_samples(config(tmp_path, *ROWS)), check_exact=True
    )


def test_a_header_below_comments_of_its_width_is_the_header(tmp_path):
    """cBioPortal's clinical tables: names, descriptions, types and priorities."""
    comments = ["#" + "\t".join([text] * 8) for text in ("A name", "About it", "STRING", "1")]
    assert read_samples(config(tmp_path, *comments, *ROWS)).index.tolist() == ["07", "p2", "p3"]


def test_numbers_with_a_unit_are_no_categories(tmp_path):
    rows = [
        row.replace(f"\t{age}\t", f"\t{age} years\t")
        for row, age in ((ROWS[1], "31"), (ROWS[2], "45.5"), (ROWS[3].replace("NA", "50"), "50"))
    ]
    assert "column `age`: its values are numbers with a unit, such as `31 years` (line 2)" in (
        failure(tmp_path, ROWS[0], *rows)
    )


def test_spreadsheets_and_missing_files(tmp_path):
    assert "save the sheet as tab-separated text" in failure(tmp_path, *ROWS, name="s.xlsx")
    settings = config(tmp_path, *ROWS)
    (tmp_path / "s.tsv").unlink()
    with pytest.raises(InputError, match=r"s\.tsv: no such file; correct `samples\.file`"):
        read_samples(settings)


def test_other_encodings_are_refused(tmp_path):
    settings = config(tmp_path, *ROWS)
    (tmp_path / "s.tsv").write_bytes("\n".join(ROWS).replace("SSRI", "Präparat").encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_samples(settings)


def test_excluded_patients_are_left_out_with_their_reason(tmp_path):
    rows = [ROWS[0] + "\texclude\texclude_reason", ROWS[1] + "\t1\tswapped tube", ROWS[2] + "\t0\t"]
    settings = config(tmp_path, *rows)
    assert list(read_samples(settings).index) == ["p2"]
    sheet = read_sheet(sheet_settings(settings))
    assert sheet.loc["07", ["exclude", "exclude_reason", "line"]].tolist() == [
        True,
        "swapped tube",
        2,
    ]
    rows[1] = ROWS[1] + "\tmaybe\t"
    assert "line 2: `exclude` is `maybe`; write 1 to exclude the patient" in failure(
        tmp_path, *rows
    )


def test_labels_are_compared_as_the_values_they_are():
    sheet = pd.DataFrame({"y": ["1.0", "0", "2", np.nan, "1"]})
    found = labels(sheet, {"column": "y", "positive": "1", "negative": "0"})
    np.testing.assert_array_equal(found, [1, 0, np.nan, np.nan, 1])
    assert labels(sheet, {"column": None, "positive": "1", "negative": "0"}).isna().all()


def test_all_that_is_wrong_with_a_sheet_is_reported(tmp_path):
    rows = [*ROWS[:2], "\tno\t4\t1\t04\tSSRI\tT8\t", " p9\tno\t4\t1\t04\tSSRI\tT9\t"]
    with pytest.raises(InputError) as caught:
        read_samples(config(tmp_path, *rows))
    assert [error.problem for error in caught.value.errors] == [
        "no `id`",
        "`id` ' p9' has leading or trailing spaces",
    ]


@pytest.mark.parametrize(
    "values",
    [("7,5", "8,1", "7"), ("61%", "5%", "4%"), ("1.234,5", "2,5"), ("\u22125", "\u22122.5")],
)
def test_numbers_but_for_a_comma_or_a_sign_name_their_column(tmp_path, values):
    rows = [f"p{i}\tno\t{value}\t1\t04\tSSRI\tT{i}\t" for i, value in enumerate(values * 3)]
    told = failure(tmp_path, ROWS[0], *rows)
    assert told.startswith("column `age`: ")
    assert f"such as `{values[0]}` (line 2); use decimal points" in told
    # names that look like it are names where the config says so
    assert read_samples(config(tmp_path, ROWS[0], *rows, categorical=["age"]))["age"].iloc[0]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("exclude\texclude", "column `exclude` is duplicated"),
        ("exclude_reason\texclude_reason", "column `exclude_reason` is duplicated"),
        ("Exclude\tx", "column `Exclude` is not read; did you mean `exclude`?"),
        ("exclude reason\tx", "`exclude reason` is not read; did you mean `exclude_reason`?"),
    ],
)
def test_excluding_columns_have_one_name(tmp_path, header, expected):
    assert expected in failure(tmp_path, f"{ROWS[0]}\t{header}", *(f"{r}\t1\t1" for r in ROWS[1:]))


def test_empty_rows_and_separators_at_the_end_change_nothing(tmp_path):
    expected = read_samples(config(tmp_path, *ROWS))
    for rows in (
        [ROWS[0], *(f"{row}\t" for row in ROWS[1:])],
        [f"{row}\t\t" for row in ROWS],
        [*ROWS, "\t" * 7, "", "  "],
        [ROWS[0], "\t" * 7, *ROWS[1:]],
        ["# from the clinic", *ROWS],
    ):
        pd.testing.assert_frame_equal(read_samples(config(tmp_path, *rows)), expected)
    semicolons = [row.replace("\t", ";") for row in ROWS]
    pd.testing.assert_frame_equal(
        read_samples(config(tmp_path, *semicolons, name="s.csv")), expected
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (("F", "M", "f"), {}),
        (("w", "m", "W"), {}),
        (("F", "H", "F"), {}),
        (("M", "H", "M"), {}),
        (("mujer", "hombre", "Mujer"), {}),
        (("Female", "MALE", "female"), {}),
        (("2", "1", "2"), {"female": 2, "male": 1}),
    ],
)
def test_usual_words_for_the_sexes_are_known(tmp_path, values, words):
    from trdomics.identity.sex import sheet_sex

    rows = [f"{row}\t{value}" for row, value in zip(ROWS[1:], values, strict=True)]
    settings = config(tmp_path, ROWS[0] + "\tsex", *rows, sex={"column": "sex", **words})
    sheet = read_samples(settings)
    if not words:
        assert sheet_sex(sheet, settings["samples"]["sex"]).tolist() == ["female", "male", "female"]


def test_unknown_words_for_the_sexes_are_an_error(tmp_path):
    rows = [f"{row}\t{value}" for row, value in zip(ROWS[1:], "010", strict=True)]
    told = failure(tmp_path, ROWS[0] + "\tsex", *rows, sex={"column": "sex"})
    assert told == (
        "column `sex`: no value is `female` or `male`: its values are `0` (2), `1` (1); set "
        "`samples.sex.female` and `samples.sex.male`"
    )


def test_several_samples_of_a_patient_are_refused(tmp_path):
    people = ["A", "A", "B"]
    rows = [f"{row}\t{name}" for row, name in zip(ROWS[1:], people, strict=True)]
    told = failure(tmp_path, ROWS[0] + "\tpatient", *rows)
    assert "column `patient`: patient `A` has 2 rows (07, p2); keep one sample per patient" in told


def test_integers_that_passed_through_a_program_without_gaps(tmp_path):
    settings = config(tmp_path, *(row.replace("\t04\t", "\t4.0\t") for row in ROWS[:3]))
    settings["label"] |= {"positive": "1", "negative": "0"}
    path = tmp_path / "s.tsv"
    path.write_text(path.read_text().replace("yes", "1.0").replace("no\t", "0.0\t"))
    sheet = read_samples(settings)
    assert sheet["response"].tolist() == ["1", "0"]
    assert sheet["centre"].tolist() == ["4", "4"]


def test_several_values_may_be_the_negative_class(tmp_path):
    settings = config(tmp_path, *ROWS)
    settings["label"]["negative"] = ["no", "maybe"]
    settings = resolve_config(settings, "c.yaml")
    assert resolve_config(settings, "c.yaml") == settings
    path = tmp_path / "s.tsv"
    path.write_text(path.read_text().replace("p3\t\t", "p3\tmaybe\t"))
    sheet = read_samples(settings)
    assert labels(sheet, settings["label"]).tolist() == [1, 0, 0]
    assert sheet["response"].tolist() == ["yes", "no or maybe", "no or maybe"]
