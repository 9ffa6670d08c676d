"""Molecular sex of each layer, compared with the sheet."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.mixture import GaussianMixture

from trdomics.config_types import LayerConfig, SexConfig
from trdomics.layers.counts import NEARLY_EMPTY
from trdomics.layers.types import layer_type

MIN_SAMPLES = 10
MIN_SITES = 30
COLUMNS = ["patient_id", "layer", "score", "sex", "sheet_sex", "discordant"]

# Cut-offs are where the mixture gives this probability to either sex.
_SURE = 0.99
# A patient further than this many robust standard deviations from a group's median is not in it.
_REACH = 6.0
# A difference between two groups, in units of the sum of their standard deviations; the halves of
# one normal distribution differ by 1.3.
_SEPARATION = 1.5
# Without three reads of XIST, or of each Y-linked gene in the mean, there is no evidence of a sex.
_EVIDENCE = np.log2(4)
# On a scale without a natural zero, a smaller group consists of outliers, not of a sex.
_SMALLEST_GROUP = 0.05


@dataclass(frozen=True)
class SexScore:
    """A measure that is high in women and low in men.

    Attributes
    ----------
    values : Series
        By patient; empty where there is `reason`.
    middle : float or None
        Natural cut-off of the measure; None if its scale has no zero.
    margin : float
        Distance from `middle` within which a single group is uninformative.
    reason : str
        Why there is no score, empty otherwise.
    silent : set of str
        Patients without evidence of either sex: their score says nothing, and they form no group.
    """

    values: pd.Series
    middle: float | None
    margin: float
    reason: str = ""
    silent: Set[str] = frozenset()


@dataclass(frozen=True)
class SexCalls:
    """Sex calls of every patient from a score.

    Attributes
    ----------
    sex : Series
        "female", "male" or "unclear" by patient; empty where there is `reason`.
    low, high : float
        Scores below `low` are men's, above `high` women's.
    groups : int
        Sexes found.
    reason : str
        Why no sex could be called, empty otherwise.
    """

    sex: pd.Series
    low: float = np.nan
    high: float = np.nan
    groups: int = 0
    reason: str = ""


def expression_score(
    table: pd.DataFrame,
    annotation: pd.DataFrame,
    settings: LayerConfig,
    markers: pd.DataFrame,
) -> SexScore:
    """Return log2 abundance of XIST minus the mean of that of the Y-linked genes.

    Parameters
    ----------
    table : DataFrame
        Raw patients × features of a counts or continuous layer.
    annotation : DataFrame
        `feature` and `symbol`.
    settings : mapping
        `type`, and `log2` of a continuous layer. Counts become log2(reads + 1) in a library of
        the cohort's median size, so that the score does not grow with depth; not per million, where
        a single read of a small library would be evidence. Nearly empty ones have no score.
    markers : DataFrame
        ``resources/sex_markers.tsv``: `symbol`, `ensembl`, `expressed_by`.
    """
    names: dict[str, str] = {}
    for column in ("symbol", "ensembl"):
        names |= dict(zip(markers[column].astype(str), markers["expressed_by"], strict=True))
    by_feature: dict[str, list[Any]] = {"female": [], "male": []}
    for feature, symbol in zip(annotation["feature"], annotation["symbol"], strict=True):
        # features such as XIST|7503 or ENSG00000229807.14
        known = {str(symbol).split("|")[0], str(feature).split("|")[0].split(".")[0]} & set(names)
        if known and feature in table.columns:
            by_feature[names[known.pop()]].append(feature)
    lacking = [
        text
        for sex, text in (("female", "XIST"), ("male", "a Y-linked marker gene"))
        if not by_feature[sex]
    ]
    if lacking:
        reason = f"the layer does not have {' or '.join(lacking)}"
        return SexScore(pd.Series(dtype=float), None, 1.0, reason)
    level: dict[str, pd.DataFrame] = {
        sex: table.loc[:, features].astype(float) for sex, features in by_feature.items()
    }
    is_counts = layer_type(settings["type"]).is_counts
    if not is_counts and not settings.get("log2"):
        return SexScore(
            (level["female"].mean(axis=1) - level["male"].mean(axis=1)).dropna(), None, 1.0
        )
    silent = frozenset[Any]()
    if is_counts:
        evidence = pd.concat([_log2(values) for values in level.values()], axis=1).max(axis=1)
        silent = frozenset(evidence.index[evidence < _EVIDENCE])
        reads = table.sum(axis=1)
        depth = reads / reads[reads > 0].median()
        depth = depth.where(depth >= NEARLY_EMPTY)
        level = {sex: values.div(depth, axis=0) for sex, values in level.items()}
    score = (_log2(level["female"]) - _log2(level["male"])).dropna()
    return SexScore(score, 0.0, 1.0, silent=silent)


def _log2(values: pd.DataFrame) -> pd.Series:
    """Return each patient's mean of log2(value + 1)."""
    return np.log2(values + 1).mean(axis=1)


