import numpy as np
import pandas as pd
import pytest
from classification_data import cohort, config

from trdomics.classification.block_estimators import ColumnBlock, LayerBlock
from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.classification.feature_sets import feature_sets
from trdomics.classification.representation import layer_parameters, representation
from trdomics.errors import InputError
from trdomics.integration.mofa import MOFATransformer
from trdomics.integration.views import IntegrationViews
from trdomics.layers import normalise
from trdomics.tables import LayerTables

CONFIG = config()
CLINICAL = CONFIG["clinical"]
NO_COLUMNS = {"predictors": [], "confounders": [], "circular": []}
TABLES, _ = cohort()


@pytest.fixture(scope="module")
def fitted():
    return representation(CONFIG).fit(TABLES)


def test_blocks_are_standardised_and_without_gaps(fitted):
    blocks = fitted.transform(TABLES)
    expected = ["rna", "protein", "dna", "clinical", "confounders", "circular", "mofa"]
    assert list(blocks) == expected
    for name in ("rna", "protein", "mofa", "dna"):
        assert blocks[name].notna().all(axis=None)
        np.testing.assert_allclose(blocks[name].mean(), 0, atol=1e-9)
        np.testing.assert_allclose(blocks[name].std(ddof=0), 1, atol=1e-9)
    assert list(blocks["rna"].columns) == fitted.feature_names_["rna"]
    assert blocks["rna"].shape[1] == 30


def test_dense_blocks_give_zeros_to_those_who_lack_one_and_say_so(fitted):
    dense = DenseBlocks.of(fitted.transform(TABLES))
    lacking = ~TABLES.profiled("protein")
    assert lacking.sum() == 4
    np.testing.assert_array_equal(dense.present["protein"], ~lacking)
    assert (dense.values["protein"][lacking] == 0).all()
    joined, has = dense.joined(["protein", "rna"])
    assert joined.shape == (len(TABLES), 55)
    assert has.all()


def test_fit_transform_is_fit_and_transform():
    estimator = representation(CONFIG)
    first = estimator.fit_transform(TABLES)
    again = estimator.transform(TABLES)
    for name in first:
        pd.testing.assert_frame_equal(first[name], again[name])


def test_a_layer_is_normalised_once_per_training_set(monkeypatch):
    fits = []
    original = normalise.CountsNormaliser.fit

    def counted(self, table, y=None):
        fits.append(len(table))
        return original(self, table, y)

    monkeypatch.setattr(normalise.CountsNormaliser, "fit", counted)
    representation(CONFIG).fit(TABLES)
    assert fits == [len(TABLES["rna"])]


def test_factors_are_those_of_the_integration_stage(fitted):
    settings = CONFIG["layers"]
    views = IntegrationViews(settings).fit(TABLES)
    values = views.transform(TABLES)
    mofa = MOFATransformer(
        3, views.likelihoods_, seed=1, max_iterations=40, convergence="fast"
    ).fit(values)
    factors = mofa.transform(values)
    ours = fitted.transform(TABLES)["mofa"]
    for name in ours:
        assert abs(np.corrcoef(ours[name], factors.loc[ours.index, name])[0, 1]) > 1 - 1e-9


def test_a_cohort_may_lack_whole_layers(fitted):
    part = LayerTables({"rna": TABLES["rna"], "clinical": TABLES["clinical"]}, TABLES.patients)
    blocks = fitted.transform(part)
    pd.testing.assert_frame_equal(blocks["rna"], fitted.transform(TABLES)["rna"])
    assert blocks["protein"].shape == (0, 25)
    assert list(blocks["mofa"].index) == list(TABLES["rna"].index)


def test_a_layer_of_nobody_in_training_is_no_block():
    empty = LayerTables({**TABLES, "dna": TABLES["dna"].iloc[:0]}, TABLES.patients)
    fitted = representation(CONFIG).fit(empty)
    assert "dna" not in fitted.transform(TABLES)


