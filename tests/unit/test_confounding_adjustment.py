import numpy as np
import pandas as pd
import pytest

from trdomics.confounding.adjustment import (
    SUMMARY_COLUMNS,
    adjusted_layer,
    adjustment,
    found_without,
    headline,
    prepared_counts,
    prepared_values,
)
from trdomics.confounding.figures import attrition_figure
from trdomics.confounding.recovery import adjustment_recovery, recovery_summary
from trdomics.files import save_figure

N, G = 120, 300
SETS = {"minimal": [], "technical": ["batch"], "cells": ["neutro"]}


def cohort(seed=0):
    """Draw counts: features 0–39 follow the label, 40–99 neutrophils that differ by label."""
    rng = np.random.default_rng(seed)
    positive = np.arange(N) % 2 == 0
    patients = pd.DataFrame(
        {"neutro": rng.normal(size=N) + 1.0 * positive, "batch": rng.choice(list("ab"), N)},
        index=[f"P{i}" for i in range(N)],
    )
    log_rate = np.tile(rng.uniform(3, 7, G), (N, 1))
    sign = np.where(np.arange(G) % 2 == 0, 1, -1)
    log_rate[:, :40] += 0.8 * sign[:40] * positive[:, None]
    log_rate[:, 40:100] += 0.4 * sign[40:100] * patients["neutro"].to_numpy()[:, None]
    counts = rng.poisson(np.exp(log_rate) * rng.gamma(10, 0.1, (N, G)))
    table = pd.DataFrame(counts, index=patients.index, columns=[f"g{j}" for j in range(G)])
    return patients, positive, table


@pytest.fixture(scope="module")
def found():
    patients, positive, counts = cohort()
    prepared = prepared_counts(counts, min_count=10, min_share=0.25)
    return adjustment(patients, positive, SETS, prepared, 0.05)


def test_confounded_features_fall_out_and_those_of_the_label_stay(found):
    table, _ = found
    truth = pd.DataFrame({"feature": [f"g{j}" for j in range(G)], "differs_by": "none"})
    truth.loc[:39, "differs_by"] = "label"
    truth.loc[40:99, "differs_by"] = "cells"
    recovery = adjustment_recovery(table, truth, list(SETS), 0.05)
    summary = recovery_summary(recovery)
    assert summary["minimal"]["n_confounded"] > 40
    assert summary["cells"]["n_confounded"] <= 3
    assert summary["cells"]["sensitivity"] > 0.95
    assert summary["cells"]["specificity"] > 0.98
    assert summary["minimal"]["confounded_removed"] == 0 and summary["minimal"]["label_kept"] == 1
    before = (table["padj_minimal"] < 0.05) & (truth["differs_by"] == "cells")
    still = before & (table["padj_cells"] < 0.05)
    removed = summary["cells"]["confounded_removed"]
    assert removed == pytest.approx(1 - still.sum() / before.sum()) and removed > 0.9
    assert summary["cells"]["label_kept"] > 0.95


def test_features_of_a_drug_fall_out_once_the_drug_is_adjusted_for():
    """The default cohort hardly tests it: its drug's genes differ too little between the groups."""
    patients, positive, counts = cohort(3)
    rng = np.random.default_rng(4)
    drug = np.where(rng.random(N) < np.where(positive, 0.7, 0.3), "tricyclic", "other")
    counts.iloc[:, 100:160] = rng.poisson(
        counts.iloc[:, 100:160] * np.exp(0.9 * (drug == "tricyclic")[:, None])
    )
    patients["drug"] = drug
    prepared = prepared_counts(counts, min_count=10, min_share=0.25)
    sets = {"minimal": [], "cells": ["neutro"], "drug": ["drug"]}
    table, _ = adjustment(patients, positive, sets, prepared, 0.05)
    truth = pd.DataFrame({"feature": [f"g{j}" for j in range(G)], "differs_by": "none"})
    truth.loc[:39, "differs_by"] = "label"
    truth.loc[100:159, "differs_by"] = "medication"
    recovery = adjustment_recovery(table, truth, list(sets), 0.05).set_index(["set", "differs_by"])
    assert recovery.loc[("cells", "medication"), "n_significant"] > 40
    assert recovery.loc[("drug", "medication"), "n_significant"] <= 4
    assert recovery.loc[("drug", "label"), "share"] > 0.9


def test_the_summary_counts_what_the_table_says(found):
    table, summary = found
    assert list(summary.columns) == SUMMARY_COLUMNS
    rows = summary.set_index("set")
    before, after = table["padj_minimal"] < 0.05, table["padj_cells"] < 0.05
    assert rows.loc["cells", "n_significant"] == after.sum()
    assert rows.loc["cells", "n_lost"] == (before & ~after).sum()
    assert rows.loc["cells", "n_gained"] == (~before & after).sum()
    assert rows.loc["cells", "n_kept"] + rows.loc["cells", "n_gained"] == after.sum()
    assert rows.loc["minimal", "jaccard"] == 1
    retained = (table["effect_cells"] / table["effect_minimal"])[before]
    assert rows.loc["cells", "median_retained"] == pytest.approx(retained.median())
    assert rows.loc["cells", "n_sign_flips"] == (retained < 0).sum()


def test_the_headline_names_the_set_that_takes_most_away(found):
    _, summary = found
    result = headline(summary, {}, 0.05, "rna", ["a", "b"], ["estimated"])
    assert result["largest_fall"]["set"] == "cells"
    assert 0.3 < result["share_surviving"] < 0.6
    assert result["not_fitted"] == {"estimated": "there are no estimated cell fractions"}
    assert "still do after all adjustments" in result["finding"]


