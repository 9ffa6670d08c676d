"""The simulated patients: labels, covariates, latent factors and each patient's true risk.

Labels come first, in exact numbers, and everything else is drawn given the label. These draws are
conditionally independent, so a patient's true log odds are the prior plus a sum of known log
likelihood ratios, and a predictor's log odds ratio is its exact coefficient in the logistic model
of the label.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import gamma, norm, poisson
from sklearn.metrics import roc_auc_score

# The patients of config/samples.tsv. Not the config's seed: that one draws the raw files anew
# from the same patients, whose truth must not depend on it. Out of 200 seeds one was taken whose
# predictors a ridge regression on clinic and noisy factors can learn from 300 patients
# (cross-validated AUC 0.78); a typical cohort of this size lets a model reach 0.75 of the 0.80.
COHORT_SEED = 20251096

POSITIVE, NEGATIVE = "TRD", "responder"
POSITIVE_SHARE = 153 / 300
BEST_AUC = 0.80
BEST_AUC_TOLERANCE = 0.005

SITES = ["site_a", "site_b", "site_c", "site_d", "site_e"]
SITE_SHARE = {POSITIVE: [0.25, 0.27, 0.21, 0.16, 0.11], NEGATIVE: [0.17, 0.23, 0.23, 0.20, 0.17]}

MEDICATIONS = ["ssri", "snri", "tricyclic", "other", "none"]
MEDICATION_SHARE = {
    POSITIVE: [0.39, 0.27, 0.11, 0.16, 0.07],
    NEGATIVE: [0.43, 0.26, 0.05, 0.16, 0.10],
}

# Proportion among responders and odds ratio. Odds ratios from PMC6586002; onset before 18 is
# mentioned there without a number, so a weak effect is assumed.
YES_NO = {
    "severity": (0.55, 3.31),
    "psychotic_symptoms": (0.06, 2.52),
    "suicidal_risk": (0.30, 1.74),
    "anxiety_disorder": (0.20, 1.68),
    "inpatient": (0.25, 1.65),
}
# These five are signs of one latent trait and so correlated: severity of illness differs by this
# many standard deviations between the classes.
ILLNESS_DIFFERENCE = 0.75
EARLY_ONSET = (0.15, 1.3)
# Mean above the minimum among responders, and odds ratio for one more (PMC6586002).
NUMBERS = {"previous_antidepressants": (1, 1.0, 1.23), "episodes": (1, 1.3, 1.15)}
EPISODE_WEEKS = (2.5, 5.0, 1.02)  # gamma shape and scale (weeks) among responders; odds ratio

NEUTROPHILS = (0.585, 0.07)  # mean and standard deviation of the fraction
NEUTROPHIL_DIFFERENCE = 0.38  # difference between the classes, in standard deviations
IMMUNE_DIFFERENCE = -0.82
PLATELET_DIFFERENCE = 0.15

# Columns of the sheet that explain a factor: given them, it does not differ by label.
EXPLAINED_BY = {"neutrophil_medication": ["neutrophils", "medication"], "site_batch": ["site"]}
LABEL_FACTORS = {"immune": IMMUNE_DIFFERENCE, "platelet": PLATELET_DIFFERENCE}
FACTORS = ["immune", "neutrophil_medication", "site_batch", "erythroid", "platelet"]


@dataclass(frozen=True)
class Cohort:
    """The simulated patients, complete: the sheet shows them with missing values.

    Attributes
    ----------
    patients : DataFrame
        One row per patient (index ``patient_id``), the columns of the sample sheet.
    factors : DataFrame
        Patients × planted factors, standard deviation 1 within each class of the label.
    logit : ndarray, shape (n_patients,)
        True log odds of the positive class.
    wrong_sex : str
        The patient whose sex is wrong in the sheet; `patients` has the true one.
    """

    patients: pd.DataFrame
    factors: pd.DataFrame
    logit: np.ndarray = field(repr=False)
    wrong_sex: str

    @property
    def positive(self) -> np.ndarray:
        """Mask of the patients who are truly positive. Shape (n_patients,)."""
        return (self.patients["response"] == POSITIVE).to_numpy()

    @property
    def recorded_sex(self) -> pd.Series:
        """Sex in the sheet: one patient's is wrong. Shape (n_patients,)."""
        true = self.patients["sex"]
        other = true.map({"female": "male", "male": "female"})
        return true.where(true.index != self.wrong_sex, other)

    @property
    def risk(self) -> np.ndarray:
        """True probability of the positive class. Shape (n_patients,)."""
        return np.asarray(expit(self.logit))

    @property
    def best_auc(self) -> float:
        """AUC of the true risk, which a model can exceed only by chance."""
        return float(roc_auc_score(self.positive, self.logit))


