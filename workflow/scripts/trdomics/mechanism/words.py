"""Content of the page of a mechanistic model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trdomics.mechanism.specification import Specification


def parameter_table(specification: Specification) -> pd.DataFrame:
    """Return the uncertain parameters: name, label, value, low, high, unit, status, source."""
    rows = [{"parameter": name, **vars(p)} for name, p in specification.parameters.items()]
    return pd.DataFrame(rows)


def summary(
    specification: Specification,
    statements: pd.DataFrame,
    links: pd.DataFrame,
    responses: pd.DataFrame,
) -> dict[str, Any]:
    """Return the headline numbers.

    Returns
    -------
    dict
        title, hypothesis, n_statements, n_certain (hold in 95 % of draws or more), n_patients,
        n_concerned (patients for whom a link changes the prediction), response (median, lower and
        upper: 5th and 95th percentile), readout and unmeasurable (link → reason).
    """
    normal = {name: link.normal for name, link in specification.links.items()}
    settings = responses[list(normal)]
    concerned = (settings.notna() & (settings != pd.Series(normal))).any(axis=1)
    quantiles = responses["predicted_response"].quantile([0.5, 0.05, 0.95])
    return {
        "title": specification.title,
        "hypothesis": specification.hypothesis,
        "n_statements": len(statements),
        "n_certain": int((statements["share"] >= 0.95).sum()),
        "n_patients": len(responses),
        "n_concerned": int(concerned.sum()),
        "response": dict(zip(("median", "lower", "upper"), map(float, quantiles), strict=True)),
        "readout": specification.readouts[specification.response[0]].name,
        "unmeasurable": {
            str(row["link"]): str(row["reason"])
            for row in links.to_dict("records")
            if not row["n_measured"]
        },
    }


def sentences(found: Mapping[str, Any] | None) -> list[str]:
    """Return the summary page's sentences on the model, from :func:`summary`; empty without one."""
    if found is None:
        return []
    response = found["response"]
    low, high = 100 * response["lower"], 100 * response["upper"]
    text = (
        f"A model of the mechanism (hypothesis): {found['n_certain']} of {found['n_statements']} "
        "published findings hold in at least 95 % of its draws. In a virtual trial the drug raises "
        f"{found['readout']} by {100 * response['median']:.0f} % (5th to 95th percentile of the "
        f"patients {low:.0f} to {high:.0f} %); the cohort's data change the prediction for "
        f"{found['n_concerned']} of {found['n_patients']} patients."
    )
    return [text]


def page_context(
    cohort: str,
    found: Mapping[str, Any],
    *,
    parameters: pd.DataFrame,
    statements: pd.DataFrame,
    links: pd.DataFrame,
) -> dict[str, Any]:
    """Return the variables of ``mechanism.html.j2``, except the images."""
    return {
        "cohort": cohort,
        "found": found,
        "sentences": sentences(found),
        "parameters": parameters.to_dict("records"),
        "statements": [
            {
                **row,
                "share": f"{100 * row['share']:.0f} %",
                "value": "{value_at_default:.2f} ({lower:.2f} to {upper:.2f})".format_map(row),
                "needed": f"{row['direction']} {row['limit']:g}",
            }
            for row in statements.to_dict("records")
        ],
        "links": [
            {
                **row,
                "contribution": ""
                if pd.isna(row["contribution"])
                else f"{100 * row['contribution']:+.1f} ({100 * row['lower']:+.1f} to "
                f"{100 * row['upper']:+.1f})",
                "reason": "" if pd.isna(row["reason"]) else row["reason"],
            }
            for row in links.to_dict("records")
        ],
    }
