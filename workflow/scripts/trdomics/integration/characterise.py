"""Description of the chosen MOFA model: top weights, headline numbers, the MuData file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trdomics.files import replacing
from trdomics.integration.associations import LABEL, VERSUS
from trdomics.names import EFFECT_SIGNS, display_name, p_value

SIGNIFICANT = 0.05
# Correlation between two seeds' versions of a factor above which it counts as reproduced.
FOUND_AGAIN = 0.9
# Variance of a view explained by all factors below which it counts as not modelled.
MIN_EXPLAINED = 0.01


def factors_of(table: pd.DataFrame) -> list[str]:
    """Return the names of a table's factor columns."""
    return [column for column in table.columns if str(column).startswith("Factor")]


def top_weights(weights: Mapping[str, pd.DataFrame], n: int = 10) -> pd.DataFrame:
    """Return each factor's features with the largest |weight|, per view.

    `weights` are those of :func:`trdomics.integration.choice.weight_table` by view, `n` is by
    factor and view.

    Returns
    -------
    DataFrame
        factor, view, rank (from 1), feature, symbol, weight, scaled (weight over the largest
        |weight| of the factor in the view, −1 to 1).
    """
    parts = []
    for view, table in weights.items():
        for factor in factors_of(table):
            size = table[factor].abs()
            part = table.loc[size.sort_values(ascending=False, kind="stable").index[:n]]
            weight = part[factor]
            parts.append(
                pd.DataFrame(
                    {
                        "factor": factor,
                        "view": view,
                        "rank": np.arange(1, len(part) + 1),
                        "feature": part["feature"],
                        "symbol": part["symbol"],
                        "weight": weight,
                        "scaled": weight / size.max() if size.max() > 0 else weight,
                    }
                )
            )
    result = pd.concat(parts, ignore_index=True)
    number = result["factor"].str.removeprefix("Factor").astype(int)
    return result.iloc[np.argsort(number.to_numpy(), kind="stable")].reset_index(drop=True)


def by_label(associations: pd.DataFrame) -> pd.DataFrame:
    """Return the label's rows, most significant first."""
    rows = associations[associations["variable"] == LABEL]
    return rows.sort_values(["pvalue", "factor"], kind="stable").reset_index(drop=True)


def in_words(row: pd.Series) -> str:
    """Return an association as a sentence's part: "Factor 2 with RIN: ρ 0.5, adjusted p = 0.02".

    An AUC below 0.5 is reported as that of the other group, so that 1 is the strongest.
    """
    name = EFFECT_SIGNS[row["effect_name"]]
    effect, lower, upper = row["effect"], row["lower"], row["upper"]
    contrast = row["contrast"] if isinstance(row["contrast"], str) else ""
    groups = contrast.split(VERSUS)
    direction = ""
    if row["effect_name"] == "auc" and effect != 0.5 and len(groups) == 2:
        if effect < 0.5:
            groups, effect, lower, upper = groups[::-1], 1 - effect, 1 - upper, 1 - lower
        contrast, direction = "", f", higher in {groups[0]} than in {groups[1]}"
    interval = f" ({lower:.2f} to {upper:.2f})" if np.isfinite(lower) else ""
    between = f" ({contrast})" if contrast else ""
    return (
        f"{display_name(row['factor'])} with {display_name(row['variable'])}{between}: "
        f"{name} {effect:.2f}{interval}{direction}, adjusted {p_value(row['padj'])}{_adjusted(row)}"
    )


def _adjusted(row: pd.Series) -> str:
    """Return the adjusted association of a label's row; an empty string for other rows."""
    if row["variable"] != LABEL:
        return ""
    if not np.isfinite(row["auc_adjusted"]):
        return f" (not adjusted: {row['reason_adjusted']})"
    aucs = [row[f"auc_adjusted{end}"] for end in ("", "_lower", "_upper")]
    if row["effect"] < 0.5:
        aucs = [1 - aucs[0], 1 - aucs[2], 1 - aucs[1]]
    value, lower, upper = aucs
    return (
        f"; adjusted for the confounders {value:.2f} ({lower:.2f} to {upper:.2f}), "
        f"adjusted {p_value(row['padj_adjusted'])}"
    )


