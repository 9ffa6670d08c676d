"""Every figure is drawn from tables alone, and the summary says what they say."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from trdomics.evaluation import figures
from trdomics.evaluation.bootstrap import performance_table
from trdomics.evaluation.calibration_curve import calibration_table
from trdomics.evaluation.decision_curve import decision_table
from trdomics.evaluation.importance import chosen_table, importance_table
from trdomics.evaluation.out_of_fold import feature_sets, out_of_fold
from trdomics.evaluation.paired_gains import gains_table
from trdomics.evaluation.permutation_null import null_distribution
from trdomics.evaluation.summary import classification_summary
from trdomics.files import read_json, read_table, save_figure, write_json, write_table

ROLES = {
    "clinical": "baseline",
    "layer_a": "candidate",
    "selected": "selected",
    "clinical_circular": "circular",
}
SPLITS = [(repeat, fold) for repeat in (1, 2) for fold in (1, 2, 3)]


@pytest.fixture(scope="module")
def parts() -> dict[str, pd.DataFrame]:
    """What the splits write, for 60 patients, three folds and two repeats."""
    rng = np.random.default_rng(6)
    label = np.tile([0, 1], 30)
    patients = np.array([f"p{i:02d}" for i in range(60)])
    folds = {1: np.arange(60) // 20 + 1, 2: np.arange(60) // 2 % 3 + 1}
    predictions, null = [], []
    for repeat, fold in SPLITS:
        test = folds[repeat] == fold
        for strength, (feature_set, role) in enumerate(ROLES.items()):
            odds = strength * (label[test] - 0.5) + rng.normal(size=test.sum())
            predictions.append(
                pd.DataFrame(
                    {
                        "patient_id": patients[test],
                        "repeat": repeat,
                        "fold": fold,
                        "feature_set": feature_set,
                        "role": role,
                        "probability": 1 / (1 + np.exp(-odds)),
                    }
                )
            )
        null += [
            pd.DataFrame(
                {
                    "permutation": permutation,
                    "repeat": repeat,
                    "patient_id": patients[test],
                    "label_permuted": rng.permutation(label[test]),
                    "probability": rng.random(test.sum()),
                }
            )
            for permutation in (0, repeat, repeat + 2)
        ]
    names = [f"r{repeat}f{fold}" for repeat, fold in SPLITS]
    chosen = pd.DataFrame(
        [
            (split, name, role, model, size, 0.7, 0.5 * (model == "ridge"))
            for split in names
            for name, role, model, size in (
                *((s, ROLES[s], "ridge", "all") for s in ("clinical", "layer_a")),
                ("late_fusion", "candidate", "stack", None),
                ("combined", "selected", "stack", None),
            )
        ],
        columns=["split", "feature_set", "role", "model", "n_features", "inner_auc", "weight"],
    )
    importance = pd.DataFrame(
        [
            (split, name, "elastic_net", "layer_a", f"g{i}", value)
            for split in names
            for name in ("layer_a", "selected")
            for i, value in enumerate(rng.normal(size=5))
        ],
        columns=["split", "feature_set", "model", "block", "feature", "importance"],
    )
    return {
        "predictions": pd.concat(predictions, ignore_index=True),
        "null": pd.concat(null, ignore_index=True),
        "chosen": chosen,
        "importance": importance,
        "labels": pd.DataFrame({"label": label}, index=patients),
    }


@pytest.fixture(scope="module")
def tables(parts, tmp_path_factory) -> dict[str, pd.DataFrame]:
    """The tables of results, as read back from their files."""
    predictions, labels = parts["predictions"], parts["labels"]["label"]
    shown = {name: out_of_fold(predictions, labels, name) for name in ("selected", "clinical")}
    written = {
        "performance": performance_table(predictions, labels, n_samples=60, seed=1),
        "gains": gains_table(predictions, labels),
        "null": null_distribution(parts["null"]),
        "calibration": pd.concat(calibration_table(*v, name, 0.3) for name, v in shown.items()),
        "decision": decision_table(shown, 0.3),
        "importance": importance_table(parts["importance"], parts["chosen"]),
        "chosen": chosen_table(parts["chosen"]),
    }
    folder = tmp_path_factory.mktemp("tables")
    for name, table in written.items():
        write_table(table, folder / f"{name}.tsv")
    read = {name: read_table(folder / f"{name}.tsv") for name in written}
    for name in ("performance", "gains"):
        read[name]["reason"] = read[name]["reason"].fillna("")
    return read


def texts(figure: Figure) -> list[str]:
    """All words of a figure, axis labels and legends included."""
    return [text.get_text() for text in figure.findobj(lambda o: hasattr(o, "get_text"))]


def test_forest_plot_has_the_headline_first_and_circular_hollow(tables, tmp_path):
    figure = figures.performance_figure(tables["performance"])
    axes = figure.axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["selected", "layer a", "clinical", "clinical with circular predictors"]
    faces = [line.get_markerfacecolor() for line in axes.lines if line.get_marker() in "oD"]
    assert [face == "white" for face in faces] == [False, False, False, True]
    save_figure(figure, tmp_path / "performance.svg")
    assert (tmp_path / "performance.svg").read_text().lstrip().startswith("<?xml")


def test_forest_plot_says_why_a_value_is_missing(tables):
    broken = tables["performance"].copy()
    rows = broken["feature_set"] == "layer_a"
    broken.loc[rows, ["value", "lower", "upper"]] = np.nan
    broken.loc[rows, "reason"] = "all patients are of one class"
    assert any("one class" in text for text in texts(figures.performance_figure(broken)))


def test_null_figure_shows_the_pvalue_or_the_reason(tables):
    assert any("p = " in text for text in texts(figures.null_figure(tables["null"])))
    without = tables["null"].query("permutation == 0")
    assert any("no permutations" in text for text in texts(figures.null_figure(without)))


def test_calibration_figure_shows_slope_and_all_patients(tables):
    figure = figures.calibration_figure(tables["calibration"], tables["performance"])
    assert any("slope" in text and "Brier" in text for text in texts(figure))
    # no marker at 0 or 1 is cut
    low, high = figure.axes[0].get_xlim()
    assert low < 0 < 1 < high
    heights = [abs(bar.get_height()) for bar in figure.axes[1].patches]
    assert sum(heights) == pytest.approx(60)


def test_calibration_figure_without_a_slope(tables):
    broken = tables["performance"].copy()
    broken.loc[broken["metric"] == "calibration_slope", ["value", "lower", "upper"]] = np.nan
    figure = figures.calibration_figure(tables["calibration"], broken)
    assert any("slope: not computable" in text for text in texts(figure))


def test_decision_figure_has_both_populations_and_all_strategies(tables):
    figure = figures.decision_figure(tables["decision"])
    assert [axes.get_title() for axes in figure.axes] == [
        "the cohort: 50% positive",
        "the target population: 30% positive",
    ]
    assert {"selected", "clinical", "treat all", "treat none"} <= set(texts(figure))
    here = tables["decision"].query("population == 'cohort'")
    there = here.assign(population="target", prevalence=0.502)
    (axes,) = figures.decision_figure(pd.concat([here, there])).axes
    assert axes.get_title() == "the cohort and the target population: 50% positive"
    assert {"selected", "treat all"} <= set(texts(axes.figure))
    empty = tables["decision"].iloc[:0]
    assert any("one class" in text for text in texts(figures.decision_figure(empty)))


def test_importance_figure_names_members_of_panels_by_their_layer():
    columns = {"feature_set": "selected", "share": 0.1, "direction": 1, "top20": 0.5}
    named = {"block": ["immune", "mrna", "clinical"], "feature": ["mrna:TNF", "a:b", "onset_age"]}
    shown = texts(figures.importance_figure(pd.DataFrame(named).assign(**columns)))
    assert {"TNF (mRNA)", "a:b", "onset age"} <= set(shown)


def test_importance_figure_names_the_features_or_says_there_are_none(tables):
    assert {"g0", "g1", "g2", "g3", "g4"} <= set(
        texts(figures.importance_figure(tables["importance"]))
    )
    empty = tables["importance"].iloc[:0]
    assert any("no feature" in text for text in texts(figures.importance_figure(empty)))


def test_chosen_figure_shows_sets_for_which_models_were_chosen(tables):
    shown = set(texts(figures.chosen_figure(tables["chosen"])))
    assert {"layer a (50%)", "clinical (50%)", "ridge, all features"} <= shown
    assert not any(text.startswith(("late fusion", "combined")) for text in shown)


def test_summary_repeats_the_tables_and_survives_json(parts, tables, tmp_path):
    summary = classification_summary(
        predictions=parts["predictions"],
        performance=tables["performance"],
        gains=tables["gains"],
        null=tables["null"],
        chosen=parts["chosen"],
        chosen_table=tables["chosen"],
        importance=tables["importance"],
        target_prevalence=0.3,
    )
    write_json(summary, tmp_path / "summary.json")
    read = read_json(tmp_path / "summary.json")
    rows = tables["performance"].set_index(["feature_set", "metric"])
    assert read["selected"]["auroc"]["value"] == rows.loc[("selected", "auroc"), "value"]
    assert set(read["baselines"]) == {"clinical"}
    assert set(read["circular"]) == {"clinical_circular"}
    assert read["gains"]["clinical"]["auroc"]["n_folds"] == 6
    assert (read["n_patients"], read["n_positive"], read["n_splits"]) == (60, 30, 6)
    assert read["selected_inner_auroc"] == pytest.approx(0.7)
    assert read["models"]["layer_a"] == "weight 50%; ridge, all features: 6"
    assert read["null"]["n_permutations"] == 4
    assert read["prevalence"]["log_odds_shift"] == pytest.approx(np.log(0.3 / 0.7))
    assert set(feature_sets(parts["predictions"])) == set(ROLES)


def test_contributions_figure_names_the_groups_that_move_most():
    rng = np.random.default_rng(4)
    groups = [f"group_{number:02d}" for number in range(20)]
    table = pd.DataFrame(
        [
            (f"p{i}", i % 2, "layer", name, scale * rng.normal())
            for i in range(20)
            for scale, name in enumerate(groups)
        ],
        columns=["patient_id", "label", "kind", "group", "contribution"],
    )
    shown = set(texts(figures.contributions_figure(table)))
    assert "group 19" in shown
    assert "group 00" not in shown
    assert any("no feature" in text for text in texts(figures.contributions_figure(table[:0])))
