"""The test of the label repeated with growing sets of covariates."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trdomics.confounding.linear import LabelTest, label_test, log_cpm, voom_weights
from trdomics.confounding.plan import MINIMAL, cumulative, with_estimated
from trdomics.confounding.sets import MIN_GROUP, SetDesign, compared_patients, set_design
from trdomics.differential.counts import expressed
from trdomics.differential.normalisation import stable_features
from trdomics.layers.counts import size_factors, without_empty_libraries
from trdomics.layers.types import layer_type

log = logging.getLogger(__name__)

# How the tests with adjustment sets differ from the main one, by whether the layer has counts.
TESTS = {
    True: "Adjustment sets are compared by voom and moderated t-tests of counts that are not "
    "winsorised. The main test of counts is PyDESeq2's on winsorised counts, so its numbers differ",
    False: "For values that are not counts, adjustment sets are compared by moderated t-tests, as "
    "in the main test",
}
HIDDEN_REASON = (
    "hidden factors (SVA, RUV) are not fitted: without control genes they are estimated from "
    "genes selected by the label or protect its effect by construction, and no maintained Python "
    "library under a permissive licence provides them (PyPI, November 2026)"
)
# With fewer features, no mean–variance trend can be fitted.
MIN_TREND = 20
SUMMARY_COLUMNS = ["set", "adds", "n_coefficients", "n_patients", "n_features", "n_expressed"]
SUMMARY_COLUMNS += ["n_tested", "n_significant", "share_tested", "share_expressed"]
SUMMARY_COLUMNS += ["share_features", "n_up", "n_down", "n_kept", "n_lost", "n_gained", "jaccard"]
SUMMARY_COLUMNS += ["effect_slope", "median_retained", "retained_lower", "retained_upper"]
SUMMARY_COLUMNS += ["n_sign_flips", "se_ratio", "dropped", "reason"]


def prepared_counts(
    counts: pd.DataFrame,
    min_count: int,
    min_share: float,
    positive: NDArray[np.bool_] | None = None,
) -> dict[str, Any]:
    """Return the input of :func:`adjustment` from raw counts (patients × features).

    Given the patients of the positive group, size factors are computed from
    :func:`stable_features`, those that do not differ without covariates; otherwise from all.
    """
    # without patients nothing is expressed
    kept = (
        expressed(counts, min_count, min_share) if len(counts) else np.zeros(counts.shape[1], bool)
    )
    values = counts.to_numpy(float)[:, kept]
    logs, libraries = values, np.zeros(len(values))
    if kept.any():
        stable = np.ones(values.shape[1], dtype=bool)
        if positive is not None:
            matrix = np.column_stack([np.ones(len(positive)), positive])
            stable, warning = stable_features(values, matrix, np.array([0.0, 1.0]))
            if warning:
                log.warning("%s", warning)
        logs, libraries = log_cpm(values, size_factors(values[:, stable]))
    return {
        "values": logs,
        "features": counts.columns[kept].astype(str),
        "libraries": libraries,
        "n_features": int((counts.to_numpy() > 0).any(axis=0).sum()),
    }


def prepared_values(values: pd.DataFrame, log2: bool, max_missing: float) -> dict[str, Any]:
    """Return the input of :func:`adjustment` from a continuous layer (patients × features)."""
    numbers = values.to_numpy(float)
    if log2:
        numbers = np.log2(numbers + 1)
    kept = np.isnan(numbers).sum(axis=0) <= max_missing * len(numbers)
    return {
        "values": numbers[:, kept],
        "features": values.columns[kept].astype(str),
        "libraries": None,
        "n_features": int((~np.isnan(numbers)).any(axis=0).sum()),
    }


@dataclass(frozen=True)
class LayerAdjustment:
    """The test of the label in one layer under each set.

    Attributes
    ----------
    table, summary : DataFrame
        Of :func:`adjustment`.
    left_out : dict
        Of :func:`trdomics.confounding.sets.compared_patients`.
    without : list of str
        Sets that cannot be fitted, as the estimated fractions are all they have.
    refused : dict
        Patients whose library is nearly empty, with the reason.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    left_out: dict[str, int]
    without: list[str]
    refused: dict[str, str]


class AdjustmentSettings(TypedDict):
    """Settings of the tests in one layer; `filter` has its keys of the config."""

    type: str
    filter: dict[str, Any]
    sets: dict[str, list[str]]
    contrast: list[str]
    fdr: float
    deges: bool


