"""Whether adjustment removes planted confounded differences and keeps those of the label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

LABEL = "label"


def adjustment_recovery(
    table: pd.DataFrame, truth: pd.DataFrame, sets: Sequence[str], fdr: float
) -> pd.DataFrame:
    """Compare significant features with each set with the planted causes.

    Parameters
    ----------
    table : DataFrame
        From :func:`trdomics.confounding.adjustment.adjustment`, of one layer.
    truth : DataFrame
        ``feature`` and ``differs_by`` of that layer.

    Returns
    -------
    DataFrame
        Per set and cause: ``set``, ``differs_by``, ``n_tested``, ``n_significant``, ``share``, and
        ``n_before`` and ``n_kept``: all features significant in the first set, and those still
        significant in this one.
    """
    cause = table["feature"].map(truth.set_index("feature")["differs_by"])
    before = table[f"padj_{sets[0]}"] < fdr
    rows = []
    for name in sets:
        tested, found = table[f"padj_{name}"].notna(), table[f"padj_{name}"] < fdr
        for kind in sorted(cause.dropna().unique()):
            n, k = int((tested & (cause == kind)).sum()), int((found & (cause == kind)).sum())
            rows.append(
                {
                    "set": name,
                    "differs_by": kind,
                    "n_tested": n,
                    "n_significant": k,
                    "share": k / n if n else None,
                    "n_before": int((before & (cause == kind)).sum()),
                    "n_kept": int((before & found & (cause == kind)).sum()),
                }
            )
    columns = ["set", "differs_by", "n_tested", "n_significant", "share", "n_before", "n_kept"]
    return pd.DataFrame(rows, columns=columns)


def recovery_summary(recovery: pd.DataFrame) -> Mapping[str, Any]:
    """Return, by set, how well it separates the label's features from the others.

    Returns
    -------
    dict
        Set to ``sensitivity`` (share of the features planted by label that are significant),
        ``specificity`` (share of all others that are not), ``fdp`` (share of the significant that
        are not planted by label) and ``n_confounded`` (significant ones planted through cells or
        medication). Among the features called in the first set: ``confounded_removed`` (share of
        those planted through cells or medication that are no longer significant) and ``label_kept``
        (share of those planted by label that still are). None without a denominator.
    """
    result = {}
    for name, rows in recovery.groupby("set", sort=False):
        by = rows.set_index("differs_by")
        others = by.drop(index=[LABEL], errors="ignore")
        hits = int(by["n_significant"].get(LABEL, 0))
        planted = int(by["n_tested"].get(LABEL, 0))
        false, rest = int(others["n_significant"].sum()), int(others["n_tested"].sum())
        confounded = others.drop(index=["none"], errors="ignore")
        result[str(name)] = {
            "sensitivity": _share(hits, planted),
            "specificity": _share(rest - false, rest),
            "fdp": _share(false, hits + false),
            "n_confounded": int(confounded["n_significant"].sum()),
            "confounded_removed": _share(
                confounded["n_before"].sum() - confounded["n_kept"].sum(),
                confounded["n_before"].sum(),
            ),
            "label_kept": _share(by["n_kept"].get(LABEL, 0), by["n_before"].get(LABEL, 0)),
        }
    return result


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
