"""The headline numbers of the search for subtypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from trdomics.integration.associations import LABEL
from trdomics.subtypes.associations import in_words, sentence
from trdomics.subtypes.selection import REFERENCES, Subtypes


def headline(
    found: Subtypes,
    associations: pd.DataFrame,
    factors: Sequence[str],
    seed: int,
    n_left_out: int = 0,
) -> dict[str, Any]:
    """Return the subtypes' headline numbers for the report.

    Returns
    -------
    dict
        ``n_subtypes`` (1: none), ``sentence``, ``associations`` (phrases of the significant ones,
        strongest first), ``sizes``, ``pvalue`` (of a single cluster), ``best_k``, ``consensus``
        (mean of the patients), ``label_effect`` and ``label_padj``, ``n_patients``, ``n_left_out``
        (who lack a layer that the factors explain), ``factors``, ``references``, ``seed``. Missing
        values are null, with the reason beside them.
    """
    sizes = np.bincount(found.labels).tolist()
    phrases = in_words(associations)
    label = associations[associations["variable"] == LABEL].iloc[0]
    summary: dict[str, Any] = {
        "n_subtypes": found.n_subtypes,
        "sentence": sentence(sizes, phrases, found.pvalue, found.reason),
        "associations": phrases,
        "sizes": sizes,
        "pvalue": found.pvalue,
        "best_k": found.best,
        "consensus": None if found.reason else float(np.nanmean(found.consensus)),
        "label_effect": label["effect"],
        "label_padj": label["padj"],
        "n_patients": len(found.labels),
        "n_left_out": n_left_out,
        "factors": list(factors),
        "references": REFERENCES,
        "seed": seed,
    }
    if found.reason:
        summary["consensus_reason"] = found.reason
    if np.isnan(found.pvalue):
        summary["pvalue_reason"] = found.reason
    if pd.isna(label["padj"]):
        summary["label_effect_reason"] = summary["label_padj_reason"] = label["reason"]
    return summary