def adjusted_layer(
    values: pd.DataFrame,
    patients: pd.DataFrame,
    fractions: pd.DataFrame,
    settings: AdjustmentSettings,
) -> LayerAdjustment:
    """Test the label under each set of a cohort in one layer.

    Parameters
    ----------
    values : DataFrame, patients × features
        Raw.
    patients : DataFrame
        The cohort's, indexed by patient.
    fractions : DataFrame
        Estimated fractions of cells, indexed by patient.
    """
    is_counts = layer_type(settings["type"]).is_counts
    refused: dict[str, str] = {}
    if is_counts:
        values, refused = without_empty_libraries(values)
    sets, without = with_estimated(settings["sets"], list(fractions.columns))
    own = patients.loc[values.index].join(fractions)
    complete, positive, left_out = compared_patients(own, settings["contrast"], cumulative(sets))
    compared, keys = values.loc[complete], settings["filter"]
    if is_counts:
        both = min(positive.sum(), (~positive).sum()) >= MIN_GROUP
        prepared = prepared_counts(
            compared, **keys, positive=positive if settings["deges"] and both else None
        )
    else:
        prepared = prepared_values(compared, **keys)
    table, summary = adjustment(own.loc[complete], positive, sets, prepared, settings["fdr"])
    return LayerAdjustment(table, summary, left_out, without, refused)


def found_without(
    whole: Mapping[str, int], rest: LayerAdjustment, n_patients: int
) -> dict[str, Any]:
    """Compare the features that differ under the fullest set with those without some patients.

    Parameters
    ----------
    whole : mapping of str to int
        ``n_significant`` by set of all patients, of :func:`headline`.
    rest : LayerAdjustment
        Without some patients.
    n_patients : int
        Compared of all.

    Returns
    -------
    dict
        ``set``, ``n_all``, ``n_without``, ``patients_all``, ``patients_without``; empty where no
        set could be tested in both.
    """
    tested = rest.summary[rest.summary["reason"].isna()].set_index("set")["n_significant"]
    # in the order of the sets, which a file does not keep
    both = [str(name) for name in tested.index if name in whole]
    if not both:
        return {}
    return {
        "set": both[-1],
        "n_all": whole[both[-1]],
        "n_without": int(tested[both[-1]]),
        "patients_all": n_patients,
        "patients_without": int(rest.summary["n_patients"].iloc[0]),
    }


