"""Descriptive quality of one layer: measures per patient, components, outliers, features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from trdomics.config_types import LayerConfig
from trdomics.layers.normalise import normaliser
from trdomics.layers.top_variance import TopVariance
from trdomics.layers.types import layer_type

N_COMPONENTS = 5
COMPONENTS = [f"pc{i}" for i in range(1, N_COMPONENTS + 1)]
# Patients further from the median than this many robust standard deviations are flagged
# (Iglewicz & Hoaglin 1993, modified z-score).
OUTLIER_DEVIATIONS = 3.5
_NEIGHBOURS = 5


@dataclass(frozen=True)
class LayerQuality:
    """Output of the quality rule.

    Attributes
    ----------
    normalised : DataFrame
        Whole-cohort transform (patients × kept features). Descriptive only: models fit their own.
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
    settings: LayerConfig,
    calls: pd.DataFrame | None = None,
) -> LayerQuality:
    """Normalise a layer over the whole cohort and describe it.

    Parameters
    ----------
    annotation : DataFrame
        Annotation of the features: ``feature``, or for variants ``variant`` and ``gene``.
    calls : DataFrame, optional
        Tallies per patient of a variants layer.
    """
    kind = layer_type(settings["type"])
    fitted = normaliser(settings).fit(table)
    normalised = fitted.transform(table)
    patients = kind.measures(table, normalised, calls)
    scores, explained = components(normalised, settings["integration_features"])
    patients = patients.join(scores).assign(isolation=isolation(scores))
    reasons = outlier_reasons(patients, kind.name)
    patients["outlier"] = (reasons != "").astype(int)
    patients["outlier_reason"] = reasons
    features = kind.features(table, annotation, fitted, settings)
    summary = {
        "type": kind.name,
        "patients": len(table),
        "features": len(features),
        "features_kept": int(features["kept"].sum()),
        "outliers": int(patients["outlier"].sum()),
        "outlier_deviations": OUTLIER_DEVIATIONS,
        "variance_explained": dict(zip(COMPONENTS, explained, strict=False)),
        **kind.details(fitted, table, annotation, patients),
    }
    return LayerQuality(normalised, features, patients, summary)


def components(normalised: pd.DataFrame, n_features: int) -> tuple[pd.DataFrame, list[float]]:
    """Return scores on up to five principal components and their shares of variance.

    The components are of the `n_features` most variable features, centred, not scaled. With too few
    patients or features for five, the others are NaN.
    """
    chosen = TopVariance(n_features).fit(normalised).transform(normalised)
    scores = pd.DataFrame(np.nan, index=normalised.index, columns=COMPONENTS)
    n_components = min(N_COMPONENTS, chosen.shape[1], len(chosen) - 1)
    if n_components < 1:
        return scores, []
    # the full decomposition has no random start, so the figure is reproducible
    pca = PCA(n_components, svd_solver="full")
    scores[COMPONENTS[:n_components]] = pca.fit_transform(chosen.to_numpy())
    return scores, [float(share) for share in pca.explained_variance_ratio_]


def isolation(scores: pd.DataFrame) -> np.ndarray:
    """Return each patient's distance to the fifth nearest patient in the components.

    Distances to the median would not do: if patients form groups, such as the sexes, the spread is
    that of the larger group, and all patients of the smaller one would be outliers.

    Parameters
    ----------
    scores : DataFrame, shape (n_patients, n_components)
        Components; those that are NaN throughout are left out.

    Returns
    -------
    ndarray, shape (n_patients,)
        NaN with too few patients or no components.
    """
    points = scores.dropna(axis=1).to_numpy()
    if points.shape[1] == 0 or len(points) <= _NEIGHBOURS:
        return np.full(len(scores), np.nan)
    distances, _ = NearestNeighbors(n_neighbors=_NEIGHBOURS).fit(points).kneighbors()
    return distances[:, -1]


def outlier_reasons(patients: pd.DataFrame, kind: str) -> pd.Series:
    """Return by patient the measures far from the median, empty if there are none.

    Deviations are in units of 1.4826 × the median absolute deviation. If more than half of the
    patients have the same value, a measure flags no patient.
    """
    rules = dict(layer_type(kind).outlier_rules) | {"isolation": (True, "high")}
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
