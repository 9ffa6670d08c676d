"""Which patients have which layers."""

from __future__ import annotations

import difflib
import gzip
import re
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import numpy as np
import pandas as pd

from trdomics.cohort.samples import quoted_ids, sample_names
from trdomics.config_types import LayerConfig, SheetConfig
from trdomics.errors import InputError
from trdomics.inputs.maf import maf_samples
from trdomics.inputs.matrix import read_header
from trdomics.inputs.text_table import check_printable, readable_layer
from trdomics.layers.types import layer_type

CHUNK = 1 << 24
# Share of letters that a name must have in common with the likely intended one.
LIKE = 0.8


class LeftOut(StrEnum):
    """Reason for an exclusion, as a code."""

    EXCLUDED = "excluded"
    PATIENT_EXCLUDED = "patient_excluded"
    NOT_IN_SHEET = "not_in_sheet"
    NOT_IN_LAYER = "not_in_layer"
    NEARLY_EMPTY = "nearly_empty"


def layer_samples(settings: LayerConfig, layer: str, known: Collection[str] = ()) -> list[str]:
    """Return the samples that were profiled in a layer.

    For a matrix or a VCF, those of its header; for a MAF, those with a mutation. If the config
    names a file of profiled samples, that file decides: it includes a MAF's samples without a
    mutation, and excludes a VCF's samples that are not listed.

    Parameters
    ----------
    known : collection of str
        The sheet's sample names, which show whether a matrix has its samples in rows.

    Raises
    ------
    InputError
        If a file is missing or damaged, or a VCF has no annotation.
    """
    path = str(settings["file"])
    if layer_type(settings["type"]).is_matrix:
        return read_header(path, layer, known)
    profiled = settings["profiled"]
    listed = None if profiled is None else read_profiled(profiled, layer)
    with readable_layer(path, layer):
        # cyvcf2 has its own message for a missing file
        Path(path).stat()
        if settings["format"] == "vcf":
            # without `dosages` in the settings, the reader decides whether annotation is needed
            samples = _vcf_samples(path, layer, annotated=not settings.get("dosages", True))
            return samples if listed is None else [name for name in samples if name in set(listed)]
        if listed is not None:
            return listed
        return maf_samples(path, settings["sample_column"])


def has_header(settings: LayerConfig) -> bool:
    """Return whether a layer's samples are known without reading it; those of most MAFs are not."""
    listed = layer_type(settings["type"]).is_matrix or settings["profiled"] is not None
    return listed or settings["format"] == "vcf"


def _vcf_samples(path: str, layer: str, annotated: bool) -> list[str]:
    # imported here: cohorts without a VCF do not need cyvcf2 at the start of a run
    from trdomics.inputs.vcf import vcf_header

    header = vcf_header(path)
    where = f"{path} (layer {layer})"
    if annotated and header.annotation is None:
        raise InputError(
            where,
            "its header declares no consequence annotation (CSQ, ANN or BCSQ) with genes",
            "annotate it with VEP (--symbol), SnpEff or bcftools csq, give `references.genome` and "
            "`references.annotation`, or name variants in `dosages`",
        )
    if not header.samples:
        raise InputError(where, "no sample columns in it", "give a multi-sample VCF")
    check_printable(header.samples, where, "sample")
    return list(header.samples)


def read_profiled(path: str, layer: str) -> list[str]:
    """Return the sample names of a file with one per line."""
    with readable_layer(path, layer):
        text = Path(path).read_text(encoding="utf-8-sig")
    names = [line.strip() for line in text.splitlines() if line.strip()]
    if not names:
        raise InputError(
            f"{path} (layer {layer})",
            "it has no samples",
            "write the profiled samples, one per line",
        )
    if "\t" in names[0] or (len(names) == 1 and "," in names[0]):
        raise InputError(
            f"{path} (layer {layer})",
            "it has several names in a row",
            "write the profiled samples, one per line and nothing else",
        )
    check_printable(names, f"{path} (layer {layer})", "sample")
    return list(dict.fromkeys(names))


def check_gzip(path: str, layer: str) -> None:
    """Read a plain gzip file to its end, since variant readers do not notice truncation.

    BGZF files are left to the reader, which checks their end marker: reading a large VCF to the end
    would take minutes.
    """
    with readable_layer(path, layer):
        with open(path, "rb") as handle:
            head = handle.read(14)
        if head[:2] != b"\x1f\x8b" or (head[3] & 4 and head[12:14] == b"BC"):
            return
        with gzip.open(path) as stream:
            while stream.read(CHUNK):
                pass


def memberships(
    sheet: pd.DataFrame, settings: SheetConfig, samples: Mapping[str, list[str]]
) -> pd.DataFrame:
    """Return which patients have which layers.

    Parameters
    ----------
    samples : mapping of str to list of str
        The samples of each layer, if known.

    Returns
    -------
    DataFrame of bool, shape (n_patients, n_layers)

    Raises
    ------
    InputError
        If a layer shares no patient with the sheet.
    """
    has = pd.DataFrame(index=sheet.index)
    for name, present in samples.items():
        layer = settings["layers"][name]
        names = sample_names(sheet, layer, settings["samples"]["patient_id"])
        has[name] = names.isin(present)
        if not has[name].any():
            column = layer["id_column"]
            own = quoted_ids(names.dropna()) or "none"
            raise InputError(
                f"{layer['file']} (layer {name})",
                f"it shares no patient with the sheet: its samples are {quoted_ids(present)}, "
                f"`{column}` of {settings['samples']['file']} has {own}",
                longer_names(list(names.dropna()), present)
                or (
                    f"set `layers.{name}.id_column` to the sheet's column with the layer's names"
                    if names.notna().any()
                    else f"fill in the column `{column}`"
                ),
            )
    return has.astype(bool)


