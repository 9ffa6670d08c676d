"""Germline variants of the simulated cohort as a bgzipped multi-sample VCF.

Gene names and rs6295 are real; other positions and all alleles are invented.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from cyvcf2 import VCF, Writer

from trdomics.files import replacing

FIRST_GROUPS = ["serotonin", "neuroplasticity", "pharmacogene"]
FIRST_GENES = ["HTR2B", "HTR1A", "SLC6A4", "TPH2", "BDNF"]
# Lengths of the autosomes in GRCh38, Mb, rounded down.
CHROMOSOME_MB = [248, 242, 198, 190, 181, 170, 159, 145, 138, 133, 135]
CHROMOSOME_MB += [133, 114, 107, 101, 90, 83, 80, 58, 64, 46, 50]
# term, impact, share of the sites, proportion that is rare
CONSEQUENCES = [
    ("missense_variant", "MODERATE", 0.42, 0.8),
    ("synonymous_variant", "LOW", 0.26, 0.5),
    ("intron_variant", "MODIFIER", 0.08, 0.4),
    ("3_prime_UTR_variant", "MODIFIER", 0.06, 0.4),
    ("stop_gained", "HIGH", 0.05, 1.0),
    ("frameshift_variant", "HIGH", 0.05, 1.0),
    ("splice_donor_variant", "HIGH", 0.04, 1.0),
    ("inframe_deletion", "MODERATE", 0.04, 0.9),
]
CSQ = "Allele|Consequence|IMPACT|SYMBOL|Gene|Feature_type|Feature|BIOTYPE|gnomADe_AF"
RS6295: dict[str, Any] = {"chromosome": 5, "position": 63962738, "id": "rs6295"}
RS6295 |= {"ref": "C", "alt": "G"}
RS6295_FREQUENCY = 0.5

TRANSITION = {"A": "G", "G": "A", "C": "T", "T": "C"}
TRANSITIONS = 2 / 3
FAILED_SHARE, LOW_CALL_SHARE, LOW_QUALITY_SHARE = 0.05, 0.04, 0.03


def choose_genes(names: pd.DataFrame, n_genes: int) -> pd.DataFrame:
    """Choose the genes that carry variants: autosomal, candidates of the drug response first."""
    autosomal = names[names["chromosome"].isin([f"chr{c}" for c in range(1, 23)])]
    rank = np.select(
        [autosomal["feature"].isin(FIRST_GENES), autosomal["group"].isin(FIRST_GROUPS)], [0, 1], 2
    )
    return autosomal.iloc[np.argsort(rank, kind="stable")[:n_genes]]


def draw_sites(genes: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the variant sites of some genes, sorted by position.

    Returns
    -------
    DataFrame
        ``chromosome`` (int), ``position``, ``id``, ``ref``, ``alt``, ``gene``, ``consequence``,
        ``impact``, ``frequency`` (in the population), ``filter``, ``qual``, ``call_rate``,
        ``depth`` (mean).
    """
    terms, impacts, shares, rare_shares = map(list, zip(*CONSEQUENCES, strict=True))
    per_gene = 4 + rng.poisson(6, len(genes))
    n = int(per_gene.sum())
    kind = rng.choice(len(terms), n, p=shares)
    rare = rng.random(n) < np.array(rare_shares)[kind]
    frequency = np.where(
        rare, np.exp(rng.uniform(np.log(3e-4), np.log(9e-3), n)), rng.beta(0.8, 2.5, n) * 0.6 + 0.02
    )
    chromosome = genes["chromosome"].str.removeprefix("chr").astype(int).to_numpy()
    sites = pd.DataFrame(
        {
            "gene": np.repeat(genes["feature"].to_numpy(), per_gene),
            "chromosome": np.repeat(chromosome, per_gene),
            "id": ".",
            "consequence": np.array(terms)[kind],
            "impact": np.array(impacts)[kind],
            "frequency": frequency,
        }
    )
    # a gene's sites are within 40 kb of its start; starts are spread over the chromosome
    length = np.array(CHROMOSOME_MB)[chromosome - 1]
    start = (rng.uniform(0.02, 0.97, len(genes)) * length * 1e6).astype(int)
    is_htr1a = genes["feature"].to_numpy() == "HTR1A"
    start[is_htr1a] = RS6295["position"] - 20_000
    sites["position"] = np.repeat(start, per_gene) + rng.integers(1, 19_000, n)
    sites["ref"], sites["alt"] = _alleles(sites["consequence"].to_numpy(), rng)
    if is_htr1a.any():
        upstream = {"gene": "HTR1A", "consequence": "upstream_gene_variant", "impact": "MODIFIER"}
        upstream = RS6295 | upstream | {"frequency": RS6295_FREQUENCY}
        sites.loc[len(sites)] = pd.Series(upstream)
    sites = sites.drop_duplicates(["chromosome", "position"])
    sites = sites.sort_values(["chromosome", "position"], ignore_index=True)
    n = len(sites)
    good = (sites["id"] != ".").to_numpy()
    sites["filter"] = np.where(~good & (rng.random(n) < FAILED_SHARE), "LowQual", "PASS")
    low_call = ~good & (rng.random(n) < LOW_CALL_SHARE)
    sites["call_rate"] = np.where(low_call, rng.uniform(0.4, 0.88, n), 0.995)
    sites["depth"] = np.where(low_call, rng.uniform(9, 14, n), rng.uniform(25, 45, n))
    poor = ~good & ((rng.random(n) < LOW_QUALITY_SHARE) | (sites["filter"] != "PASS"))
    sites["qual"] = np.where(poor, rng.uniform(5, 29, n), rng.lognormal(7, 0.8, n) + 60).round(1)
    return sites


