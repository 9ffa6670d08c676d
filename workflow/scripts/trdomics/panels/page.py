"""Content of the page of a panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from trdomics.panels.evidence import EXPRESSION, TESTED
from trdomics.panels.words import directions, headline


def panel_summary(rows: pd.DataFrame, whole: pd.DataFrame, fdr: float) -> dict[str, Any]:
    """Return the headline numbers of a panel.

    Returns
    -------
    dict
        ``n_members``, ``n_tested`` (members tested in any layer), ``not_measurable`` (members
        tested in none), ``significant`` (members below the false discovery rate), ``n_expected``
        (tests with an expected direction), ``n_confirmed`` (of them, intervals on that side of 0),
        ``n_contradicted`` (on the other side), ``whole`` (layer and test → p-value or reason).
    """
    tested = rows[rows["status"] == TESTED]
    expected = tested[tested["expected"].isin(["up", "down"])]
    names = list(dict.fromkeys(rows["member"]))
    known = set(tested["member"])
    return {
        "n_members": len(names),
        "n_tested": len(known),
        "not_measurable": [name for name in names if name not in known],
        "significant": list(dict.fromkeys(tested.loc[tested["padj"] < fdr, "member"])),
        "n_expected": len(expected),
        "n_confirmed": int((expected["found"] == expected["expected"]).sum()),
        "n_contradicted": int(
            ((expected["found"] != expected["expected"]) & (expected["found"] != "open")).sum()
        ),
        "whole": {
            f"{row['layer']}, {row['test']}": row["pvalue"]
            if np.isfinite(row["pvalue"])
            else row["reason"]
            for row in whole.to_dict("records")
        },
        "fdr": fdr,
    }


class PageSettings(TypedDict):
    """What the page says of the cohort; `groups` are the tested and the reference one."""

    cohort: str
    groups: list[str]


def page_context(
    name: str,
    rows: pd.DataFrame,
    whole: pd.DataFrame,
    summary: Mapping[str, Any],
    settings: PageSettings,
) -> dict[str, Any]:
    """Return the variables of ``panel.html.j2``, except the figure.

    Parameters
    ----------
    rows, whole : DataFrame
        ``members.tsv`` and ``whole.tsv``.
    summary : mapping
        Of :func:`panel_summary`.
    """
    known = rows.drop_duplicates("member")[["member", "role", "evidence", "source"]]
    return {
        "cohort": settings["cohort"],
        "name": name,
        "groups": settings["groups"],
        "headline": headline(name, summary),
        "directions": directions(summary),
        "not_measurable": ", ".join(summary["not_measurable"]) or "none",
        "rows": [_shown(row) for row in rows.to_dict("records")],
        "whole": [_whole(row) for row in whole.to_dict("records")],
        "evidence": known.to_dict("records"),
    }


def _shown(row: Mapping[Any, Any]) -> dict[str, str]:
    ratio = row["measure"] != EXPRESSION
    if row["status"] != TESTED:
        shown = {"effect": "", "padj": "", "smallest": ""}
    else:
        effect, lower, upper = (_scaled(row[key], ratio) for key in ("effect", "lower", "upper"))
        smallest = row["smallest_effect"]
        shown = {
            "effect": f"{effect} ({lower} to {upper})",
            "padj": f"{row['padj']:.2g}",
            "smallest": _scaled(smallest, ratio) if np.isfinite(smallest) else "not estimable",
        }
    carriers = "" if not np.isfinite(row["n_carriers"]) else f"{row['n_carriers']:.0f}"
    texts = {key: str(row[key] or "") for key in ("member", "layer", "status", "expected", "found")}
    what = {EXPRESSION: "fold change"}.get(row["measure"], "odds ratio") if shown["effect"] else ""
    return {**texts, **shown, "carriers": carriers, "what": what}


def _scaled(value: float, ratio: bool) -> str:
    """Return a log odds ratio as an odds ratio, a log2 fold change as a fold change."""
    with np.errstate(over="ignore"):
        return f"{float(np.exp(value) if ratio else np.exp2(value)):.2f}"


def _whole(row: Mapping[Any, Any]) -> dict[str, str]:
    known = np.isfinite(row["pvalue"])
    members, expected = int(row["n_members"]), int(row["n_expected"])
    return {
        "layer": str(row["layer"]),
        "test": str(row["test"]),
        "n": str(members),
        "effect": f"{row['effect']:+.2f}" if known else "",
        "p": f"{row['pvalue']:.2g}" if known else f"not tested: {row['reason']}",
        "agree": f"{int(row['n_as_expected'])} of {expected}" if expected else "",
    }
