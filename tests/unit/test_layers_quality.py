import numpy as np
import pandas as pd
import pytest

from trdomics.files import save_figure
from trdomics.layers.figures import label_groups, pca_figure, quality_figure, site_groups
from trdomics.layers.quality import COMPONENTS, assess, components, isolation, outlier_reasons
from trdomics.style import set_style

N = 30
PATIENTS = pd.Index([f"p{i}" for i in range(N)], name="patient_id")
COUNTS = {
    "type": "counts", "min_count": 10, "min_share": 0.25, "vst_genes": 500,
    "integration_features": 20,
}  # fmt: skip
VARIANTS = {
    "type": "variants", "burden": "damaging", "min_prevalence": 0.05, "min_call_rate": 0.9,
    "max_allele_frequency": 1.0, "dosages": ["rs1", "rs9"], "integration_features": 20,
}  # fmt: skip


def counts():
    rng = np.random.default_rng(8)
    values = rng.negative_binomial(10, 10 / (10 + np.geomspace(2, 3000, 50)), size=(N, 50))
    return pd.DataFrame(values, PATIENTS, [f"g{j}" for j in range(50)])


def annotation(features):
    return pd.DataFrame({"feature": features, "symbol": [f"S{f}" for f in features]})


def variants():
    columns = [("1:1:A:C", "G1", "lof"), ("1:2:A:C", "G2", "damaging"), ("rs1", "G3", "other")]
    names = ["variant", "gene", "consequence_class"]
    values = np.zeros((N, 3), dtype=np.float32)
    values[:4, 0], values[0, 1], values[::2, 2] = 1, 1, 2
    table = pd.DataFrame(values, PATIENTS, pd.MultiIndex.from_tuples(columns, names=names))
    known = pd.DataFrame(
        {"variant": [c[0] for c in columns] + ["1:7:A:C"], "gene": ["G1", "G2", "G3", "G1"],
         "chromosome": "1", "position": [1, 2, 3, 7], "reference": "A", "alternative": "C",
         "reason": [np.nan, np.nan, np.nan, "no carrier"]}
    )  # fmt: skip
    calls = pd.DataFrame(
        {"patient_id": PATIENTS, "sites": 10, "called": [5] + [10] * (N - 1), "variants": 4,
         "transitions": 2, "transversions": [0, 1] * (N // 2)}
    )  # fmt: skip
    return table, known, calls


def test_counts_are_described():
    table = counts()
    quality = assess(table, annotation(table.columns), COUNTS)
    patients = quality.patients
    assert list(patients.columns[:3]) == ["library_size", "detected_features", "top_feature_share"]
    assert patients["library_size"].tolist() == table.sum(axis=1).tolist()
    assert patients["detected_features"].tolist() == (table > 0).sum(axis=1).tolist()
    assert patients[COMPONENTS].notna().all(axis=None)
    kept = quality.features.query("kept == 1")["feature"]
    assert list(kept) == list(quality.normalised.columns)
    assert set(quality.features.query("kept == 0")["reason"]) == {
        "fewer than 25% of patients with 10"
    }
    assert quality.features["symbol"].tolist() == [f"Sg{j}" for j in range(50)]
    assert quality.summary["features_kept"] == len(kept) < quality.summary["features"] == 50


def test_a_named_variant_of_few_carriers_does_not_vanish_in_silence(caplog):
    table, known, calls = variants()
    table.iloc[2:, 2] = 0
    quality = assess(table, known, VARIANTS, calls)
    row = quality.features.set_index("feature").loc["dosage:rs1"]
    assert row[["kept", "reason"]].tolist() == [0, "fewer than 5 carriers"]
    assert "rs1, named in dosages, is not a feature: fewer than 5 carriers" in caplog.text


def test_variants_are_described():
    table, known, calls = variants()
    quality = assess(table, known, VARIANTS, calls)
    features = quality.features.set_index("feature")
    assert features["kept"].to_dict() == {"G1": 1, "G2": 0, "dosage:rs1": 1, "dosage:rs9": 0}
    assert features.loc["G1", "mean"] == pytest.approx(4 / N)
    assert features.loc["dosage:rs1", ["symbol", "mean"]].tolist() == ["G3", 1.0]
    assert "not in the file" in features.loc["dosage:rs9", "reason"]
    assert quality.patients["burden_genes"].tolist() == [1] * 4 + [0] * (N - 4)
    assert quality.patients.loc["p0", "call_rate"] == 0.5
    assert quality.patients["ti_tv"].isna().sum() == N // 2
    assert quality.summary["variants_left_out"] == {"no carrier": 1}
    assert quality.summary["variants_in_file"] == 4


@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        ({"type": "continuous", "max_missing": 0.2, "log2": True}, ["median", "spread"]),
        ({"type": "binary", "min_prevalence": 0.03}, ["positive_features"]),
    ],
)
def test_other_matrices_are_described(settings, columns):
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.integers(0, 2, (N, 12)).astype(float), PATIENTS).rename(columns=str)
    table.iloc[0, 0] = np.nan
    quality = assess(table, annotation(table.columns), settings | {"integration_features": 9})
    assert list(quality.patients.columns[: len(columns)]) == columns
    assert quality.patients.loc["p0", "missing_share"] == pytest.approx(1 / 12)