def _alleles(terms: np.ndarray, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    refs, alts = [], []
    for term, first, step in zip(
        terms, rng.integers(0, 4, len(terms)), rng.integers(1, 4, len(terms)), strict=True
    ):
        base, other = "ACGT"[first], "ACGT"[(first + step) % 4]
        deleted = {"frameshift_variant": other, "inframe_deletion": other + base + other}
        refs.append(base + deleted.get(term, ""))
        alts.append(base if term in deleted else other)
    return refs, alts


def with_transitions(sites: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Redraw the alternative allele of SNV sites, with two transitions per transversion.

    Only letters change. Named sites keep theirs.
    """
    single = (sites["ref"].str.len() == 1) & (sites["alt"].str.len() == 1) & (sites["id"] == ".")
    transition = rng.random(len(sites)) < TRANSITIONS
    which = rng.integers(0, 2, len(sites))
    other = [
        TRANSITION[ref] if change else sorted(set("ACGT") - {ref, TRANSITION[ref]})[i]
        for ref, change, i in zip(sites["ref"].str[0], transition, which, strict=True)
    ]
    return sites.assign(alt=sites["alt"].where(~single, pd.Series(other, index=sites.index)))


def draw_genotypes(
    sites: pd.DataFrame, n_samples: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw genotypes in Hardy–Weinberg proportions, with depth and quality.

    Every site has a carrier, as in a joint call set.

    Returns
    -------
    dosage, depth, alternative_depth, quality : ndarray of int, shape (n_sites, n_samples)
        A dosage of -1 is a missing call.
    """
    shape = (len(sites), n_samples)
    dosage = rng.binomial(2, sites["frequency"].to_numpy()[:, None], shape)
    empty = np.flatnonzero(dosage.sum(axis=1) == 0)
    dosage[empty, rng.integers(0, n_samples, len(empty))] = 1
    return genotype_calls(sites, dosage, rng)


def genotype_calls(
    sites: pd.DataFrame, dosage: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw reads and qualities of given genotypes; see :func:`draw_genotypes`.

    Parameters
    ----------
    sites : DataFrame
        With ``depth`` and ``call_rate``.
    dosage : ndarray of int, shape (n_sites, n_samples)
        True copies; -1 if there is no chromosome to read.
    """
    shape = dosage.shape
    depth = rng.poisson(sites["depth"].to_numpy()[:, None], shape)
    depth[dosage < 0] = 0
    alternative = rng.binomial(depth, np.array([0.001, 0.5, 0.999])[dosage])
    quality = np.clip(3 * depth + rng.integers(-8, 9, shape), 3, 99)
    no_call = rng.random(shape) > sites["call_rate"].to_numpy()[:, None]
    return np.where(no_call | (depth == 0), -1, dosage), depth, alternative, quality


def write_vcf(
    sites: pd.DataFrame,
    samples: list[str],
    genotypes: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    path: str | Path,
) -> None:
    """Write a bgzipped VCF; the same calls give the same bytes."""
    with replacing(path) as temporary:
        plain = temporary.with_name(f"{temporary.name}.plain.vcf")
        try:
            with plain.open("w", encoding="ascii", newline="\n") as out:
                out.write(_header(samples))
                out.writelines(_records(sites, genotypes))
            source = VCF(str(plain))
            writer = Writer(str(temporary), source, "wz")
            for record in source:
                writer.write_record(record)
            writer.close()
            source.close()
        finally:
            plain.unlink(missing_ok=True)


def _header(samples: list[str]) -> str:
    lines = [
        "##fileformat=VCFv4.2",
        "##reference=GRCh38",
        "##source=trd-multiomics simulation: invented people",
        '##FILTER=<ID=PASS,Description="All filters passed">',
        '##FILTER=<ID=LowQual,Description="Low quality">',
        *(
            f"##contig=<ID=chr{i},length={megabases * 1_000_000}>"
            for i, megabases in enumerate(CHROMOSOME_MB, 1)
        ),
        f'##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequences. Format: {CSQ}">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
        '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Genotype quality">',
        '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depth by allele">',
        "\t".join(["#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".replace(" ", "\t"), *samples]),
    ]
    return "\n".join(lines) + "\n"


def _records(
    sites: pd.DataFrame, genotypes: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
) -> list[str]:
    names = ("0/0", "0/1", "1/1", "./.")  # the last one is -1
    records = []
    rows = zip(*(values.tolist() for values in genotypes), strict=True)
    described: zip[tuple[Any, Any]] = zip(sites.itertuples(), rows, strict=True)
    for site, (dosage, depth, alternative, quality) in described:
        allele = site.alt if len(site.ref) == 1 else "-"
        number = site.Index + 1
        annotation = (
            f"CSQ={allele}|{site.consequence}|{site.impact}|{site.gene}|SIMG{number:08d}|Transcript|"
            f"SIMT{number:08d}|protein_coding|{site.frequency:.5f}"
        )
        calls = [
            "./.:.:.:." if d < 0 else f"{names[d]}:{n}:{q}:{n - a},{a}"
            for d, n, a, q in zip(dosage, depth, alternative, quality, strict=True)
        ]
        fields = [f"chr{site.chromosome}", site.position, site.id, site.ref, site.alt, site.qual]
        fields += [site.filter, annotation, "GT:DP:GQ:AD", *calls]
        records.append("\t".join(map(str, fields)) + "\n")
    return records
