from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trdomics.confounding.cells import (
    Signature,
    best_layer,
    cells_summary,
    compare_measured,
    estimate_fractions,
    linear_expression,
    matching,
    read_signature,
)
from trdomics.confounding.figures import cells_figure
from trdomics.errors import InputError
from trdomics.files import save_figure

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
BLOOD = RESOURCES / "blood_signature.tsv", RESOURCES / "blood_cell_types.tsv"
MEAN = {"neutrophils": 0.58, "monocytes": 0.09, "t_cells": 0.22, "b_cells": 0.05, "nk_cells": 0.06}


@pytest.fixture(scope="module")
def mixture():
    """Mix 80 patients' blood; each gene has a scale of its own that the signature does not know."""
    rng = np.random.default_rng(6)
    signature = read_signature(*BLOOD)
    patients = [f"P{i}" for i in range(80)]
    truth = pd.DataFrame(rng.dirichlet(np.array([*MEAN.values()]) * 60, 80), patients, list(MEAN))
    for name in ("erythroid", "platelets"):
        truth[name] = rng.gamma(4, 0.25, 80)
    levels = signature.levels[truth.columns]
    genes = truth @ levels.T * rng.lognormal(2, 1.5, len(levels))
    genes = genes * rng.lognormal(0, 0.25, genes.shape)
    other = pd.DataFrame(rng.gamma(5, 40, (80, 50)), patients, [f"o{i}" for i in range(50)])
    return pd.concat([genes, other], axis=1), truth


def test_fractions_of_a_mixture_are_found(mixture):
    expression, truth = mixture
    fractions, summary = estimate_fractions(
        expression, pd.Series(dtype=object), read_signature(*BLOOD)
    )
    for name in truth:
        assert np.corrcoef(fractions[name], truth[name])[0, 1] > 0.85, name
    np.testing.assert_allclose(fractions[list(MEAN)].sum(axis=1), 1)
    assert summary["reason"] is None and summary["left_out"] == {}


def test_a_table_of_absolute_levels_needs_no_reference(mixture):
    _, truth = mixture
    rng = np.random.default_rng(7)
    kinds = list(MEAN)
    levels = pd.DataFrame(rng.lognormal(0, 0.3, (100, 5)), [f"G{i}" for i in range(100)], kinds)
    for i in range(len(kinds)):
        levels.iloc[i * 20 : (i + 1) * 20, i] = rng.lognormal(4, 0.5, 20)
    expression = truth[kinds] @ levels.T * rng.lognormal(0, 0.2, (80, 100))
    fractions, _ = estimate_fractions(expression, pd.Series(dtype=object), Signature(levels, None))
    for name in kinds:
        assert np.corrcoef(fractions[name], truth[name])[0, 1] > 0.85, name
    np.testing.assert_allclose(fractions.mean(), truth[kinds].mean(), atol=0.05)


def test_types_without_markers_are_left_out_with_a_reason(mixture):
    expression, _ = mixture
    signature = read_signature(*BLOOD)
    platelet = signature.levels.index[signature.levels["platelets"] == 100]
    fractions, summary = estimate_fractions(
        expression.drop(columns=platelet), pd.Series(dtype=object), signature
    )
    assert "platelets" not in fractions
    assert summary["left_out"]["platelets"].startswith("0 of its marker genes")


def test_a_layer_without_symbols_has_a_reason(mixture, tmp_path):
    expression, truth = mixture
    unnamed = expression.set_axis([f"ENSG{i}" for i in range(expression.shape[1])], axis=1)
    fractions, summary = estimate_fractions(
        unnamed, pd.Series(dtype=object), read_signature(*BLOOD)
    )
    assert fractions is None
    assert "too few to tell cell types apart" in summary["reason"]
    table = compare_measured(None, truth, {"neutrophils": "neutrophils"})
    assert table["reason"].tolist() == ["not estimated"]
    assert cells_summary(None, table, summary)["measured_r"] is None
    sheet = truth.assign(label=1.0)
    save_figure(cells_figure(None, table, sheet, ["a", "b"], summary["reason"]), tmp_path / "c.svg")
    assert (tmp_path / "c.svg").stat().st_size > 500


