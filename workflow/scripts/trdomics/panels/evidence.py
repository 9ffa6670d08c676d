"""Evidence from each layer for each member of a panel, and for the panel as a whole."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from threadpoolctl import threadpool_limits

from trdomics.differential.burden import firth_test
from trdomics.differential.design import Design
from trdomics.differential.gene_sets import set_burden
from trdomics.enrichment.correlated import correlated_test, residuals, set_correlation
from trdomics.enrichment.ranked import ranking
from trdomics.intervals import Z95
from trdomics.panels.panel import DOWN, GENE, UP, VARIANT
from trdomics.pvalues import adjusted

TESTED = "tested"
NOT_IN_LAYERS = "in no layer of expression"
NOT_DETECTED = "below detection"
NO_VARIANT = "no damaging variant in the file"
NOT_IN_FILE = "not in the file"
NOT_NAMED = "in the file, not named in the layer's dosages"
EXPRESSION, CARRIERS, DOSAGE = "log2 fold change", "log odds ratio", "log odds ratio per allele"
# Two-sided 5 %, and 80 % power.
DETECTABLE = Z95 + float(norm.isf(0.2))
# Minimum number of members of a set.
FEWEST_MEMBERS = 3
MEMBERS = [
    *("member", "kind", "role", "layer", "status", "n_carriers", "measure", "effect", "lower"),
    *("upper", "pvalue", "padj", "smallest_effect", "expected", "found", "evidence", "source"),
]
WHOLE = [
    *("layer", "test", "n_members", "effect", "lower", "upper", "pvalue", "n_expected"),
    *("n_as_expected", "reason"),
]


def expression_rows(
    members: pd.DataFrame, layer: str, results: pd.DataFrame, reasons: pd.Series
) -> pd.DataFrame:
    """Look up genes and miRNAs in the differential test of an expression layer.

    Parameters
    ----------
    members : DataFrame
        Of :func:`trdomics.panels.panel.read_panel`.
    results : DataFrame
        ``differential/<layer>/results.tsv`` of a layer of counts or continuous values.
    reasons : Series, by feature
        Why features were dropped before the test, from the layer's ``features.tsv``.

    Returns
    -------
    DataFrame
        A row per member and feature of that symbol; members that are not in the layer have none.
    """
    named = members[members["kind"] != VARIANT]
    both = named.merge(results, left_on="member", right_on="symbol")
    rows = []
    for row in both.to_dict("records"):
        known = bool(np.isfinite(row["pvalue"]))
        why = row["reason"] if isinstance(row["reason"], str) else reasons.get(row["feature"])
        se = row["lfc_se"]
        rows.append(
            _row(row, layer)
            | {"status": TESTED if known else f"{NOT_DETECTED}: {why or 'not tested'}"}
            | ({"measure": EXPRESSION} | _estimate(row, se) if known else {})
            | {"expected": row["expression"]}
        )
    dropped = named[~named["member"].isin(both["member"])]
    # a feature that the filter dropped is in the layer, though not in the test
    for row in dropped[dropped["member"].isin(reasons.index)].to_dict("records"):
        text = f"{NOT_DETECTED}: {reasons[row['member']]}"
        rows.append(_row(row, layer) | {"status": text, "expected": row["expression"]})
    return pd.DataFrame(rows, columns=MEMBERS)


def carrier_rows(members: pd.DataFrame, layer: str, results: pd.DataFrame) -> pd.DataFrame:
    """Look up genes in the burden test of a layer; a gene without variants has a row too."""
    by_gene = results.set_index("feature")
    rows = []
    for row in members[members["kind"] == GENE].to_dict("records"):
        new = _row(row, layer) | {"expected": row["carriers"], "n_carriers": 0}
        if row["member"] not in by_gene.index:
            rows.append(new | {"status": NO_VARIANT})
            continue
        found = by_gene.loc[row["member"]]
        new["n_carriers"] = int(found["carriers_positive"] + found["carriers_negative"])
        if np.isfinite(found["pvalue"]):
            new |= {"status": TESTED, "measure": CARRIERS} | _odds(found.to_dict())
        else:
            new["status"] = str(found["reason"])
        rows.append(new)
    return pd.DataFrame(rows, columns=MEMBERS)


def variant_rows(
    members: pd.DataFrame,
    layer: str,
    dosages: pd.DataFrame,
    annotation: pd.DataFrame,
    design: Design,
    min_carriers: int,
) -> pd.DataFrame:
    """Test named variants: Firth's logistic regression of the group on the copies carried.

    Parameters
    ----------
    dosages : DataFrame, patients × variants
        The layer's table, columns (variant, gene, consequence_class).
    annotation : DataFrame
        The layer's ``annotation.tsv``: every variant of the file.
    design : Design
        From :func:`trdomics.differential.burden.burden_design`.
    min_carriers : int
        Variants with fewer carriers or non-carriers are not tested.
    """
    names = dosages.columns.get_level_values("variant")
    covariates = design.matrix.drop(columns=design.coefficient)
    rows = []
    for row in members[members["kind"] == VARIANT].to_dict("records"):
        new = _row(row, layer) | {"expected": row["carriers"]}
        listed = annotation[annotation["rsid"].astype(str) == row["member"]]
        if row["member"] not in names:
            new["status"] = NOT_NAMED if len(listed) else NOT_IN_FILE
            new["n_carriers"] = int(listed["carriers"].max()) if len(listed) else 0
            rows.append(new)
            continue
        copies = dosages.loc[:, names == row["member"]].iloc[:, 0].reindex(design.matrix.index)
        known = copies.notna().to_numpy()
        values = copies.to_numpy(dtype=float)[known]
        carrying = values > 0
        new["n_carriers"] = int(carrying.sum())
        if min(carrying.sum(), (~carrying).sum()) < min_carriers:
            few = "carriers" if carrying.sum() < min_carriers else "others"
            rows.append(new | {"status": f"fewer than {min_carriers} {few}"})
            continue
        with threadpool_limits(limits=1):
            found = firth_test(
                covariates.to_numpy()[known], values, design.positive[known], "the covariates"
            )
        if "pvalue" in found:
            new |= {"status": TESTED, "measure": DOSAGE} | _odds(found)
        else:
            new["status"] = found["reason"]
        rows.append(new)
    return pd.DataFrame(rows, columns=MEMBERS)


def _row(member: Mapping[Hashable, Any], layer: str) -> dict[str, Any]:
    kept = {key: member[key] for key in ("member", "kind", "role", "evidence", "source")}
    return kept | {"layer": layer}


def _estimate(row: Mapping[Hashable, Any], se: float) -> dict[str, Any]:
    effect = row["log2_fold_change"]
    return {
        "effect": effect,
        "lower": effect - Z95 * se,
        "upper": effect + Z95 * se,
        "pvalue": row["pvalue"],
        "smallest_effect": DETECTABLE * se,
    }


def _odds(found: dict[str, Any]) -> dict[str, Any]:
    # an unbounded interval is not informative
    se = (found["upper"] - found["lower"]) / (2 * Z95)
    return {
        "effect": found["log_odds_ratio"],
        "lower": found["lower"],
        "upper": found["upper"],
        "pvalue": found["pvalue"],
        "smallest_effect": DETECTABLE * se if np.isfinite(se) else np.nan,
    }


def joined(members: pd.DataFrame, parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join the rows of all layers; adjust p-values within the panel; compare directions.

    Returns
    -------
    DataFrame
        ``MEMBERS``, in the order of the panel. A gene or miRNA that is in no expression layer gets
        a row that says so. ``found`` is ``up`` or ``down`` if the interval excludes 0, otherwise
        ``open``; empty if not tested.
    """
    filled = [part for part in parts if len(part)]
    rows = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=MEMBERS)
    measured = set(rows.loc[rows["n_carriers"].isna(), "member"])
    absent = members[(members["kind"] != VARIANT) & ~members["member"].isin(measured)]
    lacking = [
        _row(row, "") | {"status": NOT_IN_LAYERS, "expected": row["expression"]}
        for row in absent.to_dict("records")
    ]
    if lacking:
        extra = pd.DataFrame(lacking, columns=MEMBERS)
        rows = pd.concat([rows, extra], ignore_index=True) if len(rows) else extra
    order = {
        (m, k): i for i, (m, k) in enumerate(zip(members["member"], members["kind"], strict=True))
    }
    place = [order[pair] for pair in zip(rows["member"], rows["kind"], strict=True)]
    rows = rows.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)
    numbers = ["effect", "lower", "upper", "pvalue", "smallest_effect", "n_carriers"]
    rows[numbers] = rows[numbers].astype(float)
    rows["padj"] = adjusted(rows["pvalue"])
    found = np.where(rows["lower"] > 0, UP, np.where(rows["upper"] < 0, DOWN, "open"))
    rows["found"] = np.where(rows["status"] == TESTED, found, "")
    return rows[MEMBERS]


