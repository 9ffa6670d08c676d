"""The simulated features: their names, abundances, dispersions and planted effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from trdomics.simulation.cohort import FACTORS, LABEL_FACTORS

# effects of columns of the sheet that are not factors: on few genes, and fully adjusted by a design
COVARIATES = ["female", "age_decades", "tricyclic"]
EFFECTS = [*FACTORS, *COVARIATES]
# Effects relative to the layer's effect size. Blood cells vary most in blood; besides, factors of
# equal variance are identified only up to a rotation by any method.
STRENGTH = {"neutrophil_medication": 1.5, "site_batch": 0.85, "platelet": 1.4, "age_decades": 0.4}
DIFFERS_BY = ("label", "cells", "medication", "none")


@dataclass(frozen=True)
class LayerPlan:
    """How the features of one count layer are drawn.

    Attributes
    ----------
    shares : mapping of effect to share
        Share of the layer's features with an effect, except those in `groups`.
    groups : mapping of group to (effect, sign, share)
        Curated features with an effect: its sign and the share of the group that has it.
    log_abundance : tuple of float
        Mean and standard deviation of the natural logarithm of the abundance (relative).
    group_abundance : mapping of group to (mean, standard deviation)
        The same for curated groups known to be abundant or rare.
    effect_size : tuple of float
        Shape and scale of the gamma distribution of effects, in log2 per standard deviation.
    trend : tuple of float
        Dispersion α = a1 / μ + a0, as (a1, a0).
    scatter : float
        Standard deviation of the natural logarithm of a feature's dispersion about the trend.
    up_share : float
        Share of positive effects on non-curated features. Curated features mostly differ in one
        direction; the others compensate, because median-of-ratios size factors treat a shift of the
        whole layer as a change of depth, and null features would then seem to differ.
    """

    shares: Mapping[str, float]
    groups: Mapping[str, tuple[str, int, float]]
    log_abundance: tuple[float, float]
    group_abundance: Mapping[str, tuple[float, float]]
    effect_size: tuple[float, float]
    trend: tuple[float, float]
    scatter: float
    up_share: float


# About 20 % of the genes differ by label, or only through cells or medication.
MRNA = LayerPlan(
    shares={
        "immune": 0.095,
        "neutrophil_medication": 0.08,
        "site_batch": 0.05,
        "erythroid": 0.045,
        "tricyclic": 0.02,
        "age_decades": 0.02,
    },
    groups={
        "immune": ("immune", 1, 0.85),
        "monocyte": ("immune", 1, 0.5),
        "neuroplasticity": ("immune", 1, 0.35),
        "neutrophil": ("neutrophil_medication", 1, 1.0),
        "lymphocyte": ("neutrophil_medication", -1, 0.8),
        "erythroid": ("erythroid", 1, 1.0),
        "sex_y": ("female", -1, 1.0),
        "sex_x": ("female", 1, 1.0),
        "stress_axis": ("tricyclic", 1, 0.3),
    },
    log_abundance=(4.6, 2.0),
    group_abundance={
        "erythroid": (7.5, 1.5),
        "neutrophil": (6.0, 1.3),
        "monocyte": (6.5, 1.0),
        "lymphocyte": (5.5, 1.0),
        "immune": (6.0, 1.3),
        "platelet": (5.5, 1.5),
        "housekeeping": (7.5, 1.0),
        "sex_y": (5.0, 0.7),
        "sex_x": (5.5, 0.7),
        # hardly expressed in blood: neuronal receptors and enzymes
        "serotonin": (1.0, 0.9),
        "pharmacogene": (1.8, 1.2),
        "neuroplasticity": (3.2, 1.4),
    },
    effect_size=(2.0, 0.14),
    trend=(2.0, 0.10),
    scatter=0.35,
    up_share=0.42,
)
SMALL_RNA = LayerPlan(
    shares={
        "immune": 0.08,
        "neutrophil_medication": 0.07,
        "site_batch": 0.07,
        "erythroid": 0.05,
        "platelet": 0.06,
    },
    groups={
        "immune": ("immune", 1, 0.7),
        "antidepressant": ("immune", 1, 0.3),
        "myeloid": ("neutrophil_medication", 1, 1.0),
        "erythroid": ("erythroid", 1, 1.0),
        "platelet": ("platelet", 1, 1.0),
    },
    log_abundance=(5.0, 1.6),
    group_abundance={
        "erythroid": (9.0, 1.5),
        "myeloid": (7.0, 1.3),
        "immune": (7.0, 1.3),
        "platelet": (6.0, 1.0),
        "antidepressant": (4.0, 1.2),
        "rare": (2.3, 1.0),
    },
    effect_size=(2.5, 0.16),
    trend=(2.0, 0.15),
    scatter=0.4,
    up_share=0.25,
)
# Absolute effects: men do not express XIST, women no Y genes.
SEX_SWITCH = {"XIST", "TSIX"}
SWITCH_LOG2 = 9.0
SWITCH_DISPERSION = 0.15
ESCAPE_LOG2 = 0.4


def name_features(
    known: pd.DataFrame, n_features: int, prefix: str, rng: np.random.Generator
) -> pd.DataFrame:
    """Name the features of a layer: the curated ones first, a prefix and a number for the rest.

    Returns
    -------
    DataFrame
        ``feature``, ``group`` and ``chromosome`` (NaN if the curated table has none).
    """
    kept = known.head(n_features).reindex(columns=["feature", "group", "chromosome"])
    n_rest = n_features - len(kept)
    rest = pd.DataFrame(
        {
            "feature": [f"{prefix}{i:05d}" for i in range(1, n_rest + 1)],
            "group": "neutral",
            # longer chromosomes have more genes
            "chromosome": [f"chr{c}" for c in rng.integers(1, 23, n_rest)],
        }
    )
    return pd.concat([kept, rest], ignore_index=True)


def draw_effects(
    names: pd.DataFrame, plan: LayerPlan, library: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw abundance, dispersion and planted effects of a layer's features.

    `names` is of :func:`name_features`; the means add up to the median library size, in reads.

    Returns
    -------
    DataFrame
        ``feature``, ``mean`` (expected count at a library of median size), ``dispersion``, one
        ``effect_*`` column per factor and covariate (log2 per standard deviation or unit),
        ``planted_log2_fold_change`` (positive against negative class, given the columns that
        explain the other factors) and ``differs_by``.
    """
    n = len(names)
    group = names["group"].to_numpy()
    log_mean = rng.normal(*plan.log_abundance, n)
    for name, abundance in plan.group_abundance.items():
        members = group == name
        log_mean[members] = rng.normal(*abundance, int(members.sum()))
    # not expressed by men: their mean is that of the other sex
    log_mean -= names["feature"].isin(SEX_SWITCH) * SWITCH_LOG2 * np.log(2)
    mean = np.exp(log_mean)
    mean *= library / mean.sum()
    a1, a0 = plan.trend
    dispersion = (a1 / mean + a0) * np.exp(rng.normal(0, plan.scatter, n))

    effects = pd.DataFrame(0.0, index=range(n), columns=EFFECTS)
    curated = np.isin(group, list(plan.groups))
    for effect, share in plan.shares.items():
        touched = (rng.random(n) < share) & ~curated
        signs = np.where(rng.random(n) < plan.up_share, 1, -1)
        effects.loc[touched, effect] = (signs * rng.gamma(*plan.effect_size, n))[touched]
    for name, (effect, sign, share) in plan.groups.items():
        touched = (group == name) & (rng.random(n) < share)
        effects.loc[touched, effect] = (sign * rng.gamma(*plan.effect_size, n))[touched]
    for effect, strength in STRENGTH.items():
        effects[effect] *= strength
    _set_sex_effects(effects, names)

    table = pd.DataFrame({"feature": names["feature"], "mean": mean, "dispersion": dispersion})
    planted = effects[list(LABEL_FACTORS)] @ pd.Series(LABEL_FACTORS)
    table = table.join(effects.add_prefix("effect_"))
    table["planted_log2_fold_change"] = planted
    by_cells = effects["neutrophil_medication"] != 0
    table["differs_by"] = np.select(
        [planted != 0, by_cells, effects["tricyclic"] != 0], list(DIFFERS_BY[:3]), DIFFERS_BY[3]
    )
    return table


