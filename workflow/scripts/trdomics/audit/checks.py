"""All checks of an audit, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from trdomics.audit import claims
from trdomics.audit.baselines import compare, within_sites
from trdomics.audit.claim import CONFOUNDERS, MODEL, SITE
from trdomics.audit.command import (
    HELD_OUT_FEATURES,
    HELD_OUT_LABELS,
    PERMUTATION,
    TRUE,
    changed_features,
    labels_of,
    tested_fold,
)
from trdomics.audit.overlap import (
    Duplicates,
    in_several_folds,
    near_identical,
    trained_and_tested,
    untrained_folds,
)
from trdomics.audit.refit import EXACT, SAME, difference, null_distribution
from trdomics.audit.tables import (
    Predictions,
    feature_values,
    read_features,
    read_predictions,
    read_refit,
    read_training,
)
from trdomics.config_types import AuditConfig
from trdomics.evaluation.bootstrap import performance_table
from trdomics.evaluation.calibration_curve import calibration_table
from trdomics.evaluation.out_of_fold import out_of_fold
from trdomics.evaluation.paired_gains import gains_table

# Where a sample was trained on that no fold tested.
TRAINING = "training"


@dataclass(frozen=True)
class Checked:
    """What an audit found.

    Attributes
    ----------
    tables : dict of str to DataFrame
        By the name of their file: ``claims``, ``performance``, ``gains``, ``sites``,
        ``calibration``, ``patients``, ``duplicates``, ``null``.
    summary : dict
        Counts, notes and the combined sites, for the page.
    """

    tables: dict[str, pd.DataFrame]
    summary: dict[str, Any]


def check(audit: AuditConfig, written: Mapping[str, str]) -> Checked:
    """Check predictions.

    Parameters
    ----------
    written : mapping of str to str
        Run of the refit command -> the predictions that it wrote; empty without one.
    """
    predictions = read_predictions(audit)
    rows, labels = predictions.rows, predictions.labels
    options = {"n_samples": audit["bootstrap"], "seed": audit["seed"]}
    compared = compare(predictions, audit)
    performance = performance_table(compared.predictions, labels, **options)
    gains = gains_table(compared.predictions, labels)
    within = within_sites(predictions, audit["site"], **options)
    label, probability = out_of_fold(compared.predictions, labels, MODEL)
    calibration = calibration_table(label, probability, MODEL, float(labels.mean()))

    training = read_training(audit)
    several = in_several_folds(rows)
    overlap = None if training is None else trained_and_tested(rows, training)
    unnamed = 0 if training is None else untrained_folds(rows, training)
    duplicates = _duplicates(predictions, audit, training)
    refits = _refits(predictions, audit, written)
    n_folds = int(rows.groupby("repeat")["fold"].nunique().max())
    found = [
        *claims.worth(performance),
        *(claims.more_than(name, gains, compared.reasons) for name in (CONFOUNDERS, SITE)),
        claims.within(within.auroc),
        claims.one_fold(several, n_folds),
        claims.not_trained_on(overlap, unnamed),
        claims.no_copies(duplicates),
        *claims.refitted(refits),
    ]
    kept = int(
        compared.predictions.loc[lambda t: t["feature_set"] == MODEL, "patient_id"].nunique()
    )
    summary = {
        "n_patients": len(labels),
        "n_positive": int(labels.sum()),
        "n_rows": len(rows),
        "n_repeats": int(rows["repeat"].nunique()),
        "n_folds": n_folds,
        "notes": [*predictions.notes, *_notes(rows, kept - len(label), compared.drawn_folds)],
        "within_sites": within.auroc,
        "n_in_several_folds": int(several["patient_id"].nunique()),
    }
    return Checked(
        {
            "claims": pd.DataFrame(map(asdict, found)),
            "performance": performance,
            "gains": gains,
            "sites": within.sites,
            "calibration": calibration,
            "patients": _patients(several, overlap),
            "duplicates": duplicates.pairs if duplicates else _no_pairs(),
            "null": refits.null if refits else pd.DataFrame(columns=["permutation", "auroc"]),
        },
        summary,
    )


def _notes(rows: pd.DataFrame, n_incomplete: int, drawn_folds: bool) -> list[str]:
    notes = []
    n_several = int(
        (rows.groupby(["repeat", "patient_id"]).size() > 1).groupby("patient_id").any().sum()
    )
    if n_several:
        notes.append(
            f"{n_several} patients have several predictions in a repeat; performance is of their "
            "mean"
        )
    if n_incomplete:
        notes.append(
            f"{n_incomplete} patients were not predicted in every repeat and are left out of the "
            "performance"
        )
    if drawn_folds:
        notes.append(
            "the predictions have no folds in which a baseline could be fitted; five were drawn"
        )
    return notes


def _no_pairs() -> pd.DataFrame:
    return pd.DataFrame(columns=["sample", "other_sample", "correlation", "across_folds"])


def _patients(several: pd.DataFrame, overlap: pd.DataFrame | None) -> pd.DataFrame:
    """Return the patients on both sides of a split, and how they came there."""
    parts = [several.assign(problem="tested in several folds")]
    if overlap is not None:
        trained = overlap.rename(columns={"fold": "folds"})
        parts.append(trained.assign(problem="trained on and tested"))
    table = pd.concat(parts, ignore_index=True)
    return table[["patient_id", "repeat", "folds", "problem"]]


def _duplicates(
    predictions: Predictions, audit: AuditConfig, training: pd.DataFrame | None
) -> Duplicates | None:
    file, features = audit["features"], read_features(audit)
    if file is None or features is None:
        return None
    places = [predictions.rows[["sample", "repeat", "fold"]]]
    if training is not None and audit["columns"]["sample"] is None:
        unseen = training[~training["patient_id"].isin(predictions.rows["sample"])]
        places.append(unseen.rename(columns={"patient_id": "sample"}).assign(fold=TRAINING))
    values = feature_values(features, file)
    return near_identical(pd.concat(places)[["sample", "repeat", "fold"]], values)


def _refits(
    predictions: Predictions, audit: AuditConfig, written: Mapping[str, str]
) -> claims.Refits | None:
    if not written:
        return None
    rows, labels = predictions.rows, predictions.labels
    made = {run: read_refit(path, audit["columns"]) for run, path in written.items()}
    made = {run: table[table["patient_id"].isin(labels.index)] for run, table in made.items()}
    again = difference(rows, made[TRUE], SAME)
    # predictions that are rounded in the table, or not quite deterministic
    tolerance = max(EXACT, again.largest if again.same_folds else 0.0)
    fold = tested_fold(rows, labels)
    keys = ["repeat", "fold"]

    def tested(run: str, without: set[str]) -> pd.DataFrame:
        table = made[run].merge(fold[keys].drop_duplicates(), on=keys)
        return table[~table["sample"].isin(without)]

    features = None
    if HELD_OUT_FEATURES in made:
        given = read_features(audit)
        assert given is not None
        _, changed = changed_features(given, rows, labels)
        features = difference(tested(TRUE, changed), tested(HELD_OUT_FEATURES, changed), tolerance)
    permuted = [run for run in made if run.startswith(PERMUTATION)]
    given_labels = [labels_of(run, rows, labels, audit["seed"]) for run in (TRUE, *permuted)]
    return claims.Refits(
        again,
        difference(tested(TRUE, set()), tested(HELD_OUT_LABELS, set()), tolerance),
        features,
        null_distribution([made[run] for run in permuted], made[TRUE], given_labels),
    )
