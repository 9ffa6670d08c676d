"""The smallest configs run to their pages: nothing is asked for but ids, a label and a layer."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from running import FAST, run, write_config

from trdomics.files import read_json, read_table

N = 36
PATIENTS = [f"p{i:02}" for i in range(N)]


def matrix(name: str, kind: str, features: int = 12) -> dict[str, Any]:
    """Write a matrix of noise; the features have no names that any table knows."""
    rng = np.random.default_rng(len(name))
    values = {
        "counts": rng.poisson(60, (features, N)),
        "continuous": rng.normal(size=(features, N)),
        "binary": rng.integers(0, 2, (features, N)),
    }[kind]
    table = pd.DataFrame(values, [f"{name}{i}" for i in range(features)], PATIENTS)
    table.to_csv(f"{name}.tsv", sep="\t", index_label="feature")
    return {"type": kind, "file": f"{name}.tsv"}


def maf() -> dict[str, Any]:
    rows = [
        [f"GENE{gene}", "1", 100 * gene + patient, "A", "G", "Nonsense_Mutation", PATIENTS[patient]]
        for gene in range(6)
        for patient in range(N)
        if (patient + gene) % 5 == 0
    ]
    columns = ["Hugo_Symbol", "Chromosome", "Start_Position", "Reference_Allele"]
    columns += ["Tumor_Seq_Allele2", "Variant_Classification", "Tumor_Sample_Barcode"]
    pd.DataFrame(rows, columns=columns).to_csv("calls.maf", sep="\t", index=False)
    Path("profiled.txt").write_text("\n".join(PATIENTS), "utf-8")
    return {"type": "variants", "file": "calls.maf", "profiled": "profiled.txt"}


def three_continuous(sheet: pd.DataFrame, config: dict[str, Any]) -> None:
    """Ids and label, and nothing else."""
    config["layers"] = {name: matrix(name, "continuous") for name in ("a", "bb", "ccc")}


def only_counts(sheet: pd.DataFrame, config: dict[str, Any]) -> None:
    config["layers"] = {"rna": matrix("rna", "counts", 40)}


def only_binary(sheet: pd.DataFrame, config: dict[str, Any]) -> None:
    config["layers"] = {"marks": matrix("marks", "binary")}


def only_variants(sheet: pd.DataFrame, config: dict[str, Any]) -> None:
    """Nobody has a label beyond two thirds, and no covariate is known."""
    sheet.loc[sheet.index >= 2 * N // 3, "response"] = ""
    config["layers"] = {"mutations": maf()}


def a_site_and_two_seeds(sheet: pd.DataFrame, config: dict[str, Any]) -> None:
    """A site and a technical column, but neither predictors nor confounders; some lack a layer.

    One library is nearly empty, which is the same as none.
    """
    sheet["site"] = ["north", "north", "south"] * (N // 3)
    sheet["rin"] = np.linspace(7, 9, N).round(2)
    config["samples"]["site"] = "site"
    config["clinical"] = {"technical": ["rin"]}
    config["layers"] = {
        "rna": matrix("rna", "counts", 40),
        "protein": matrix("protein", "continuous"),
    }
    protein = pd.read_csv("protein.tsv", sep="\t", index_col=0)
    protein.drop(columns=PATIENTS[:5]).to_csv("protein.tsv", sep="\t")
    rna = pd.read_csv("rna.tsv", sep="\t", index_col=0)
    rna.assign(**{PATIENTS[-1]: rna[PATIENTS[-1]] // 60}).to_csv("rna.tsv", sep="\t")
    config["integration"]["seeds"] = [1, 2]


def permuted_and_predicted(sheet: pd.DataFrame, config: dict[str, Any]) -> None:
    """Predictors without a site, and permutations."""
    sheet["age"] = np.linspace(20, 60, N).round(1)
    config["clinical"] = {"predictors": ["age"], "confounders": ["age"]}
    config["layers"] = {"rna": matrix("rna", "counts", 40), "mutations": maf()}
    config["classification"]["permutations"] = 2


QUICK = [three_continuous]
SLOW = [only_variants, only_counts, only_binary, a_site_and_two_seeds, permuted_and_predicted]


@pytest.mark.parametrize(
    "least",
    [*QUICK, *(pytest.param(case, marks=pytest.mark.slow) for case in SLOW)],
    ids=lambda case: case.__name__,
)
def test_it_runs_to_its_page(
    least: Callable[[pd.DataFrame, dict[str, Any]], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    sheet = pd.DataFrame({"patient_id": PATIENTS, "response": ["yes", "no"] * (N // 2)})
    config: dict[str, Any] = {
        "cohort": "least",
        "samples": {"file": "sheet.tsv"},
        "label": {"column": "response", "positive": "yes", "negative": "no"},
        "integration": dict(FAST["integration"]),
        "classification": dict(FAST["classification"]),
    }
    least(sheet, config)
    sheet.to_csv("sheet.tsv", sep="\t", index=False)
    done = run(tmp_path, write_config(tmp_path, config))
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    results = tmp_path / "results" / "least"
    page = re.sub(
        r"data:[^\"]+|<script.*?</script>",
        "",
        (results / "summary.html").read_text("utf-8"),
        flags=re.DOTALL,
    )
    assert not re.search(r"\bnan\b|\bNone\b", page)
    patients = read_table(results / "cohort" / "patients.tsv").set_index("patient_id")
    if least is a_site_and_two_seeds:
        assert patients.loc[PATIENTS[-1], ["in_rna", "in_protein"]].tolist() == [0, 1]
        assert "treated as not measured: 1." in page
    baselines = set(read_json(results / "summary.json")["classification"]["baselines"])
    assert ("layers_present" in baselines) == (least is a_site_and_two_seeds)