def _set_sex_effects(effects: pd.DataFrame, names: pd.DataFrame) -> None:
    on_y = names["group"] == "sex_y"
    on_x = names["group"] == "sex_x"
    effects.loc[on_y, "female"] = -SWITCH_LOG2
    effects.loc[on_x, "female"] = ESCAPE_LOG2
    effects.loc[names["feature"].isin(SEX_SWITCH), "female"] = SWITCH_LOG2


def covariate_values(patients: pd.DataFrame, factors: pd.DataFrame) -> pd.DataFrame:
    """Return the patients' values of every effect, columns in the order of ``EFFECTS``.

    Sex is centred on the sex that expresses the gene, age on the mean, which preserves a feature's
    mean.
    """
    values = factors.copy()
    values["female"] = (patients["sex"] == "female").astype(float)
    values["age_decades"] = (patients["age"] - patients["age"].mean()) / 10
    values["tricyclic"] = (patients["medication"] == "tricyclic").astype(float)
    return values[EFFECTS]


def read_genes(path: str | Path) -> pd.DataFrame:
    """Read the curated genes: ``feature``, ``chromosome``, ``group``."""
    return pd.read_csv(path, sep="\t").rename(columns={"symbol": "feature"})


def read_small_rnas(path: str | Path) -> pd.DataFrame:
    """Read the curated small RNAs: ``feature``, ``group``."""
    return pd.read_csv(path, sep="\t").rename(columns={"name": "feature"})
