"""What each kind of data adds to the log odds of patients whom the model has not seen."""

from __future__ import annotations

import pandas as pd

KEYS = ["kind", "group"]
# As trdomics.scoring.terms names it; the same for all patients of a split.
BASELINE = "baseline"


def contributions_table(splits: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Average the contributions to out-of-fold predictions over the repeats.

    Parameters
    ----------
    splits : DataFrame
        Of all splits: ``patient_id``, ``kind``, ``group``, ``contribution``, ``repeat``; a patient
        is predicted once in each repeat, by a model that was fitted without the patient. A group
        that a split's model did not use counts 0.
    labels : Series
        1 or 0 by patient id.

    Returns
    -------
    DataFrame
        ``patient_id``, ``label``, ``kind``, ``group``, ``contribution``. Those of a patient add up
        to the mean over the repeats of the predicted log odds.
    """
    total = splits.groupby(["patient_id", *KEYS], sort=False)["contribution"].sum()
    table = (total / splits["repeat"].nunique()).reset_index()
    table.insert(1, "label", table["patient_id"].map(labels).astype(int))
    return table


def group_means(table: pd.DataFrame) -> pd.DataFrame:
    """Summarise contributions over the patients, the group that moves most first.

    Parameters
    ----------
    table : DataFrame
        Of :func:`contributions_table`.

    Returns
    -------
    DataFrame
        ``kind``, ``group``, ``size`` (mean absolute contribution in log odds, over all patients),
        ``negative`` and ``positive`` (mean contribution to patients of that class). Without the
        baseline, which is no patient's.
    """
    patients = table.groupby("label")["patient_id"].nunique()
    rows = table[table["kind"] != BASELINE]
    sums = rows.pivot_table("contribution", KEYS, "label", aggfunc="sum", fill_value=0.0)
    means = (sums / patients).rename(columns={0: "negative", 1: "positive"})
    size = rows["contribution"].abs().groupby([rows[key] for key in KEYS]).sum() / patients.sum()
    means.insert(0, "size", size)
    return means.reset_index().sort_values(["size", "group"], ascending=[False, True])