def expression_test(
    layer: str, rows: pd.DataFrame, results: pd.DataFrame, normalised: pd.DataFrame, design: Design
) -> dict[str, Any]:
    """Test whether the members differ more than the layer's other features (camera).

    Parameters
    ----------
    rows : DataFrame
        The panel's rows of :func:`joined`.
    results : DataFrame
        The layer's differential test.
    normalised : DataFrame, patients × features
    design : Design
        Of that test.
    """
    own = rows[(rows["layer"] == layer) & (rows["status"] == TESTED)]
    new = {"layer": layer, "test": "expression (camera)", **_agreement(own)}
    ranks, _ = ranking(results)
    inside = ranks.index.isin(own["member"])
    new["n_members"] = int(inside.sum())
    if inside.sum() < FEWEST_MEMBERS:
        return new | {"reason": f"fewer than {FEWEST_MEMBERS} members are measured"}
    features = [name for name in ranks.loc[inside, "feature"] if name in normalised]
    columns = normalised[features].dropna(axis=1)
    unit = residuals(columns, design.matrix)
    stat = ranks["stat"].to_numpy(dtype=float)
    freedom = len(design.matrix) - design.matrix.shape[1]
    return new | {
        "effect": stat[inside].mean() - stat[~inside].mean(),
        "pvalue": correlated_test(stat, inside, set_correlation(unit.to_numpy()), freedom),
    }