def draw_cohort(n_patients: int = 300, seed: int = COHORT_SEED) -> Cohort:
    """Draw the patients and their truth.

    Cohorts are drawn until the best reachable AUC of the finite sample is the intended one.

    Parameters
    ----------
    n_patients : int
        Size of the cohort; 51 % are positive.

    Raises
    ------
    ValueError
        If the cohort is smaller than 40: its factors could not be made independent.
    """
    if n_patients < 40:
        raise ValueError(f"a simulated cohort needs at least 40 patients, not {n_patients}")
    attempts = np.random.SeedSequence(seed)
    while True:
        cohort = _draw_once(n_patients, np.random.default_rng(attempts.spawn(1)[0]))
        if abs(cohort.best_auc - BEST_AUC) <= BEST_AUC_TOLERANCE:
            return cohort


def _draw_once(n: int, rng: np.random.Generator) -> Cohort:
    n_positive = round(n * POSITIVE_SHARE)
    positive = rng.permutation(np.arange(n) < n_positive)
    patients = pd.DataFrame(
        {"response": np.where(positive, POSITIVE, NEGATIVE)},
        index=pd.Index([f"PT-{i:04d}" for i in range(1, n + 1)], name="patient_id"),
    )
    # a laboratory numbers samples in order of arrival, not by patient
    patients["mrna_id"] = [f"R{1000 + i}_blood" for i in rng.permutation(n)]
    patients["small_rna_id"] = [f"smRNA-{200 + i}" for i in rng.permutation(n)]
    logit = np.full(n, np.log(n_positive / (n - n_positive)))
    logit += _background(patients, positive, rng)
    logit += _predictors(patients, positive, rng)
    _circular(patients, positive, rng)
    factors = _factors(patients, positive, rng)
    for name, difference in LABEL_FACTORS.items():
        middle = difference * (positive.mean() - 0.5)
        logit += difference * (factors[name].to_numpy() + middle)
    # last, so that it does not change the other draws
    return Cohort(patients, factors, logit, str(rng.choice(patients.index)))


