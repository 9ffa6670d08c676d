import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from classification_data import cohort, config
from scipy.special import expit, logit

from trdomics.classification.run_split import nested_search
from trdomics.errors import InputError
from trdomics.evaluation.prevalence import shift_prevalence
from trdomics.frozen_model.freeze import freeze, manifest
from trdomics.layers.burden import GeneBurden
from trdomics.report.render import render
from trdomics.schema import SCHEMAS
from trdomics.scoring.apply import (
    PREDICTIONS,
    check_layers,
    compare_features,
    refuse,
    score,
    with_reference_dosages,
)
from trdomics.scoring.cohort import score_cohort
from trdomics.scoring.page import page_context
from trdomics.scoring.summary import (
    NO_TARGET,
    NOT_ACTED_ON,
    scoring_summary,
    validation_metrics,
)
from trdomics.tables import LayerTables

CONFIG = config()
TEMPLATE = SCHEMAS.parent / "report" / "scoring.html.j2"
TYPES = {name: layer["type"] for name, layer in CONFIG["layers"].items()}
TRAINING, LABELS = cohort()
NEW, NEW_LABELS = cohort(n=40, seed=6, prefix="new-")


@pytest.fixture(scope="module")
def frozen():
    truth = LABELS.to_numpy(dtype=int)
    search = nested_search(CONFIG)
    representations = search.representations(TRAINING, truth)
    search.fit_from(representations, truth)
    search.winner_ = "late_fusion_mofa"
    model = freeze(search, representations, TRAINING, truth, pairs=4)
    return model, manifest(search, model, labels=LABELS, label=CONFIG["label"])


def scored(frozen, tables, labels=NEW_LABELS, target=0.3):
    model, description = frozen
    features = compare_features(model.risk, tables, 0.2)
    return score(model, description, tables, labels, features, target), features


def test_probabilities_are_the_models_and_move_to_the_target_prevalence(frozen):
    predictions, features = scored(frozen, NEW)
    assert list(predictions.columns) == PREDICTIONS
    expected = frozen[0].risk.predict_proba(NEW)[:, 1]
    np.testing.assert_array_equal(predictions["probability"], expected)
    moved = shift_prevalence(expected, LABELS.mean(), 0.3)
    np.testing.assert_allclose(predictions["probability_at_target_prevalence"], moved)
    for end in ("lower", "upper"):
        np.testing.assert_allclose(
            predictions[f"probability_at_target_prevalence_{end}"],
            shift_prevalence(predictions[f"probability_{end}"], LABELS.mean(), 0.3),
        )
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
    features = compare_features(frozen[0].risk, lacking, 0.2)
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


LAYERS = {name: {**layer} for name, layer in CONFIG["layers"].items()}
SETTINGS = {"max_missing": 0.2, "target_prevalence": 0.3, "seed": 1}


def whole(frozen, tables, labels=NEW_LABELS, losses=None):
    features = compare_features(frozen[0].risk, tables, 0.2)
    done = score_cohort(*frozen, tables, labels, features, losses, LAYERS, SETTINGS)
    summary = scoring_summary(
        done.predictions,
        features,
        frozen[1],
        external=True,
        target_prevalence=0.3,
        threshold=None,
        n_samples=100,
        seed=1,
        shift=done.shift_headline,
        expected=done.expected,
        recalibration=done.recalibration,
    )
    return done, summary


