"""Variance-stabilising normalisation of counts, with all parameters frozen after fitting."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pydeseq2.dds import DeseqDataSet
from pydeseq2.default_inference import DefaultInference
from scipy.optimize.elementwise import find_root
from scipy.special import digamma
from scipy.stats import trim_mean

from trdomics.layers.base import LayerNormaliser
from trdomics.layers.transforms import CountsTransform

log = logging.getLogger(__name__)

# With fewer features, the median of ratios is unreliable.
_RATIO_FEATURES, _RATIO_SHARE = 50, 0.1
# A library below this share of the median has almost no information, and its size factor, based on
# a handful of reads, would affect every feature's normalised counts.
NEARLY_EMPTY = 0.01
# DESeq2's vst() fits the trend on features with a mean above 5 (vst.R, Bioconductor 3.18).
_TREND_MEAN = 5.0
# Smaller dispersions are indistinguishable from 0, a Poisson distribution.
_POISSON = 1e-6


def by_ratios(counts: np.ndarray) -> bool:
    """Return whether enough features are non-zero in all patients for the median of ratios.

    Otherwise one nearly empty library would restrict the size factors of all to a few features;
    R's ``type = "poscounts"`` uses every feature.
    """
    in_all = int((counts > 0).all(axis=0).sum())
    return in_all >= min(_RATIO_FEATURES, max(1.0, _RATIO_SHARE * counts.shape[1]))


def size_factors(counts: np.ndarray) -> np.ndarray:
    """Return the size factors of a whole cohort, shape (n_patients,).

    Those of :class:`CountsNormaliser` without a feature filter, from counts (patients × features):
    median of ratios, or DESeq2's poscounts if :func:`by_ratios` is false.
    """
    counts = counts.astype(float)
    fitted = CountsNormaliser()
    fitted._fit_reference(counts)
    everything = np.ones(counts.shape[1], dtype=bool)
    return fitted._factors(counts, everything, pd.RangeIndex(len(counts)))


def without_empty_libraries(counts: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Leave out libraries with less than 1 % of the median number of reads.

    Returns
    -------
    counts : DataFrame, shape (n_kept, n_features)
    refused : dict
        Patient → reason.
    """
    reads = counts.sum(axis=1)
    kept = reads >= NEARLY_EMPTY * reads.median()
    refused = {
        str(patient): f"a library of {n:,.0f} reads, less than {NEARLY_EMPTY:.0%} of the median "
        f"({reads.median():,.0f})"
        for patient, n in reads[~kept].items()
    }
    for patient, reason in refused.items():
        log.warning("left out: %s, %s", patient, reason)
    return counts[kept], refused


def refused_warning(refused: Mapping[str, str]) -> str | None:
    """Return a warning with the number of libraries left out of a test, or None."""
    if not refused:
        return None
    many = "1 library is" if len(refused) == 1 else f"{len(refused)} libraries are"
    share = f"{100 * NEARLY_EMPTY:g} %"
    return f"{many} left out of the test, with less than {share} of the median number of reads"


