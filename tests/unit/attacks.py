"""What somebody can try who has a bundle, or two, and a person's values."""

import numpy as np
import pandas as pd
from sklearn.covariance import LedoitWolf

from trdomics.consortium.disclosure import expression_effects
from trdomics.differential.continuous import differential_continuous
from trdomics.differential.design import build_design
from trdomics.frozen_model.training_reference import patient_levels
from trdomics.scoring.out_of_distribution import assess


def membership(model, tables, labels):
    """Return how much patients look like training patients, by attack, shape (n,) each."""
    truth = labels.to_numpy()
    risk = np.clip(model.risk.predict_proba(tables)[:, 1], 1e-9, 1 - 1e-9)
    patients, _ = assess(model, tables)
    distance = patients["factor_distance"]
    return {
        "loss": truth * np.log(risk) + (1 - truth) * np.log(1 - risk),
        "distance": -distance.fillna(distance.median()).to_numpy(),
        "shift p": patients["outlier_vs_training_p"].fillna(0.5).to_numpy(),
        "deciles": -nearest_decile(model, tables).min(axis=1).to_numpy(),
        "means": -from_means(model, tables),
    }


def nearest_decile(model, tables):
    """Return the distance of patients' levels to the nearest decile, in standard deviations."""
    found = pd.DataFrame(np.inf, index=tables.patients, columns=list(model.reference.levels_))
    for layer, values in patient_levels(model.representation, tables).items():
        summary = model.reference.levels_[layer]
        gaps = np.abs(values[:, None] - summary["deciles"]) / summary["sd"]
        found.loc[tables[layer].index, layer] = gaps.min(axis=1)
    return found


def from_means(model, tables):
    """Return the mean squared distance of patients' features from the model's means."""
    far = np.zeros(len(tables))
    for layer, values in model.representation.normalised(tables).items():
        means = model.representation.normalisers_[layer].means_
        spread = values.std().to_numpy() + 1e-9
        far[tables.profiled(layer)] += (((values - means) / spread) ** 2).mean(axis=1)
    return far


def people(n, n_features, seed):
    """Return patients of two groups and a continuous layer of correlated features."""
    rng = np.random.default_rng(seed)
    index = pd.Index([f"p{i:03d}" for i in range(n)], name="patient_id")
    group = np.where(np.arange(n) % 2, "TRD", "responder")
    sheet = pd.DataFrame({"response": pd.Categorical(group), "age": rng.normal(50, 9, n)}, index)
    latent = rng.normal(size=(n, 8))
    values = latent @ rng.normal(size=(8, n_features)) + 2 * rng.normal(size=(n, n_features))
    names = [f"f{i}" for i in range(n_features)]
    return sheet, pd.DataFrame(values + rng.normal(10, 3, n_features), index, names)


def differences(sheet, values):
    """Return the workflow's test of all features."""
    design = build_design(sheet, "~ age + response", ["response", "TRD", "responder"])
    results = differential_continuous(values.loc[sheet.index], design, log2=False, max_missing=0.5)
    return results.assign(symbol=results["feature"])


def exported(sheet, values, minimum=5):
    """Return what a bundle has of the test."""
    return expression_effects(differences(sheet, values), len(sheet), minimum)


def along_effects(table, sheet, values):
    """Return how far each patient lies along the effects, on the side of the own group."""
    effects = table.set_index("feature")["effect"]
    deviations = ((values - values.mean()) / values.std())[effects.index]
    side = np.where(sheet["response"] == "TRD", 1, -1)
    return side * (deviations.to_numpy() @ (effects / values.std()[effects.index]).to_numpy())


def tracing(effects, values, reference):
    """Return how strongly profiles appear in effects, positive on the side of the first group.

    The likelihood ratio of taking part for correlated normal features, with the covariance of a
    reference population that the attacker has (after Sankararaman 2009, doi 10.1038/ng.436).

    Parameters
    ----------
    effects : Series
        Difference of means of every feature.
    values, reference : DataFrame, shape (n, n_features)
        Profiles of the persons in question, and of others like them.
    """
    names = list(effects.index)
    centre, spread = reference[names].mean(), reference[names].std()
    covariance = LedoitWolf().fit(((reference[names] - centre) / spread).to_numpy())
    weights = covariance.get_precision() @ (effects / spread).to_numpy()
    return ((values[names] - centre) / spread).to_numpy() @ weights


def guessed_label(whole, without, profile, centre):
    """Guess the group of the patient that two tables of effects differ by, from the profile.

    Returns
    -------
    label : str
    r : float
        Correlation of the effects' difference with the patient's deviation.
    """
    moved = whole.set_index("feature")["effect"] - without.set_index("feature")["effect"]
    if not moved.any():
        return "nothing", 0.0
    r = np.corrcoef(moved, (profile - centre)[moved.index])[0, 1]
    return ("TRD" if r > 0 else "responder"), float(r)
