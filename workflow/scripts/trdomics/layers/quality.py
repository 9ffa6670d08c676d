"""Descriptive quality of one layer: measures per patient, components, outliers, features."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from trdomics.layers.counts import CountsNormaliser
from trdomics.layers.normalise import DOSAGE_PREFIX, GeneBurden, LayerNormaliser, normaliser
from trdomics.layers.select import TopVariance

log = logging.getLogger(__name__)

N_COMPONENTS = 5
COMPONENTS = [f"pc{i}" for i in range(1, N_COMPONENTS + 1)]
# Patients further from the median than this many robust standard deviations are flagged
# (Iglewicz & Hoaglin 1993, modified z-score).
OUTLIER_DEVIATIONS = 3.5
_NEIGHBOURS = 5

# What is looked at for outliers by type of layer: measure -> (on a log scale, which side)
_OUTLIER_RULES: dict[str, dict[str, tuple[bool, str]]] = {
    "counts": {
        "library_size": (True, "both"),
        "detected_features": (False, "both"),
        "top_feature_share": (True, "high"),
    },
    "continuous": {"median": (False, "both"), "spread": (True, "both")},
    "binary": {"positive_features": (False, "both")},
    "variants": {"variants": (True, "both"), "call_rate": (False, "low"), "ti_tv": (True, "both")},
}


@dataclass(frozen=True)
class LayerQuality:
    """What the quality rule writes.

    Attributes
    ----------
    normalised : DataFrame
        Whole-cohort transform (patients × kept features). Descriptive: models learn their own.
    features : DataFrame
        Every feature with its mean, whether it was kept, and why not.
    patients : DataFrame
        Measures, components and outlier flags by patient.
    summary : dict
        Headline numbers.
    """

    normalised: pd.DataFrame
    features: pd.DataFrame
    patients: pd.DataFrame
    summary: dict[str, Any]


def assess(
    table: pd.DataFrame,
    annotation: pd.DataFrame,
    settings: Mapping[str, Any],
    calls: pd.DataFrame | None = None,
) -> LayerQuality:
    """Normalise a layer over the whole cohort and describe it.

    Parameters
    ----------
    table : DataFrame
        Raw patients × features.
    annotation : DataFrame
        What is known of the features: ``feature``, or for variants ``variant`` and ``gene``.
    settings : mapping
        The layer's block of the config.
    calls : DataFrame, optional
        Tallies per patient of a variants layer.
    """
    kind = settings["type"]
    fitted = normaliser(settings).fit(table)
    normalised = fitted.transform(table)
    patients = _measures(table, normalised, kind, calls)
    scores, explained = components(normalised, settings["integration_features"])
    patients = patients.join(scores).assign(isolation=isolation(scores))
    reasons = outlier_reasons(patients, kind)
    patients["outlier"] = (reasons != "").astype(int)
    patients["outlier_reason"] = reasons
    features = (
        _gene_features(table, annotation, fitted, settings)
        if isinstance(fitted, GeneBurden)
        else _matrix_features(table, annotation, fitted, settings)
    )
    summary = {
        "type": kind,
        "patients": len(table),
        "features": len(features),
        "features_kept": int(features["kept"].sum()),
        "outliers": int(patients["outlier"].sum()),
        "outlier_deviations": OUTLIER_DEVIATIONS,
        "variance_explained": dict(zip(COMPONENTS, explained, strict=False)),
        **_details(fitted, table, annotation, patients),
    }
    return LayerQuality(normalised, features, patients, summary)


def components(normalised: pd.DataFrame, n_features: int) -> tuple[pd.DataFrame, list[float]]:
    """Return scores on up to five principal components and their shares of variance.

    The components are of the `n_features` most variable features, centred, not scaled. Where
    patients or features are too few for five, the others are NaN.
    """
    chosen = TopVariance(n_features).fit(normalised).transform(normalised)
    scores = pd.DataFrame(np.nan, index=normalised.index, columns=COMPONENTS)
    n_components = min(N_COMPONENTS, chosen.shape[1], len(chosen) - 1)
    if n_components < 1:
        return scores, []
    # the full decomposition has no random start, so the figure is the same everywhere
    pca = PCA(n_components, svd_solver="full")
    scores[COMPONENTS[:n_components]] = pca.fit_transform(chosen.to_numpy())
    return scores, [float(share) for share in pca.explained_variance_ratio_]


def isolation(scores: pd.DataFrame) -> np.ndarray:
    """Return each patient's distance to the fifth nearest other one among the components.

    A single component would not do: where patients fall into groups, such as the sexes, the
    spread about the median is that of the larger group and the smaller one would be all outliers.

    Parameters
    ----------
    scores : DataFrame, shape (n_patients, n_components)
        Components; those that are NaN throughout are left out.

    Returns
    -------
    ndarray, shape (n_patients,)
        NaN where there are too few patients or no components.
    """
    points = scores.dropna(axis=1).to_numpy()
    if points.shape[1] == 0 or len(points) <= _NEIGHBOURS:
        return np.full(len(scores), np.nan)
    distances, _ = NearestNeighbors(n_neighbors=_NEIGHBOURS).fit(points).kneighbors()
    return distances[:, -1]


def outlier_reasons(patients: pd.DataFrame, kind: str) -> pd.Series:
    """Return by patient which measures are far from the median, empty where none is.

    Deviations are in units of 1.4826 × the median absolute deviation. A measure in which more
    than half of the patients agree has no such unit and flags nobody.
    """
    rules = _OUTLIER_RULES[kind] | {"isolation": (True, "high")}
    found: dict[str, list[str]] = {str(name): [] for name in patients.index}
    for measure, (on_log, side) in rules.items():
        values = patients[measure].astype(float)
        if on_log:
            values = values.where(values > 0).map(np.log)
        values = values.dropna()
        if values.empty:
            continue
        distance = values - values.median()
        unit = 1.4826 * distance.abs().median()
        if not unit > 0:
            continue
        for name, deviations in (distance / unit).items():
            if abs(deviations) > OUTLIER_DEVIATIONS:
                direction = "high" if deviations > 0 else "low"
                if side in ("both", direction):
                    found[str(name)].append(f"{measure} {direction}")
    return pd.Series([", ".join(found[str(name)]) for name in patients.index], patients.index)


def _measures(
    table: pd.DataFrame, normalised: pd.DataFrame, kind: str, calls: pd.DataFrame | None
) -> pd.DataFrame:
    values = table.to_numpy(dtype=float)
    if kind == "counts":
        total = values.sum(axis=1)
        measures: dict[str, np.ndarray] = {
            "library_size": total,
            "detected_features": (values > 0).sum(axis=1),
            "top_feature_share": values.max(axis=1) / np.where(total > 0, total, np.nan),
        }
    elif kind == "continuous":
        low, middle, high = np.quantile(normalised, [0.25, 0.5, 0.75], axis=1)
        measures = {
            "median": middle,
            "spread": high - low,
            "missing_share": np.isnan(values).mean(axis=1),
        }
    elif kind == "binary":
        measures = {
            "positive_features": np.nansum(values, axis=1),
            "missing_share": np.isnan(values).mean(axis=1),
        }
    else:
        assert calls is not None, "a variants layer comes with its tallies"
        tallies = calls.set_index("patient_id").loc[table.index]
        transversions = tallies["transversions"].replace(0, np.nan)
        genes = [name for name in normalised.columns if not name.startswith(DOSAGE_PREFIX)]
        return tallies[["variants"]].assign(
            call_rate=tallies["called"] / tallies["sites"],
            ti_tv=tallies["transitions"] / transversions,
            burden_genes=normalised[genes].sum(axis=1).astype(int),
        )
    return pd.DataFrame(measures, index=table.index)


def _matrix_features(
    table: pd.DataFrame,
    annotation: pd.DataFrame,
    fitted: LayerNormaliser,
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    means = table.mean(axis=0)
    if isinstance(fitted, CountsNormaliser):
        means = table.div(fitted.size_factors(table), axis=0).mean(axis=0)
        reason = f"fewer than {settings['min_share']:.0%} of patients with {settings['min_count']}"
    elif settings["type"] == "continuous":
        reason = f"missing in more than {settings['max_missing']:.0%} of patients, or constant"
    else:
        reason = f"rarer than {settings['min_prevalence']:.1%}"
    kept = table.columns.isin(fitted.get_feature_names_out())
    known = annotation.drop(columns=["mean", "kept", "reason"], errors="ignore")
    features = pd.DataFrame({"feature": table.columns}).merge(known, on="feature", how="left")
    for column in ("symbol", "chromosome"):
        if column not in features:
            features[column] = pd.NA
    return features.assign(
        mean=means.to_numpy(), kept=kept.astype(int), reason=np.where(kept, "", reason)
    )


def _gene_features(
    table: pd.DataFrame, annotation: pd.DataFrame, fitted: GeneBurden, settings: Mapping[str, Any]
) -> pd.DataFrame:
    names, prevalence = fitted.burden_genes(table)
    rare = f"fewer than {settings['min_prevalence']:.1%} carriers"
    genes = pd.DataFrame({"feature": names, "symbol": names, "mean": prevalence})
    genes["kept"] = np.isin(names, fitted.genes_).astype(int)
    genes["reason"] = np.where(
        genes["kept"] == 1, "", np.where(prevalence < 1, rare, "all are carriers")
    )
    by_gene = annotation.drop_duplicates("gene").set_index("gene")["chromosome"]
    genes["chromosome"] = genes["feature"].map(by_gene)
    named = list(settings["dosages"])
    means = dict(zip(fitted.features_, fitted.means_, strict=True))
    dosages = pd.DataFrame({"feature": [DOSAGE_PREFIX + name for name in named]})
    by_name = annotation.drop_duplicates("variant").set_index("variant")
    dosages["symbol"] = [by_name["gene"].get(name, pd.NA) for name in named]
    dosages["chromosome"] = [by_name["chromosome"].get(name, pd.NA) for name in named]
    dosages["mean"] = dosages["feature"].map(means)
    dosages["kept"] = dosages["feature"].isin(fitted.features_).astype(int)
    reasons = fitted.dosage_reasons(table)
    dosages["reason"] = [reasons[name] for name in named]
    for name, reason in reasons.items():
        if reason:
            log.warning("%s, named in dosages, is no feature: %s", name, reason)
    parts = [part for part in (genes, dosages) if len(part)]
    return pd.concat(parts)[["feature", "symbol", "chromosome", "mean", "kept", "reason"]]


def _details(
    fitted: LayerNormaliser, table: pd.DataFrame, annotation: pd.DataFrame, patients: pd.DataFrame
) -> dict[str, Any]:
    """Return the headline numbers that only one type of layer has."""
    if isinstance(fitted, CountsNormaliser):
        factors = fitted.size_factors(table)
        return {
            "median_library_size": patients["library_size"].median(),
            "median_detected_features": patients["detected_features"].median(),
            "size_factor_method": fitted.size_factor_method_,
            "smallest_size_factor": factors.min(),
            "largest_size_factor": factors.max(),
            "dispersion_trend": fitted.trend_type_,
        }
    if isinstance(fitted, GeneBurden):
        alleles = annotation[["chromosome", "position", "reference", "alternative"]]
        return {
            "variants_in_file": len(alleles.drop_duplicates()),
            "variants_kept": int(table.columns.get_level_values("variant").nunique()),
            "variants_left_out": annotation["reason"].dropna().value_counts().to_dict(),
            "variants_excluded_from_burden": len(fitted.excluded_variants_),
            "median_variants": patients["variants"].median(),
            "median_call_rate": patients["call_rate"].median(),
            "median_ti_tv": patients["ti_tv"].median(),
            "median_burden_genes": patients["burden_genes"].median(),
            "burden": fitted.burden,
        }
    return {}