def genotype_score(genotypes: pd.DataFrame) -> SexScore:
    """Return observed over expected heterozygosity of common variants of X.

    About 1 in women and 0 in men; PLINK's F (Purcell 2007, 10.1086/519795) is one less it. Its
    customary limits of 0.2 and 0.8 are the margin.

    `genotypes` is of :func:`trdomics.identity.genotypes.read_genotypes`.
    """
    chromosome = genotypes.columns.get_level_values("chromosome")
    position = genotypes.columns.get_level_values("position")
    on_x = (chromosome == "X") & ~in_pseudoautosomal(position)
    if on_x.sum() < MIN_SITES:
        few = f"{on_x.sum()} common variants on X outside its pseudoautosomal ends"
        return SexScore(pd.Series(dtype=float), 0.5, 0.3, f"{few}, {MIN_SITES} are needed")
    dosage = genotypes.loc[:, on_x].to_numpy(dtype=float)
    frequency = np.nanmean(dosage, axis=0) / 2
    called = ~np.isnan(dosage)
    expected = called @ (2 * frequency * (1 - frequency))
    observed = (dosage == 1).sum(axis=1)
    enough = called.sum(axis=1) >= MIN_SITES / 2
    ratio = np.where(enough, observed / np.where(expected > 0, expected, np.nan), np.nan)
    return SexScore(pd.Series(ratio, index=genotypes.index).dropna(), 0.5, 0.3)


def depth_score(quality: pd.DataFrame, sample_names: pd.Series) -> SexScore:
    """Return the depth of X less that of Y, both relative to the autosomes'.

    About 1 in women (two copies of X) and 0 in men (one of either, half the depth).

    `quality` is ``qc.tsv`` of a layer of DNA from reads.
    """
    table = quality.set_index("sample")
    score = (table["x_depth_ratio"] - table["y_depth_ratio"]).dropna()
    patients = sample_names[sample_names.isin(list(score.index))]
    if patients.empty:
        reason = "the sequenced regions lack X, Y or the autosomes"
        return SexScore(pd.Series(dtype=float), 0.5, 0.3, reason)
    values = pd.Series(score[patients.to_numpy()].to_numpy(), index=patients.index)
    return SexScore(values, 0.5, 0.3)


def in_pseudoautosomal(position: Any) -> np.ndarray:
    """Return which positions of X are in its pseudoautosomal regions, in GRCh37 or GRCh38."""
    values = np.asarray(position, dtype=float)
    return (values < 2_781_480) | (values > 154_931_043)


def call_sex(score: SexScore) -> SexCalls:
    """Call sexes by a mixture of one or two normal distributions, chosen by BIC.

    Two groups are accepted if they are far apart and on either side of the score's middle. With one
    group, the side of the middle determines the sex of each sample.
    """
    empty = pd.Series(dtype=object)
    if score.reason:
        return SexCalls(empty, reason=score.reason)
    values = score.values
    silent = values.index.isin(list(score.silent))
    if (~silent).sum() < MIN_SAMPLES:
        few = f"{(~silent).sum()} samples with evidence, {MIN_SAMPLES} are needed"
        return SexCalls(empty, reason=few)
    groups = _two_groups(values[~silent].to_numpy(dtype=float), score)
    if groups is not None:
        low, high = groups
    elif score.middle is None:
        return SexCalls(
            empty, reason="one group only, on a scale that does not show which sex it is"
        )
    else:
        low, high = score.middle - score.margin, score.middle + score.margin
    calls = [(values < low) & ~silent, (values > high) & ~silent]
    sex = np.select(calls, ["male", "female"], "unclear")
    return SexCalls(
        pd.Series(sex, index=values.index, dtype=object), low, high, 1 if groups is None else 2
    )


