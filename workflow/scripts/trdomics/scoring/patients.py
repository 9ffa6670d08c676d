"""Content of the patients' page: each patient's probability and its contributions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trdomics.layers.subsets import NOTHING, named
from trdomics.names import display_name
from trdomics.scoring.terms import BASELINE, LAYER, NOT_MEASURED, OTHERS, PANEL, TREES

# Number of terms shown singly; the table has more.
GROUPS, FEATURES = 14, 12
# Terms that are named in words, of either sign, and the size from which they are.
NAMED, LEAST = 3, 0.05
# Names of blocks that are not named in the config.
BLOCKS = {"mofa": "MOFA factor"}
# Share of missing features above which a warning is shown.
MUCH_MISSING = 0.1
NO_MISMATCHES = pd.DataFrame(columns=["patient_id", "mismatch"])


def patients_context(
    cohort: str,
    summary: Mapping[str, Any],
    predictions: pd.DataFrame,
    contributions: pd.DataFrame,
    symbols: Mapping[str, str],
    mismatches: pd.DataFrame = NO_MISMATCHES,
) -> dict[str, Any]:
    """Return the variables of ``scoring_patients.html.j2``.

    Parameters
    ----------
    summary : mapping
        ``scoring/summary.json``.
    predictions, contributions : DataFrame
        ``scoring/predictions.tsv`` and ``scoring/contributions.tsv``.
    symbols : mapping of str to str
        Symbols by feature, if any.
    mismatches : DataFrame, optional
        ``pharmacogenes/mismatches.tsv``.
    """
    own = dict(iter(contributions.groupby("patient_id", sort=False)))
    advised = mismatches[mismatches["mismatch"] == 1].groupby("patient_id")
    drugs = {str(patient): rows.to_dict("records") for patient, rows in advised}
    patients = [
        {
            "id": row["patient_id"],
            "percent": f"{100 * row['probability']:.0f} %",
            "probabilities": _probabilities(row, summary),
            "used": _layers(row["layers_used"]),
            "missing": _layers(row["layers_missing"]),
            "place": _place(row),
            "acted_on": _acted_on(row, summary),
            "warnings": warnings(row, drugs.get(row["patient_id"], [])),
            **terms(own[row["patient_id"]], symbols),
        }
        for row in predictions.sort_values("probability", ascending=False, kind="stable").to_dict(
            "records"
        )
    ]
    return {
        "cohort": cohort,
        "positive": summary["positive"],
        "negative": summary["negative"],
        "interval": summary["interval"],
        "patients": patients,
        "trees": bool((contributions["feature"] == TREES).any()),
    }


def _layers(cell: str) -> str:
    return ", ".join(map(display_name, named(cell))) or "none"


def warnings(row: Mapping[Any, Any], drugs: list[dict[Any, Any]]) -> list[str]:
    """Return warnings for a reader of one patient's probability.

    Parameters
    ----------
    row : mapping
        Of ``predictions.tsv``.
    drugs : list of dict
        The patient's rows of ``pharmacogenes/mismatches.tsv`` that advise a change.
    """
    found = []
    if row["outlier_vs_training"] == 1:
        found.append(
            f"Out-of-distribution in {display_name(row['outlier_vs_training_in'])} "
            f"(p = {row['outlier_vs_training_p']:.2g}): nothing supports this probability."
        )
    if row["layers_missing"] != NOTHING:
        text = f"Not measured: {_layers(row['layers_missing'])}."
        if pd.notna(row["expected_auroc"]):
            text += f" Expected AUROC without it: {row['expected_auroc']:.2f}."
        found.append(text)
    if row["missing_features_share"] > MUCH_MISSING:
        found.append(
            f"{100 * row['missing_features_share']:.0f} % of the features that the model uses "
            "are missing and set to the training mean."
        )
    found += [
        f"{drug['drug']} and {drug['gene']} ({drug['phenotype_with_drugs']}) do not match: "
        f"{drug['recommendation']}."
        for drug in drugs
    ]
    return found


def terms(own: pd.DataFrame, symbols: Mapping[str, str]) -> dict[str, Any]:
    """Return a patient's terms: by layer, factor and predictor, and the largest of layers.

    Parameters
    ----------
    own : DataFrame
        The patient's rows of ``contributions.tsv``.

    Returns
    -------
    dict
        ``groups``, ``features``: rows with ``name``, ``block``, ``value``, ``contribution``,
        ``left`` and ``width`` of a bar in per cent, ``sign``. ``groups`` starts with the baseline
        and adds up to ``log_odds``. ``raised`` and ``lowered``: the largest groups of either sign
        in words.
    """
    whole = own["kind"].isin([LAYER, PANEL])
    sums = own[whole].groupby(["kind", "block"], sort=False)["contribution"].sum().reset_index()
    lacking = set(own.loc[whole & (own["feature"] == NOT_MEASURED), "block"])
    named = [
        display_name(name) + f" ({NOT_MEASURED})" * (name in lacking) for name in sums["block"]
    ]
    groups = pd.concat(
        [
            sums.assign(feature=named, block=sums["kind"], value=np.nan),
            own[~whole & (own["block"] != BASELINE)],
        ]
    )
    groups = groups.iloc[np.argsort(-groups["contribution"].abs(), kind="stable")]
    rest = groups.iloc[GROUPS:]["contribution"]
    baseline = own.loc[own["block"] == BASELINE, "contribution"].sum()
    features = own[whole & ~own["feature"].isin([NOT_MEASURED, OTHERS])]
    features = features.iloc[np.argsort(-features["contribution"].abs(), kind="stable")]
    rows = groups.head(GROUPS).to_dict("records")
    if len(rest):
        others = pd.DataFrame({"kind": "", "block": "", "feature": OTHERS, "value": np.nan}, [0])
        rows += others.assign(contribution=rest.sum()).to_dict("records")
    top = features.head(FEATURES).to_dict("records")
    scale = max([abs(row["contribution"]) for row in [*rows, *top]], default=1.0) or 1.0
    log_odds = own["contribution"].sum()
    return {
        "baseline": _signed(baseline, 2),
        "baseline_percent": f"{100 / (1 + np.exp(-baseline)):.0f} %",
        "groups": [_bar(row, scale, symbols) for row in rows],
        "features": [_bar(row, scale, symbols) for row in top],
        "log_odds": _signed(log_odds, 2),
        "raised": _in_words(groups[groups["contribution"] >= LEAST], symbols),
        "lowered": _in_words(groups[groups["contribution"] <= -LEAST], symbols),
    }


def _in_words(groups: pd.DataFrame, symbols: Mapping[str, str]) -> str:
    """Name the first groups, and by which factor each changes the odds."""
    named = []
    for row in groups.head(NAMED).to_dict("records"):
        name = f"{PANEL} {row['feature']}" if row["kind"] == PANEL else _named(row, symbols)
        value = "" if pd.isna(row["value"]) else f"{_signed(row['value'], 1)} SD, "
        named.append(f"{name} ({value}odds × {np.exp(row['contribution']):.2g})")
    return ", ".join(named)


def _named(row: Mapping[Any, Any], symbols: Mapping[str, str]) -> str:
    name = str(row["feature"])
    # features of panels are named layer:feature
    layer, _, of_layer = name.partition(":")
    if row["kind"] == PANEL and of_layer:
        return f"{symbols.get(of_layer, of_layer)} ({display_name(layer)})"
    symbol = symbols.get(name, name)
    return display_name(symbol) if symbol == name else f"{symbol} ({name})"


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def _bar(row: Mapping[Any, Any], scale: float, symbols: Mapping[str, str]) -> dict[str, Any]:
    width = 50 * abs(row["contribution"]) / scale
    return {
        "name": _named(row, symbols),
        "block": BLOCKS.get(row["block"], display_name(str(row["block"]))),
        "value": "" if pd.isna(row["value"]) else f"{_signed(row['value'], 1)} SD",
        "contribution": _signed(row["contribution"], 2),
        "width": f"{width:.1f}",
        "left": f"{50 - width if row['contribution'] < 0 else 50:.1f}",
        "sign": "down" if row["contribution"] < 0 else "up",
    }


def _probabilities(row: Mapping[Any, Any], summary: Mapping[str, Any]) -> list[dict[str, str]]:
    source, target = summary["training_prevalence"], summary["target_prevalence"]
    positive, moved = summary["positive"], "probability_at_target_prevalence"
    named = {"probability": f"where {100 * source:.0f} % of the patients are {positive} (training)"}
    if target is not None:
        named[moved] = f"where {100 * target:.0f} % are (the target prevalence)"
    return [
        {
            "where": where,
            "percent": f"{100 * row[key]:.0f} %",
            "interval": f"{100 * row[f'{key}_lower']:.0f} to {100 * row[f'{key}_upper']:.0f} %",
        }
        for key, where in named.items()
    ]


def _acted_on(row: Mapping[Any, Any], summary: Mapping[str, Any]) -> str:
    """Say on which side of the threshold the probability is that one would act on."""
    moved = summary["target_prevalence"] is not None
    key = "probability_at_target_prevalence" if moved else "probability"
    side = "at or above" if row[key] >= summary["threshold"] else "below"
    where = " at the target prevalence" if moved else ""
    percent, limit = 100 * row[key], 100 * summary["threshold"]
    return f"{percent:.0f} %{where} is {side} the threshold of {limit:.0f} %"


def _place(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["outlier_vs_training"]):
        return "Could not be compared with the training patients."
    verdict = "unusual" if row["outlier_vs_training"] == 1 else "not unusual"
    text = f"Compared with unseen training patients, this patient is {verdict}"
    if pd.isna(row["factor_distance"]) or pd.isna(row["factor_distance_limit"]):
        return f"{text}."
    return (
        f"{text}: distance from their mean {row['factor_distance']:.1f} (99 % of them have less "
        f"than {row['factor_distance_limit']:.1f}; Mahalanobis, of the factors), smallest adjusted "
        f"p {row['outlier_vs_training_p']:.2g} ({display_name(row['outlier_vs_training_in'])})."
    )
