"""Expected performance of a model for patients who lack some of its layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from trdomics.layers.subsets import joined, named, subset_name
from trdomics.names import display_name

NUMBERS = ("auroc", "auroc_low", "auroc_high", "loss", "loss_low", "loss_high")
NOT_WRITTEN = "the model's folder has no missing_layer_cost.json"
NOT_MEASURED = "not measured for this combination of layers"
NOTHING_KNOWN = (
    "the model uses nothing that was measured in them and gives all the same probability"
)


def expected_losses(
    predictions: pd.DataFrame, losses: Mapping[str, Any] | None, description: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return a row for each set of layers that some scored patients lack.

    Parameters
    ----------
    predictions : DataFrame
        With ``layers_missing``.
    losses : mapping or None
        Of :mod:`trdomics.frozen_model.read_missing_layer_cost`: the training cohort's
        cross-validated AUROC with and without layers, of the whole procedure, whose folds may
        have chosen other models than the frozen one.
    description : mapping
        The frozen model's manifest. The absence of a layer that it does not use has no cost;
        without any of its layers and columns it cannot rank patients.

    Returns
    -------
    list of dict
        ``layers_missing``, ``n`` (scored patients), ``ranks`` (whether the model has any data to
        rank them by), ``auroc``, ``auroc_low``, ``auroc_high``, ``loss``, ``loss_low``,
        ``loss_high``, ``reason`` (if unknown). Those without missing layers are first.
    """
    known = {
        subset_name(row["layers_missing"]): row
        for row in (losses or {}).get("missing_layer_cost", [])
    }
    used, whole = set(description["layers"]), known.get(subset_name([]))
    rows = []
    counts = predictions["layers_missing"].value_counts()
    for text in sorted(counts.index, key=lambda text: (len(named(text)), text)):
        missing = named(text)
        found = known.get(subset_name(used & set(missing)))
        ranks = not used or not used <= set(missing) or bool(description["predictors"])
        if not ranks:
            found = dict.fromkeys(NUMBERS) | {"auroc": 0.5, "reason": NOTHING_KNOWN}
            found["loss"] = None if whole is None else whole["auroc"] - 0.5
        row: dict[str, Any] = {"layers_missing": missing, "n": int(counts[text]), "ranks": ranks}
        row |= {key: (found or {}).get(key) for key in NUMBERS}
        reason = (found or {}).get("reason") or None
        if found is None:
            reason = NOT_WRITTEN if losses is None else losses.get("reason") or NOT_MEASURED
        rows.append({**row, "reason": reason})
    return rows


def with_expected(predictions: pd.DataFrame, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the predictions with ``expected_auroc`` and ``expected_auroc_loss``."""
    by_name = {joined(row["layers_missing"]): row for row in rows}
    columns = {"expected_auroc": "auroc", "expected_auroc_loss": "loss"}
    added = {
        column: pd.to_numeric(
            predictions["layers_missing"].map({name: row[key] for name, row in by_name.items()})
        )
        for column, key in columns.items()
    }
    return predictions.assign(**added)


def sentence(row: Mapping[str, Any]) -> str:
    """Describe the cost of a set of missing layers in one line."""
    who = "1 patient lacks" if row["n"] == 1 else f"{row['n']} patients lack"
    layers = ", ".join(map(display_name, row["layers_missing"]))
    message = f"{who} {layers or 'no layer'}: expected AUROC"
    if row["auroc"] is None:
        return f"{message} not known ({row['reason']})"
    message += f" {row['auroc']:.2f}"
    if not row["layers_missing"]:
        return message
    if not row["ranks"]:
        return f"{message}, no better than chance: {NOTHING_KNOWN}"
    if row["loss"] is None:
        return message
    whole = row["auroc"] + row["loss"]
    # the difference of the rounded numbers
    loss = round(whole, 2) - round(row["auroc"], 2)
    if row["loss_low"] is not None and row["loss_high"] is not None:
        limits = f"({row['loss_low']:z.2f} to {row['loss_high']:z.2f})"
        return f"{message} instead of {whole:.2f}, a loss of {loss:z.2f} {limits}"
    reason = row["reason"] or "not known"
    if not loss:
        return f"{message}, as with all layers (no interval: {reason})"
    return f"{message} instead of {whole:.2f}, a loss of {loss:z.2f} (no interval: {reason})"
