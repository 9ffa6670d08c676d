"""A toy type of layers goes from its file to predictions and into a frozen model."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from classification_data import cohort, config
from scipy.special import logit

from trdomics.classification.fitted_representation import FittedRepresentation
from trdomics.classification.run_split import nested_search
from trdomics.cohort.config import resolve_config
from trdomics.errors import InputError
from trdomics.frozen_model.freeze import freeze, manifest
from trdomics.frozen_model.manifest import MANIFEST, MODEL
from trdomics.frozen_model.store import load_model, save_model
from trdomics.inputs.matrix import read_layer_matrix
from trdomics.inputs.value_rules import ValueRule, ValueRules
from trdomics.layers import types
from trdomics.layers.base import LayerNormaliser
from trdomics.layers.figures import label_groups, quality_figure
from trdomics.layers.quality import assess
from trdomics.layers.transforms import LayerTransform
from trdomics.layers.types import LayerType, guessed_type, layer_type
from trdomics.parts import NUMBER, put_together, stored, take_apart


@dataclass(eq=False, repr=False)
class MethylationTransform(LayerTransform, kind="methylation"):
    """M-values: log odds of the methylated share."""

    margin: float = stored(NUMBER)

    def transform(self, table):
        values, present = self._values(table)
        return self._filled(self._m_values(values), present, self.means_, table.index)

    def _m_values(self, shares):
        return logit(np.clip(np.asarray(shares, dtype=float), self.margin, 1 - self.margin))


class MethylationNormaliser(LayerNormaliser, MethylationTransform):
    def __init__(self, margin=0.01):
        self.margin = margin

    def fit(self, table, y=None):
        self._keep(table, table.nunique().to_numpy() > 1, "not constant")
        self.means_ = self._m_values(table[self.features_]).mean(axis=0)
        return self


class Methylation(LayerType):
    name = "methylation"
    keys: ClassVar = {"margin": {"type": "number", "minimum": 0, "default": 0.02}}
    normaliser = MethylationNormaliser

    def value_rules(self, settings):
        outside = ValueRule(
            lambda values: (values < 0) | (values > 1), " is no share", "give beta values"
        )
        return ValueRules((outside,))


@pytest.fixture
def methylation(monkeypatch):
    monkeypatch.setattr(types, "TYPES", dict(types.TYPES))
    types.register(Methylation())
    return layer_type("methylation")


def written(shares, path):
    shares.T.rename_axis("site").to_csv(path, sep="\t")
    return str(path)


def test_a_toy_type_is_read_normalised_described_and_learned_from(methylation, tmp_path):
    tables, labels = cohort()
    shares = 1 / (1 + np.exp(-tables["protein"].fillna(0)))
    file = written(shares, tmp_path / "m.tsv")
    raw = {k: v for k, v in config().items() if k not in ("differential", "layers")}
    raw["layers"] = {"cpg": {"type": "methylation", "file": file, "model_features": 20}}
    settings = resolve_config(raw, "c.yaml")
    layer = settings["layers"]["cpg"]
    assert layer["margin"] == 0.02
    assert layer["integration_features"] == 1000

    names = pd.Series(shares.index, index=shares.index)
    table = read_layer_matrix(file, "cpg", names, methylation.value_rules(layer)).values
    pd.testing.assert_frame_equal(table, shares, check_names=False)

    annotation = pd.DataFrame({"feature": table.columns})
    quality = assess(table, annotation, layer)
    assert quality.summary["features_kept"] == 25
    groups = label_groups(labels[table.index], "yes", "no")
    figure = quality_figure(quality.patients, layer["type"], groups, None)
    assert figure.axes[0].get_xlabel() == "Median value"

    training, truth = tables.replace(cpg=table), labels.to_numpy(dtype=int)
    search = nested_search(settings)
    representations = search.representations(training, truth)
    search.fit_from(representations, truth)
    assert "cpg" in search.representation_.feature_names_
    probability = search.predict_proba(training)[:, 1]
    assert np.isfinite(probability).all()

    fitted = search.representation_
    restored = put_together(FittedRepresentation, *take_apart(fitted))
    assert restored.types == {"cpg": "methylation"}
    new = tables.replace(cpg=table.iloc[:9, ::-1])
    pd.testing.assert_frame_equal(restored.transform(new)["cpg"], fitted.transform(new)["cpg"])

    frozen = freeze(search, representations, training, truth, pairs=1)
    description = manifest(search, frozen, labels=labels, label=settings["label"])
    save_model(frozen, description, tmp_path / MODEL, tmp_path / MANIFEST)
    read, known = load_model(tmp_path)
    assert known["layers"]["cpg"]["type"] == "methylation"
    np.testing.assert_allclose(read.risk.predict_proba(new)[:, 1], search.predict_proba(new)[:, 1])


def test_its_file_and_its_keys_are_checked(methylation, tmp_path):
    shares = pd.DataFrame({"cg1": [0.5, 1.5]}, index=["p1", "p2"])
    file = written(shares, tmp_path / "m.tsv")
    names = pd.Series(["p1", "p2"], index=["p1", "p2"])
    with pytest.raises(InputError, match=r"feature `cg1`, sample `p2`: 1\.5 is no share"):
        read_layer_matrix(file, "cpg", names, methylation.value_rules({}))
    raw = {
        "cohort": "c",
        "samples": {"file": "s.tsv"},
        "label": {"column": "y", "positive": 1, "negative": 0},
        "layers": {"cpg": {"type": "methylation", "file": file, "margins": 0.1}},
    }
    with pytest.raises(InputError, match=r"layers\.cpg\.margins.*did you mean `margin`"):
        resolve_config(raw, "c.yaml")


def test_a_type_that_is_not_known_is_refused_with_those_that_are():
    raw = {
        "cohort": "c",
        "samples": {"file": "s.tsv"},
        "label": {"column": "y", "positive": 1, "negative": 0},
        "layers": {"cpg": {"type": "methylation", "file": "m.tsv"}},
    }
    with pytest.raises(InputError, match="binary, counts, continuous, variants"):
        resolve_config(raw, "c.yaml")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, np.nan], "binary"),
        ([0, 1, 7], "counts"),
        ([120, 340, 868], "counts"),
        ([0, 1, 7, np.nan], "continuous"),
        ([0, 0.5, 700.5], "continuous"),
        ([-1, 2], "continuous"),
    ],
)
def test_the_narrowest_type_that_fits_the_values_is_guessed(values, expected):
    assert guessed_type(np.array([values], dtype=float), named_counts=False).name == expected