def longer_names(ids: Sequence[str], samples: Sequence[str]) -> str:
    """Return the fix if the samples are named like the patients with a suffix."""
    of: dict[str, list[str]] = {}
    known = set(ids)
    for sample in samples:
        parts = [sample[: cut.start()] for cut in re.finditer(r"[-_.:]", sample)]
        owner = next((part for part in reversed(parts) if part in known), None)
        if owner is not None:
            of.setdefault(owner, []).append(sample)
    several = next((owner for owner, names in of.items() if len(names) > 1), None)
    if several is not None:
        return (
            f"patient {several} has several samples ({quoted_ids(of[several])}): keep one of each "
            "patient, and name it in a column of the sheet for `id_column`"
        )
    if of:
        return "shorten its names to the patients' ids, or name them in a column for `id_column`"
    return ""


def measured(
    has: pd.DataFrame,
    sheet: pd.DataFrame,
    settings: SheetConfig,
    empty: Mapping[str, Collection[str]],
) -> pd.DataFrame:
    """Return who has which layer, those whose sample is nearly empty taken out.

    Parameters
    ----------
    has : DataFrame of bool, shape (n_patients, n_layers)
    sheet : DataFrame
        Indexed by the same patients.
    empty : mapping of str to collection of str
        Layer to its nearly empty samples.
    """
    has = has.copy()
    for name in has.columns.intersection(list(empty)):
        names = sample_names(sheet, settings["layers"][name], settings["samples"]["patient_id"])
        has[name] &= ~names.isin(list(empty[name]))
    return has


def with_layers(
    has: pd.DataFrame,
    settings: SheetConfig,
    sheet: pd.DataFrame | None = None,
    samples: Mapping[str, list[str]] | None = None,
) -> pd.Series:
    """Return a mask of the patients who have a layer; all layers must be known.

    Parameters
    ----------
    has : DataFrame of bool, shape (n_patients, n_layers)
    sheet : DataFrame, optional
        The whole sheet, to suggest with `samples` the intended name.

    Raises
    ------
    InputError
        If one has none and `samples.without_layers` is not "exclude".
    """
    profiled = has.any(axis=1)
    none = list(has.index[~profiled])
    if none and settings["samples"]["without_layers"] == "error":
        columns = dict.fromkeys(layer["id_column"] for layer in settings["layers"].values())
        meant = "" if sheet is None else likely_names(none, sheet, samples or {}, settings)
        raise InputError(
            settings["samples"]["file"],
            f"patient `{none[0]}` is in no layer"
            + (f" (as are {len(none) - 1} more)" if len(none) > 1 else ""),
            f"{meant}correct {' or '.join(f'`{c}`' for c in columns)}, set `exclude` to 1 there, "
            "or set `samples.without_layers: exclude`",
        )
    return profiled


def likely_names(
    patients: Sequence[str],
    sheet: pd.DataFrame,
    samples: Mapping[str, list[str]],
    settings: SheetConfig,
) -> str:
    """Suggest samples without a patient for the first three of these patients.

    Case is ignored.
    """
    meant: dict[str, str] = {}
    for layer, present in samples.items():
        names = sample_names(sheet, settings["layers"][layer], settings["samples"]["patient_id"])
        spare = {name.casefold(): name for name in set(present) - set(names)}
        for name in names[list(patients[:3])].dropna():
            for close in difflib.get_close_matches(name.casefold(), sorted(spare), 1, LIKE):
                meant.setdefault(name, spare[close])
    pairs = ", ".join(f"`{sample}` for `{name}`" for name, sample in meant.items())
    return f"did you mean {pairs}? Else " if pairs else ""


def unmatched(
    sheet: pd.DataFrame,
    settings: SheetConfig,
    samples: Mapping[str, list[str]],
    empty: Mapping[str, Mapping[str, str]] | None = None,
) -> pd.DataFrame:
    """List the samples and patients that are left out, with the reason.

    The arguments are those of :func:`memberships`, with all layers in `samples`; `empty`
    is of :func:`trdomics.cohort.libraries.nearly_empty`.

    Returns
    -------
    DataFrame
        `id`, `where` ("sheet" or the layer's name), `code` (of :class:`LeftOut`), `reason`.
    """
    few_reads = empty or {}
    out = sheet.loc[sheet["exclude"], "exclude_reason"]
    rows = [(patient, "sheet", LeftOut.EXCLUDED, reason) for patient, reason in out.items()]
    patient_id = settings["samples"]["patient_id"]
    for name, present in samples.items():
        layer = settings["layers"][name]
        names = sample_names(sheet, layer, patient_id)
        patients = {sample: patient for patient, sample in names.dropna().items()}
        for sample in present:
            if sample not in patients:
                reason = "in the layer, not in the sheet"
                rows.append((sample, name, LeftOut.NOT_IN_SHEET, reason))
            elif patients[sample] in out.index:
                reason = f"patient {patients[sample]} is excluded in the sheet"
                rows.append((sample, name, LeftOut.PATIENT_EXCLUDED, reason))
            elif sample in few_reads.get(name, {}):
                reason = f"patient {patients[sample]}: {few_reads[name][sample]}"
                rows.append((sample, name, LeftOut.NEARLY_EMPTY, reason))
        if layer["id_column"] != patient_id:
            # a separate name implies a sample; an id shared by all layers does not
            lost = names[~sheet["exclude"] & names.notna() & ~names.isin(present)]
            rows += [
                (sample, name, LeftOut.NOT_IN_LAYER, f"patient {patient}: not in the layer")
                for patient, sample in lost.items()
            ]
    columns = ["id", "where", "code", "reason"]
    return pd.DataFrame(np.array(rows, dtype=object).reshape(-1, 4), columns=columns)
