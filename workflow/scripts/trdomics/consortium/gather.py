"""Bundles of several cohorts, checked against each other and combined in tables."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trdomics.cohort.config import check_values
from trdomics.consortium.bundle import MODEL_FILES, Bundle, read_bundle
from trdomics.errors import InputError
from trdomics.schema import ClosedSchema, load_schema

# With fewer features, two cohorts may agree by chance.
MIN_COMPARED = 20
# Mean square of the differences in standard errors, 1 for other patients; standard deviation of
# the log ratio of standard errors, 0.1 and more.
LEAST_DIFFERENCE, LEAST_RATIO = 0.3, 0.05


def resolve_meta(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Validate the config of a meta-analysis and fill in its defaults.

    Raises
    ------
    InputError
        At the first key that is unknown, missing or out of range.
    """
    config: dict[str, Any] = ClosedSchema(load_schema("meta")).resolve(dict(raw), where or "config")
    check_values(config, where or "config")
    return config


def read_bundles(paths: Sequence[str]) -> list[Bundle]:
    """Read bundles that can be combined.

    Raises
    ------
    InputError
        If one cannot be read, two are of one cohort or hold the same results, or they do not
        compare the same groups, or use one name for layers of different types.
    """
    bundles = [read_bundle(path) for path in paths]
    for first, second in itertools.combinations(bundles, 2):
        _check_pair(first, second)
    return bundles


def _check_pair(first: Bundle, second: Bundle) -> None:
    if first.cohort == second.cohort:
        raise InputError(
            second.where,
            f"is of the cohort {second.cohort}, as {first.where} is",
            "name every cohort once, and rename cohorts that share a name",
        )
    tested = [
        {c for n, c in each.checksums.items() if n.startswith("effects/")}
        for each in (first, second)
    ]
    if tested[0] & tested[1]:
        raise InputError(
            second.where,
            f"holds the same results as {first.where}, under another name",
            "name every cohort once",
        )
    for layer in first.of("effects").keys() & second.of("effects").keys():
        if same_patients(first.of("effects")[layer], second.of("effects")[layer]):
            raise InputError(
                second.where,
                f"its results of {layer} differ from those of {first.where} by less than those "
                "of two independent cohorts would",
                "name every patient once: leave out the copy, or export without shared patients",
            )
    for key in ("label", "contrast"):
        groups = [
            f"{each.manifest[key]['positive']!r} against {each.manifest[key]['negative']!r}"
            for each in (first, second)
        ]
        if groups[0] != groups[1]:
            raise InputError(
                second.where,
                f"its {key} is {groups[1]}, that of {first.where} is {groups[0]}",
                "combine cohorts that compare the same groups, named alike",
            )
    for layer in set(first.manifest["layers"]) & set(second.manifest["layers"]):
        kinds = [each.manifest["layers"][layer]["type"] for each in (first, second)]
        if kinds[0] != kinds[1]:
            raise InputError(
                second.where,
                f"its layer {layer} is of the type {kinds[1]}, that of {first.where} {kinds[0]}",
                "give layers of different types different names",
            )
        effects = [each.manifest["layers"][layer]["effect"] for each in (first, second)]
        if effects[0] != effects[1]:
            raise InputError(
                second.where,
                f"its effects of {layer} are of a different kind ({effects[1]}) than those of "
                f"{first.where} ({effects[0]})",
                "combine private bundles with private ones only",
            )


def same_patients(first: pd.DataFrame, second: pd.DataFrame) -> bool:
    """Return whether two tables of effects are of the same patients, regardless of the last digits.

    Effects of two cohorts differ by their standard errors at least, whose squares add up; and their
    standard errors differ by features, since variances do.
    """
    joined = first.merge(second, on="feature", suffixes=("_1", "_2"))
    if len(joined) < MIN_COMPARED:
        return False
    squares = (joined["effect_1"] - joined["effect_2"]) ** 2
    ratio = np.log(joined["se_1"] / joined["se_2"])
    differing = (squares / (joined["se_1"] ** 2 + joined["se_2"] ** 2)).mean()
    return bool(differing < LEAST_DIFFERENCE and ratio.std() < LEAST_RATIO)


def layers_of(bundles: Sequence[Bundle]) -> list[str]:
    """Return the layers tested in at least one bundle, in order of appearance."""
    return list(dict.fromkeys(layer for bundle in bundles for layer in bundle.of("effects")))


def side_by_side(bundles: Sequence[Bundle], layer: str) -> dict[str, pd.DataFrame]:
    """Return a layer's ``effect`` and ``se`` as features × cohorts, and its ``symbol``.

    A feature has a row if any cohort tested it.
    """
    tables = {
        bundle.cohort: bundle.of("effects")[layer].set_index("feature")
        for bundle in bundles
        if layer in bundle.of("effects")
    }
    parts = {
        name: pd.DataFrame({c: t[name] for c, t in tables.items()}) for name in ("effect", "se")
    }
    symbols = pd.concat([table["symbol"] for table in tables.values()])
    symbols = symbols[~symbols.index.duplicated()].reindex(parts["effect"].index)
    return {**parts, "symbol": symbols.to_frame()}


def cohort_table(bundles: Sequence[Bundle]) -> pd.DataFrame:
    """Return a row per cohort: patients by group, layers, designs, what it left out."""
    return pd.DataFrame(
        [
            {
                "cohort": bundle.cohort,
                **bundle.manifest["patients"],
                "layers": ", ".join(bundle.of("effects")),
                "designs": "; ".join(
                    f"{layer}: {found['design']}"
                    for layer, found in bundle.manifest["layers"].items()
                ),
                "minimum_count": bundle.manifest["minimum_count"],
                "software": bundle.manifest["software"],
                "has_model": int(MODEL_FILES[0] in bundle.checksums),
                "left_out": "; ".join(bundle.manifest["left_out"]),
            }
            for bundle in bundles
        ]
    )
