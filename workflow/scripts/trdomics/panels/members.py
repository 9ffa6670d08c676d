"""The features of a cohort's layers that are members of a panel: a block for models."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trdomics.layers.types import DOSAGE_PREFIX
from trdomics.panels.panel import GENE, VARIANT


def panel_features(
    panels: Mapping[str, pd.DataFrame], annotations: Mapping[str, pd.DataFrame]
) -> dict[str, dict[str, list[str]]]:
    """Return the features of each panel by layer, as named in the normalised layers.

    Only names are used, no patient's values.

    Parameters
    ----------
    panels : mapping of str to DataFrame
        Of :func:`trdomics.panels.panel.read_panel`.
    annotations : mapping of str to DataFrame
        ``annotation.tsv`` of each layer: ``feature`` and ``symbol``, or of variants ``gene`` and
        ``variant``.
    """
    return {
        name: {
            layer: found
            for layer, annotation in annotations.items()
            if (found := _features(panel, annotation))
        }
        for name, panel in panels.items()
    }


def _features(panel: pd.DataFrame, annotation: pd.DataFrame) -> list[str]:
    if "gene" in annotation:
        genes = set(panel.loc[panel["kind"] == GENE, "member"])
        variants = set(panel.loc[panel["kind"] == VARIANT, "member"])
        own = sorted(genes & set(annotation["gene"].dropna()))
        return own + [DOSAGE_PREFIX + v for v in sorted(variants & set(annotation["variant"]))]
    names = set(panel.loc[panel["kind"] != VARIANT, "member"])
    return [str(name) for name in annotation.loc[annotation["symbol"].isin(names), "feature"]]
