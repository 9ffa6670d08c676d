"""Common single-nucleotide variants of a germline VCF, for identity checks."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd

from trdomics.config_types import LayerConfig
from trdomics.inputs.vcf import numbers, opened, records

LEVELS = ["chromosome", "position", "reference", "alternative"]
MIN_FREQUENCY = 0.05
MIN_CALL_RATE = 0.9
# Far more than identity checks need: sites are thinned to this number, evenly along the file.
MAX_SITES = 20_000


def read_genotypes(
    path: str | os.PathLike[str], settings: LayerConfig, sample_names: pd.Series
) -> pd.DataFrame:
    """Read dosages of biallelic SNVs that are common in the cohort and called in most of it.

    Parameters
    ----------
    path : path
        VCF with genotypes. Annotation is not needed.

    Returns
    -------
    DataFrame of float32, patients × sites
        0, 1, 2 or NaN; columns (chromosome without "chr", position, reference, alternative).
        A haploid call, as on a man's X, counts as homozygous.
    """
    sites: list[tuple[str, int, str, str]] = []
    dosages: list[np.ndarray] = []
    with opened(path) as vcf:
        columns = {name: i for i, name in enumerate(vcf.samples)}
        known = sample_names[sample_names.isin(list(columns))]
        order = np.array([columns[name] for name in known], dtype=int)
        for record in records(vcf, path):
            if not _usable(record, settings):
                continue
            dosage = _dosage(record, settings)[order]
            called = dosage >= 0
            if not len(dosage) or called.mean() < MIN_CALL_RATE:
                continue
            frequency = dosage[called].mean() / 2
            if MIN_FREQUENCY <= frequency <= 1 - MIN_FREQUENCY:
                chromosome = record.CHROM.removeprefix("chr").replace("23", "X")
                sites.append((chromosome, record.POS, record.REF, record.ALT[0]))
                dosages.append(dosage)
    values = np.array(dosages, dtype=np.float32).reshape(-1, len(known)).T
    table = pd.DataFrame(
        np.where(values < 0, np.float32(np.nan), values),
        index=pd.Index(known.index.astype(str), name="patient_id", dtype=object),
        columns=pd.MultiIndex.from_tuples(sites, names=LEVELS)
        if sites
        else pd.MultiIndex.from_arrays([[]] * len(LEVELS), names=LEVELS),
    )
    table = table.loc[:, ~table.columns.duplicated()]
    if table.shape[1] > MAX_SITES:
        table = table.iloc[:, np.linspace(0, table.shape[1] - 1, MAX_SITES).astype(int)]
    return table


def _usable(record: Any, settings: LayerConfig) -> bool:
    single = len(record.ALT) == 1 and {record.REF, record.ALT[0]} <= set("ACGT")
    passes = not settings["pass_only"] or record.FILTER is None
    sure = record.QUAL is None or float(record.QUAL) >= float(settings["min_quality"])
    return bool(single and passes and sure and "GT" in record.FORMAT)


def _dosage(record: Any, settings: LayerConfig) -> np.ndarray:
    """Return 0, 1, 2, or -1 without a reliable call, for every sample of the file."""
    alleles = record.genotype.array()[:, :-1]
    haploid = (alleles == -2).sum(axis=1) == alleles.shape[1] - 1
    copies = (alleles == 1).sum(axis=1)
    dosage = np.where(haploid | (alleles.shape[1] == 1), 2 * copies, copies)
    bad = (alleles == -1).any(axis=1)
    fields = set(record.FORMAT)
    limits = (("DP", settings["min_depth"]), ("GQ", settings["min_genotype_quality"]))
    for field, least in limits:
        if field in fields:
            number = numbers(record, field)[:, 0]
            # a missing number is negative or NaN: no evidence against that genotype
            bad |= (number >= 0) & (number < least)
    return np.where(bad, -1, dosage).astype(np.int8)
