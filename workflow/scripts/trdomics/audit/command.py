"""The runs of a refit command: what each is given, and running it.

It is started for every run: nothing here imports scikit-learn or statsmodels.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from trdomics.audit.settings import refit_words, takes_features
from trdomics.audit.tables import read_features, read_predictions
from trdomics.config_types import AuditConfig
from trdomics.errors import InputError
from trdomics.files import replacing

TRUE, HELD_OUT_LABELS, HELD_OUT_FEATURES = "true_labels", "held_out_labels", "held_out_features"
PERMUTATION = "permutation_"


def runs_of(audit: AuditConfig) -> list[str]:
    """Return the runs of the refit command, by name; none without one."""
    if audit["refit"] is None:
        return []
    permuted = [f"{PERMUTATION}{i}" for i in range(1, audit["permutations"] + 1)]
    features = [HELD_OUT_FEATURES] if takes_features(audit) else []
    return [TRUE, HELD_OUT_LABELS, *features, *permuted]


def tested_fold(rows: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Return the rows of the fold whose patients are changed: the largest with both classes.

    Of equally large ones it is the first. All rows where no fold has both classes.
    """
    groups = [part for _, part in rows.groupby(["repeat", "fold"], sort=False)]
    both = [part for part in groups if part["patient_id"].map(labels).nunique() == 2]
    return max(both, key=len, default=rows)


def labels_of(run: str, rows: pd.DataFrame, labels: pd.Series, seed: int) -> pd.Series:
    """Return the labels that a run is given, 1 or 0 by patient id.

    Held-out labels are exchanged between as many patients of the tested fold as possible; the
    numbers of the classes stay, so that nothing else gives the change away.
    """
    given = labels.copy()
    if run == HELD_OUT_LABELS:
        members = labels.loc[tested_fold(rows, labels)["patient_id"].unique()]
        n = int(min(members.sum(), len(members) - members.sum()))
        for value in (0, 1):
            given[members.index[members == value][:n]] = 1 - value
    elif run.startswith(PERMUTATION):
        number = int(run.removeprefix(PERMUTATION))
        given[:] = np.random.default_rng([seed, number]).permutation(labels.to_numpy())
    return given


def changed_features(
    features: pd.DataFrame, rows: pd.DataFrame, labels: pd.Series
) -> tuple[pd.DataFrame, set[str]]:
    """Return features in which half of the tested fold has those of one patient, and that half.

    Values that occur are values that the pipeline can read, whatever they mean.
    """
    samples = list(dict.fromkeys(tested_fold(rows, labels)["sample"]))
    samples = [name for name in samples if name in features.index]
    changed = samples[1::2]
    result = features.copy()
    result.loc[changed] = features.loc[samples[:1]].to_numpy()
    return result, set(changed)


def run_refit(command: str, files: Mapping[str, str], written: str) -> None:
    """Run a refit command.

    Parameters
    ----------
    command : str
        `audit.refit`; it is split into words, no shell reads it.
    files : mapping of str to str
        Placeholder -> path.
    written : str
        The file that it has to write.

    Raises
    ------
    InputError
        If it cannot be started, fails, or writes nothing.
    """
    words = refit_words(command, files)
    where = f"`audit.refit` ({words[0]})"
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise InputError(where, f"cannot be started ({error.strerror})", "correct it") from error
    print(done.stdout, done.stderr, sep="\n")
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        raise InputError(
            where,
            f"ended with status {done.returncode}{': ' if last else ''}{''.join(last)}",
            "run it by hand on the labels that it was given",
        )
    if not Path(written).is_file():
        raise InputError(where, "did not write the predictions", "write them to {predictions}")


def write_given(run: str, audit: AuditConfig, labels_file: str, features_file: str) -> str | None:
    """Write what a run of the refit command is given.

    Parameters
    ----------
    run : str
        One of :func:`trdomics.audit.refit.runs_of`.
    labels_file : str
        Where to write patients and labels, under the names and in the values of the predictions.
    features_file : str
        Where to write the features, if the run changes them.

    Returns
    -------
    str or None
        The features that the run reads.
    """
    predictions, columns = read_predictions(audit), audit["columns"]
    given = labels_of(run, predictions.rows, predictions.labels, audit["seed"])
    names = {0: audit["label"]["negative"], 1: audit["label"]["positive"]}
    table = given.map(names).rename_axis(columns["patient"]).rename(columns["label"])
    _write(table.reset_index(), labels_file)
    if run != HELD_OUT_FEATURES:
        return None if audit["features"] is None else str(audit["features"])
    features = read_features(audit)
    assert features is not None
    changed, _ = changed_features(features, predictions.rows, predictions.labels)
    _write(changed.reset_index(), features_file)
    return features_file


def _write(table: pd.DataFrame, file: str) -> None:
    separator = "," if file.endswith(".csv") else "\t"
    with replacing(file) as temporary:
        table.to_csv(temporary, sep=separator, index=False, lineterminator="\n")
