"""Recovery of the simulated cohort's truth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

# planted |log2 fold change| from which an effect counts as sizeable
SIZEABLE = 0.2
# factors that vary less than this share of the most variable one count as switched off
SWITCHED_OFF = 1e-6


def differs(truth: pd.DataFrame, explained_by: Mapping[str, list[str]], design: str) -> pd.Series:
    """Say which features truly differ by label, given the covariates of a design; bool by feature.

    A feature differs if it loads on a factor that differs by label, or on a confounding factor that
    the design's covariates do not explain. `explained_by` names by confounding effect the columns
    that explain it wholly.
    """
    adjusted = set(re.findall(r"\w+", design))
    left = [name for name, columns in explained_by.items() if not set(columns) <= adjusted]
    confounded = (truth[[f"effect_{name}" for name in left]] != 0).any(axis=1)
    answer = (truth["planted_log2_fold_change"] != 0) | confounded
    return pd.Series(answer.to_numpy(), index=truth["feature"].to_numpy())


def de_recovery(
    results: pd.DataFrame,
    truth: pd.DataFrame,
    explained_by: Mapping[str, list[str]],
    design: str,
    fdr: float,
) -> dict[str, Any]:
    """Compare a differential expression table with the planted truth.

    Discoveries have a ``padj`` below `fdr`; the other arguments are as in :func:`differs`.

    Returns
    -------
    dict
        ``fdr``, ``n_tested`` (features with a p-value), ``n_planted`` (of them truly different),
        ``n_discoveries``, ``n_true_discoveries``, ``fdp`` (0 without discoveries), ``power``,
        ``power_sizeable`` (planted by ``SIZEABLE`` or more), ``r_log2_fold_change`` (estimated
        against planted, truly different features), ``discoveries_by_cause``. None without a
        denominator.
    """
    tested = results[results["pvalue"].notna()].set_index("feature")
    known = truth.set_index("feature")
    tested = tested.loc[tested.index.isin(known.index)]
    planted = known["planted_log2_fold_change"].loc[tested.index]
    true = differs(truth, explained_by, design).loc[tested.index]
    found = tested["padj"] < fdr
    sizeable = planted.abs() >= SIZEABLE
    n_found, n_true = int(found.sum()), int((found & true).sum())
    causes = known["differs_by"].loc[tested.index[found]].value_counts()
    return {
        "fdr": fdr,
        "n_tested": len(tested),
        "n_planted": int(true.sum()),
        "n_discoveries": n_found,
        "n_true_discoveries": n_true,
        "fdp": (n_found - n_true) / n_found if n_found else 0.0,
        "power": n_true / int(true.sum()) if true.any() else None,
        "power_sizeable": float(found[sizeable].mean()) if sizeable.any() else None,
        "r_log2_fold_change": _correlation(tested["log2_fold_change"][true], planted[true]),
        "discoveries_by_cause": causes.sort_index().to_dict(),
    }


def _correlation(first: pd.Series, second: pd.Series) -> float | None:
    both = first.notna() & second.notna()
    if both.sum() < 3 or second[both].nunique() < 2:
        return None
    return float(np.corrcoef(first[both], second[both])[0, 1])


def factor_correlations(factors: pd.DataFrame, planted: pd.DataFrame) -> pd.DataFrame:
    """Return Pearson's correlations of planted × found factors over the patients of both.

    The tables have ``patient_id`` and a column per factor. 0 with a factor that is switched off.
    """
    found = factors.set_index("patient_id")
    known = planted.set_index("patient_id")
    patients = found.index.intersection(known.index)
    found, known = found.loc[patients], known.loc[patients]
    spread = found.std(ddof=0)
    # MOFA's relevance prior shrinks unneeded factors to values such as 1e-100
    alive = (spread > SWITCHED_OFF * spread.max()).to_numpy()
    block = np.zeros((known.shape[1], found.shape[1]))
    joint = np.corrcoef(known.to_numpy().T, found.loc[:, alive].to_numpy().T)
    block[:, alive] = joint[: known.shape[1], known.shape[1] :]
    return pd.DataFrame(block, index=known.columns, columns=found.columns)


def factor_recovery(correlations: pd.DataFrame) -> pd.DataFrame:
    """Match every planted factor with the most correlated found one.

    Returns
    -------
    DataFrame
        ``planted``, ``factor`` and their correlation ``r``; a found factor may match several.
    """
    best = correlations.abs().idxmax(axis=1)
    return pd.DataFrame(
        {"planted": correlations.index, "factor": best.to_numpy(), "r": np.diag(correlations[best])}
    )


def auc_recovery(performance: pd.DataFrame, best_auc: float) -> dict[str, float | None]:
    """Put cross-validated AUCs beside the best reachable one, that of the true risks.

    Returns
    -------
    dict
        ``best``, ``selected`` (the stacked ensemble), ``clinical``,
        ``confounders`` and ``shortfall`` (best less selected).
    """
    auc = performance[performance["metric"] == "auroc"]

    def value(rows: pd.DataFrame) -> float | None:
        return float(rows["value"].iloc[0]) if len(rows) else None

    selected = value(auc[auc["role"] == "selected"])
    return {
        "best": best_auc,
        "selected": selected,
        "clinical": value(auc[auc["feature_set"] == "clinical"]),
        "confounders": value(auc[auc["feature_set"] == "confounders"]),
        "shortfall": None if selected is None else best_auc - selected,
    }


def labels_as_drawn(patients: pd.DataFrame, truth: pd.DataFrame) -> bool:
    """Return whether the cohort still has the labels that its molecules were drawn with."""
    label = patients.set_index("patient_id")["label"].dropna()
    drawn = truth.set_index("patient_id")["true_label"].reindex(label.index)
    return bool((label == drawn).all())


def recovery_table(
    differential: Mapping[str, Mapping[str, Any]],
    factors: pd.DataFrame,
    auc: Mapping[str, float | None],
    identity: Mapping[str, Mapping[str, Any]],
    adjustment: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> pd.DataFrame:
    """Return all results as rows of ``part``, ``item``, ``measure``, ``value``."""
    rows: list[tuple[str, str, str, float | None]] = []
    for layer, part in differential.items():
        rows += [
            ("differential", layer, name, value)
            for name, value in part.items()
            if not isinstance(value, Mapping)
        ]
    matches = factors[["planted", "factor", "r"]].astype({"r": float}).to_numpy().tolist()
    rows += [("factor", planted, factor, r) for planted, factor, r in matches]
    rows += [("auc", name, "auroc", value) for name, value in auc.items()]
    parts = [("identity", item, part) for item, part in identity.items()]
    parts += [
        ("adjustment", f"{layer}, {set_}", part)
        for layer, sets in adjustment.items()
        for set_, part in sets.items()
    ]
    rows += [
        (kind, item, name, value)
        for kind, item, part in parts
        for name, value in part.items()
        if name != "reason"
    ]
    return pd.DataFrame(rows, columns=["part", "item", "measure", "value"])
