"""Whether a user's VCF was called jointly over all its samples."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from trdomics.config_types import CohortConfig, LayerConfig
from trdomics.errors import InputError
from trdomics.inputs.vcf import numbers, opened, records, vcf_header

# Enough records to decide; it does not matter if all are of one chromosome.
N_RECORDS = 5_000
# In calls of single samples that were merged, nearly nobody has 0/0, and most lack a genotype.
_FEW_REFERENCE, _MANY_MISSING = 0.01, 0.5
# Other tools write 0/0 there, without a read.
_MANY_UNREAD = 0.2


def is_bare_vcf(config: CohortConfig, layer: LayerConfig) -> bool:
    """Return whether a layer is a VCF without consequences, and the config has what adds them."""
    known = config["references"]["genome"] and config["references"]["annotation"]
    if not known or layer.get("format") != "vcf" or layer["reads"] is not None:
        return False
    return Path(layer["file"]).is_file() and vcf_header(layer["file"]).annotation is None


def called_on(path: str | os.PathLike[str]) -> list[str]:
    """Return the sequences with records in a VCF."""
    with opened(path) as vcf:
        return list(dict.fromkeys(record.CHROM for record in records(vcf, path)))


def check_joint(path: str | os.PathLike[str]) -> float:
    """Check that a VCF's genotypes are calls, and return the share of them that are missing.

    Raises
    ------
    InputError
        If single-sample calls were merged: sites not examined must not count as reference.
    """
    n_missing = n_reference = n_unread = n_genotypes = 0
    with opened(path) as vcf:
        n_samples = len(vcf.samples)
        for record in islice(records(vcf, path), N_RECORDS):
            if "GT" not in record.FORMAT:
                continue
            alleles = record.genotype.array()[:, :-1]
            missing = (alleles == -1).any(axis=1)
            reference = ~missing & (alleles <= 0).all(axis=1)
            n_genotypes += len(alleles)
            n_missing += int(missing.sum())
            n_reference += int(reference.sum())
            if "DP" in record.FORMAT:
                n_unread += int((reference & (numbers(record, "DP")[:, 0] == 0)).sum())
    if n_samples < 2 or not n_genotypes:
        return n_missing / max(n_genotypes, 1)
    missing_rate = n_missing / n_genotypes
    called = n_genotypes - n_missing
    merged = missing_rate > _MANY_MISSING and n_reference < _FEW_REFERENCE * max(called, 1)
    unread = n_unread > _MANY_UNREAD * max(n_reference, 1)
    if merged or unread:
        problem = (
            f"{missing_rate:.0%} of the genotypes are missing and hardly any is 0/0"
            if merged
            else f"{n_unread / n_reference:.0%} of the 0/0 genotypes have no reads"
        )
        raise InputError(
            str(path),
            f"{problem}, as if calls of single samples had been merged",
            "call the samples together (bcftools mpileup, GATK GenotypeGVCFs or GLnexus)",
        )
    return missing_rate