def test_permuted_labels_give_hardly_a_discovery():
    patients, positive, counts = cohort(1)
    prepared = prepared_counts(counts, min_count=10, min_share=0.25)
    rng = np.random.default_rng(5)
    discoveries = []
    for _ in range(20):
        _, summary = adjustment(patients, rng.permutation(positive), SETS, prepared, 0.05)
        discoveries.append(summary["n_significant"].to_numpy() > 0)
    # under the global null the FDR is the chance of any discovery
    assert np.mean(discoveries, axis=0).max() <= 0.2


def test_a_set_that_tells_the_label_is_shown_with_its_reason(tmp_path):
    patients, positive, counts = cohort()
    patients["site"] = np.where(positive, "x", "y")
    prepared = prepared_counts(counts, min_count=10, min_share=0.25)
    table, summary = adjustment(
        patients, positive, {"minimal": [], "bad": ["site"]}, prepared, 0.05
    )
    assert table["padj_bad"].isna().all()
    assert "determine the label" in summary.set_index("set").loc["bad", "reason"]
    result = headline(summary, {}, 0.05, "rna", ["a", "b"])
    assert "determine the label" in result["not_fitted"]["bad"]
    save_figure(attrition_figure(summary, 0.05, "rna"), tmp_path / "a.svg")
    assert "not tested" not in result["finding"]


def test_nothing_testable_says_so():
    patients, positive, counts = cohort()
    few = slice(0, 8)
    prepared = prepared_counts(counts.iloc[few], min_count=10, min_share=0.25)
    _, summary = adjustment(patients.iloc[few], positive[few], SETS, prepared, 0.05)
    result = headline(summary, {}, 0.05, "rna", ["a", "b"])
    assert result["largest_fall"] is None
    assert result["largest_fall_reason"] == "no set could be tested"


def test_continuous_layers_may_have_gaps(tmp_path):
    patients, positive, counts = cohort()
    values = np.log2(counts + 1.0)
    values.iloc[:10, 0] = np.nan
    values.iloc[:60, 1] = np.nan
    prepared = prepared_values(values, log2=False, max_missing=0.2)
    assert "g1" not in prepared["features"]
    table, summary = adjustment(patients, positive, SETS, prepared, 0.05)
    assert np.isfinite(table["padj_cells"]).all()
    assert summary["n_features"].iloc[0] == G
    save_figure(attrition_figure(summary, 0.05, "rna"), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size > 1000


@pytest.mark.parametrize("chosen", [slice(0, 0), slice(0, N, 2)])
def test_a_layer_of_nobody_or_of_one_group_gives_reasons(chosen, tmp_path):
    patients, positive, counts = cohort()
    for prepared in (
        prepared_counts(counts.iloc[chosen], min_count=10, min_share=0.25),
        prepared_values(counts.iloc[chosen], log2=True, max_missing=0.2),
    ):
        _, summary = adjustment(patients.iloc[chosen], positive[chosen], SETS, prepared, 0.05)
        assert summary["reason"].str.contains("patients of a group").all()
        assert headline(summary, {}, 0.05, "rna", ["a", "b"])["share_surviving"] is None
        save_figure(attrition_figure(summary, 0.05, "rna"), tmp_path / "a.svg")
        assert (tmp_path / "a.svg").stat().st_size > 500


def test_a_layer_of_few_features_is_tested_without_a_trend():
    patients, positive, counts = cohort()
    prepared = prepared_counts(counts[["g0", "g200", "g201"]], min_count=10, min_share=0.25)
    table, _ = adjustment(patients, positive, SETS, prepared, 0.05)
    assert table.set_index("feature").loc["g0", "padj_minimal"] < 0.05


def test_a_layer_without_an_expressed_feature_is_empty_and_no_error(tmp_path):
    patients, positive, counts = cohort()
    prepared = prepared_counts(counts * 0, min_count=10, min_share=0.25)
    table, summary = adjustment(patients, positive, SETS, prepared, 0.05)
    assert table.empty
    assert (summary["n_significant"] == 0).all()
    assert "Nothing is significant" in headline(summary, {}, 0.05, "rna", ["a", "b"])["finding"]
    save_figure(attrition_figure(summary, 0.05, "rna"), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size > 500


def test_features_are_counted_again_without_some_patients():
    """As the layer's own test does it; the fullest set that could be tested in both counts."""
    patients, positive, counts = cohort()
    sheet = patients.drop(columns="neutro").assign(response=np.where(positive, "yes", "no"))
    settings = {
        "type": "counts",
        "filter": {"min_count": 10, "min_share": 0.25},
        "sets": {"minimal": [], "technical": ["batch"], "cells": ["estimated_cells"]},
        "contrast": ["response", "yes", "no"],
        "fdr": 0.05,
        "deges": True,
    }
    fractions = patients[["neutro"]]
    whole = adjusted_layer(counts, sheet, fractions, settings)
    numbers = headline(whole.summary, {}, 0.05, "rna", ["yes", "no"])["n_significant"]
    numbers = dict(sorted(numbers.items()))
    again = found_without(numbers, whole, N)
    assert (again["set"], again["n_all"], again["n_without"]) == ("cells", *[numbers["cells"]] * 2)
    rest = found_without(numbers, adjusted_layer(counts[60:], sheet, fractions, settings), N)
    assert (rest["patients_all"], rest["patients_without"]) == (120, 60)
    assert 30 < rest["n_without"] < 60