def test_the_layer_with_most_genes_of_the_signature_is_taken(mixture):
    expression, _ = mixture
    ids = [f"ENSG{i}" for i in range(expression.shape[1])]
    named = pd.DataFrame({"feature": ids, "symbol": expression.columns})
    other = expression.iloc[:, -50:]
    layers = {
        "proteins": (other, pd.DataFrame({"feature": other.columns})),
        "genes": (expression.set_axis(ids, axis=1), named),
    }
    fractions, summary = best_layer(layers, read_signature(*BLOOD))
    assert summary["layer"] == "genes"
    assert fractions.shape == (80, 7)


def test_measured_and_estimated_are_compared_by_name(mixture, tmp_path):
    expression, truth = mixture
    fractions, summary = estimate_fractions(
        expression, pd.Series(dtype=object), read_signature(*BLOOD)
    )
    sheet = pd.DataFrame(
        {
            "neutro": truth["neutrophils"].where(np.arange(80) > 4),
            "lympho": truth[["t_cells", "b_cells", "nk_cells"]].sum(axis=1),
            "eos": 0.1,
            "label": np.arange(80) % 2,
        }
    )
    columns = {"neutrophils": "neutro", "lymphocytes": "lympho", "eosinophils": "eos"}
    table = compare_measured(fractions, sheet, columns).set_index("cell_type")
    assert table.loc["neutrophils", "n_patients"] == 75
    assert table.loc["lymphocytes", "estimated"] == "t_cells + b_cells + nk_cells"
    assert (table.loc[["neutrophils", "lymphocytes"], "pearson_r"] > 0.85).all()
    assert table.loc["eosinophils", "reason"] == "no estimated counterpart"
    assert set(cells_summary(fractions, table.reset_index(), summary)["measured_r"]) == {
        "neutrophils",
        "lymphocytes",
    }
    for shown, name in ((table.reset_index(), "with"), (table.iloc[:0].reset_index(), "without")):
        figure = cells_figure(fractions, shown, sheet, ["a", "b"], None)
        save_figure(figure, tmp_path / f"{name}.svg")
        assert (tmp_path / f"{name}.svg").stat().st_size > 1000


def test_names_of_signature_tables_match_those_of_a_blood_count():
    kinds = ["Neutrophils LD", "Monocytes C", "Monocytes NC+I", "T CD8 Naive", "NK", "MAIT", "mDCs"]
    assert matching("neutrophils", kinds) == ["Neutrophils LD"]
    assert matching("monocytes", kinds) == ["Monocytes C", "Monocytes NC+I"]
    assert matching("lymphocytes", kinds) == ["T CD8 Naive", "NK", "MAIT"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("gene\ta\nX\t1\n", "fewer than two columns"),
        ("gene\ta\tb\nX\t-1\t2\n", "negative or missing"),
        (None, "cannot be read"),
    ],
)
def test_bad_signatures_are_told(tmp_path, text, problem):
    path = tmp_path / "signature.tsv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=problem):
        read_signature(path)


def test_counts_are_scaled_and_values_filled():
    counts = pd.DataFrame([[10, 20], [20, 40]])
    scaled = linear_expression(counts, "counts")
    np.testing.assert_allclose(scaled.iloc[0], scaled.iloc[1])
    values = linear_expression(pd.DataFrame([[1.0, np.nan], [3.0, 4.0]]), "continuous")
    assert values.iloc[0, 1] == 4.0


def test_the_resource_names_a_source_for_every_gene():
    table = pd.read_csv(BLOOD[0], sep="\t")
    assert table["symbol"].is_unique
    assert table["source"].str.contains("doi").all()
