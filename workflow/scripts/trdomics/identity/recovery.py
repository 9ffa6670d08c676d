"""Whether the planted errors of a simulated cohort were detected, and no other patient flagged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def identity_recovery(identity: Mapping[str, Any], truth: Mapping[str, Any]) -> dict[str, Any]:
    """Compare flagged patients with planted sample swaps and wrong sexes in the sheet.

    Parameters
    ----------
    identity : mapping
        From :func:`trdomics.identity.headline.headline`.
    truth : mapping
        ``swaps`` (``layer``, ``pairs`` of patients) and ``wrong_sex`` (patients).

    Returns
    -------
    dict
        ``exchanged`` and ``wrong_sex``, each with ``n_planted``, ``n_found``, ``n_missed``,
        ``n_false`` (flagged, but nothing was planted in them), ``n_tested``, ``sensitivity`` and
        ``specificity``; ``exchanged`` also with ``n_pairs`` and ``n_partners_named`` (pairs of
        which both sides were named). Null with a ``reason`` if the test was not done.
    """
    pairs = [sorted(map(str, pair)) for pair in truth["swaps"]["pairs"]]
    exchanged = _compared(
        identity["mismatched"],
        {patient for pair in pairs for patient in pair},
        identity["n_match_tested"],
        identity.get("mismatched_reason"),
    )
    named = [
        sorted(map(str, swap["patients"]))
        for swap in identity["swaps"] or []
        if truth["swaps"]["layer"] in swap["layers"]
    ]
    exchanged["n_pairs"] = len(pairs)
    exchanged["n_partners_named"] = sum(pair in named for pair in pairs)
    wrong_sex = _compared(
        identity["sex_discordant"],
        set(map(str, truth["wrong_sex"])),
        identity["n_sex_compared"],
        identity.get("sex_discordant_reason"),
    )
    return {"exchanged": exchanged, "wrong_sex": wrong_sex}


def _compared(
    flagged: Iterable[str] | None, planted: set[str], n_tested: int | None, reason: str | None
) -> dict[str, Any]:
    result: dict[str, Any] = {"n_planted": len(planted), "n_tested": n_tested, "reason": reason}
    keys = ("n_found", "n_missed", "n_false", "sensitivity", "specificity")
    if flagged is None or n_tested is None:
        return result | dict.fromkeys(keys)
    found = set(map(str, flagged))
    n_found, n_false, n_clean = len(found & planted), len(found - planted), n_tested - len(planted)
    sensitivity = n_found / len(planted) if planted else None
    specificity = 1 - n_false / n_clean if n_clean > 0 else None
    numbers = (n_found, len(planted) - n_found, n_false, sensitivity, specificity)
    return result | dict(zip(keys, numbers, strict=True))
