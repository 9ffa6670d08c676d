"""Any damage of a sound file: it is read, or refused in words; never a traceback or a hang."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vcf_data import COLUMNS, CSQ

from trdomics.cohort.config import check_duplicate_keys, resolve_config, sheet_settings
from trdomics.cohort.samples import read_sheet
from trdomics.errors import InputError
from trdomics.inputs.maf import read_maf
from trdomics.inputs.matrix import read_layer_matrix
from trdomics.inputs.vcf import read_vcf
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
VCF = f"""\
##fileformat=VCFv4.2
##contig=<ID=1>
##INFO=<ID=CSQ,Number=.,Type=String,Description="{CSQ}">
##FORMAT=<ID=GT,Number=1,Type=String,Description="g">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="d">
"""
VCF += "\t".join([*COLUMNS, *IDS]) + "\n"
VCF += "".join(
    f"1\t{9 + i}\t.\tA\tG,T\t50\tPASS\tCSQ=G|stop_gained|HIGH|G{i}|E|,T|stop_gained|HIGH|G{i}|E|"
    f"\tGT:DP\t0/1:30\t0/0:30\t1|2:30\t./.:0\n"
    for i in range(4)
)
VARIANTS = {"sample_column": "Tumor_Sample_Barcode", "pass_only": True, "min_depth": 8}
VARIANTS |= {"min_genotype_quality": 20, "min_quality": 30}
VARIANTS |= {"max_allele_frequency": 0.01, "no_call": "missing", "snv_only": False, "dosages": []}
PIECES = ["\t", "\n", "\r", '"', "'", ",", ";", "#", "\0", "\x1b", "-", "NA", "nan", "inf", "1e400"]
# Of tables without quotes, comments or other separators, which a strict reader needs no rules for.
PLAIN = set("genpG0123456789.\t\n")
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
    elif kind == "vcf":
        Path("calls.vcf").write_bytes(data)
        read_vcf("calls.vcf", VARIANTS, NAMES)
    else:
        suffix = ".gz" if kind == "packed matrix" else ""
        Path(f"m.tsv{suffix}").write_bytes(gzip.compress(data) if suffix else data)
        rules = layer_type("counts").value_rules({})
        matrix = read_layer_matrix(f"m.tsv{suffix}", "rna", NAMES, rules)
        if kind == "matrix" and not set(data.decode()) - PLAIN:
            assert_read_strictly(matrix.values, data.decode())


def assert_read_strictly(values: pd.DataFrame, text: str) -> None:
    """Check every value against the field of its row and column, however odd the table."""
    header, *rows = [line.split("\t") for line in text.splitlines() if line.strip()]
    shift = int(len(header) < max(len("\t".join(row).rstrip().split("\t")) for row in rows))
    found = {row[0].strip(): row for row in rows}
    for patient in values.index:
        column = [name.strip() for name in header].index(patient) + shift
        for feature, value in values.loc[patient].items():
            assert value == np.rint(float(found[feature][column]))


@pytest.mark.parametrize(
    ("kind", "sound"),
    [
        ("config", CONFIG),
        ("sheet", SHEET),
        ("matrix", MATRIX),
        ("packed matrix", MATRIX),
        ("maf", MAF),
        ("vcf", VCF),
    ],
    ids=["config", "sheet", "matrix", "packed matrix", "maf", "vcf"],
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
