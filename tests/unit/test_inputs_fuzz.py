"""Any damage of a sound file: it is read, or refused in words; never a traceback or a hang."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trdomics.cohort.config import check_duplicate_keys, resolve_config, sheet_settings
from trdomics.cohort.samples import read_sheet
from trdomics.errors import InputError
from trdomics.inputs.maf import read_maf
from trdomics.inputs.matrix import read_layer_matrix
from trdomics.layers.types import layer_type

pytestmark = pytest.mark.slow
IDS = ["p1", "p2", "p3", "p4"]
NAMES = pd.Series(IDS, IDS, dtype=object)
CONFIG = """\
cohort: c
samples: {file: sheet.tsv, site: site}
label: {column: response, positive: "yes", negative: "no"}
clinical: {predictors: [age]}
layers:
  rna: {type: counts, file: rna.tsv}
classification: {folds: 2, inner_folds: 2}
"""
SHEET = "patient_id\tresponse\tage\tsite\n" + "".join(
    f"{name}\t{'yes' if i % 2 else 'no'}\t{40.5 + i}\ta{i % 2}\n" for i, name in enumerate(IDS)
)
MATRIX = "gene\tp1\tp2\tp3\tp4\n" + "".join(f"G{i}\t{i}\t{2 * i}\t7\t12.25\n" for i in range(5))
MAF_COLUMNS = ["Hugo_Symbol", "Chromosome", "Start_Position", "Reference_Allele"]
MAF_COLUMNS += ["Tumor_Seq_Allele2", "Variant_Classification", "Tumor_Sample_Barcode", "t_depth"]
MAF = "\t".join(MAF_COLUMNS) + "\n"
MAF += "".join(f"G{i}\t1\t{i + 9}\tA\tG\tNonsense_Mutation\t{IDS[i]}\t30\n" for i in range(4))
VARIANTS = {"sample_column": "Tumor_Sample_Barcode", "pass_only": True, "min_depth": 8}
VARIANTS |= {"max_allele_frequency": 0.01, "no_call": "missing", "snv_only": False, "dosages": []}
PIECES = ["\t", "\n", "\r", '"', "'", ",", ";", "#", "\0", "\x1b", "-", "NA", "nan", "inf", "1e400"]
PIECES += ["9" * 40, "0x1", "{", "}", "[", "*a", "&a ", "<<: ", ": ", "é", "\ufeff", "\u202e", " "]


@st.composite
def damaged(draw: Any, text: str) -> bytes:
    """Return a text with pieces cut out, put in, doubled, or cut off, as bytes."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        upto = draw(st.integers(at, min(len(text), at + 60)))
        change = draw(st.sampled_from(["cut", "put", "double", "end"]))
        if change == "cut":
            text = text[:at] + text[upto:]
        elif change == "put":
            text = text[:at] + draw(st.sampled_from(PIECES) | st.text(max_size=5)) + text[at:]
        elif change == "double":
            text = text[:at] + text[at:upto] * 2 + text[upto:]
        else:
            text = text[:at]
    data = text.encode("utf-8", "surrogatepass")
    return data if draw(st.booleans()) else data.replace(b"\n", b"\r\n")


def reads(kind: str, data: bytes) -> None:
    """Read damaged content as the workflow would."""
    if kind == "config":
        Path("c.yaml").write_bytes(data)
        check_duplicate_keys(["c.yaml"])
        raw = yaml.safe_load(data)
        if isinstance(raw, dict):
            resolve_config(raw, "c.yaml")
    elif kind == "sheet":
        Path("sheet.tsv").write_bytes(data)
        read_sheet(sheet_settings(resolve_config(yaml.safe_load(CONFIG), "c.yaml")))
    elif kind == "maf":
        Path("calls.maf").write_bytes(data)
        read_maf("calls.maf", VARIANTS, NAMES, IDS)
    else:
        suffix = ".gz" if kind == "packed matrix" else ""
        Path(f"m.tsv{suffix}").write_bytes(gzip.compress(data) if suffix else data)
        rules = layer_type("counts").value_rules({})
        read_layer_matrix(f"m.tsv{suffix}", "rna", NAMES, rules)


@pytest.mark.parametrize(
    ("kind", "sound"),
    [
        ("config", CONFIG),
        ("sheet", SHEET),
        ("matrix", MATRIX),
        ("packed matrix", MATRIX),
        ("maf", MAF),
    ],
    ids=["config", "sheet", "matrix", "packed matrix", "maf"],
)
def test_damage_is_refused_in_words(kind, sound, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("rna.tsv").write_text(MATRIX, "utf-8")

    @settings(
        max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.too_slow], database=None
    )
    @given(damaged(sound))
    def check(data: bytes) -> None:
        try:
            reads(kind, data)
        except InputError as error:
            assert all("\n" not in str(single) for single in error.errors)
        except (yaml.YAMLError, UnicodeDecodeError):
            # Snakemake's own words
            assert kind == "config"

    check()