def summarise(frozen, predictions, features, target=0.3):
    return scoring_summary(
        predictions.assign(probability_recalibrated=np.nan),
        features,
        frozen[1],
        external=True,
        target_prevalence=target,
        threshold=None,
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
    assert "used for training" in summary["n_scored_reason"]


def test_intervals_hold_the_probability_and_are_wider_without_a_layer(frozen):
    predictions, _ = scored(frozen, NEW)
    inside = predictions["probability"].between(
        predictions["probability_lower"], predictions["probability_upper"]
    )
    assert inside.all()
    part = LayerTables({k: v for k, v in NEW.items() if k != "rna"}, NEW.patients)
    without, _ = scored(frozen, part)
    assert (without["layers_missing"].str.contains("rna")).all()

    def width(table):
        odds = logit(table[["probability_lower", "probability_upper"]].to_numpy(dtype=float))
        return odds[:, 1] - odds[:, 0]

    had_all = (predictions["layers_missing"] == "-").to_numpy()
    added = frozen[0].replicates.missing_["rna"]
    assert added > 0.05
    # what the layer's absence adds is at least there
    assert (width(without)[had_all] >= 2 * 2.7 * added).all()


def tables_of(done):
    return done.shift, done.predictions


def test_the_loss_of_the_layers_that_are_missing_is_looked_up(frozen):
    losses = {
        "missing_layer_cost": [
            {"layers_missing": [], "auroc": 0.8, "loss": 0.0, "reason": ""},
            {"layers_missing": ["rna"], "auroc": 0.7, "loss": 0.1, "reason": ""},
        ]
    }
    done, summary = whole(frozen, NEW, losses=losses)
    by_set = {tuple(row["layers_missing"]): row for row in summary["expected"]}
    assert by_set[()]["auroc"] == 0.8
    assert by_set[("rna",)]["loss"] == 0.1
    assert by_set[("rna",)]["n"] == int((~NEW.profiled("rna")).sum())
    assert by_set[("protein",)]["auroc"] is None
    assert "not measured for this combination" in by_set[("protein",)]["reason"]
    lacking = ~NEW.profiled("rna")
    np.testing.assert_allclose(done.predictions["expected_auroc"][lacking], 0.7)
    assert done.predictions["expected_auroc"][~NEW.profiled("protein")].isna().all()
    _, without = whole(frozen, NEW)
    assert "no missing_layer_cost.json" in without["expected"][0]["reason"]


def test_a_cohort_is_summed_up_for_the_page(frozen):
    done, summary = whole(frozen, NEW)
    assert summary["shift"]["n_checked"] == 40
    assert summary["recalibration"]["kind"] == "intercept"
    assert set(summary["metrics"]) == set(summary["metrics_recalibrated"])
    assert set(summary["metrics"]) == set(summary["metrics_at_target_prevalence"])
    assert summary["metrics_at_target_prevalence"]["net_benefit"]["threshold"] == 0.3
    context = page_context("new", summary, *tables_of(done))
    assert context["versions"] == [
        f"as predicted (training prevalence, {LABELS.mean():.2f})",
        "at the target prevalence, 0.30",
        "recalibrated",
    ]
    cells = {row["name"]: row["cells"] for row in context["metrics"]}
    assert {"AUROC", "net benefit"} <= set(cells)
    assert cells["net benefit"][0] == NOT_ACTED_ON
    assert " to " in cells["net benefit"][1]
    assert "of 40 labelled patients are positive" in context["labelled"]
    assert "40 patients, 40 of them with a label" in context["headline"]
    text = render(TEMPLATE, context)
    assert "Do the patients resemble the training patients?" in text
    assert "lack RNA: expected AUROC not known" in text
    assert "Not for clinical use" in text
    assert "used to train the model, these numbers are not a validation" in text
    nobody = done.predictions.assign(outlier_vs_training=0.0)
    assert "differs in" not in render(TEMPLATE, page_context("new", summary, done.shift, nobody))
    named = done.predictions.assign(outlier_vs_training=1.0, outlier_vs_training_p=0.001)
    named["outlier_vs_training_in"] = "factor distance"
    text = render(TEMPLATE, page_context("new", summary, done.shift, named))
    # the glossary links a term's first use
    plain = re.sub(r"<a [^>]*>|</a>", "", text)
    assert f"<td>{named['patient_id'][0]}</td><td>factor distance</td>" in plain


def at_another_prevalence(n=6000, trained=0.5, here=0.3):
    """Return a scored cohort with fewer positives than the one that the model was trained on."""
    rng = np.random.default_rng(4)
    label = (rng.random(n) < here).astype(float)
    probability = expit(1.2 * (rng.normal(size=n) + 1.2 * (label - 0.5)))
    return pd.DataFrame(
        {
            "label": label,
            "probability": probability,
            "probability_at_target_prevalence": shift_prevalence(probability, trained, here),
            "probability_recalibrated": np.nan,
        }
    )


def test_what_one_acts_on_is_what_is_validated():
    """Patients of class 1 and 0 are N(0.6, 1) and N(-0.6, 1): log odds at 50 % are 1.2 x."""
    predictions = at_another_prevalence()
    found = validation_metrics(predictions, 0.3, 0.3, n_samples=100, seed=1)
    moved, as_it_is = found["metrics_at_target_prevalence"], found["metrics"]
    acted = predictions["probability_at_target_prevalence"] >= 0.3
    positive = predictions["label"] == 1
    benefit = (acted & positive).mean() - (acted & ~positive).mean() * 0.3 / 0.7
    assert moved["net_benefit"]["value"] == pytest.approx(benefit)
    # what the probability at the training prevalence would have given
    acted = predictions["probability"] >= 0.3
    wrong = (acted & positive).mean() - (acted & ~positive).mean() * 0.3 / 0.7
    assert benefit > wrong + 0.02
    assert "value" not in as_it_is["net_benefit"]
    assert as_it_is["net_benefit"]["reason"] == NOT_ACTED_ON
    # the moved probabilities are the ones that are calibrated here
    intercept = moved["calibration_intercept"]
    assert intercept["lower"] < 0 < intercept["upper"]
    assert as_it_is["calibration_intercept"]["upper"] < -0.5
    assert moved["auroc"]["value"] == pytest.approx(as_it_is["auroc"]["value"])


def test_without_a_target_one_acts_on_the_probability_as_it_is():
    found = validation_metrics(at_another_prevalence(500), 0.5, None, n_samples=100, seed=1)
    assert found["metrics_at_target_prevalence"] is None
    assert found["metrics"]["net_benefit"]["threshold"] == 0.5
    assert found["metrics"]["net_benefit"]["value"] is not None


def test_the_page_without_a_target_has_no_column_for_it(frozen):
    done, _ = whole(frozen, NEW)
    features = compare_features(frozen[0].risk, NEW, 0.2)
    summary = summarise(frozen, done.predictions, features, target=None)
    assert summary["metrics_at_target_prevalence_reason"] == NO_TARGET
    context = page_context("new", {**summary, "shift": done.shift_headline}, *tables_of(done))
    assert len(context["versions"]) == 2
    assert all(len(row["cells"]) == 2 for row in context["metrics"])


def test_the_page_escapes_what_users_name(frozen):
    done, summary = whole(frozen, NEW)
    text = render(TEMPLATE, page_context("<script>alert(1)</script>", summary, *tables_of(done)))
    assert "<script>alert" not in text


def test_nobody_to_score_still_gives_a_page(frozen):
    done, summary = whole(frozen, NEW.take(np.array([], dtype=int)))
    assert done.predictions.empty
    assert done.shift.empty
    assert "No patient was scored" in render(
        TEMPLATE, page_context("new", summary, *tables_of(done))
    )


@pytest.mark.parametrize(("no_call", "expected"), [("reference", 0.0), ("missing", None)])
def test_a_dosage_that_nobody_carries_is_zero_where_no_call_means_reference(
    frozen, no_call, expected
):
    burden = GeneBurden(dosages=["rs1"], max_allele_frequency=1.0)
    table = TRAINING["dna"]
    carried = table.iloc[:, [0]].set_axis(
        pd.MultiIndex.from_tuples([("rs1", "", "")], names=table.columns.names), axis=1
    )
    burden.fit(pd.concat([table, carried], axis=1))
    mean = burden.means_[-1]
    assert mean > 0
    stub = SimpleNamespace(representation=SimpleNamespace(normalisers_={"dna": burden}))
    given = with_reference_dosages(stub, NEW, {"dna": {"no_call": no_call}})
    filled = burden.transform(given["dna"])["dosage:rs1"]
    np.testing.assert_allclose(filled, mean if expected is None else expected)
