"""Tables and config of an audit: what is read, and what is said of what cannot be."""

from __future__ import annotations

import pytest

from trdomics.audit.command import run_refit
from trdomics.audit.settings import resolve_audit
from trdomics.audit.tables import (
    feature_values,
    read_features,
    read_predictions,
    read_training,
)
from trdomics.errors import InputError

HEADER = "patient_id,fold,label,probability,site,age"
ROWS = ["a,1,TRD,0.9,X,30", "b,1,no,0.2,Y,", "c,2,TRD,0.4,X,50", "d,2,no,0.1,Y,60"]
LABEL = {"positive": "TRD", "negative": "no"}


def audit(tmp_path, rows=ROWS, header=HEADER, **changes) -> dict:
    (tmp_path / "p.csv").write_text("\n".join([header, *rows]) + "\n", "utf-8")
    settings = {"name": "x", "predictions": str(tmp_path / "p.csv"), "label": LABEL}
    return resolve_audit({"audit": {**settings, **changes}}, "audit.yaml")["audit"]


def test_a_table_is_read_with_its_columns_beside_it(tmp_path):
    rows = [*ROWS, "e,2,,0.3,Y,20"]
    settings = audit(tmp_path, rows, columns={"fold": "fold"}, site="site", confounders=["age"])
    found = read_predictions(settings)
    assert found.labels.to_dict() == {"a": 1, "b": 0, "c": 1, "d": 0}
    assert found.sheet["site"].tolist() == ["X", "Y", "X", "Y"]
    assert found.sheet["age"].isna().tolist() == [False, True, False, False]
    assert found.notes == ["1 rows without a label were left out"]
    assert set(found.rows["patient_id"]) == set("abcd")


@pytest.mark.parametrize(
    ("rows", "changes", "said"),
    [
        ([*ROWS, "a,1,TRD,0.9,X,30"], {}, "line 6: `a` was predicted before in this fold"),
        ([*ROWS, "e,1,TRD,1.2,X,30"], {}, "line 6: `probability` is `1.2`"),
        ([*ROWS, "e,1,TRD,,X,30"], {}, "line 6: `probability` is ``"),
        ([*ROWS, "e,1,yes,0.2,X,30"], {}, "line 6: `label` is `yes`; it must be `no` or `TRD`"),
        ([*ROWS, ",1,no,0.2,X,30"], {}, "line 6: no `patient_id`"),
        ([*ROWS, "a,2,no,0.2,X,30"], {"columns": {"fold": "fold"}}, "patient `a` has both labels"),
        (ROWS[::2], {}, "all patients are of one class"),
        ([*ROWS, "e,1,no,0.2,X,old"], {"confounders": ["age"]}, "line 6: column `age` holds numb"),
        (ROWS, {"columns": {"fold": "folds"}}, "no column `folds`, which `audit.columns.fold`"),
        (ROWS, {"site": "centre"}, "no column `centre`, which `audit.site` names"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named_with_its_line(tmp_path, rows, changes, said):
    with pytest.raises(InputError) as error:
        read_predictions(audit(tmp_path, rows, **changes))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"refit": "python x.py {labels}"}, "`{predictions}` is not in it"),
        ({"refit": "x {labels} {predictions} {features}"}, "`audit.features` is empty"),
        ({"refit": 'x "{labels} {predictions}'}, "cannot be split into words"),
        ({"label": {"positive": "a", "negative": "a"}}, "both groups of `audit.label` are `a`"),
        ({"columns": {"label": "patient_id"}}, "names column `patient_id` twice"),
        ({"columns": {"repeat": "r"}}, "without `fold`"),
        ({"confounder": ["age"]}, "did you mean `confounders`?"),
        ({"name": "../x"}, "use letters, digits"),
    ],
)
def test_a_config_that_cannot_be_is_refused(tmp_path, changes, said):
    with pytest.raises(InputError, match=r"^audit\.yaml") as error:
        audit(tmp_path, **changes)
    assert said in str(error.value)


def test_other_tables_are_refused_in_one_line(tmp_path):
    features = tmp_path / "f.tsv"
    features.write_text("patient_id\tg1\na\t1\nb\tNA\nc\thigh\n", "utf-8")
    table = read_features(audit(tmp_path, features=str(features)))
    with pytest.raises(InputError, match="column `g1` holds `high`"):
        feature_values(table, "f.tsv")
    assert feature_values(table.head(2), "f.tsv")["g1"].isna().tolist() == [False, True]
    features.write_text("patient_id\tg1\na\t1\na\t2\n", "utf-8")
    with pytest.raises(InputError, match="`a` is duplicated"):
        read_features(audit(tmp_path, features=str(features)))
    missing = audit(tmp_path, training=str(tmp_path / "none.tsv"))
    with pytest.raises(InputError, match=r"no such file; correct `audit\.training`"):
        read_training(missing)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("false {labels} {predictions}", "ended with status 1"),
        ("true {labels} {predictions}", "did not write the predictions"),
        ("no-such-program {labels} {predictions}", "cannot be started"),
        ("ls {labels}; {predictions}", "ended with status 2: ls: cannot access"),
    ],
)
def test_a_command_that_fails_is_one_line_and_no_shell_reads_it(tmp_path, command, said):
    out = str(tmp_path / "out.tsv")
    with pytest.raises(InputError) as error:
        run_refit(command, {"{labels}": str(tmp_path / "none"), "{predictions}": out}, out)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
