"""Drugs and the genes that metabolise them: phenoconversion, recommendations, pseudo-resistance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from trdomics.files import read_table
from trdomics.pharmacogenes.calling import SEPARATOR
from trdomics.pharmacogenes.definitions import Gene, ordered
from trdomics.pharmacogenes.medication import together
from trdomics.shipped import shipped

FAST, SLOW, USUAL, UNCLEAR, NOT_CALLED = "fast", "slow", "usual", "unclear", "not called"
NO_CHANGE = "no change"
MISMATCHES = [
    *("patient_id", "drug", "dose", "gene", "phenotype", "inhibited_by", "phenotype_with_drugs"),
    *("clearance", "recommendation", "strength", "mismatch", "pseudo_resistance", "source"),
]


def read_recommendations() -> pd.DataFrame:
    """Return the curated drug × gene × phenotype recommendations."""
    return read_table(shipped("resources/pharmacogenes/recommendations.tsv"), dtype=str)


def read_inhibitors() -> pd.DataFrame:
    """Return the inhibitors of each enzyme, and the remaining share of activity."""
    return read_table(shipped("resources/pharmacogenes/inhibitors.tsv"))


def mismatches(
    calls: pd.DataFrame, drugs: pd.DataFrame, genes: Sequence[Gene], resistant: pd.Series
) -> pd.DataFrame:
    """Compare every drug of every patient with the genes that metabolise it.

    A concurrent inhibitor multiplies the activity score; of several, the strongest counts. An
    inhibitor does not act on its own clearance here, since its recommendation already reflects that
    effect.

    Parameters
    ----------
    calls : DataFrame
        Of :func:`trdomics.pharmacogenes.calling.call_patients`.
    drugs : DataFrame
        Of :class:`trdomics.pharmacogenes.medication.Medication`.
    resistant : Series of bool, by patient
        Patients of the positive class.

    Returns
    -------
    DataFrame
        One row per patient with a VCF, drug and gene that metabolises it: ``phenotype`` (by
        genotype), ``inhibited_by``, ``phenotype_with_drugs``; ``clearance`` (``fast``, ``usual``,
        ``slow``, ``unclear`` if the compatible phenotypes disagree, ``not called``);
        ``recommendation`` and ``strength`` of each phenotype; ``mismatch`` (1 if all of them advise
        a change); ``pseudo_resistance`` (1 if a resistant patient clears the drug fast by all of
        them); ``source``.
    """
    table, inhibitors = read_recommendations(), read_inhibitors()
    by_name = {gene.name: gene for gene in genes}
    inhibiting = drugs[drugs["drug"].isin(set(inhibitors["drug"]))]
    beside = together(drugs, inhibiting)
    rows: list[tuple[Any, ...]] = []
    known = {key: part.iloc[0] for key, part in calls.groupby(["patient_id", "gene"])}
    pairs = table[["drug", "gene"]].drop_duplicates()
    taken = drugs.drop_duplicates(["patient_id", "drug"]).merge(pairs, on="drug")
    for row in taken.sort_values(["patient_id", "drug", "gene"]).itertuples():
        if (row.patient_id, row.gene) not in known:
            continue
        found, gene = known[row.patient_id, row.gene], by_name[str(row.gene)]
        own = inhibitors[inhibitors["gene"] == row.gene].set_index("drug")["factor"]
        others = beside.loc[
            (beside["patient_id"] == row.patient_id) & (beside["drug"] == row.drug), "other"
        ]
        acting = own[own.index.isin(others)].sort_values()
        genetic = split(found["phenotype"])
        converted = genetic
        if len(acting) and gene.is_scored and genetic:
            scores = [float(score) * acting.iloc[0] for score in split(found["activity"])]
            converted = ordered({gene.scored(score) for score in scores})
        advice = table[(table["drug"] == row.drug) & (table["gene"] == row.gene)]
        clearance, text, strength, source = _advice(advice, converted)
        resists = bool(resistant.get(row.patient_id, False))
        rows.append(
            (
                *(row.patient_id, row.drug, row.dose, row.gene, found["phenotype"]),
                ",".join(map(str, acting.index)),
                SEPARATOR.join(converted),
                *(clearance, text, strength),
                int(clearance in (FAST, SLOW)),
                int(clearance == FAST and resists),
                source,
            )
        )
    return pd.DataFrame(rows, columns=MISMATCHES)


def split(text: object) -> list[str]:
    """Return the parts of a field with several entries."""
    return [part for part in str(text).split(SEPARATOR) if part] if isinstance(text, str) else []


def _advice(advice: pd.DataFrame, phenotypes: Sequence[str]) -> tuple[str, str, str, str]:
    """Return clearance, recommendations, strengths and sources of all compatible phenotypes."""
    sources = "; ".join(sorted(set(advice["source"])))
    if not phenotypes:
        return NOT_CALLED, "", "", sources
    by_phenotype = advice.set_index("phenotype")
    found: list[tuple[str, ...]] = []
    for phenotype in dict.fromkeys(name.removeprefix("likely ") for name in phenotypes):
        if phenotype in by_phenotype.index:
            entry = by_phenotype.loc[phenotype]
            columns = ("clearance", "recommendation", "strength")
            found.append(tuple(str(entry[column]) for column in columns))
        else:
            found.append((USUAL, NO_CHANGE, ""))
    found = list(dict.fromkeys(found))
    clearances = {clearance for clearance, _, _ in found}
    return (
        clearances.pop() if len(clearances) == 1 else UNCLEAR,
        " | ".join(text for _, text, _ in found),
        " | ".join(strength for _, _, strength in found if strength),
        sources,
    )


def without_advice(drugs: pd.DataFrame) -> dict[str, int]:
    """Return the drugs without a recommendation, with their numbers of patients."""
    known = {*read_recommendations()["drug"], *read_inhibitors()["drug"]}
    other = drugs[~drugs["drug"].isin(known)].drop_duplicates(["patient_id", "drug"])
    return {str(drug): int(n) for drug, n in other["drug"].value_counts().items()}