class _InterceptOnly(DefaultInference):
    """pydeseq2's inference, vectorised over features for an intercept-only design.

    Fitted means are then sample means, and dispersions the roots of one derivative; a fit per
    feature would dominate the time of a representation.
    """

    def lin_reg_mu(
        self, counts: np.ndarray, size_factors: np.ndarray, design_matrix: np.ndarray, min_mu: float
    ) -> np.ndarray:
        """Return expected counts, shape (n_patients, n_features)."""
        means = (counts / size_factors[:, None]).mean(axis=0)
        return np.maximum(size_factors[:, None] * means, min_mu)

    def alpha_mle(
        self,
        counts: np.ndarray,
        design_matrix: np.ndarray,
        mu: np.ndarray,
        alpha_hat: np.ndarray,
        min_disp: float,
        max_disp: float,
        **_: Any,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return Cox–Reid adjusted dispersions (DESeq2's: Love 2014), all marked as converged."""

        def slope(log_dispersion: np.ndarray, features: np.ndarray) -> np.ndarray:
            dispersion = np.exp(log_dispersion)
            size, count, mean = 1 / dispersion, counts[:, features], mu[:, features]
            likelihood = digamma(size) - digamma(count + size) + np.log1p(mean * dispersion)
            likelihood += (count - mean) / (mean + size)
            weights = mean / (1 + mean * dispersion)
            adjustment = (weights**2).sum(axis=0) / weights.sum(axis=0) / 2
            return np.asarray(-size * likelihood.sum(axis=0) - dispersion * adjustment)

        features = np.arange(counts.shape[1])
        low, high = (np.full(len(features), np.log(end)) for end in (_POISSON, max_disp))
        falls, rises = slope(low, features) < 0, slope(high, features) > 0
        dispersions = np.where(falls, max_disp, min_disp)
        inside = falls & rises
        if inside.any():
            roots = find_root(slope, (low[inside], high[inside]), args=(features[inside],))
            dispersions[inside] = np.exp(roots.x)
        return dispersions, np.ones(len(features), dtype=bool)


class CountsNormaliser(LayerNormaliser, CountsTransform):
    """Low-count filter, size factors and variance-stabilising transformation (VST).

    Size factors are DESeq2's median of ratios (Anders & Huber 2010) against the geometric means
    of the *training* patients, taken over a patient's non-zero counts as R's
    ``estimateSizeFactorsForMatrix`` does. If few features are non-zero in all training patients,
    the reference is that of R's ``type = "poscounts"``. The dispersion trend is fitted by pydeseq2
    with an intercept-only design on features spread over the range of means, as R's ``vst(nsub=)``
    does; the transformation is its closed form with the trend frozen.

    Parameters
    ----------
    min_count : float
        A feature is kept if it has at least this many reads ...
    min_share : float
        ... in at least this share of the training patients.
    vst_genes : int
        Features on which the dispersion trend is fitted.

    Attributes
    ----------
    size_factor_method_ : str
        ``"ratio"`` or ``"poscounts"``.
    """

    def __init__(
        self, min_count: float = 10, min_share: float = 0.25, vst_genes: int = 500
    ) -> None:
        self.min_count = min_count
        self.min_share = min_share
        self.vst_genes = vst_genes

    def fit(self, table: pd.DataFrame, y: Any = None) -> CountsNormaliser:
        """Learn filter, reference and trend from training counts (patients × features)."""
        enough = (table.to_numpy() >= self.min_count).mean(axis=0) >= self.min_share
        counts = self._keep(
            table, enough, f"{self.min_count} reads in {self.min_share:.0%} of the patients"
        )
        self._fit_reference(counts)
        present = np.ones(counts.shape[1], dtype=bool)
        factors = self._factors(counts, present, table.index)
        normalised = counts / factors[:, None]
        self._fit_trend(counts, factors, normalised)
        self.means_ = self._stabilise(normalised).mean(axis=0)
        return self

    def _fit_reference(self, counts: np.ndarray) -> None:
        logs = np.zeros_like(counts)
        np.log(counts, out=logs, where=counts > 0)
        if by_ratios(counts):
            self.size_factor_method_ = "ratio"
            self.reference_ = np.where((counts > 0).all(axis=0), logs.mean(axis=0), np.nan)
            return
        self.size_factor_method_ = "poscounts"
        means = logs.mean(axis=0)
        self.reference_ = np.where(means > 0, means, np.nan)
        # poscounts scales the training factors to a geometric mean of 1
        everyone = np.ones(counts.shape[1], dtype=bool)
        factors = self._factors(counts, everyone, pd.RangeIndex(len(counts)))
        self.reference_ = self.reference_ + np.log(factors).mean()

    def _fit_trend(self, counts: np.ndarray, factors: np.ndarray, normalised: np.ndarray) -> None:
        chosen = spread_over_means(normalised.mean(axis=0), self.vst_genes)
        patients = [f"p{i}" for i in range(len(counts))]
        data = DeseqDataSet(
            counts=pd.DataFrame(counts[:, chosen], index=patients, columns=chosen.astype(str)),
            metadata=pd.DataFrame({"all": "one"}, index=patients),
            design="~1",
            inference=_InterceptOnly(n_cpus=1),
            quiet=True,
        )
        # The size factors from all features, not the chosen ones: vst_fit keeps those it finds here
        # (it looks for them in obsm, though it reads them from obs).
        data.obs["size_factors"] = factors
        data.obsm["size_factors"] = factors[:, None]
        data.logmeans = self.reference_[chosen]
        data.layers["normed_counts"] = normalised[:, chosen]
        data.var["_normed_means"] = normalised[:, chosen].mean(axis=0)
        with warnings.catch_warnings():
            # a trend that does not converge is recorded in `trend_type_`, without a warning
            warnings.simplefilter("ignore")
            data.vst_fit()
        self.trend_type_ = str(data.vst_fit_type)
        if self.trend_type_ == "parametric":
            self.trend_ = np.asarray(data.uns["vst_trend_coeffs"], dtype=float)
        else:
            dispersions = data.var["vst_genewise_dispersions"].to_numpy()
            informative = dispersions[dispersions > 10 * data.min_disp]
            self.trend_ = np.array([trim_mean(informative, proportiontocut=0.001)])


def spread_over_means(means: np.ndarray, n_features: int) -> np.ndarray:
    """Return indices of up to `n_features` features, evenly spaced in the order of `means`.

    Features with a mean of 5 or less are left out, as in R's ``vst``, unless fewer than ten remain.
    """
    eligible = np.flatnonzero(means > _TREND_MEAN)
    if len(eligible) < 10:
        eligible = np.arange(len(means))
    ordered = eligible[np.argsort(means[eligible], kind="stable")]
    steps = np.linspace(0, len(ordered) - 1, min(n_features, len(ordered)))
    return np.sort(ordered[np.unique(np.round(steps).astype(int))])