def summary(
    models: pd.DataFrame,
    stability: pd.DataFrame,
    variance: pd.DataFrame,
    associations: pd.DataFrame,
    views: pd.DataFrame,
    n_patients: int,
) -> dict[str, Any]:
    """Return the headline numbers of the stage.

    Parameters
    ----------
    models, stability, variance, associations : DataFrame
        As written by the stage.
    views : DataFrame
        view, likelihood, patients, features, reason (why a layer is not a view).
    n_patients : int
        Patients with factors.

    Returns
    -------
    dict
        n_patients, n_factors, n_seeds, chosen_seed, elbo, converged; seeds (seed, n_factors and
        elbo of each), warnings (of :func:`doubts`); views (their features) and
        views_left_out (reasons); variance_explained (total R² by view); stable_factors (factors
        found with |r| ≥ 0.9 in every other seed, or null with the reason), stability (the
        lowest |r| by factor); n_associations, label_factors (significant with the label),
        label_factors_adjusted (those significant after adjustment for the confounders),
        associations (the strongest of each variable, as phrases).
    """
    chosen = models[models["chosen"] == 1].iloc[0]
    totals = variance[variance["factor"] == "total"]
    found = associations[associations["padj"] < SIGNIFICANT]
    strongest = found.sort_values(["pvalue", "factor"], kind="stable").drop_duplicates("variable")
    labelled = by_label(found)
    left_out = views[views["reason"].notna()]
    used = views[views["reason"].isna()]
    result: dict[str, Any] = {
        "n_patients": n_patients,
        "n_factors": int(chosen["n_factors"]),
        "n_seeds": len(models),
        "chosen_seed": chosen["seed"],
        "elbo": chosen["elbo"],
        "converged": bool(chosen["converged"]),
        "iterations": int(chosen["iterations"]),
        "seeds": models[["seed", "n_factors", "elbo"]].to_dict("records"),
        "warnings": doubts(models, totals),
        "views": dict(zip(used["view"], used["features"], strict=True)),
        "views_left_out": dict(zip(left_out["view"], left_out["reason"], strict=True)),
        "variance_explained": dict(zip(totals["view"], totals["r2"], strict=True)),
        "n_associations": len(found),
        "label_factors": list(labelled["factor"]),
        "label_factors_adjusted": list(
            labelled.loc[labelled["padj_adjusted"] < SIGNIFICANT, "factor"]
        ),
        "label_associations": [in_words(row) for _, row in labelled.iterrows()],
        "associations": [in_words(row) for _, row in strongest.iterrows()],
        "stable_factors": None,
        "stability": None,
    }
    if stability.empty:
        result["stable_factors_reason"] = result["stability_reason"] = "one seed was fitted"
    else:
        lowest = stability.groupby("factor", sort=False)["r"].min()
        result["stability"] = lowest.to_dict()
        result["stable_factors"] = int((lowest >= FOUND_AGAIN).sum())
    return result


def doubts(models: pd.DataFrame, totals: pd.DataFrame) -> list[str]:
    """Return doubts about a model: views without factors, seeds that disagree.

    `totals` has the R² (``r2``) of all factors together by ``view``.
    """
    unexplained = totals.loc[~(totals["r2"] >= MIN_EXPLAINED), "view"]
    result = []
    if len(unexplained) == len(totals):
        result.append(
            f"MOFA found no factor: it explains less than {100 * MIN_EXPLAINED:.0f} % of every view"
        )
    elif len(unexplained):
        result.append(
            f"the factors explain less than {100 * MIN_EXPLAINED:.0f} % of "
            f"{', '.join(map(str, unexplained))}"
        )
    if len(set(models["n_factors"])) > 1:
        seeds = zip(models["n_factors"], models["seed"], strict=True)
        found = ", ".join(f"{n} from seed {s}" for n, s in seeds)
        result.append(f"the seeds disagree in the number of factors: {found}")
    return result


def write_h5mu(
    path: str | os.PathLike[str],
    normalised: Mapping[str, pd.DataFrame],
    factors: pd.DataFrame,
    weights: Mapping[str, pd.DataFrame],
    patients: pd.DataFrame,
) -> None:
    """Write the integrated object that scverse tools (muon, scanpy) open.

    One modality per layer: the normalised matrix as ``X``, ``var`` with feature, symbol and
    in_model, ``varm["LFs"]`` the weights (NaN for features outside the model). On the whole
    object: the sheet as ``obs``, ``obsm["X_mofa"]`` the factors (NaN for patients outside the
    model). A name that several layers use (a gene's, say) is written <layer>:<feature>.

    Parameters
    ----------
    normalised : mapping of str to DataFrame
        Patients × features by layer, as normalised for description.
    factors : DataFrame, shape (n, K)
        Index patient_id.
    weights : mapping of str to DataFrame
        By layer: feature, symbol, Factor1 ….
    """
    with warnings.catch_warnings():
        # anndata and mudata warn of upcoming changes
        warnings.simplefilter("ignore", FutureWarning)
        from anndata import AnnData
        from mudata import MuData, set_options

        set_options(pull_on_update=False)
        names_of = {layer: table.columns.astype(str) for layer, table in normalised.items()}
        used = pd.Series([name for names in names_of.values() for name in names]).value_counts()
        modalities = {}
        for layer, table in normalised.items():
            loadings = weights[layer].set_index("feature")
            loadings.index = loadings.index.astype(str)
            names = names_of[layer]
            unique = [name if used[name] == 1 else f"{layer}:{name}" for name in names]
            symbols = loadings["symbol"].reindex(names)
            data = AnnData(
                X=table.to_numpy(dtype=np.float32),
                obs=pd.DataFrame(index=table.index.astype(str)),
                var=pd.DataFrame(
                    {
                        "feature": names,
                        "symbol": symbols.where(symbols.notna(), names).to_numpy(),
                        "in_model": names.isin(loadings.index),
                    },
                    index=unique,
                ),
            )
            data.varm["LFs"] = loadings[list(factors.columns)].reindex(names).to_numpy(dtype=float)
            modalities[layer] = data
        joined = MuData(modalities)
        obs = patients.reindex(joined.obs_names)
        for column in obs.select_dtypes(object):
            # HDF5 has no column of mixed text and missing values; categories have both
            obs[column] = obs[column].astype("str").where(obs[column].notna()).astype("category")
        joined.obs = obs
        joined.obsm["X_mofa"] = factors.reindex(joined.obs_names).to_numpy(dtype=float)
        joined.uns["mofa"] = {"factors": np.array(factors.columns, dtype=str)}
        with replacing(path) as temporary:
            joined.write(temporary)
