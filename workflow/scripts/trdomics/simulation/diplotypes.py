"""Comparison of called and planted diplotypes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from trdomics.pharmacogenes.calling import CALLED, NO_CALL, SEPARATOR, SEVERAL


def diplotype_recovery(calls: pd.DataFrame, planted: pd.DataFrame) -> dict[str, Any]:
    """Compare called with planted diplotypes.

    Parameters
    ----------
    calls : DataFrame
        Of :func:`trdomics.pharmacogenes.calling.call_patients`.
    planted : DataFrame
        ``diplotypes`` of :class:`trdomics.simulation.pharmacogenes.Pharmacogenes`.

    Returns
    -------
    dict
        By gene: ``n`` (patients with a VCF and no deletion), ``n_called`` (one phenotype),
        ``n_contain`` (the planted diplotype is not excluded), ``n_right`` (of the called,
        the planted phenotype), ``n_deleted`` (with a deletion, which sites do not show),
        ``n_deleted_missed`` (of these, called neither correctly nor with the phenotype in case of a
        deletion).
    """
    both = calls.merge(planted, on=["patient_id", "gene"], suffixes=("", "_true"))
    found = {}
    for gene, part in both.groupby("gene", sort=False):
        intact, deleted = part[part["deleted"] == 0], part[part["deleted"] == 1]
        called = intact[intact["status"] == CALLED]
        found[str(gene)] = {
            "n": len(intact),
            "n_called": len(called),
            "n_contain": int(
                (_among(intact, "diplotypes", "diplotype") | (intact["status"] == NO_CALL)).sum()
            ),
            "n_right": int((called["phenotype"] == called["phenotype_true"]).sum()),
            "n_deleted": len(deleted),
            "n_deleted_missed": int(
                (
                    deleted["status"].isin([CALLED, SEVERAL])
                    & ~_among(deleted, "phenotype", "phenotype_true")
                    & ~_among(deleted, "if_one_copy_is_deleted", "phenotype_true")
                ).sum()
            ),
        }
    return found


def _among(table: pd.DataFrame, several: str, one: str) -> pd.Series:
    """Return the rows in which a value is among those of a field."""
    hits = [
        isinstance(field, str) and value in field.split(SEPARATOR)
        for field, value in zip(table[several], table[one], strict=True)
    ]
    return pd.Series(hits, index=table.index, dtype=bool)
