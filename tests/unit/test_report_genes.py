"""The page on which features are looked up."""

import base64
import gzip
import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from trdomics.report.genes import LayerResults, compact, covariates_added, feature_table
from trdomics.report.render import render
from trdomics.shipped import shipped

PATIENTS = pd.Index([f"P{i}" for i in range(40)])
LABELS = pd.Series([1] * 20 + [0] * 20, PATIENTS, dtype=float)
SETS = pd.DataFrame({"set": ["minimal", "cells"], "adds": [None, "neutrophils, rin"]})
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def layer():
    values = pd.DataFrame({"g1": np.r_[np.full(20, 3.0), np.full(20, 1.0)], "g2": 2.0}, PATIENTS)
    values.loc[PATIENTS[:15], "g2"] = np.nan
    return LayerResults(
        results=pd.DataFrame(
            {
                "feature": ["g1", "g2"],
                "symbol": ["IL7R", HOSTILE],
                "log2_fold_change": [2.0, None],
                "lfc_se": [0.5, None],
                "padj": [0.001, None],
                "reason": [None, "too few patients"],
            }
        ),
        values=values,
        annotation=pd.DataFrame({"feature": ["g1", "g2"], "chromosome": ["5", "1"]}),
        weights=pd.DataFrame({"feature": ["g1"], "symbol": ["IL7R"], "Factor1": [-0.4]}),
        adjustment=pd.DataFrame(
            {
                **{"feature": ["g1"], "effect_minimal": [2.0], "se_minimal": [0.5]},
                **{"padj_minimal": [0.01], "effect_cells": [1.0], "se_cells": [0.5]},
                "padj_cells": [0.04],
            }
        ),
        variance=pd.DataFrame({"feature": ["g1"], "symbol": ["IL7R"], "cells": [0.3]}),
    )


@pytest.fixture
def table(layer):
    importance = pd.DataFrame(
        {
            "feature_set": ["rna", "rna"],
            "block": ["rna", "other"],
            "feature": ["g1", "g1"],
            "share": [0.25, 0.9],
            "used": [0.8, 1.0],
        }
    )
    sets = pd.DataFrame({"set": ["T cells", "B cells"], "gene": ["IL7R", "CD19"]})
    return feature_table("rna", layer, LABELS, importance, sets, {"g1": ["miR-1", "miR-2"]})


def test_what_stages_found_stands_in_one_row(table):
    row = table.set_index("feature").loc["g1"]
    assert (row["symbol"], row["chromosome"], row["sets"]) == ("IL7R", "5", "T cells")
    assert row["lower:main"] == pytest.approx(2 - 1.96 * 0.5, abs=1e-3)
    assert row["upper:cells"] == pytest.approx(1 + 1.96 * 0.5, abs=1e-3)
    assert (row["positive:0.5"], row["negative:0.5"]) == (3, 1)
    assert (row["variance:cells"], row["weight:Factor1"]) == (0.3, -0.4)
    assert (row["importance:rna"], row["used:rna"]) == (0.25, 0.8)
    assert row["partners"] == "miR-1; miR-2"


def test_quantiles_of_few_patients_are_left_out_and_untested_features_say_why(table):
    row = table.set_index("feature").loc["g2"]
    assert np.isnan(row["positive:0.5"]) and row["negative:0.5"] == 2
    assert row["reason"] == "too few patients"


def test_carriers_are_shares(layer):
    values = pd.DataFrame({"g1": [2.0] * 5 + [0.0] * 35, "g2": 0.0}, PATIENTS)
    carried = LayerResults(layer.results, values, layer.annotation, layer.weights, carriers=True)
    none = pd.DataFrame(columns=["feature_set", "block", "feature", "share", "used"])
    found = feature_table("dna", carried, LABELS, none, pd.DataFrame(columns=["set", "gene"]), {})
    assert found["positive:share"].tolist() == [0.25, 0]
    assert "positive:0.5" not in found


def page_of(tables):
    context = {
        "cohort": HOSTILE,
        "positive": HOSTILE,
        "negative": "responder",
        "tables": {name: compact(table) for name, table in tables.items()},
        "covariates": {"rna": covariates_added(SETS, ["neutrophils"])},
        "design": "~ neutrophils + response",
        "fdr": 0.05,
        "sizes": {name: len(table) for name, table in tables.items()},
    }
    return render(shipped("workflow/report/genes.html.j2"), context)


def test_the_page_holds_the_table_and_hostile_names_are_inert(table):
    html = page_of({"rna": table})
    assert HOSTILE not in html
    held = html.partition('data-layer="rna">')[2].partition("</script>")[0]
    columns = json.loads(gzip.decompress(base64.b64decode(held)))
    assert columns["symbol"] == ["IL7R", HOSTILE]
    assert columns["effect:main"] == [2.0, None]


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium here")
def test_a_browser_shows_the_feature_that_the_address_names(table, tmp_path):
    page = tmp_path / "genes.html"
    page.write_text(page_of({"rna": table}), encoding="utf-8")
    seen = {}
    for feature in ("g1", "g2"):
        found = subprocess.run(
            [
                *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
                *(f"--user-data-dir={tmp_path / 'chromium'}", "--virtual-time-budget=8000"),
                f"{page.as_uri()}#rna/{feature}",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        seen[feature] = found.stdout.partition('id="card"')[2]
    assert "<h2>IL7R</h2>" in seen["g1"] and "T cells" in seen["g1"] and "80 %" in seen["g1"]
    # is it different, and is it the cells?
    assert "Different without covariates: higher in" in seen["g1"]
    assert "With neutrophils, RIN added to the covariates, the effect is 1.00" in seen["g1"]
    assert "50 % of the effect without them. Cell composition explains part of" in seen["g1"]
    assert "&lt;script&gt;alert(1)" in seen["g2"] and "too few patients" in seen["g2"]


def test_sets_with_measured_or_estimated_cells_are_named():
    sets = pd.DataFrame(
        {"set": ["minimal", "technical", "cells"], "adds": [None, "rin", "estimated_b_cells"]}
    )
    assert [row["cells"] for row in covariates_added(sets, ["rin"])] == [False, True, True]
    assert covariates_added(sets, [])[1] == {"set": "technical", "adds": "rin", "cells": False}
