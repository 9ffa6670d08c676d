"""Terms of the log odds of single patients."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from classification_data import cohort, config
from scipy.special import logit

from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.classification.representation import representation
from trdomics.frozen_model.classifiers import CalibratedClassifiers, Member
from trdomics.frozen_model.decoders import Boosting, Linear
from trdomics.frozen_model.model import FrozenRisk
from trdomics.scoring.contributions import contributions, grouped, listed
from trdomics.scoring.terms import BASELINE, NOT_MEASURED, OTHERS, TREES
from trdomics.tables import LayerTables

NEW, _ = cohort(n=30, seed=6, prefix="new-")


@pytest.fixture(scope="module")
def risk():
    """Return a stack with coefficients of its own on every block, alone and several together."""
    tables, _ = cohort()
    blocks = ["rna", "protein", "dna", "clinical", "mofa"]
    whole = representation(config()).fit(tables)
    whole.panel_blocks_ = {"immune": {name: whole.layer_blocks_[name] for name in ("rna", "dna")}}
    fitted = whole.restricted([*blocks, "immune"])
    rng = np.random.default_rng(3)
    members = []
    for own in (
        *([name] for name in blocks),
        ["immune"],
        ["protein", "clinical"],
        ["rna", "dna"],
        ["rna"],
    ):
        width = sum(len(fitted.feature_names_[name]) for name in own)
        columns = np.flatnonzero(rng.random(width) < 0.7)
        linear = Linear(rng.normal(size=1), rng.normal(scale=0.2, size=(1, len(columns))))
        members.append(Member(own, columns, rng.normal(size=1), np.array([True]), linear))
    members[-1].fitted[:] = False
    weights = rng.uniform(0.1, 0.4, size=(len(members), 1))
    stack = CalibratedClassifiers(
        members, weights, np.array([0.2]), np.array([0.8]), np.array([-0.3])
    )
    return FrozenRisk(fitted, stack)


def with_classifier(risk, **changes):
    return dataclasses.replace(risk, classifier=dataclasses.replace(risk.classifier, **changes))


def split(risk, tables):
    blocks = DenseBlocks.of(risk.representation.transform(tables))
    return contributions(risk, blocks, tables.patients), blocks


@pytest.mark.parametrize("without", [(), ("rna",), ("rna", "protein", "dna")])
def test_terms_add_up_to_the_predicted_log_odds(risk, without):
    tables = LayerTables({k: v for k, v in NEW.items() if k not in without}, NEW.patients)
    found, _ = split(risk, tables)
    predicted = logit(risk.predict_proba(tables)[:, 1])
    np.testing.assert_allclose(found.log_odds.sum(axis=1), predicted, atol=1e-9, rtol=0)
    baseline = found.log_odds[BASELINE, BASELINE]
    assert (baseline == baseline.iloc[0]).all()
    for layer in without:
        assert (found.log_odds[layer].drop(columns=NOT_MEASURED) == 0).all(axis=None)
        assert (found.log_odds[layer, NOT_MEASURED] != 0).all()
    assert np.ptp(found.log_odds["clinical"].to_numpy()) > 0


def test_the_baseline_is_the_patient_with_the_mean_of_every_feature(risk):
    found, blocks = split(risk, NEW)
    mean = DenseBlocks(
        {name: np.zeros((1, v.shape[1])) for name, v in blocks.values.items()},
        {name: np.ones(1, dtype=bool) for name in blocks.present},
    )
    # categories have no mean: each of a column's counts the same
    clinical = risk.representation.column_blocks_["clinical"]
    levels, begin = clinical.levels_["sex"], len(clinical.numeric_)
    mean.values["clinical"][0, begin : begin + len(levels)] = 1 / len(levels)
    expected = risk.classifier.calibrated_log_odds(mean)[0, 0]
    # the other block of categories, of the site, is none of this model's
    assert set(risk.representation.column_blocks_) == {"clinical"}
    assert found.log_odds[BASELINE, BASELINE].iloc[0] == pytest.approx(expected, abs=1e-9)
    one = contributions(risk, mean, pd.Index(["mean"])).log_odds
    np.testing.assert_allclose(one.drop(columns=BASELINE, level="block"), 0, atol=1e-12)


def test_a_term_is_the_coefficient_times_the_value(risk):
    found, _ = split(risk, NEW)
    older = NEW["clinical"].assign(age=NEW["clinical"]["age"] + 10)
    moved, _ = split(risk, NEW.replace(clinical=older))
    known = NEW["clinical"]["age"].notna()
    changed = (moved.log_odds - found.log_odds)[known]
    before, after = (logit(risk.predict_proba(t)[:, 1]) for t in (NEW, NEW.replace(clinical=older)))
    np.testing.assert_allclose(changed["clinical", "age"], (after - before)[known], atol=1e-9)
    assert (moved.values["clinical", "age"] > found.values["clinical", "age"])[known].all()
    assert found.values["clinical", "sex"].isna().all()
    assert [found.kinds[name] for name in ("rna", "immune", "clinical", "mofa")] == [
        *("layer", "panel", "predictor", "factor")
    ]


def test_members_of_trees_are_one_term(risk):
    member = risk.classifier.members[0]
    assert isinstance(member.models, Linear)
    stump = Boosting(
        n_columns=len(member.columns),
        feature=np.array([0, -1, -1]),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        threshold=np.zeros(3),
        value=np.array([0.0, -1.0, 1.0]),
        root=np.array([0]),
        model=np.array([0]),
        constants=np.zeros(1),
    )
    mixed = with_classifier(
        risk,
        members=[dataclasses.replace(member, models=stump), *risk.classifier.members[1:]],
    )
    found, _ = split(mixed, NEW)
    predicted = logit(mixed.predict_proba(NEW)[:, 1])
    np.testing.assert_allclose(found.log_odds.sum(axis=1), predicted, atol=1e-9, rtol=0)
    assert np.ptp(found.log_odds[" + ".join(member.blocks), TREES]) > 0


def test_the_table_keeps_the_largest_terms_and_the_sum(risk):
    found, _ = split(risk, NEW)
    table = listed(found, most=3)
    sums = table.groupby("patient_id", sort=False)["contribution"].sum()
    assert list(sums.index) == list(NEW.patients)
    np.testing.assert_allclose(sums, found.log_odds.sum(axis=1), atol=1e-9, rtol=0)
    one = table[(table["patient_id"] == NEW.patients[10]) & (table["block"] == "clinical")]
    assert len(one[one["feature"] != OTHERS]) <= 3
    sizes = found.log_odds.loc[NEW.patients[10], "clinical"].abs()
    assert one["contribution"].abs().iloc[0] == sizes.max()


def test_groups_are_layers_panels_factors_and_single_predictors(risk):
    tables = NEW.replace(rna=NEW["rna"].iloc[5:])
    found, _ = split(risk, tables)
    table = grouped(found)
    sums = table.groupby("patient_id")["contribution"].sum()
    predicted = pd.Series(logit(risk.predict_proba(tables)[:, 1]), NEW.patients)
    np.testing.assert_allclose(sums[NEW.patients], predicted, atol=1e-9, rtol=0)
    kinds = table.drop_duplicates("group").set_index("group")["kind"]
    assert kinds["rna"] == "layer"
    assert (kinds["immune"], kinds["mofa"], kinds[BASELINE]) == ("panel", "factor", BASELINE)
    assert set(kinds.index[kinds == "predictor"]) == {"age", "sex"}
    lacking = table[table["group"] == NOT_MEASURED].set_index("patient_id")["contribution"]
    whole = np.logical_and.reduce([tables.profiled(name) for name in ("rna", "protein", "dna")])
    assert 0 < whole.sum() < len(whole) - 5
    np.testing.assert_array_equal(lacking[NEW.patients] == 0, whole)
