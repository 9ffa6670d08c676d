"""The headline numbers of the identity checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trdomics.names import display_name


def headline(
    sex: Sequence[Mapping[str, Any]],
    pairs: Sequence[Mapping[str, Any]],
    quality: pd.DataFrame,
    haemolysis: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Combine the summaries of the checks.

    Parameters
    ----------
    sex : sequence of mapping
        One per layer, from :func:`trdomics.identity.sex.summarise`.
    pairs : sequence of mapping
        One per pair of layers: `first`, `second`, `method`, `reason` and the keys of
        :class:`trdomics.identity.profile_matching.Match`'s summary if it was done.
    quality : DataFrame
        From :func:`trdomics.identity.quality.sample_quality`.
    haemolysis : mapping of layer to mapping
        `median`, `limit`, `limit_from`, `n_above`.

    Returns
    -------
    dict
        `sex_discordant` and `n_sex_discordant` (patients whose molecular sex differs from the sheet
        in any layer), `n_sex_compared`; `mismatched`, `n_mismatched` and `share_mismatched`
        (patients flagged in any pair of layers), `n_match_tested`, `swaps` (pairs of patients with
        the two layers), `best_power` (of the pairs of layers), `untested` (pairs of layers that
        could not be evaluated, with the reason); `n_samples`, `n_check` and `share_check` (samples
        to check); and `sex_layers`, `pairs`, `haemolysis` as given. Checks that were not possible
        are null with `<key>_reason`.
    """
    result: dict[str, Any] = {
        "sex_layers": list(sex),
        "pairs": list(pairs),
        "haemolysis": dict(haemolysis),
        "n_samples": len(quality),
        "n_check": int((quality["verdict"] == "check").sum()),
        "share_check": float((quality["verdict"] == "check").mean()),
    }
    result |= _sex(sex) | _match(pairs)
    if not haemolysis:
        result["haemolysis"] = None
        result["haemolysis_reason"] = "no layer of counts has both miR-451a and miR-23a"
    return result


def _sex(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    compared = [layer for layer in layers if layer["n_compared"]]
    keys = ("sex_discordant", "n_sex_discordant", "n_sex_compared")
    if not compared:
        called = [layer for layer in layers if not layer["reason"]]
        reason = (
            "the config names no column of the sex, or none of its values is in the sheet"
            if called
            else "; ".join(f"{display_name(layer['layer'])}: {layer['reason']}" for layer in layers)
        )
        return dict.fromkeys(keys) | {f"{key}_reason": reason for key in keys}
    found = sorted({patient for layer in compared for patient in layer["discordant"]})
    most = max(layer["n_compared"] for layer in compared)
    return dict(zip(keys, (found, len(found), most), strict=True))


def _match(pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    keys = ("mismatched", "n_mismatched", "share_mismatched", "n_match_tested", "swaps")
    usable = [pair for pair in pairs if pair.get("usable")]
    power = [pair["power"] for pair in pairs if pair.get("power") is not None]
    best: dict[str, Any] = {"best_power": max(power) if power else None}
    best["untested"] = [
        {key: pair[key] for key in ("first", "second", "reason")}
        for pair in pairs
        if not pair.get("usable")
    ]
    if not usable:
        message = "; ".join(
            f"{display_name(p['first'])} and {display_name(p['second'])}: {p['reason']}"
            for p in pairs
        )
        reason = message or "there is only one layer"
        result = dict.fromkeys(keys) | {f"{key}_reason": reason for key in keys}
        return result | best | ({} if power else {"best_power_reason": reason})
    flagged = sorted({patient for pair in usable for patient in pair["flagged"]})
    # patients are tested in several pairs; the largest number of one pair is counted
    tested = max(pair["n_patients"] for pair in usable)
    swaps = [
        {"patients": swap, "layers": [pair["first"], pair["second"]]}
        for pair in usable
        for swap in pair["swaps"]
    ]
    return best | {
        "mismatched": flagged,
        "n_mismatched": len(flagged),
        "share_mismatched": len(flagged) / tested,
        "n_match_tested": tested,
        "swaps": swaps,
    }
