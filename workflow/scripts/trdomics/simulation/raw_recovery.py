"""Recovery of a raw cohort's planted truth from its reads, step by step."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from cyvcf2 import VCF

# Required agreement of each step.
MIN_R, MAX_TOTAL, MIN_MOLECULES = 0.99, 0.02, 0.995
MIN_CONCORDANCE, MIN_RECALL, MIN_DEPTH, MAX_GLOBIN = 0.995, 0.95, 10, 0.01
_FIELDS = ["chromosome", "position", "reference", "alternative"]


@dataclass(frozen=True)
class Station:
    """One comparison.

    Attributes
    ----------
    planted, found : str
        The planted truth and the result.
    value : float or None
        The value compared with `limit`; None if it could not be measured.
    limit : str
        The required limit.
    """

    station: str
    measure: str
    planted: str
    found: str
    value: float | None
    limit: str
    met: bool

    @classmethod
    def least(
        cls, station: str, measure: str, planted: str, found: str, value: float, limit: float
    ) -> Self:
        """Return a comparison whose value has to be at least so much."""
        return cls(station, measure, planted, found, value, f"at least {limit}", value >= limit)

    @classmethod
    def most(
        cls, station: str, measure: str, planted: str, found: str, value: float, limit: float
    ) -> Self:
        """Return a comparison whose value may be at most so much."""
        return cls(station, measure, planted, found, value, f"at most {limit}", value <= limit)


def table_of(stations: list[Station]) -> pd.DataFrame:
    """Return stations as a table, one row each; ``met`` is 1 or 0."""
    return pd.DataFrame([asdict(station) for station in stations]).astype({"met": int})


def gene_stations(
    found: pd.DataFrame, planted: pd.DataFrame, contaminated: Collection[str]
) -> list[Station]:
    """Compare gene counts with planted fragments.

    Parameters
    ----------
    found, planted : DataFrame, genes × samples
    contaminated : collection of str
        Samples with much genomic DNA: half of its exonic fragments have the strand of RNA and are
        counted with it. Their correlation is reported but has no limit.
    """
    found = found.reindex(index=planted.index, columns=planted.columns).fillna(0)
    r = {
        str(name): float(np.corrcoef(np.log2(found[name] + 1), np.log2(planted[name] + 1))[0, 1])
        for name in planted
    }
    clean = [name for name in r if name not in contaminated]
    others = ", ".join(f"{r[name]:.3f}" for name in r if name in contaminated)
    n_planted, n_found = planted[clean].sum(), found[clean].sum()
    return [
        Station.least(
            "gene counts",
            "lowest correlation of a sample (log2)",
            f"{n_planted.sum():,.0f} fragments of {len(planted)} genes in {len(clean)} samples "
            "without much genomic DNA",
            f"{n_found.sum():,.0f} fragments"
            + (f"; samples with much genomic DNA: {others}" if others else ""),
            min(r[name] for name in clean),
            MIN_R,
        ),
        Station.most(
            "gene counts",
            "largest difference of a sample's total",
            f"{n_planted.min():,.0f} to {n_planted.max():,.0f} fragments of a sample",
            f"{n_found.min():,.0f} to {n_found.max():,.0f}",
            float((n_found / n_planted - 1).abs().max()),
            MAX_TOTAL,
        ),
    ]


def molecule_station(found: pd.DataFrame, planted: pd.DataFrame) -> Station:
    """Compare small-RNA counts with planted molecules; a feature may be named by several miRNAs."""
    named = {member: feature for feature in map(str, found.index) for member in _members(feature)}
    own = planted.groupby([named.get(str(name), str(name)) for name in planted.index]).sum()
    rows = own.index.union(found.index)
    difference = (
        found.reindex(index=rows, columns=own.columns).fillna(0) - own.reindex(rows).fillna(0)
    ).abs()
    exact = 1 - float(difference.to_numpy().sum() / own.to_numpy().sum())
    return Station.least(
        "small RNA",
        "share of molecules counted exactly",
        f"{int(own.to_numpy().sum()):,} molecules of {len(own)} miRNAs",
        f"{int(found.to_numpy().sum()):,} molecules",
        exact,
        MIN_MOLECULES,
    )


def _members(feature: str) -> list[str]:
    """Return the miRNAs that a feature is named by."""
    for separator in ("|", "/", ";", ",", "+"):
        feature = feature.replace(separator, " ")
    return feature.split()


def variant_stations(path: str | os.PathLike[str], planted: pd.DataFrame) -> list[Station]:
    """Compare a VCF with planted genotypes.

    Parameters
    ----------
    planted : DataFrame
        Chromosome, position, reference, alternative, consequence and consequence_class of each
        site, and copies by sample.
    """
    calls, depth, samples, n_others = _read_calls(path, planted)
    truth = planted[samples].to_numpy()
    called = calls >= 0
    concordance = float((calls == truth)[called].mean())
    carried = truth > 0
    # without a call the depth is unknown: it counts as sufficient
    enough = carried & ((depth >= MIN_DEPTH) | (depth < 0))
    recall = float((calls > 0)[enough].mean())
    sites = int((calls >= 0).any(axis=1).sum())
    return [
        Station.least(
            "variants",
            "share of called genotypes that are correct",
            f"{len(planted)} variants in {len(samples)} patients",
            f"{sites} of them, and {n_others} that were not planted",
            concordance,
            MIN_CONCORDANCE,
        ),
        Station.least(
            "variants",
            f"share of carried variants found (depth {MIN_DEPTH} or more)",
            f"{int(enough.sum()):,} genotypes with a variant",
            f"{int((calls > 0)[enough].sum()):,}",
            recall,
            MIN_RECALL,
        ),
    ]


def _read_calls(
    path: str | os.PathLike[str], planted: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, list[str], int]:
    """Return copies and depth by planted site and sample (-1 where there is no call)."""
    row = {tuple(key): i for i, key in enumerate(planted[_FIELDS].itertuples(index=False))}
    vcf = VCF(str(path))
    samples = list(vcf.samples)
    calls = np.full((len(planted), len(samples)), -1)
    depth = np.full((len(planted), len(samples)), -1)
    n_others = 0
    for record in vcf:
        if not record.ALT:
            continue
        place = row.get((record.CHROM, record.POS, record.REF, record.ALT[0]))
        if place is None:
            n_others += 1
            continue
        alleles = record.genotype.array()[:, :-1]
        calls[place] = np.where((alleles < 0).any(axis=1), -1, (alleles > 0).sum(axis=1))
        depth[place] = record.format("DP")[:, 0]
    vcf.close()
    return calls, depth, samples, n_others


def consequence_station(annotation: pd.DataFrame, planted: pd.DataFrame) -> Station:
    """Compare the consequence class of each variant of the layer's table with the planted one."""
    truth = planted.assign(chromosome=planted["chromosome"].str.removeprefix("chr"))
    both = (
        truth[[*_FIELDS, "gene", "consequence_class"]]
        .astype({"chromosome": str})
        .merge(
            annotation[[*_FIELDS, "gene", "consequence_class"]].astype({"chromosome": str}),
            on=[*_FIELDS, "gene"],
        )
    )
    equal = both["consequence_class_x"] == both["consequence_class_y"]
    share = float(equal.mean())
    return Station.least(
        "consequences",
        "share of variants of the planted class",
        f"{len(planted)} variants",
        f"{int(equal.sum())} of {len(both)} annotated ones",
        share,
        0.98,
    )


