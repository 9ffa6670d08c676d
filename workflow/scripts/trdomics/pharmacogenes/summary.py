"""Headline numbers of pharmacogenes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from trdomics.pharmacogenes.calling import CALLED, NO_CALL, SEVERAL, UNKNOWN
from trdomics.pharmacogenes.definitions import PHENOTYPES
from trdomics.pharmacogenes.mismatch import FAST, NOT_CALLED, SLOW, UNCLEAR
from trdomics.pharmacogenes.settings import FOUND, MAF, NO_LAYER, NO_SITE, NOT_GERMLINE

if TYPE_CHECKING:
    from trdomics.pharmacogenes.sites import SiteGenotypes

REASONS = {
    NO_LAYER: "Pharmacogenes are not called: the cohort has no layer of variants.",
    MAF: "Pharmacogenes are not called: a MAF lists carriers only, so a site that it does not "
    "list may be reference or not covered.",
    NOT_GERMLINE: "Pharmacogenes are not called: `no_call: reference` marks the VCF as somatic or "
    "merged, in which a missing genotype is not a reference genotype.",
    NO_SITE: "Pharmacogenes are not called: none of their sites is in the VCF, on GRCh37 or "
    "GRCh38. Call the samples at the sites of resources/pharmacogenes/sites.tsv.",
}
NO_MEDICATION = (
    "Drugs are not compared with genes: the config names no table of drugs "
    "(`pharmacogenes.medication`) and no column of them (`pharmacogenes.drug_columns`)."
)


def calls_summary(
    genotypes: SiteGenotypes | None, calls: pd.DataFrame, reason: str
) -> dict[str, Any]:
    """Return what was called.

    Parameters
    ----------
    calls : DataFrame
        Of :func:`trdomics.pharmacogenes.calling.call_patients`.
    reason : str
        A key of ``REASONS`` if nothing is called, otherwise empty.

    Returns
    -------
    dict
        ``reason``, ``sentence``, ``build``, ``n_patients``, ``n_sites``, ``n_sites_found``,
        ``missing_sites``, ``genes`` (gene → ``n_called``, ``n_several``, ``n_no_call``,
        ``n_unknown``, ``phenotypes``).
    """
    genes = {
        str(gene): {
            **{
                f"n_{key}": int((part["status"] == status).sum())
                for key, status in (
                    ("called", CALLED),
                    ("several", SEVERAL),
                    ("no_call", NO_CALL),
                    ("unknown", UNKNOWN),
                )
            },
            "phenotypes": phenotype_counts(part),
        }
        for gene, part in calls.groupby("gene", sort=False)
    }
    sites = None if genotypes is None else genotypes.sites
    missing = [] if sites is None else sites.loc[sites["status"] != FOUND, "variant"].tolist()
    return {
        "reason": reason,
        "sentence": REASONS.get(reason, ""),
        "build": genotypes.build if genotypes else None,
        "n_patients": int(calls["patient_id"].nunique()),
        "n_sites": 0 if sites is None else len(sites),
        "n_sites_found": 0 if sites is None else len(sites) - len(missing),
        "missing_sites": missing,
        "genes": genes,
    }


def phenotype_counts(calls: pd.DataFrame) -> dict[str, int]:
    """Return the number of patients with each single phenotype, slowest first."""
    counts = calls.loc[calls["status"] == CALLED, "phenotype"].value_counts()
    return {name: int(counts[name]) for name in PHENOTYPES if name in counts}


def drugs_summary(
    mismatches: pd.DataFrame, drugs: pd.DataFrame | None, unknown: Mapping[str, int], strangers: int
) -> dict[str, Any]:
    """Return the comparison of drugs and genes, in numbers of patients.

    Parameters
    ----------
    mismatches : DataFrame
        Of :func:`trdomics.pharmacogenes.mismatch.mismatches`.
    drugs : DataFrame or None
        Who took what; None without medication.
    unknown : mapping of str to int
        Drugs without a recommendation, with their numbers of patients.
    strangers : int
        Patients of the medication table who are not in the cohort.
    """

    def patients(mask: pd.Series) -> int:
        return int(mismatches.loc[mask, "patient_id"].nunique())

    clearance = mismatches["clearance"]
    return {
        "sentence": NO_MEDICATION if drugs is None else "",
        "n_with_drugs": 0 if drugs is None else int(drugs["patient_id"].nunique()),
        "n_compared": int(mismatches["patient_id"].nunique()),
        "n_fast": patients(clearance == FAST),
        "n_slow": patients(clearance == SLOW),
        "n_unclear": patients(clearance.isin([UNCLEAR, NOT_CALLED])),
        "n_phenoconverted": patients(mismatches["phenotype"] != mismatches["phenotype_with_drugs"]),
        "n_pseudo_resistant": patients(mismatches["pseudo_resistance"] == 1),
        "n_strangers": strangers,
        "without_recommendation": dict(unknown),
    }