def test_restricted_keeps_what_a_block_needs_and_nothing_else(fitted):
    only = fitted.restricted(["rna"])
    assert list(only.normalisers_) == ["rna"]
    assert only.mofa_ is None
    assert only.sheet_columns() == []
    pd.testing.assert_frame_equal(only.transform(TABLES)["rna"], fitted.transform(TABLES)["rna"])
    factors = fitted.restricted(["mofa", "clinical"])
    assert set(factors.normalisers_) == {"rna", "protein", "dna"}
    assert factors.sheet_columns() == ["age", "sex"]
    whole = fitted.transform(TABLES)
    pd.testing.assert_frame_equal(factors.transform(TABLES)["mofa"], whole["mofa"])
    assert "rna" in fitted.normalisers_
    assert fitted.mofa_ is not None


def test_regressed_out_columns_leave_layers_and_views():
    fitted = representation(config(regress_out=["age"])).fit(TABLES)
    assert fitted.mofa_regress_out == ["age"]
    block = fitted.transform(TABLES)["rna"]
    age = TABLES["clinical"].loc[block.index, "age"].fillna(TABLES["clinical"]["age"].mean())
    assert np.abs(np.corrcoef(block.to_numpy().T, age)[-1, :-1]).max() < 0.02


def test_column_block_imputes_encodes_and_knows_the_unknown():
    sheet = pd.DataFrame({"age": [20.0, 40, np.nan, 60], "site": ["a", "b", None, "a"]})
    block = ColumnBlock(["age", "site"]).fit(sheet)
    assert list(block.get_feature_names_out()) == ["age", "site=a", "site=b", "site=missing"]
    result = block.transform(sheet)
    assert result.loc[2, "age"] == pytest.approx(0)
    assert list(result.loc[2].iloc[1:]) == [0, 0, 1]
    new = block.transform(pd.DataFrame({"age": [40.0], "site": ["elsewhere"]}))
    assert list(new.iloc[0, 1:]) == [0, 0, 0]


def test_column_block_takes_an_absent_column_as_missing():
    sheet = pd.DataFrame({"age": [20.0, 40, 60], "site": ["a", "b", "a"]})
    block = ColumnBlock(["age", "site"]).fit(sheet)
    result = block.transform(pd.DataFrame(index=["x", "y"]))
    assert (result["age"] == 0).all()
    assert result[["site=a", "site=b"]].eq(0).all(axis=None)


def test_column_block_reads_a_batch_alike_as_int_float_and_text():
    block = ColumnBlock(["batch"], ["batch"]).fit(pd.DataFrame({"batch": [1, 2, 1]}))
    expected = block.transform(pd.DataFrame({"batch": [2, 1]}))
    for values in ([2.0, 1.0], ["2", "1"]):
        result = block.transform(pd.DataFrame({"batch": values}))
        pd.testing.assert_frame_equal(result, expected)


def test_column_block_refuses_text_where_training_had_numbers():
    block = ColumnBlock(["age"]).fit(pd.DataFrame({"age": [20.0, 40]}))
    with pytest.raises(InputError, match="`old` is not a number"):
        block.transform(pd.DataFrame({"age": ["old", "20"]}))


def test_layer_block_of_constants_is_empty():
    table = pd.DataFrame({"a": [1.0, 1, 1]})
    assert LayerBlock().fit(table).transform(table).shape == (3, 0)


def test_layer_parameters_hold_no_paths_or_columns():
    kept = layer_parameters({**CONFIG["layers"]["dna"], "profiled": "secret.txt"})
    assert "secret.txt" not in kept.values()
    assert not {"file", "id_column", "profiled", "sample_column"} & set(kept)
    assert kept["type"] == "variants"
    assert kept["min_prevalence"] == 0.03