def burden_of_panel(
    layer: str, rows: pd.DataFrame, carriers: pd.DataFrame, design: Design, min_carriers: int
) -> dict[str, Any]:
    """Test whether carriers of a variant in any gene of the panel differ between the groups."""
    own = rows[(rows["layer"] == layer) & (rows["kind"] == GENE)]
    sets = pd.DataFrame({"set": "panel", "gene": own["member"], "source": ""})
    new = {"layer": layer, "test": "burden of rare variants", "n_members": len(own)}
    new |= _agreement(own[own["status"] == TESTED])
    if own.empty:
        return new | {"reason": "no gene in the panel"}
    found = set_burden(carriers, design, sets, min_carriers=min_carriers).iloc[0]
    return new | {
        "n_members": int(found["n_genes_hit"]),
        "effect": found["log_odds_ratio"],
        **{key: found[key] for key in ("lower", "upper", "pvalue", "reason")},
    }


def _agreement(tested: pd.DataFrame) -> dict[str, int]:
    expected = tested[tested["expected"].isin([UP, DOWN])]
    sign = np.where(expected["effect"] > 0, UP, DOWN)
    return {"n_expected": len(expected), "n_as_expected": int((sign == expected["expected"]).sum())}


def whole_table(tests: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return the tests of the panel as a whole, a row per layer."""
    table = pd.DataFrame(tests, columns=WHOLE)
    numbers = ["effect", "lower", "upper", "pvalue"]
    table[numbers] = table[numbers].astype(float)
    return table
