"""Panels: what is measurable, planted effects inside their intervals, nulls that hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trdomics.differential.burden import burden_design, differential_carriers
from trdomics.differential.continuous import differential_continuous
from trdomics.differential.design import build_design
from trdomics.errors import InputError
from trdomics.panels import evidence
from trdomics.panels.members import panel_features
from trdomics.panels.page import panel_summary
from trdomics.panels.panel import COLUMNS, FOLDER, panel_files, read_panel, shipped_panels
from trdomics.panels.words import directions, headline

CONTRAST = ["response", "TRD", "responder"]
N = 160


def panel(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Return a panel of (member, kind, expected in expression, expected in carriers)."""
    full = [(m, kind, "role", up, carried, "known", "somewhere") for m, kind, up, carried in rows]
    return pd.DataFrame(full, columns=COLUMNS)


def patients(rng: np.random.Generator) -> pd.DataFrame:
    label = np.where(rng.permutation(N) < N // 2, "TRD", "responder")
    index = pd.Index([f"p{i}" for i in range(N)], name="patient_id")
    return pd.DataFrame({"response": label, "age": rng.normal(size=N)}, index=index)


MEMBERS = panel(
    *((f"G{i}", "gene", "up" if i < 4 else "", "") for i in range(8)), ("rs1", "variant", "", "up")
)
EFFECTS = np.array([0.6, 0.6, 0.6, 0.6, 0.0, 0.0, 0.0, 0.0])


def drawn(seed: int, effects: np.ndarray, log_odds: float) -> tuple[pd.DataFrame, dict]:
    """Return the rows of a small cohort's panel, and the test of the whole."""
    rng = np.random.default_rng(seed)
    sheet = patients(rng)
    positive = (sheet["response"] == "TRD").to_numpy()
    shift = np.concatenate([effects, np.zeros(60 - len(effects))])
    values = rng.normal(scale=1.0, size=(N, 60)) + np.outer(positive, shift)
    expression = pd.DataFrame(values, index=sheet.index, columns=[f"G{i}" for i in range(60)])
    design = build_design(sheet, "~ age + response", CONTRAST)
    results = differential_continuous(expression, design, log2=False, max_missing=0.2).assign(
        symbol=lambda table: table["feature"]
    )
    odds = np.exp(log_odds * positive) * 0.3 / 0.7
    copies = rng.binomial(2, odds / (1 + odds)).astype(float)
    columns = pd.MultiIndex.from_tuples(
        [("rs1", "G1", "other")], names=["variant", "gene", "consequence_class"]
    )
    dosages = pd.DataFrame(copies[:, None], index=sheet.index, columns=columns)
    annotation = pd.DataFrame({"rsid": ["rs1"], "carriers": [int((copies > 0).sum())]})
    carriers = burden_design(sheet, CONTRAST, ["age"])
    rows = evidence.joined(
        MEMBERS,
        [
            evidence.expression_rows(MEMBERS, "mrna", results, pd.Series(dtype=str)),
            evidence.variant_rows(MEMBERS, "dna", dosages, annotation, carriers, 5),
        ],
    )
    return rows, evidence.expression_test("mrna", rows, results, expression, design)


def test_planted_effects_are_inside_their_intervals_and_found():
    inside, found, whole = [], [], []
    for seed in range(20):
        rows, test = drawn(seed, EFFECTS, log_odds=0.7)
        assert (rows["status"] == evidence.TESTED).all()
        truth = np.append(EFFECTS, 0.7)
        inside.append(((rows["lower"] <= truth) & (truth <= rows["upper"])).mean())
        found.append((rows["padj"].iloc[:4] < 0.05).mean())
        whole.append(test["pvalue"])
        assert test["n_expected"] == 4
    assert np.mean(inside) >= 0.9
    assert np.mean(found) > 0.7
    assert np.median(whole) < 0.01


def test_without_effects_five_per_cent_are_significant():
    members, whole = [], []
    for seed in range(40):
        rows, test = drawn(100 + seed, np.zeros(8), log_odds=0.0)
        members += rows["pvalue"].tolist()
        whole.append(test["pvalue"])
    # 360 and 40 tests: within three standard errors of 5 %
    assert abs(np.mean(np.array(members) < 0.05) - 0.05) < 0.035
    assert np.mean(np.array(whole) < 0.05) < 0.16


def test_the_smallest_effect_has_80_per_cent_power():
    rows, _ = drawn(1, EFFECTS, 0.7)
    row = rows.iloc[0]
    standard_error = (row["upper"] - row["lower"]) / (2 * 1.959964)
    assert row["smallest_effect"] == pytest.approx(2.8016 * standard_error, rel=1e-3)


def test_what_could_not_be_measured_says_why():
    rng = np.random.default_rng(0)
    sheet = patients(rng)
    members = panel(
        ("LOW", "gene", "up", ""),
        ("GONE", "gene", "", ""),
        ("RARE", "gene", "", "up"),
        ("hsa-miR-1", "mirna", "", ""),
        ("rs1", "variant", "", ""),
        ("rs2", "variant", "", ""),
        ("rs3", "variant", "", ""),
    )
    results = pd.DataFrame(
        {
            "feature": ["X"],
            "symbol": ["X"],
            "log2_fold_change": [0.1],
            "lfc_se": [0.1],
            "pvalue": [0.3],
            "reason": [None],
        }
    )
    carriers = pd.DataFrame({"RARE": (np.arange(N) < 3).astype(float)}, index=sheet.index)
    design = burden_design(sheet, CONTRAST, [])
    burden = differential_carriers(carriers, design, min_carriers=5)
    columns = pd.MultiIndex.from_tuples(
        [("rs2", "", "other")], names=["variant", "gene", "consequence_class"]
    )
    dosages = pd.DataFrame((np.arange(N) < 2).astype(float), index=sheet.index, columns=columns)
    annotation = pd.DataFrame({"rsid": ["rs1", "rs2"], "carriers": [70, 2]})
    dropped = pd.Series({"LOW": "fewer than 10 reads in 25% of the patients"})
    rows = evidence.joined(
        members,
        [
            evidence.expression_rows(members, "mrna", results, dropped),
            evidence.carrier_rows(members, "dna", burden),
            evidence.variant_rows(members, "dna", dosages, annotation, design, 5),
        ],
    )
    status = {(row.member, row.layer): row.status for row in rows.itertuples()}
    assert status["LOW", "mrna"].startswith(evidence.NOT_DETECTED)
    assert status["GONE", ""] == evidence.NOT_IN_LAYERS
    assert status["hsa-miR-1", ""] == evidence.NOT_IN_LAYERS
    assert status["GONE", "dna"] == evidence.NO_VARIANT
    assert status["RARE", "dna"] == "fewer than 5 carriers"
    assert status["rs1", "dna"] == evidence.NOT_NAMED
    assert status["rs2", "dna"] == "fewer than 5 carriers"
    assert status["rs3", "dna"] == evidence.NOT_IN_FILE
    whole = evidence.whole_table(
        [
            evidence.burden_of_panel("dna", rows, carriers, design, 5),
            {"layer": "mrna", "test": "x", "n_expected": 0, "n_as_expected": 0, "reason": "few"},
        ]
    )
    assert whole["reason"].tolist() == ["fewer than 5 carriers", "few"]
    summary = panel_summary(rows, whole, 0.05)
    assert summary["n_tested"] == 0
    assert len(summary["not_measurable"]) == 7
    assert "None differs" in headline("x", summary)
    assert directions(summary) == "No tested member has an expected direction."


def test_expected_beside_found_directions():
    rows, test = drawn(3, np.array([2.0, 2.0, 2.0, -2.0, 0, 0, 0, 0]), 0.0)
    assert rows["found"].tolist()[:4] == ["up", "up", "up", "down"]
    assert (test["n_expected"], test["n_as_expected"]) == (4, 3)
    summary = panel_summary(rows, evidence.whole_table([test]), 0.05)
    assert summary["n_contradicted"] == 1


@pytest.mark.parametrize("name", shipped_panels())
def test_shipped_panels_can_be_read_and_every_row_has_its_evidence(name):
    table = read_panel(FOLDER / f"{name}.tsv")
    assert (table[["role", "evidence", "source"]] != "").all(axis=None)
    assert table["source"].str.contains("doi|PMC").all()


def test_a_panel_is_a_shipped_name_or_a_file():
    found = panel_files(["serotonin", "config/mine.tsv"])
    assert list(found) == ["serotonin", "mine"]
    assert found["serotonin"] == FOLDER / "serotonin.tsv"
    assert len(shipped_panels()) >= 3


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("A\tprotein\tr\t\t\te\ts", r"line 2: `kind` is 'protein'; write gene, mirna, variant"),
        ("A\tgene\tr\thigher\t\te\ts", r"line 2: `expression` is 'higher'; write up, down"),
        ("A\tgene\tr\t\t\te\t", r"line 2: lacks a member or a source"),
        ("A\tgene\tr\t\t\te\ts\nA\tgene\tr\t\t\te\ts", r"A is listed twice"),
    ],
)
def test_a_panel_that_cannot_be_used_is_refused_in_one_line(tmp_path, row, message):
    path = tmp_path / "mine.tsv"
    path.write_text("\t".join(COLUMNS) + "\n" + row + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_panel(path)


def test_features_of_a_panel_by_layer():
    annotations = {
        "mrna": pd.DataFrame({"feature": ["ENSG1", "ENSG2"], "symbol": ["G1", "X"]}),
        "dna": pd.DataFrame({"variant": ["rs1", "1:5:A:T"], "gene": [None, "G2"]}),
        "other": pd.DataFrame({"feature": ["Y"], "symbol": ["Y"]}),
    }
    found = panel_features({"p": MEMBERS}, annotations)
    assert found == {"p": {"mrna": ["ENSG1"], "dna": ["G2", "dosage:rs1"]}}