def _two_groups(values: np.ndarray, score: SexScore) -> tuple[float, float] | None:
    """Return the cut-offs of two groups, None if one group describes the values as well."""
    if len(np.unique(values)) < 3:
        return None
    points = values[:, None]
    # no group is narrower than a tenth of the margin, so that equal values form no group
    floor = (0.1 * score.margin) ** 2
    one = GaussianMixture(1, reg_covar=floor).fit(points)
    ends = np.array([[values.min()], [values.max()]])
    two = GaussianMixture(2, reg_covar=floor, means_init=ends, random_state=0).fit(points)
    order = np.argsort(two.means_[:, 0])
    means = two.means_[order, 0]
    spread = np.sqrt(two.covariances_[:, 0, 0]).sum()
    apart = two.bic(points) < one.bic(points) and means[1] - means[0] > _SEPARATION * spread
    plausible = (
        two.weights_.min() >= _SMALLEST_GROUP
        if score.middle is None
        else means[0] < score.middle < means[1]
    )
    if not (apart and plausible):
        return None
    grid = np.linspace(means[0], means[1], 2001)
    women = two.predict_proba(grid[:, None])[:, order[1]]
    # with unequal variances the probability may reverse beyond the means, where there is no doubt
    low = grid[np.argmax(women > 1 - _SURE)]
    high = grid[len(grid) - 1 - np.argmax(women[::-1] < _SURE)]
    # a sample between the groups inflates the group it is assigned to, but not its median
    men, others = values[values < low], values[values > high]
    return (
        float(min(low, np.median(men) + _reach(men, score.margin))),
        float(max(high, np.median(others) - _reach(others, score.margin))),
    )


def _reach(group: np.ndarray, margin: float) -> float:
    """Return the extent of a group around its median."""
    spread = 1.4826 * float(np.median(np.abs(group - np.median(group))))
    return _REACH * max(spread, margin / 2)


def sheet_sex(sheet: pd.DataFrame, settings: SexConfig | None) -> pd.Series:
    """Return "female", "male" or NaN by patient, as the sheet has it under ``samples.sex``."""
    if settings is None:
        return pd.Series(np.nan, index=sheet.index, dtype=object)
    words = {str(settings["female"]): "female", str(settings["male"]): "male"}
    return sheet[settings["column"]].map(words)


def compare(layer: str, score: SexScore, calls: SexCalls, message: pd.Series) -> pd.DataFrame:
    """Return one row per patient: sex by the layer and the sheet, and whether they differ.

    Returns
    -------
    DataFrame
        `patient_id`, `layer`, `score`, `sex` (NA where it could not be called), `sheet_sex`,
        `discordant` (1, 0, NA if one of the two is unknown).
    """
    values = score.values
    sex = calls.sex.reindex(values.index)
    sheet = message.reindex(values.index)
    known = sex.isin(["female", "male"]) & sheet.notna()
    discordant = (sex != sheet).astype(float).where(known)
    table = pd.DataFrame(
        {
            "patient_id": values.index.astype(str),
            "layer": layer,
            "score": values.to_numpy(),
            "sex": sex.to_numpy(),
            "sheet_sex": sheet.to_numpy(),
            "discordant": discordant.astype("Int64").to_numpy(),
        }
    )
    return table[COLUMNS]


def summarise(layer: str, table: pd.DataFrame, calls: SexCalls) -> dict[str, Any]:
    """Return the headline numbers of one layer.

    Returns
    -------
    dict
        `layer`, `n_female`, `n_male`, `n_unclear`, `n_compared`, `discordant` (patients), `low`
        and `high` (cut-offs of the score), `groups`, `reason` (null if it was done).
    """
    message = table["sex"].value_counts()
    compared = table["discordant"].notna()
    return {
        "layer": layer,
        **{f"n_{sex}": int(message.get(sex, 0)) for sex in ("female", "male", "unclear")},
        "n_compared": int(compared.sum()),
        "discordant": table.loc[table["discordant"] == 1, "patient_id"].tolist(),
        "low": calls.low,
        "high": calls.high,
        "groups": calls.groups,
        "reason": calls.reason or None,
    }
