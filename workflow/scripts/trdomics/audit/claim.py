"""A claim of a prediction, and the codes that checks and page share."""

from __future__ import annotations

from dataclasses import dataclass

# Feature sets of the tables: the audited model and its baselines.
MODEL, CONFOUNDERS, SITE = "model", "confounders", "site"
HOLDS, FAILS, UNCHECKED = "holds", "fails", "not checked"
WORTH, CONFOUNDED, FAIR = "worth", "confounded", "fair"


@dataclass(frozen=True)
class Claim:
    """One thing that a prediction claims, and what the audit says of it.

    Attributes
    ----------
    key : str
        Its code.
    group : {"worth", "confounded", "fair"}
        The question it belongs to.
    claim : str
        The claim, as a sentence.
    status : {"holds", "fails", "not checked"}
        ``fails`` where the data contradict the claim or do not show it.
    finding : str
        The numbers; of what was not checked, the reason and what is needed.
    """

    key: str
    group: str
    claim: str
    status: str
    finding: str
