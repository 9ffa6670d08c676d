import numpy as np
import pandas as pd
import pytest
from classification_data import cohort, config

from trdomics.classification.calibration import shift_prevalence
from trdomics.classification.nested import nested_search
from trdomics.classification.persist import manifest
from trdomics.errors import InputError
from trdomics.scoring.apply import (
    PREDICTIONS,
    check_layers,
    compare_features,
    refuse,
    score,
    scoring_summary,
)
from trdomics.tables import LayerTables

CONFIG = config()
TYPES = {name: layer["type"] for name, layer in CONFIG["layers"].items()}
TRAINING, LABELS = cohort()
NEW, NEW_LABELS = cohort(n=40, seed=6, prefix="new-")


@pytest.fixture(scope="module")
def frozen():
    search = nested_search(CONFIG).fit(TRAINING, LABELS.to_numpy(dtype=int))
    model = search.risk_model("late_fusion_mofa")
    return model, manifest(search, model, labels=LABELS, label=CONFIG["label"])


def scored(frozen, tables, labels=NEW_LABELS, target=0.3):
    model, description = frozen
    features = compare_features(model, tables, 0.2)
    return score(model, description, tables, labels, features, target), features


def test_probabilities_are_the_models_and_move_to_the_target_prevalence(frozen):
    predictions, features = scored(frozen, NEW)
    assert list(predictions.columns) == PREDICTIONS
    expected = frozen[0].predict_proba(NEW)[:, 1]
    np.testing.assert_array_equal(predictions["probability"], expected)
    moved = shift_prevalence(expected, LABELS.mean(), 0.3)
    np.testing.assert_allclose(predictions["probability_at_target_prevalence"], moved)
    assert (features["n_missing"] == 0).all()
    lacking = ~NEW.profiled("rna")
    assert not predictions["layers_used"][lacking].str.contains("rna").any()
    assert (predictions["n_layers_used"][~lacking] >= 2).all()


def test_without_a_target_probabilities_stay(frozen):
    predictions, _ = scored(frozen, NEW, target=None)
    np.testing.assert_allclose(
        predictions["probability_at_target_prevalence"], predictions["probability"]
    )


def test_order_and_superfluous_features_do_not_matter(frozen):
    reordered = {
        name: table.iloc[:, ::-1].assign(extra=1.0) if name in ("rna", "protein") else table
        for name, table in NEW.items()
    }
    expected, _ = scored(frozen, NEW)
    predictions, features = scored(frozen, LayerTables(reordered, NEW.patients))
    pd.testing.assert_frame_equal(predictions, expected)
    assert features.set_index("layer").loc["rna", "n_superfluous"] == 1


def test_missing_features_are_listed_and_filled(frozen):
    lacking = NEW.replace(protein=NEW["protein"].drop(columns=["protein3", "protein4"]))
    predictions, features = scored(frozen, lacking)
    row = features.set_index("layer").loc["protein"]
    assert (row["n_missing"], row["missing"], row["refused"]) == (2, "protein3, protein4", 0)
    assert predictions["probability"].notna().all()
    before, _ = scored(frozen, NEW)
    has = NEW.profiled("protein")
    more = predictions["missing_features_share"] - before["missing_features_share"]
    np.testing.assert_allclose(more, np.where(has, 2 / features["n_expected"].sum(), 0))
    refuse(features, 0.2)


def test_too_many_missing_features_are_refused(frozen):
    lacking = NEW.replace(rna=NEW["rna"].iloc[:, :20])
    features = compare_features(frozen[0], lacking, 0.2)
    assert features.set_index("layer").loc["rna", "refused"] == 1
    with pytest.raises(InputError, match=r"layer rna: 20 of the 40 features.*\(20%\)"):
        refuse(features, 0.2)


def test_a_layer_that_is_lacked_altogether_is_allowed_and_told(frozen):
    part = LayerTables({k: v for k, v in NEW.items() if k != "rna"}, NEW.patients)
    check_layers(part, {k: v for k, v in TYPES.items() if k != "rna"}, frozen[1])
    predictions, features = scored(frozen, part)
    row = features.set_index("layer").loc["rna"]
    assert (row["present"], row["n_missing"], row["refused"]) == (0, 40, 0)
    refuse(features, 0.2)
    assert not predictions["layers_used"].str.contains("rna").any()
    assert predictions["probability"].notna().all()


def test_a_layer_of_another_type_is_refused(frozen):
    with pytest.raises(InputError, match="layer rna: is of type continuous"):
        check_layers(NEW, {**TYPES, "rna": "continuous"}, frozen[1])


def test_a_cohort_with_nothing_in_common_is_refused(frozen):
    alien = LayerTables(
        {"metabolites": NEW["protein"], "clinical": NEW["clinical"][["site"]]}, NEW.patients
    )
    with pytest.raises(InputError, match="nothing that the model uses"):
        check_layers(alien, {"metabolites": "continuous"}, frozen[1])


def test_an_unknown_site_and_lacking_predictors_do_no_harm(frozen):
    sheet = NEW["clinical"].drop(columns=["age"]).assign(site="elsewhere", sex="unknown")
    predictions, features = scored(frozen, NEW.replace(clinical=sheet))
    assert features.set_index("layer").loc["clinical", "missing"] == "age"
    assert predictions["probability"].between(0, 1).all()


def summarise(frozen, predictions, features):
    return scoring_summary(
        predictions,
        features,
        frozen[1],
        external=True,
        target_prevalence=0.3,
        n_samples=100,
        seed=1,
    )


def test_known_labels_are_used_to_validate(frozen):
    labels = NEW_LABELS.copy()
    labels.iloc[:5] = np.nan
    predictions, features = scored(frozen, NEW, labels)
    summary = summarise(frozen, predictions, features)
    assert (summary["n_scored"], summary["n_labelled"]) == (40, 35)
    auroc = summary["metrics"]["auroc"]
    assert auroc["lower"] < auroc["value"] < auroc["upper"]
    assert auroc["value"] > 0.65


def test_without_labels_the_summary_says_why_there_are_no_metrics(frozen):
    predictions, features = scored(frozen, NEW, NEW_LABELS * np.nan)
    summary = summarise(frozen, predictions, features)
    assert summary["metrics"] is None
    assert summary["metrics_reason"] == "no scored patient has a label"


def test_nobody_to_score_gives_an_empty_table_and_a_reason(frozen):
    predictions, features = scored(frozen, NEW.take(np.array([], dtype=int)))
    assert predictions.empty
    assert list(predictions.columns) == PREDICTIONS
    summary = summarise(frozen, predictions, features)
    assert summary["n_scored"] == 0
    assert "trained on" in summary["n_scored_reason"]