def globin_station(found: pd.Series, planted: pd.Series, contaminated: Collection[str]) -> Station:
    """Compare the share of globins by sample, but for those that genomic DNA dilutes."""
    planted = planted.drop(list(contaminated))
    found = found.reindex(planted.index)
    worst = float((found - planted).abs().max(skipna=False))
    return Station.most(
        "globins",
        "largest difference of a sample's share",
        f"{planted.min():.0%} to {planted.max():.0%} of a sample",
        f"{found.min():.0%} to {found.max():.0%}",
        worst,
        MAX_GLOBIN,
    )


def found_station(
    station: str, measure: str, found: Collection[str], planted: Collection[str]
) -> Station:
    """Compare the flagged patients with those who should be flagged: all of them, and no others."""
    missed, false = set(planted) - set(found), set(found) - set(planted)
    return Station(
        station,
        measure,
        ", ".join(sorted(planted)),
        ", ".join(sorted(found)) or "none",
        float(len(missed) + len(false)),
        "none missed, no other flagged",
        not missed and not false,
    )


def identity_stations(identity: Mapping[str, Any], truth: Mapping[str, Any]) -> list[Station]:
    """Compare patients flagged by sex and by genotypes with those who should be."""
    exchanged = [patient for pair in truth["swaps"]["pairs"] for patient in pair]
    unlike, other = "patients that do not match", "patients whose sex differs from the sheet"
    return [
        found_station("sample swap", unlike, identity["mismatched"] or [], exchanged),
        found_station("sex", other, identity["sex_discordant"] or [], truth["wrong_sex"]),
    ]
