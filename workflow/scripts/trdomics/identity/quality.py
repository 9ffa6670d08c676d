"""Quality of all samples of all layers: what to check, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from trdomics.config_types import RnaQualityConfig, SamplesConfig
from trdomics.layers.quality import OUTLIER_DEVIATIONS
from trdomics.layers.types import layer_type

COLUMNS = ["patient_id", "layer", "library_size", "detected_features", "top_feature_share"]
COLUMNS += ["pca_isolation", "outlier", "rna_quality", "three_prime_bias", "haemolysis_index"]
COLUMNS += ["sex", "sheet_sex", "verdict", "reason"]
# log2 miR-451a / miR-23a-3p of serum and plasma, in cycles of qPCR: below the first there is no
# haemolysis, above the second there is (Blondal 2013, 10.1016/j.ymeth.2012.09.015). In whole blood
# and tissue these limits do not apply, so the cohort itself is the reference.
HAEMOLYSIS_LIMITS = (5.0, 7.0)


def haemolysis_index(table: pd.DataFrame, markers: pd.DataFrame) -> pd.Series | None:
    """Return log2((miR-451a + 1) / (miR-23a-3p + 1)) by patient, None if one is not measured.

    `table` has raw counts, whose library size cancels; `markers` is ``resources/haemolysis.tsv``.
    """
    columns = {str(name).lower(): name for name in table.columns}
    level = {}
    for row in markers.itertuples():
        names = [str(row.name), *str(row.alias).split(",")]
        found = next((columns[name.lower()] for name in names if name.lower() in columns), None)
        if found is None:
            return None
        level[str(row.role)] = (table[found].astype(float) + 1).map(np.log2)
    return level["erythrocyte"] - level["reference"]


def haemolysis_limit(index: pd.Series) -> tuple[float, str]:
    """Return the index above which a sample is flagged, and the source of that limit.

    If half of the samples are above the published limit, they are not serum or plasma.
    """
    if index.median() < HAEMOLYSIS_LIMITS[1]:
        return HAEMOLYSIS_LIMITS[1], "literature"
    return far_limit(index, "high"), "cohort"


def far_limit(values: pd.Series, side: str) -> float:
    """Return the allowed distance from the median: 3.5 robust standard deviations.

    Infinite if more than half of the values are equal, so that there is no unit of distance.
    """
    known = values.dropna()
    unit = 1.4826 * (known - known.median()).abs().median()
    distance = OUTLIER_DEVIATIONS * unit if unit > 0 else np.inf
    return float(known.median() + (distance if side == "high" else -distance))


def sample_quality(
    qc: Mapping[str, pd.DataFrame],
    kinds: Mapping[str, str],
    sheet: pd.DataFrame,
    samples: SamplesConfig,
    haemolysis: Mapping[str, pd.Series],
    sex: pd.DataFrame,
    matching: pd.DataFrame,
) -> pd.DataFrame:
    """Collect the quality measures of every sample.

    Parameters
    ----------
    qc : mapping of layer to DataFrame
        Each layer's ``qc.tsv``.
    kinds : mapping of layer to str
        Types of the layers. RNA quality and 3' bias concern counts and continuous ones.
    haemolysis : mapping of layer to Series
        From :func:`haemolysis_index`, for the layers that have one.
    sex, matching : DataFrame
        ``sex.tsv`` and ``matching.tsv``.

    Returns
    -------
    DataFrame
        ``COLUMNS``: one row per patient and layer. `verdict` is "ok" or "check"; `reason` is what
        to check, empty for "ok". NA for what a layer does not have.
    """
    parts = []
    for layer, table in qc.items():
        part = table.rename(columns={"isolation": "pca_isolation"}).assign(layer=layer)
        patients = part["patient_id"]
        reasons = [part["outlier_reason"].fillna("").astype(str)]
        if layer_type(kinds[layer]).is_expression:
            for name, setting, side in (
                ("rna_quality", samples["rna_quality"], "low"),
                ("three_prime_bias", samples["three_prime_bias"], "high"),
            ):
                values, limit = _sheet_values(sheet, setting, side)
                part[name] = values.reindex(patients).to_numpy()
                odd = part[name] < limit if side == "low" else part[name] > limit
                reasons.append(_told(odd, f"{name} {side}"))
        if layer in haemolysis:
            part["haemolysis_index"] = haemolysis[layer].reindex(patients).to_numpy()
            limit, _ = haemolysis_limit(haemolysis[layer])
            reasons.append(_told(part["haemolysis_index"] > limit, "haemolysis_index high"))
        own = sex[sex["layer"] == layer].set_index("patient_id")
        for column in ("sex", "sheet_sex"):
            part[column] = own[column].reindex(patients).to_numpy()
        discordant = own["discordant"].reindex(patients).eq(1).to_numpy()
        reasons.append(_told(pd.Series(discordant, part.index), "sex differs from the sheet"))
        reasons.append(patients.map(_mismatches(matching, layer)).fillna(""))
        part["reason"] = _joined(reasons)
        part["verdict"] = np.where(part["reason"] == "", "ok", "check")
        parts.append(part.reindex(columns=COLUMNS))
    return pd.concat([part.astype(object) for part in parts], ignore_index=True).infer_objects()


def _sheet_values(
    sheet: pd.DataFrame, setting: RnaQualityConfig | str | None, side: str
) -> tuple[pd.Series, float]:
    """Return a numeric column of the sheet and the limit beyond which a value is flagged."""
    if setting is None:
        return pd.Series(np.nan, index=sheet.index), np.nan
    column = setting if isinstance(setting, str) else setting["column"]
    lowest = None if isinstance(setting, str) else setting["lowest"]
    values = pd.to_numeric(sheet[column], errors="coerce")
    return values, far_limit(values, side) if lowest is None else float(lowest)


def _told(mask: pd.Series, text: str) -> pd.Series:
    return pd.Series(np.where(mask.fillna(False).astype(bool), text, ""), index=mask.index)


def _joined(reasons: Sequence[pd.Series]) -> list[str]:
    rows = zip(*(reason.to_numpy() for reason in reasons), strict=True)
    return [", ".join(text for text in row if text) for row in rows]


def _mismatches(matching: pd.DataFrame, layer: str) -> dict[str, str]:
    """Return by patient the layers that do not match this one, and whose sample it may be."""
    message: dict[str, list[str]] = {}
    involved = matching[
        (matching["flagged"] == 1) & ((matching["first"] == layer) | (matching["second"] == layer))
    ]
    for row in involved.to_dict("records"):
        text = f"does not match {row['second'] if row['first'] == layer else row['first']}"
        if isinstance(row["likely_partner"], str):
            text += f" (swapped with {row['likely_partner']}?)"
        message.setdefault(str(row["patient_id"]), []).append(text)
    return {patient: ", ".join(texts) for patient, texts in message.items()}
