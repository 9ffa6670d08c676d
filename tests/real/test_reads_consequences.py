"""The cases of bcftools csq: what is expected of each variant, through the workflow's parser."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from trdomics.inputs.consequences import ConsequenceClasses
from trdomics.inputs.vcf import (
    _annotated,
    _annotation,
    _compound_entries,
    _variant,
    opened,
    records,
)

REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("TRDOMICS_REAL_DATA", REPOSITORY / "../shared/data"))
CASES = DATA / "reads" / "variants" / "csq"
DESCRIPTION = "[*]Consequence|gene|transcript|biotype|strand|amino_acid_change|dna_change"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}"),
    pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed"),
]
# (file, position) where bcftools 1.16 differs from what later versions are expected to say.
OLDER = {
    ("mnp.vcf", 4391),
    ("compound-lost.vcf", 11191),
    ("incorrect-synon-del-not-start-lost.vcf", 6453),
    ("complex-event.vcf", 374),
    # bcftools 1.16 stops
    ("test.vcf", 0),
    ("ribosomal-slippage.vcf", 0),
}


def classes(path: Path) -> dict[tuple[int, str, str], set[tuple[str, str]]]:
    """Return the genes that each allele changes, with the class, as the variants layer has them."""
    found = {}
    with opened(path) as vcf:
        annotation = _annotation(vcf)
        pointers = _compound_entries(path, annotation)
        known = ConsequenceClasses()
        for _, site in itertools.groupby(records(vcf, path), lambda r: (r.CHROM, r.POS, r.REF)):
            for record, alleles, first, entries in _annotated(list(site), annotation, pointers):
                for number in range(1, len(record.ALT) + 1):
                    variant = _variant(record, alleles, first + number, entries, known)
                    found[variant.position, variant.reference, variant.alternative] = {
                        (gene, effect.consequence_class)
                        for gene, effect in variant.effects.items()
                        if effect.consequence_class != "other"
                    }
    assert set(known.unknown) <= {"."}
    return found


def test_every_case_has_the_expected_class(tmp_path):
    n_cases, different = 0, set()
    for vcf in sorted(CASES.glob("*/*.vcf")):
        text = vcf.read_text()
        folder = vcf.parent
        if "EXP=" not in text:
            continue
        expected = tmp_path / "expected.vcf"
        tag = f'##INFO=<ID=BCSQ,Number=.,Type=String,Description="Format: {DESCRIPTION}">'
        text = re.sub(r"##INFO=<ID=EXP,.*", tag, text)
        expected.write_text(re.sub(r"(?<=[\t;])EXP=", "BCSQ=", text))
        annotated = tmp_path / "annotated.vcf"
        command = ["bcftools", "csq", "-p", "a", "-f", folder / f"{folder.name}.fa"]
        own = vcf.with_suffix(".gff")
        genes = own if own.exists() else folder / f"{folder.name}.gff"
        command += ["-g", genes, vcf, "-o", annotated]
        if subprocess.run(command, capture_output=True).returncode:
            different.add((vcf.name, 0))
            continue
        found, wanted = classes(annotated), classes(expected)
        n_cases += len(wanted)
        different |= {(vcf.name, key[0]) for key in wanted if found.get(key) != wanted[key]}
    assert n_cases > 150
    assert different <= OLDER
