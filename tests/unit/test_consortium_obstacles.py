"""What keeps a model from being shared: whoever is alone with a value, a site, a variant."""

import copy as copying

import numpy as np
import pandas as pd
import pytest
from export_data import (
    LABELS,
    MINIMUM,
    frozen_model,
    patients_sheet,
    raw_tables,
    searched,
)

from trdomics.consortium.shareable_model import obstacles, shareable
from trdomics.frozen_model.freeze import freeze
from trdomics.layers.burden import GeneBurden
from trdomics.layers.residualise import CovariateResidualiser
from trdomics.layers.values import BinaryNormaliser


@pytest.fixture(scope="module")
def sheet():
    return patients_sheet()


def test_a_number_that_two_patients_have_is_not_shared(sheet):
    model = frozen_model("mofa_clinical")
    (column,) = model.representation.column_blocks_["clinical"].numeric_
    for share, expected in ((2, True), (30, False)):
        values = (np.arange(len(sheet)) < share).astype(float)
        reasons = obstacles(model, sheet.assign(**{column: values}), raw_tables(), None, MINIMUM)
        assert any(f"`{column}`" in reason for reason in reasons) == expected


def test_a_forest_is_not_shared(sheet):
    search, tables = searched(sheet, ["random_forest"], only="mofa_clinical")
    search.winner_ = "mofa_clinical"
    truth = LABELS.to_numpy(dtype=int)
    model = freeze(search, search.representations(tables, truth), tables, truth, pairs=1)
    reasons = obstacles(model, sheet, raw_tables(), None, MINIMUM)
    assert any("trees" in reason for reason in reasons)
    assert any(r.endswith("; set `classification.models: [elastic_net, ridge]`") for r in reasons)


def test_a_model_that_reads_the_site_or_names_few_carriers_is_not_shared(sheet):
    model = frozen_model("late_fusion_mofa")
    column = model.representation.sheet_columns()[0]
    few = obstacles(model, sheet, raw_tables(), column, 5)
    assert any("sites" in reason for reason in few)
    many = obstacles(model, sheet, raw_tables(), None, 60)
    assert any("carriers" in reason for reason in many)
    variants = copying.deepcopy(model)
    table = raw_tables()["dna"]
    carriers = (table >= 1).sum().droplevel(["gene", "consequence_class"])
    burden = variants.representation.normalisers_["dna"]
    burden.excluded_variants_ = list(carriers.index)
    shared = shareable(variants, sheet, raw_tables(), int(carriers.median()))
    kept = shared.representation.normalisers_["dna"].excluded_variants_
    assert kept == list(carriers.index[carriers >= int(carriers.median())])
    assert 0 < len(kept) < len(carriers)
    assert len(burden.excluded_variants_) == len(carriers)


RAISE = "raise `layers.dna.min_prevalence` until 10 of 60 patients carry each (0.167 or more)"


def carrying(sheet, normaliser, table):
    """Return the obstacles where the layer of carriers is this one."""
    model = copying.deepcopy(frozen_model("late_fusion_mofa"))
    model.representation.normalisers_["dna"] = normaliser.fit(table)
    return obstacles(model, sheet, {"dna": table}, None, 10)