def test_outliers_are_named_with_measure_and_side():
    table = counts()
    shallow = table.copy()
    shallow.iloc[4] = (table.iloc[4] * 0.02).astype(int)
    shallow.iloc[7, 0] = 10 * table.iloc[7].sum()
    quality = assess(shallow, annotation(table.columns), COUNTS)
    reasons = quality.patients["outlier_reason"]
    assert "library_size low" in reasons["p4"]
    assert "top_feature_share high" in reasons["p7"]
    assert (quality.patients["outlier"] == (reasons != "")).all()
    assert quality.summary["outliers"] == (reasons != "").sum() >= 2
    assert len(quality.normalised) == N


def test_a_measure_without_spread_flags_nobody():
    patients = pd.DataFrame({"positive_features": [3.0] * 20 + [9.0], "isolation": np.nan})
    assert outlier_reasons(patients, "binary").eq("").all()


def test_a_group_of_patients_is_no_outlier_but_one_between_groups_is():
    rng = np.random.default_rng(4)
    scores = pd.DataFrame(rng.normal(size=(61, 2)), columns=["pc1", "pc2"])
    scores.loc[:19, "pc2"] += 50  # a third of the patients, as men in a cohort of women
    scores.loc[60] = [0, 25]
    patients = pd.DataFrame({"positive_features": 1.0, "isolation": isolation(scores)})
    reasons = outlier_reasons(patients, "binary")
    assert list(reasons.index[reasons != ""]) == [60]
    assert reasons[60] == "isolation high"
    assert np.isnan(isolation(scores.iloc[:5])).all()


def test_components_of_few_patients():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(3, 9))).rename(columns=str)
    scores, explained = components(table, 9)
    assert len(explained) == 2 and sum(explained) == pytest.approx(1)
    assert scores["pc2"].notna().all() and scores["pc3"].isna().all()


def test_site_groups_by_size_with_the_small_ones_together():
    sites = pd.Series([*"aaabbbccddeeffgghij", np.nan])
    groups = site_groups(sites)
    assert list(groups.cat.categories) == [*"abcdefg", "other"]
    assert (groups == "other").sum() == 4
    few = site_groups(pd.Series(["x", "y", "y", np.nan]))
    assert list(few) == ["x", "y", "y", "unknown"]


def test_label_groups():
    groups = label_groups(pd.Series([1.0, 0.0, np.nan]), "yes", "no")
    assert list(groups) == ["yes", "no", "no label"]
    assert list(groups.cat.categories) == ["no", "yes", "no label"]


@pytest.mark.parametrize("with_sites", [True, False])
def test_figures_are_drawn_and_the_same_twice(tmp_path, with_sites):
    table = counts()
    table.iloc[4] = (table.iloc[4] * 0.02).astype(int)
    quality = assess(table, annotation(table.columns), COUNTS)
    labels = label_groups(pd.Series([0.0, 1.0] * (N // 2), PATIENTS), "yes", "no")
    sites = site_groups(pd.Series(list("abc") * (N // 3), PATIENTS)) if with_sites else None
    set_style()
    shares = list(quality.summary["variance_explained"].values())
    for run in ("one", "two"):
        save_figure(
            quality_figure(quality.patients, "counts", labels, sites), tmp_path / f"{run}.svg"
        )
        save_figure(pca_figure(quality.patients, shares, labels, sites), tmp_path / f"{run}2.svg")
    for name in ("", "2"):
        first, second = (tmp_path / f"{run}{name}.svg" for run in ("one", "two"))
        assert first.read_bytes() == second.read_bytes()
        assert b"<path" in first.read_bytes()