def adjustment(
    patients: pd.DataFrame,
    positive: NDArray[np.bool_],
    sets: Mapping[str, Sequence[str]],
    prepared: Mapping[str, Any],
    fdr: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Test the label with each set.

    Parameters
    ----------
    patients : DataFrame, n_patients rows
        Without missing values in the columns of the sets.
    positive : ndarray of bool, shape (n_patients,)
    sets : mapping of name to the columns that the set adds
    prepared : mapping
        ``values`` (ndarray, n_patients × n_expressed, log2; NaN is missing), ``features``,
        ``libraries`` (for counts, otherwise None) and ``n_features`` measured in any patient.

    Returns
    -------
    table : DataFrame, one row per expressed feature
        ``feature``, and per set ``effect_<set>`` (log2, positive minus negative group),
        ``se_<set>``, ``pvalue_<set>``, ``padj_<set>``.
    summary : DataFrame, one row per set
        ``SUMMARY_COLUMNS``. Compared with the minimal set: ``n_kept``, ``n_lost`` and ``n_gained``
        significant features and their ``jaccard`` index. For the features that are significant in
        the minimal set: ``effect_slope`` (of the effects on those of the minimal set, through the
        origin), ``median_retained`` with quartiles (ratio of the effect to the minimal one) and
        ``n_sign_flips`` (opposite sign, significant or not). ``se_ratio`` is the median standard
        error relative to that of the minimal set, over all features.
    """
    values = np.asarray(prepared["values"])
    tests: dict[str, LabelTest] = {}
    designs: dict[str, SetDesign] = {}
    for name, columns in cumulative(sets).items():
        design = set_design(patients, positive, columns)
        designs[name] = design
        if design.reason is None:
            tests[name] = _tested(values, prepared["libraries"], design)
    table = pd.DataFrame({"feature": prepared["features"]})
    nothing = np.full(values.shape[1], np.nan)
    for name in sets:
        test = tests.get(name, LabelTest(nothing, nothing, nothing, nothing))
        table[f"effect_{name}"], table[f"se_{name}"] = test.effect, test.error
        table[f"pvalue_{name}"], table[f"padj_{name}"] = test.pvalue, test.padj
    rows = [
        _summary(name, columns, designs[name], table, fdr, prepared["n_features"])
        for name, columns in sets.items()
    ]
    return table, pd.DataFrame(rows).reindex(columns=SUMMARY_COLUMNS)


def _tested(
    values: NDArray[np.float64], libraries: NDArray[np.float64] | None, design: SetDesign
) -> LabelTest:
    if libraries is not None and values.shape[1] < MIN_TREND:
        libraries = None
    if libraries is not None:
        return label_test(values, design.matrix, voom_weights(values, libraries, design.matrix))
    there = np.isfinite(values)
    return label_test(np.where(there, values, 0.0), design.matrix, there.astype(float))


def _summary(
    name: str,
    columns: Sequence[str],
    design: SetDesign,
    table: pd.DataFrame,
    fdr: float,
    n_features: int,
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "set": name,
        "adds": ", ".join(columns),
        "n_patients": len(design.matrix),
        "n_coefficients": design.matrix.shape[1],
        "n_features": n_features,
        "n_expressed": len(table),
        "dropped": ", ".join(design.dropped) or None,
        "reason": design.reason,
    }
    if design.reason is not None:
        return row
    effect, first = table[f"effect_{name}"], table[f"effect_{MINIMAL}"]
    found, before = table[f"padj_{name}"] < fdr, table[f"padj_{MINIMAL}"] < fdr
    n_tested, n_found = int(table[f"padj_{name}"].notna().sum()), int(found.sum())
    either = int((found | before).sum())
    row |= {
        "n_tested": n_tested,
        "n_significant": n_found,
        "share_tested": n_found / n_tested if n_tested else None,
        "share_expressed": n_found / len(table) if len(table) else None,
        "share_features": n_found / n_features if n_features else None,
        "n_up": int((found & (effect > 0)).sum()),
        "n_down": int((found & (effect < 0)).sum()),
        "n_kept": int((found & before).sum()),
        "n_lost": int((~found & before).sum()),
        "n_gained": int((found & ~before).sum()),
        "jaccard": int((found & before).sum()) / either if either else None,
        "se_ratio": float((table[f"se_{name}"] / table[f"se_{MINIMAL}"]).median()),
    }
    both = before & effect.notna()
    if both.any():
        retained = (effect / first)[both]
        lower, middle, upper = retained.quantile([0.25, 0.5, 0.75])
        row |= {
            "effect_slope": float((effect * first)[both].sum() / (first[both] ** 2).sum()),
            "median_retained": float(middle),
            "retained_lower": float(lower),
            "retained_upper": float(upper),
            "n_sign_flips": int((retained < 0).sum()),
        }
    return row


def headline(
    summary: pd.DataFrame,
    left_out: Mapping[str, int],
    fdr: float,
    layer: str,
    groups: Sequence[str],
    without: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the headline numbers of a layer.

    Returns
    -------
    dict
        ``layer``, ``fdr``, ``groups``,
        ``n_patients``, ``left_out`` (column to the patients who lack it), ``n_significant`` and
        ``share_tested`` (by set), ``share_surviving`` (share of the features significant without
        adjustment that are so in the last set), the ``largest_fall`` (the set that removes most of
        the previous set's features, with ``lost``), ``median_retained`` of the last set, and a
        sentence, ``finding``.
    """
    tested = summary[summary["reason"].isna()]
    numbers = {str(k): int(n) for k, n in zip(tested["set"], tested["n_significant"], strict=True)}
    result: dict[str, Any] = {
        "layer": layer,
        "fdr": fdr,
        "groups": list(groups),
        "n_patients": int(summary["n_patients"].iloc[0]),
        "left_out": dict(left_out),
        "n_significant": numbers,
        "share_tested": dict(zip(tested["set"], tested["share_tested"], strict=True)),
        "not_fitted": dict.fromkeys(without, "there are no estimated cell fractions")
        | {str(k): r for k, r in zip(summary["set"], summary["reason"], strict=True) if r},
        "hidden_factors": None,
        "hidden_factors_reason": HIDDEN_REASON,
    }
    if tested.empty:
        keys = ("largest_fall", "share_surviving", "median_retained")
        reason = "no set could be tested"
        empty = dict.fromkeys(keys) | {f"{key}_reason": reason for key in keys}
        return result | empty | {"finding": "No set of covariates could be tested."}
    first, last = tested.iloc[0], tested.iloc[-1]
    falls = {b: numbers[a] - numbers[b] for a, b in pairwise(numbers)}
    worst = max(falls, key=lambda name: falls[name]) if falls else None
    if worst is not None and falls[worst] > 0:
        result["largest_fall"] = {"set": worst, "lost": falls[worst]}
    else:
        result |= {"largest_fall": None, "largest_fall_reason": "no set takes any away"}
    n_first = int(first["n_significant"])
    if n_first == 0:
        reason = f"nothing is significant without adjustment at an FDR of {fdr:.0%}"
        result |= {"finding": reason[0].upper() + reason[1:] + "."}
        for key in ("share_surviving", "median_retained"):
            result |= {key: None, f"{key}_reason": reason}
        return result
    return result | {
        "share_surviving": int(last["n_kept"]) / n_first,
        "median_retained": float(last["median_retained"]),
        "finding": (
            f"Of {n_first:,} features that differ without adjustment {int(last['n_kept']):,} "
            f"({int(last['n_kept']) / n_first:.0%}) still do after all adjustments, with "
            f"{float(last['median_retained']):.0%} of their effect (median)."
        ),
    }