@pytest.mark.parametrize(
    ("dosages", "expected"),
    [
        ([2] * 6 + [0] * 54, "fewer than 10 carriers"),  # twelve alleles
        ([2] * 12 + [0] * 48, None),
        ([2] * 54 + [0] * 6, "fewer than 10 patients without it"),
        ([1] * 54 + [0] * 6, "fewer than 10 patients without it"),
        ([1] * 20 + [0] * 8 + [np.nan] * 32, "fewer than 10 patients without it"),
        ([1] * 12 + [0] * 12 + [np.nan] * 36, None),
    ],
)
def test_of_a_named_variant_carriers_are_counted_and_only_those_called(sheet, dosages, expected):
    columns = [("1:1:A:C", "G1", "lof"), ("rs1", "G2", "other")]
    columns = pd.MultiIndex.from_tuples(columns, names=["variant", "gene", "consequence_class"])
    values = np.column_stack([np.repeat([1.0, 0.0], 30), dosages])
    table = pd.DataFrame(values, sheet.index[:60], columns)
    burden = GeneBurden(dosages=["rs1"], max_allele_frequency=1, min_call_rate=0.1)
    found = [r for r in carrying(sheet, burden, table) if "feature of dna" in r]
    mend = "remove it from `layers.dna.dosages`"
    assert found == ([f"a feature of dna has {expected}; {mend}"] if expected else [])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (  # a sixth of those known
            [1] * 4 + [0] * 20 + [np.nan] * 36,
            f"fewer than 10 carriers; {RAISE}",
        ),
        ([1] * 12 + [0] * 12 + [np.nan] * 36, None),
        (
            [1] * 40 + [0] * 4 + [np.nan] * 16,
            "fewer than 10 patients without it; remove it from the file of the layer",
        ),
    ],
)
def test_of_a_binary_feature_only_who_is_known_counts(sheet, values, expected):
    table = pd.DataFrame({"f": values, "g": [0, 1] * 30}, sheet.index[:60], dtype=float)
    found = carrying(sheet, BinaryNormaliser(), table)
    found = [r for r in found if "feature of dna" in r]
    assert found == ([f"a feature of dna has {expected}"] if expected else [])


def test_the_mend_of_rare_carriers_makes_the_model_shareable(sheet):
    names = ["variant", "gene", "consequence_class"]
    columns = [("1:1:A:C", "G1", "lof"), ("rs1", "G2", "lof")]
    values = np.column_stack([[1.0] * 20 + [0] * 40, [1.0] * 6 + [0] * 54])
    table = pd.DataFrame(values, sheet.index[:60], pd.MultiIndex.from_tuples(columns, names=names))
    settings = {"max_allele_frequency": 1, "min_prevalence": 0.03}
    both = carrying(sheet, GeneBurden(**settings, dosages=["rs1"]), table)
    told = "a feature of dna has fewer than 10 carriers; remove it from `layers.dna.dosages` and "
    assert both == [told + RAISE]
    settings["min_prevalence"] = 10 / 60
    assert carrying(sheet, GeneBurden(**settings), table) == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1.0] * 3 + [0.0] * 60, True),
        ([1.0] * 30 + [0.0] * 33, False),
        ([31.0, 42.0, 53.0, 64.0] + [np.nan] * 59, True),
        (list(range(63)), False),
    ],
)
def test_a_number_that_is_regressed_out_tells_of_few_too(sheet, values, told):
    model = copying.deepcopy(frozen_model("late_fusion_mofa"))
    known = sheet.assign(treated=np.r_[values, [0.0] * (len(sheet) - len(values))])
    # of all patients enough have the value; of those with the layer few
    known.loc[known.index[len(values) :], ["treated", "in_rna"]] = [1.0, 0.0]
    table = pd.DataFrame({"g": np.arange(len(values))}, known.index[: len(values)], dtype=float)
    known.loc[table.index, "in_rna"] = 1.0
    residualiser = CovariateResidualiser(["treated"]).fit(table, known)
    model.representation.layer_blocks_["rna"].effects_ = residualiser
    reasons = obstacles(model, known, raw_tables(), None, MINIMUM)
    expected = f"fewer than {MINIMUM} patients with rna have a value of `treated`"
    expected += "; remove it from `classification.regress_out` and `integration.regress_out`"
    assert (expected in reasons) == told
    model.representation.layer_blocks_["rna"].effects_ = None
    model.representation.views_["rna"].effects_ = residualiser
    assert (expected in obstacles(model, known, raw_tables(), None, MINIMUM)) == told


def test_a_number_that_four_patients_have_is_not_shared(sheet):
    model = frozen_model("mofa_clinical")
    (column,) = model.representation.column_blocks_["clinical"].numeric_
    for n, told in ((4, True), (5, False), (0, False)):
        values = np.r_[np.arange(n) + 30.5, [np.nan] * (len(sheet) - n)]
        known = sheet.assign(**{column: values})
        reasons = obstacles(model, known, raw_tables(), None, MINIMUM)
        assert any(f"`{column}`" in reason for reason in reasons) == told
