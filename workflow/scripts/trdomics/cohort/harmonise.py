"""The harmonised cohort: one table of patients × layers, and the exclusions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jsonschema import Draft202012Validator
from scipy.stats import binomtest, chi2_contingency

from trdomics.cohort.membership import (
    LeftOut,
    layer_samples,
    measured,
    memberships,
    unmatched,
    with_layers,
)
from trdomics.cohort.samples import labels, read_sheet, sample_names, typed_names
from trdomics.config_types import SheetConfig
from trdomics.schema import load_schema

NO_READS = "nearly empty in all layers"
SITE_TEST = ("site_chi2", "site_degrees_of_freedom", "site_pvalue", "site_cramers_v")


def harmonise(
    settings: SheetConfig,
    quality: Mapping[str, pd.DataFrame] | None = None,
    empty: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Combine sheet and layers.

    `settings` is of :func:`trdomics.cohort.config.sheet_settings`; `quality` has, for each layer
    that ``settings["quality"]`` names, the quality of its reads by sample; `empty` is of
    :func:`trdomics.cohort.libraries.nearly_empty`.

    Returns
    -------
    patients : DataFrame, one row per patient who takes part
        `patient_id`, `label` (1, 0, NA), the sheet's columns that the config names, those of the
        quality of reads, and `in_<layer>` (1, 0) for each layer. Valid under
        ``patients.schema.yaml``.
    excluded : DataFrame
        As :func:`trdomics.cohort.membership.unmatched` returns.
    """
    sheet = read_sheet(settings)
    patient_id = settings["samples"]["patient_id"]
    samples = {
        name: layer_samples(layer, name, sample_names(sheet, layer, patient_id).dropna())
        for name, layer in settings["layers"].items()
    }
    taking_part = sheet[~sheet["exclude"]]
    has = memberships(taking_part, settings, samples)
    profiled = with_layers(has, settings)
    has = measured(has, taking_part, settings, empty or {})
    kept = has.any(axis=1)
    for without, reason in ((~profiled, "in no layer"), (profiled & ~kept, NO_READS)):
        left_out = list(has.index[without])
        sheet.loc[left_out, "exclude"] = True
        sheet.loc[left_out, "exclude_reason"] = reason
    taking_part, has = taking_part[kept], has[kept]

    columns = {
        "label": labels(taking_part, settings["label"]),
        **{column: taking_part[column] for column in typed_names(settings)},
        **_quality(taking_part, settings, quality or {}),
        **{f"in_{name}": has[name].astype(float) for name in has},
    }
    patients = pd.DataFrame({name: _whole(values) for name, values in columns.items()})
    patients = patients.reset_index(names="patient_id")
    check_patients(patients)
    return patients, unmatched(sheet, settings, samples, empty)


def _quality(
    sheet: pd.DataFrame, settings: SheetConfig, quality: Mapping[str, pd.DataFrame]
) -> dict[str, pd.Series]:
    """Return the columns of quality by patient; NaN where a layer or its table lacks them."""
    columns = {}
    for name, (layer, column) in settings["quality"].items():
        samples = sample_names(sheet, settings["layers"][layer], settings["samples"]["patient_id"])
        table = quality[layer].reindex(columns=[column])
        columns[name] = samples.map(table[column]).astype(float)
    return columns


