"""What a pipeline does when it is given other labels, or other features.

A pipeline that learns from training patients only cannot know the labels of the patients that it
tests: exchange them, and its predictions for these patients stay exactly as they were. So do
predictions of a tested patient when the features of other tested patients change. Neither needs
more than one run; what it does to a pipeline that is not deterministic cannot be seen so. The
permutation null needs more runs and no determinism.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from trdomics.audit.settings import refit_words, takes_features
from trdomics.audit.tables import per_patient
from trdomics.errors import InputError
from trdomics.evaluation.metrics import measure
from trdomics.evaluation.out_of_fold import out_of_fold

TRUE, HELD_OUT_LABELS, HELD_OUT_FEATURES = "true_labels", "held_out_labels", "held_out_features"
PERMUTATION = "permutation_"
# Predictions as they are usually rounded in tables.
SAME = 1e-3
# What sums in another order may change.
EXACT = 1e-6
# One-sided p of a mean of the null above 0.5.
SHIFTED = 0.01


def runs_of(audit: Mapping[str, Any]) -> list[str]:
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


@dataclass(frozen=True)
class Difference:
    """Predictions of two runs compared.

    Attributes
    ----------
    n : int
        Predictions that both have.
    n_changed : int
        Those that differ by more than the tolerance.
    largest : float
        The largest difference of probabilities.
    same_folds : bool
        Whether both have the same samples in the same folds.
    """

    n: int
    n_changed: int
    largest: float
    same_folds: bool


def difference(first: pd.DataFrame, second: pd.DataFrame, tolerance: float) -> Difference:
    """Compare the predictions of two runs, sample by sample and fold by fold."""
    keys = ["sample", "repeat", "fold"]
    both = first.merge(second, on=keys, suffixes=("_1", "_2"))
    gaps = (both["probability_1"] - both["probability_2"]).abs()
    return Difference(
        len(both),
        int((gaps > tolerance).sum()),
        float(gaps.max()) if len(gaps) else np.nan,
        len(both) == len(first) == len(second),
    )


def null_distribution(
    permuted: Sequence[pd.DataFrame], true: pd.DataFrame, labels: Sequence[pd.Series]
) -> pd.DataFrame:
    """Return the AUROC of every run: ``permutation`` (0 are the true labels) and ``auroc``.

    Parameters
    ----------
    permuted : sequence of DataFrame
        Predictions of the runs with permuted labels.
    true : DataFrame
        Predictions of the run with true labels.
    labels : sequence of Series
        Labels that each run was given, those of the true run first.
    """
    aurocs = []
    for rows, given in zip([true, *permuted], labels, strict=True):
        table = per_patient(rows).assign(feature_set="")
        aurocs.append(measure("auroc", *out_of_fold(table, given, "")))
    return pd.DataFrame({"permutation": range(len(aurocs)), "auroc": aurocs})


def shift_pvalue(null: pd.Series) -> float:
    """Return the one-sided p that the mean AUROC under permuted labels is above 0.5.

    In a cross-validation without a leak it is 0.5 or a little below, as a patient who is left out
    takes its class with it (Parker, Günter & Bedo 2007, doi 10.1186/1471-2105-8-326).
    """
    if np.ptp(null) < 1e-12:
        return float(null.iloc[0] <= 0.5)
    return float(stats.ttest_1samp(null, 0.5, alternative="greater").pvalue)
