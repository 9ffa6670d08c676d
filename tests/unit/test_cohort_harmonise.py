"""The harmonised cohort: its tables, figure, and what estimators get of it."""

import json

import numpy as np
import pandas as pd
import pytest
from jsonschema import ValidationError

from trdomics.cohort.config import resolve_config, sheet_settings
from trdomics.cohort.figure import MAX_PATTERNS, draw_layers, layer_patterns
from trdomics.cohort.harmonise import (
    check_patients,
    harmonise,
    label_by_site,
    site_test,
    summarise,
)
from trdomics.cohort.libraries import nearly_empty
from trdomics.cohort.load import load_labels, load_tables, read_patients
from trdomics.errors import InputError
from trdomics.files import read_table, save_figure, write_json, write_matrix, write_table

SHEET = """id\tresponse\tsite\tage\tday\ttube\texclude\texclude_reason
p1\tyes\t01\t31.5\t20251031\tT1\t\t
p2\tno\t01\t40\t20251101\tT2\t\t
p3\tno\t02\tNA\t20251102\tT9\t\t
p4\t\t02\t52\t20251103\t\t\t
p5\tyes\t02\t60\t20251104\tT5\t1\tconsent withdrawn
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "s.tsv").write_text(SHEET)
    (tmp_path / "rna.tsv").write_text("g\tT2\tT1\tT5\tT7\nG1\t1\t2\t3\t4\n")
    (tmp_path / "protein.csv").write_text("g,p1,p3,p4\nP1,.5,1.5,2\n")
    return resolve_config(
        {
            "cohort": "c",
            "samples": {"file": str(tmp_path / "s.tsv"), "patient_id": "id", "site": "site"},
            "label": {"column": "response", "positive": "yes", "negative": "no"},
            "clinical": {"predictors": ["age"], "technical": ["day"]},
            "layers": {
                "rna": {"type": "counts", "file": str(tmp_path / "rna.tsv"), "id_column": "tube"},
                "protein": {"type": "continuous", "file": str(tmp_path / "protein.csv")},
            },
        },
        "c.yaml",
    )


def test_patients_and_layers(config, tmp_path):
    patients, _ = harmonise(sheet_settings(config))
    write_table(patients, tmp_path / "patients.tsv")
    assert (tmp_path / "patients.tsv").read_text().splitlines() == [
        "patient_id\tlabel\tsite\tresponse\tage\tday\ttube\tin_rna\tin_protein",
        "p1\t1\t01\tyes\t31.5\t20251031\tT1\t1\t1",
        "p2\t0\t01\tno\t40\t20251101\tT2\t1\t0",
        "p3\t0\t02\tno\tNA\t20251102\tT9\t0\t1",
        "p4\tNA\t02\tNA\t52\t20251103\tNA\t0\t1",
    ]


def test_read_quality_is_a_column_by_the_layers_sample_names(config):
    config["clinical"]["technical"] = ["day", "reads.globin_share"]
    quality = pd.DataFrame({"globin_share": [0.1, 0.2]}, index=["T2", "T1"])
    patients, _ = harmonise(sheet_settings(config), {"rna": quality})
    own = patients.set_index("patient_id")["reads.globin_share"]
    assert own.loc[["p1", "p2"]].to_list() == [0.2, 0.1]
    assert own.loc[["p3", "p4"]].isna().all()


def test_nothing_is_left_out_silently(config):
    _, excluded = harmonise(sheet_settings(config))
    assert excluded.to_dict("split")["data"] == [
        ["p5", "sheet", "excluded", "consent withdrawn"],
        ["T5", "rna", "patient_excluded", "patient p5 is excluded in the sheet"],
        ["T7", "rna", "not_in_sheet", "in the layer, not in the sheet"],
        ["T9", "rna", "not_in_layer", "patient p3: not in the layer"],
    ]


def test_patients_in_no_layer_are_refused_or_excluded(config, tmp_path):
    (tmp_path / "protein.csv").write_text("g,p1,p3\nP1,.5,1.5\n")
    with pytest.raises(InputError, match="patient `p4` is in no layer; correct `tube` or `id`"):
        harmonise(sheet_settings(config))
    config["samples"]["without_layers"] = "exclude"
    patients, excluded = harmonise(sheet_settings(config))
    assert "p4" not in set(patients["patient_id"])
    assert ["p4", "sheet", "excluded", "in no layer"] in excluded.to_numpy().tolist()


def thinned(tmp_path, config):
    """Give T2 next to no reads, beside whom T1 has few."""
    rows = "".join(f"G{i}\t{i % 2}\t{4 + i % 4}\t90\t80\n" for i in range(40))
    (tmp_path / "rna.tsv").write_text("g\tT2\tT1\tT5\tT7\n" + rows)
    return sheet_settings(config)


def test_a_nearly_empty_library_is_no_measurement(config, tmp_path):
    settings = thinned(tmp_path, config)
    empty = nearly_empty(settings)
    reason = "nearly empty, 20 reads, fewer than 5 for each of 40 features"
    assert empty == {"rna": {"T2": reason}}
    (tmp_path / "protein.csv").write_text("g,p1,p2,p3,p4\nP1,.5,1,1.5,2\n")
    patients, excluded = harmonise(settings, empty=empty)
    has = patients.set_index("patient_id")
    assert has.loc[["p1", "p2"], "in_rna"].tolist() == [1, 0]
    assert has.loc["p2", "in_protein"] == 1
    assert ["T2", "rna", "nearly_empty", f"patient p2: {reason}"] in excluded.to_numpy().tolist()
    summary = summarise(patients, excluded, label_by_site(patients, "site"), settings)
    assert summary["layers"]["rna"]["n_left_out"] == 3


def test_whether_a_library_is_nearly_empty_depends_on_no_other_patient_and_no_label(
    config, tmp_path
):
    alone = nearly_empty(thinned(tmp_path, config))
    sheet = SHEET.replace("p1\tyes", "p1\tno").replace("p2\tno", "p2\tyes")
    (tmp_path / "s.tsv").write_text(sheet)
    rna = pd.read_csv(tmp_path / "rna.tsv", sep="\t", index_col=0)
    rna.assign(T1=rna["T1"] * 10_000, T5=rna["T2"]).to_csv(tmp_path / "rna.tsv", sep="\t")
    assert nearly_empty(sheet_settings(config)) == alone


def test_a_patient_with_nothing_but_a_nearly_empty_library_is_left_out(config, tmp_path):
    settings = thinned(tmp_path, config)
    patients, excluded = harmonise(settings, empty=nearly_empty(settings))
    assert "p2" not in set(patients["patient_id"])
    assert ["p2", "sheet", "excluded", "nearly empty in all layers"] in excluded.to_numpy().tolist()


def test_a_layer_of_nearly_empty_libraries_is_refused(config, tmp_path):
    settings = thinned(tmp_path, config)
    settings["layers"]["rna"]["min_mean_count"] = 1000
    with pytest.raises(InputError, match=r"rna.tsv.*lower `layers.rna.min_mean_count`"):
        nearly_empty(settings)


def test_summary_counts_what_the_tables_hold(config, tmp_path):
    settings = sheet_settings(config)
    patients, excluded = harmonise(settings)
    sites = label_by_site(patients, "site")
    summary = summarise(patients, excluded, sites, settings)
    write_json(summary, tmp_path / "summary.json")
    assert json.loads((tmp_path / "summary.json").read_text()) == summary
    assert (summary["n_patients"], summary["n_positive"], summary["n_unlabelled"]) == (4, 1, 1)
    assert (summary["n_excluded"], summary["n_complete"], summary["n_sites"]) == (1, 1, 2)
    assert summary["layers"]["rna"] == {
        "n_patients": 2,
        "n_positive": 1,
        "n_negative": 1,
        "n_unlabelled": 0,
        "n_left_out": 2,
    }


def cohort_of(site, label):
    return pd.DataFrame({"site": site, "label": pd.array(label, dtype="Int64")})


def test_labels_by_site():
    table = label_by_site(cohort_of(["b", "a", "b", None], [1, 1, 0, None]), "site")
    assert table["site"].tolist() == ["a", "b", "not known"]
    assert table["share_positive"].fillna(-1).tolist() == [1, 0.5, -1]
    # Wilson's interval of 1 of 1, from the quantile z = 1.96: (1 / (1 + z²), 1)
    assert table["lower"][0] == pytest.approx(1 / (1 + 1.959964**2), abs=1e-6)
    assert table["upper"][0] == pytest.approx(1)
    whole = label_by_site(cohort_of(["b", "a"], [1, 0]), None)
    assert whole[["site", "n_patients"]].to_numpy().tolist() == [["all patients", 2]]


def test_the_site_that_tells_the_label_has_a_cramers_v_of_one():
    alike = site_test(label_by_site(cohort_of(["a", "a", "b", "b"] * 5, [1, 0, 1, 0] * 5), "site"))
    assert alike["site_cramers_v"] == pytest.approx(0)
    assert alike["site_pvalue"] == pytest.approx(1)
    apart = site_test(label_by_site(cohort_of(["a", "b"] * 10, [1, 0] * 10), "site"))
    assert apart["site_cramers_v"] == pytest.approx(1)
    assert (apart["site_chi2"], apart["site_degrees_of_freedom"]) == (pytest.approx(20), 1)


@pytest.mark.parametrize(
    ("site", "label", "reason"),
    [(["a", "a"], [1, 0], "one site only"), (["a", "b"], [1, 1], "all of one class")],
)
def test_no_test_of_sites_says_why(site, label, reason):
    found = site_test(label_by_site(cohort_of(site, label), "site"))
    assert found["site_pvalue"] is None
    assert reason in found["site_pvalue_reason"]


@pytest.mark.parametrize(
    "column", [{"label": [2]}, {"in_rna": [0.5]}, {"patient_id": [" p"]}, {"age": [[1]]}]
)
def test_the_schema_of_patients_is_enforced(column):
    sound = {"patient_id": ["p"], "label": [1], "age": [3.5], "in_rna": [1]}
    check_patients(pd.DataFrame(sound))
    with pytest.raises(ValidationError):
        check_patients(pd.DataFrame(sound | column))


def test_patterns_count_every_patient_once():
    rng = np.random.default_rng(3)
    layers = ["a", "b", "c", "d", "e"]
    patients = pd.DataFrame(rng.integers(0, 2, (200, 5)), columns=[f"in_{x}" for x in layers])
    patients["label"] = pd.array(rng.choice([0, 1, None], 200), dtype="Int64")
    patterns = layer_patterns(patients, layers)
    sizes = patterns[["negative", "positive", "unlabelled"]].sum(axis=1)
    assert sizes.sum() == 200
    assert sizes.is_monotonic_decreasing
    assert patterns["positive"].sum() == (patients["label"] == 1).sum()
    figure = draw_layers(patients, layers, {"positive": "ill", "negative": "well"})
    bars, grid = figure.axes
    assert len(bars.containers[0]) == MAX_PATTERNS
    assert "rarer combinations not shown" in bars.get_title(loc="left")
    assert grid.get_yticklabels()[0].get_text() == f"a ({patients['in_a'].sum()})"


def test_few_combinations_of_layers_take_less_room_than_many():
    layers = ["a", "b", "c", "d"]
    label = {"positive": "ill", "negative": "well"}
    every = pd.DataFrame(np.indices((2,) * 4).reshape(4, -1).T, columns=[f"in_{x}" for x in layers])
    every["label"] = pd.array([0, 1] * 8, dtype="Int64")
    heights = [
        draw_layers(part, layers, label).get_size_inches()[1] for part in (every.tail(2), every)
    ]
    assert heights[0] < 3.6 < heights[1]


def test_the_figure_is_the_same_bytes_each_time(config, tmp_path):
    patients, _ = harmonise(sheet_settings(config))
    drawn = []
    for name in ("1.svg", "2.svg"):
        save_figure(draw_layers(patients, ["rna", "protein"], config["label"]), tmp_path / name)
        drawn.append((tmp_path / name).read_bytes())
    assert drawn[0] == drawn[1]


@pytest.fixture
def written(config, tmp_path):
    """Return the paths of patients.tsv and of the layers' tables."""
    patients, _ = harmonise(sheet_settings(config))
    write_table(patients, tmp_path / "patients.tsv")
    rna = pd.DataFrame({"G1": [1, 2]}, index=pd.Index(["p2", "p1"], name="patient_id"))
    write_matrix(rna, tmp_path / "rna.parquet")
    return tmp_path / "patients.tsv", {"rna": tmp_path / "rna.parquet"}


def test_types_survive_the_file(config, written):
    patients = read_patients(written[0], config)
    assert patients["site"].tolist() == ["01", "01", "02", "02"]
    np.testing.assert_array_equal(patients["age"], [31.5, 40, np.nan, 52])
    assert patients["day"].tolist() == [20251031, 20251101, 20251102, 20251103]
    assert patients["tube"].isna().tolist() == [False, False, False, True]


def test_estimators_get_layers_and_the_sheet_without_label_and_ids(config, written):
    tables = load_tables(*written, config)
    assert list(tables.patients) == ["p1", "p2", "p3", "p4"]
    assert tables["rna"]["G1"].to_dict() == {"p1": 2, "p2": 1}
    assert list(tables["clinical"].columns) == ["site", "age", "day"]
    assert len(tables["clinical"]) == 4


def test_labels_come_by_themselves(written):
    np.testing.assert_array_equal(load_labels(written[0]), [1, 0, 0, np.nan])
    assert read_table(written[0])["patient_id"].tolist() == list(load_labels(written[0]).index)