def _even(positive: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw stratified uniform numbers within each class of the label.

    With them every marginal distribution, and so every odds ratio, is the intended one in this
    finite cohort too (one dimension of a Latin hypercube: McKay 1979, 10.2307/1268522).
    """
    uniform = np.empty(len(positive))
    for side in (positive, ~positive):
        size = int(side.sum())
        uniform[side] = (rng.permutation(size) + rng.random(size)) / size
    return uniform


def _ratios(shares: dict[str, list[float]], names: list[str]) -> dict[str, float]:
    """Log likelihood ratio of each category."""
    ratio = np.log(np.array(shares[POSITIVE]) / np.array(shares[NEGATIVE]))
    return dict(zip(names, ratio.tolist(), strict=True))


def _standard(values: pd.Series) -> np.ndarray:
    return ((values - values.mean()) / values.std(ddof=0)).to_numpy(dtype=float)


def _category(
    shares: dict[str, list[float]], names: list[str], positive: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw categories given the label, and their log likelihood ratios."""
    uniform = _even(positive, rng)
    edges = {label: np.cumsum(share)[:-1] for label, share in shares.items()}
    codes = np.where(
        positive,
        np.searchsorted(edges[POSITIVE], uniform),
        np.searchsorted(edges[NEGATIVE], uniform),
    )
    values = np.array(names)[codes]
    return values, pd.Series(values).map(_ratios(shares, names)).to_numpy()


def _shifted(base: float, odds_ratio: float) -> float:
    """Proportion of a sign among positives, from that among negatives and the odds ratio."""
    odds = odds_ratio * base / (1 - base)
    return odds / (1 + odds)


def _illness(patients: pd.DataFrame, positive: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add the signs of illness, a probit model with one latent trait; return their ratios.

    The threshold of a sign determines its proportion among negatives, its loading the odds ratio.
    The likelihood of a patient's signs is an integral over the latent trait (Gauss–Hermite).
    """
    hidden = norm.ppf(_even(positive, rng)) + ILLNESS_DIFFERENCE * positive
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    likelihood = {1: np.ones((len(patients), 40)), 0: np.ones((len(patients), 40))}
    for name, (base, odds_ratio) in YES_NO.items():
        threshold = norm.isf(base)
        shift = threshold - norm.isf(_shifted(base, odds_ratio))
        loading = shift / ILLNESS_DIFFERENCE
        rest = np.sqrt(1 - loading**2)
        sign = loading * hidden + rest * rng.normal(size=len(patients)) > threshold
        patients[name] = sign.astype(int)
        for label, table in likelihood.items():
            at = nodes + ILLNESS_DIFFERENCE * label
            share = norm.cdf((loading * at - threshold) / rest)
            table *= np.where(sign[:, None], share, 1 - share)
    return np.log(likelihood[1] @ weights) - np.log(likelihood[0] @ weights)


def _background(
    patients: pd.DataFrame, positive: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Add site, demography, RNA quality, blood cells and medication; return their ratios."""
    n = len(patients)
    patients["site"], logit = _category(SITE_SHARE, SITES, positive, rng)
    patients["sex"] = np.where(rng.random(n) < 0.62, "female", "male")
    patients["age"] = np.clip(rng.normal(46, 13, n).round(), 19, 74).astype(int)
    patients["bmi"] = np.clip(rng.gamma(32, 0.83, n), 17, 46).round(1)
    patients["rin"] = np.clip(9.6 - rng.gamma(2.5, 0.45, n), 5.5, 9.9).round(1)

    mean, spread = NEUTROPHILS
    score = norm.ppf(_even(positive, rng)) + NEUTROPHIL_DIFFERENCE * (positive - 0.5)
    monocytes = np.clip(rng.normal(0.075, 0.018, n), 0.03, 0.14).round(3)
    granules = np.clip(rng.gamma(5, 0.007, n), 0.005, 0.1)  # eosinophils and basophils
    neutrophils = np.clip(mean + spread * score, 0.36, 0.8).round(3)
    patients["neutrophils"] = neutrophils
    patients["lymphocytes"] = np.clip(1 - neutrophils - monocytes - granules, 0.02, None).round(3)
    patients["monocytes"] = monocytes
    patients["medication"], treated = _category(MEDICATION_SHARE, MEDICATIONS, positive, rng)
    return logit + treated + NEUTROPHIL_DIFFERENCE * score


def _predictors(
    patients: pd.DataFrame, positive: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Add the clinical predictors; return their log likelihood ratios."""
    logit = _illness(patients, positive, rng)
    for name, (least, rate, odds_ratio) in NUMBERS.items():
        count = poisson.ppf(_even(positive, rng), np.where(positive, rate * odds_ratio, rate))
        patients[name] = least + count.astype(int)
        logit += count * np.log(odds_ratio) - rate * (odds_ratio - 1)
    # a gamma density times OR^weeks is a gamma density of the same shape
    shape, scale, odds_ratio = EPISODE_WEEKS
    tilted = 1 / (1 / scale - np.log(odds_ratio))
    weeks = gamma.ppf(_even(positive, rng), shape, scale=np.where(positive, tilted, scale))
    patients["episode_weeks"] = np.maximum(weeks.round(), 2).astype(int)
    logit += weeks * np.log(odds_ratio) - shape * np.log(tilted / scale)
    base, odds_ratio = EARLY_ONSET
    shares = {NEGATIVE: [1 - base, base], POSITIVE: [1 - (s := _shifted(base, odds_ratio)), s]}
    onset, ratio = _category(shares, ["late", "early"], positive, rng)
    late = 18 + (patients["age"] - 18).to_numpy() * rng.beta(1.6, 1.4, len(patients))
    childhood = rng.integers(12, 18, len(patients))
    patients["onset_age"] = np.where(onset == "early", childhood, late).astype(int)
    return logit + ratio


def _circular(patients: pd.DataFrame, positive: np.ndarray, rng: np.random.Generator) -> None:
    """Add what defines the label: MADRS of 22 or more after at least two failed trials."""
    n = len(patients)
    severe = np.clip(rng.normal(30, 5, n).round(), 22, 50)
    patients["current_madrs"] = np.where(positive, severe, rng.binomial(16, 0.4, n)).astype(int)
    failed = np.where(positive, 2 + rng.poisson(1.1, n), rng.binomial(1, 0.35, n))
    patients["failed_trials"] = failed.astype(int)
    augmented = rng.random(n) < np.where(positive, 0.55, 0.06)
    patients["augmentation"] = augmented.astype(int)


def _factors(
    patients: pd.DataFrame, positive: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the latent factors.

    Their random parts are made orthogonal to the label, to every possible covariate of a design,
    and to each other in this sample. Otherwise thousands of genes would share one chance
    correlation with the label, and null genes would truly differ in it.
    """
    known = patients[["age", "bmi", "rin", "neutrophils", "lymphocytes", "monocytes"]]
    design = np.column_stack(
        [
            np.ones(len(patients)),
            positive,
            known,
            pd.get_dummies(patients[["sex", "site", "medication"]], drop_first=True),
        ]
    ).astype(float)
    basis, _ = np.linalg.qr(design)
    noise = rng.normal(size=(len(patients), 4))
    noise -= basis @ (basis.T @ noise)
    noise = np.linalg.qr(noise)[0] * np.sqrt(len(patients))
    # maximal confounding: these factors follow all that their columns predict of the label
    cells = (patients["neutrophils"] - NEUTROPHILS[0]) / NEUTROPHILS[1]
    tracked = _standard(
        NEUTROPHIL_DIFFERENCE * cells
        + patients["medication"].map(_ratios(MEDICATION_SHARE, MEDICATIONS))
    )
    side = positive - positive.mean()
    factors = {
        "immune": IMMUNE_DIFFERENCE * side + noise[:, 0],
        "neutrophil_medication": tracked + 0.35 * noise[:, 1],
        "site_batch": _standard(patients["site"].map(_ratios(SITE_SHARE, SITES))),
        "erythroid": noise[:, 2],
        "platelet": PLATELET_DIFFERENCE * side + noise[:, 3],
    }
    return pd.DataFrame(factors, index=patients.index)[FACTORS]