def test_feature_sets_of_the_config():
    sets = {features.name: features for features in feature_sets(CONFIG["layers"], CLINICAL)}
    names = "clinical confounders rna protein dna mofa mofa_clinical early late_fusion"
    assert list(sets) == [*names.split(), "late_fusion_mofa", "clinical_circular"]
    assert sets["late_fusion_mofa"].blocks == ("rna", "protein", "dna", "clinical", "mofa")
    assert sets["clinical"].role == "baseline"
    chosen_from = {name for name, features in sets.items() if features.selectable}
    assert set(sets) - chosen_from == {"confounders", "clinical_circular"}
    for name in chosen_from:
        assert not {"circular", "confounders"} & set(sets[name].blocks)


def test_who_has_which_layer_is_a_baseline_where_patients_lack_some():
    sets = feature_sets(["rna", "noise"], NO_COLUMNS, incomplete=["noise"])
    baseline = next(features for features in sets if features.name == "layers_present")
    assert baseline.role == "baseline"
    assert not any("layers_present" in f.blocks for f in sets if f.selectable)
    fitted = representation(CONFIG, ["rna", "dna"])
    block = fitted.fit_transform(TABLES)["layers_present"]
    assert list(block.columns) == ["rna", "dna"]
    assert (block["rna"].to_numpy() > 0).tolist() == TABLES.profiled("rna").tolist()
    # of other patients too, by the training patients' mean
    other = TABLES.take(np.arange(20))
    assert fitted.transform(other)["layers_present"].equals(block.iloc[:20])


def test_feature_sets_without_a_sheet_and_with_one_layer():
    assert [f.name for f in feature_sets(["rna"], NO_COLUMNS)] == [
        "rna",
        "mofa",
        "late_fusion_mofa",
    ]


def test_a_derived_table_is_a_block_of_its_own_that_patients_may_lack():
    extra = pd.DataFrame({"gene": [0.0, 1.0, 2.0, np.nan] * 10}, index=TABLES.patients[:40])
    tables = TABLES.replace(pharmacogenes=extra)
    settings = {**CONFIG, "derived": {"pharmacogenes": False}}
    fitted = representation(settings).fit(tables)
    dense = DenseBlocks.of(fitted.transform(tables))
    assert dense.present["pharmacogenes"].sum() == 40
    assert (dense.values["pharmacogenes"][40:] == 0).all()
    # another cohort without the table lacks it, as it may lack a layer
    lacking = DenseBlocks.of(fitted.transform(TABLES))
    assert not lacking.present["pharmacogenes"].any()
    assert "pharmacogenes" not in fitted.restricted(["rna"]).feature_names_

    sets = {f.name: f for f in feature_sets(CONFIG["layers"], CLINICAL, settings["derived"])}
    own = sets["pharmacogenes"]
    assert (own.role, own.selectable) == ("baseline", False)
    chosen = {f.name: f for f in feature_sets(["rna"], CLINICAL, {"other": True})}["other"]
    assert (chosen.role, chosen.selectable) == ("candidate", True)


def test_a_panel_is_a_block_over_layers_and_means_stand_for_a_layer_that_is_lacked():
    proteins = list(TABLES["protein"].columns[[0, 3]])
    members = {"panel": {"rna": ["gene1", "gene2", "absent"], "protein": proteins}}
    settings = {**CONFIG, "panels": ["panel"], "panel_members": members}
    fitted = representation(settings).fit(TABLES)
    block = fitted.transform(TABLES)["panel"]
    own = [f"protein:{name}" for name in proteins]
    assert list(block) == ["rna:gene1", "rna:gene2", *own]
    lacking = TABLES.patients[~TABLES.profiled("protein") & TABLES.profiled("rna")]
    assert (block.loc[lacking, own] == 0).all(axis=None)
    alone = fitted.restricted(["panel"])
    assert set(alone.normalisers_) == {"rna", "protein"}
    pd.testing.assert_frame_equal(alone.transform(TABLES)["panel"], block)
    names = [f.name for f in feature_sets(CONFIG["layers"], CLINICAL, panels=["panel"])]
    assert "panel" in names