def _whole(values: pd.Series) -> pd.Series:
    """Return numbers that are all whole as integers: 20251031 is not to be written 2.02510e+07."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        return values.astype("Int64")
    return values


def check_patients(patients: pd.DataFrame) -> None:
    """Check the table against ``workflow/schemas/patients.schema.yaml``.

    Raises
    ------
    jsonschema.ValidationError
        If a row does not fit, which is an error of the workflow, not of its input.
    """
    validator = Draft202012Validator(load_schema("patients"))
    table = patients.astype(object).where(patients.notna(), None)
    for row in table.to_dict("records"):
        validator.validate(row)


def label_by_site(patients: pd.DataFrame, site: str | None) -> pd.DataFrame:
    """Count labels per site.

    Without a column of sites all patients are one site.

    Returns
    -------
    DataFrame, one row per site
        `site`, `n_patients`, `n_positive`, `n_negative`, `n_unlabelled`, `share_positive` of the
        labelled, `lower` and `upper` (its 95 % Wilson interval).
    """
    if site is None:
        sites = pd.Series("all patients", index=patients.index)
    else:
        sites = patients[site].astype(object).fillna("not known")
    rows = []
    for name, group in patients.groupby(sites, sort=True):
        positive, labelled = int((group["label"] == 1).sum()), int(group["label"].notna().sum())
        share, lower, upper = np.nan, np.nan, np.nan
        if labelled:
            interval = binomtest(positive, labelled).proportion_ci(method="wilson")
            share, lower, upper = positive / labelled, interval.low, interval.high
        shown = {"share_positive": share, "lower": lower, "upper": upper}
        rows.append({"site": name, **_label_counts(group), **shown})
    return pd.DataFrame(rows)


def site_test(sites: pd.DataFrame) -> dict[str, Any]:
    """Test whether the share of positive patients differs between sites.

    `sites` is of :func:`label_by_site`.

    Returns
    -------
    dict
        Pearson's chi-square with its degrees of freedom and p-value, and Cramér's V (0 no
        relation, 1 the site tells the label); null with `<key>_reason` where there is no test.
    """
    table = sites[["n_positive", "n_negative"]].to_numpy()
    table = table[table.sum(axis=1) > 0]
    reason = None
    if len(table) < 2:
        reason = "labelled patients come from one site only, or no site is named in the config"
    elif (table.sum(axis=0) == 0).any():
        reason = "the labelled patients are all of one class"
    if reason:
        return dict.fromkeys(SITE_TEST) | {f"{key}_reason": reason for key in SITE_TEST}
    # without Yates' correction, which scipy applies to 2 × 2 tables, V can reach 1 in all tables
    test = chi2_contingency(table, correction=False)
    # two classes: the smaller side of the table, less one, is one
    cramers_v = float(np.sqrt(test.statistic / table.sum()))
    numbers = (float(test.statistic), int(test.dof), float(test.pvalue), cramers_v)
    return dict(zip(SITE_TEST, numbers, strict=True))


def summarise(
    patients: pd.DataFrame, excluded: pd.DataFrame, sites: pd.DataFrame, settings: SheetConfig
) -> dict[str, Any]:
    """Return the stage's headline numbers.

    Returns
    -------
    dict
        `n_patients`, `n_positive`, `n_negative`, `n_unlabelled`, `n_excluded` (patients that the
        sheet excludes), `n_complete` (patients with all layers), `n_sites`, `positive` and
        `negative` (the labels' names), the keys of :func:`site_test`, and `layers`: per layer
        `n_patients`, `n_positive`, `n_negative`, `n_unlabelled`, `n_left_out` (samples of the
        layer that are not in the sheet or excluded there).
    """
    layers = {}
    for name in settings["layers"]:
        left_out = (excluded["where"] == name) & (excluded["code"] != LeftOut.NOT_IN_LAYER)
        layers[name] = {
            **_label_counts(patients[patients[f"in_{name}"] == 1]),
            "n_left_out": int(left_out.sum()),
        }
    membership = patients[[f"in_{name}" for name in settings["layers"]]]
    has_site = settings["samples"]["site"] is not None
    return {
        **_label_counts(patients),
        "n_excluded": int((excluded["where"] == "sheet").sum()),
        "n_complete": int((membership == 1).all(axis=1).sum()),
        "n_sites": len(sites) if has_site else None,
        **({} if has_site else {"n_sites_reason": "the config names no site column"}),
        "positive": settings["label"]["positive"],
        "negative": settings["label"]["negative"],
        **site_test(sites),
        "layers": layers,
    }


def _label_counts(patients: pd.DataFrame) -> dict[str, int]:
    return {
        "n_patients": len(patients),
        "n_positive": int((patients["label"] == 1).sum()),
        "n_negative": int((patients["label"] == 0).sum()),
        "n_unlabelled": int(patients["label"].isna().sum()),
    }
