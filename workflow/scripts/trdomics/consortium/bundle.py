"""The bundle that a cohort shares with a consortium: its format, and reading without trust."""

from __future__ import annotations

import io
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trdomics.archive import AGAIN, read_archive, sha256_of, verify
from trdomics.errors import InputError
from trdomics.files import MISSING, plain
from trdomics.frozen_model.read_missing_layer_cost import parse_missing_layer_cost
from trdomics.integration.projection import MAX_FACTORS
from trdomics.layers.types import TYPES, with_layer_types
from trdomics.partner_json import parse_partner_json, with_checksum
from trdomics.schema import ClosedSchema, load_schema

MANIFEST = "manifest.json"
MODEL_FILES = ("model/model.safetensors", "model/model.json")
LOSS_FILE = "model/missing_layer_cost.json"
MAX_BYTES = 2**28
MAX_MEMBERS = 200
MAX_ROWS = 500_000
MAX_TEXT = 500
# More rows than feature sets, metrics, columns and points of curves of any cohort.
MAX_OTHER_ROWS = 20_000
# Columns of every table. TEXT may be empty, NUMBER missing, SHARE too and is between 0 and 1;
# COUNT is a number of patients.
TEXT, NAME, NUMBER, FINITE = "text", "name", "number", "finite"
SHARE, COUNT = "share", "count"
SHARES = ("auroc", "auprc", "balanced_accuracy", "brier")
# Limits of plausible effects and standard errors, on a log scale and in a layer's own units.
LOG_LIMITS, OWN_LIMITS, MAX_RATIO = (1e-4, 1e3), (1e-9, 1e12), 1e4
DIFFERENCE, SCORES = "difference", "difference of normal scores"
# Characters that start a formula in a spreadsheet, and the mark that makes it text.
FORMULA, AS_TEXT = ("=", "+", "-", "@", "\t", "\r"), "'"
# AUROCs over the cohort's own sites, none of which is named.
SITE_SHARES = ("auroc", "lower", "upper", "prediction_lower", "prediction_upper", "i2")
SITE_NUMBERS = ("n_sites", "tau2", "change", "change_lower", "change_upper")
SITE_VALUES = (*SITE_SHARES, *SITE_NUMBERS)
EFFECTS = {"feature": NAME, "symbol": TEXT, "effect": FINITE, "se": FINITE}
TABLES: dict[str, dict[str, str]] = {
    r"effects/[A-Za-z0-9_]+\.tsv": EFFECTS,
    r"factors/[A-Za-z0-9_]+\.tsv": {"feature": NAME},  # and Factor1 … FactorK
    r"variance_explained\.tsv": {"layer": NAME, "factor": NAME, "r2": FINITE},
    r"description\.tsv": {"column": NAME, "level": TEXT, "mean": NUMBER, "sd": NUMBER}
    | {"share": SHARE, "n": COUNT},
    r"pharmacogenes\.tsv": {"gene": NAME, "phenotype": NAME, "n": COUNT},
    r"performance\.tsv": dict.fromkeys(("feature_set", "role", "metric"), NAME)
    | dict.fromkeys(("value", "lower", "upper", "se"), NUMBER)
    | {"reason": TEXT},
    r"calibration\.tsv": {"feature_set": NAME, "predicted": SHARE, "observed": SHARE, "n": COUNT},
    r"roc\.tsv": {"feature_set": NAME, "false_positive_rate": SHARE, "true_positive_rate": SHARE},
    r"decision\.tsv": {"feature_set": NAME, "threshold": SHARE}
    | dict.fromkeys(("net_benefit", "treat_all"), FINITE),
    r"sites\.tsv": {"feature_set": NAME, "role": NAME, "validation": NAME}
    | dict.fromkeys(SITE_SHARES, SHARE)
    | dict.fromkeys(SITE_NUMBERS, NUMBER),
}
_FACTOR = re.compile(r"Factor[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class Bundle:
    """A bundle that has been read and checked.

    Attributes
    ----------
    where : str
        Its file, for messages.
    tables : dict of str to DataFrame
        By member, such as ``effects/mrna.tsv``.
    checksums : dict of str to str
        Of all members except the manifest.
    """

    where: str
    manifest: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    checksums: dict[str, str]

    @property
    def cohort(self) -> str:
        """The cohort's name."""
        return str(self.manifest["cohort"])

    def of(self, folder: str) -> dict[str, pd.DataFrame]:
        """Return the tables of ``effects`` or ``factors`` by layer."""
        members = {name: name.split("/") for name in self.tables if name.startswith(f"{folder}/")}
        return {parts[1].removesuffix(".tsv"): self.tables[n] for n, parts in members.items()}


def table_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as TSV with six significant digits, without spreadsheet formulas."""
    text = defused(table).to_csv(
        sep="\t", index=False, na_rep=MISSING, float_format="%.6g", lineterminator="\n"
    )
    return text.encode()


def defused(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts no spreadsheet reads as formulas."""
    result = table.copy()
    for column in table.select_dtypes(exclude="number"):
        formula = table[column].map(lambda v: isinstance(v, str) and v.startswith(FORMULA))
        if formula.any():
            result[column] = table[column].mask(formula, AS_TEXT + table[column].astype(str))
    return result


def json_bytes(value: Any) -> bytes:
    """Return JSON with sorted keys."""
    return (json.dumps(plain(value), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def bundle_schema() -> dict[str, Any]:
    """Return the schema of a bundle's manifest, with the registered types and their effects."""
    schema = with_layer_types(load_schema("bundle"))
    effects = {kind.effect for kind in TYPES.values()} | {SCORES}
    schema["$defs"]["effect"] = {"enum": sorted(effects)}
    return schema


def with_manifest(description: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return all members of a bundle: the manifest, and the files that it lists."""
    checksums = {name: sha256_of(content) for name, content in files.items()}
    manifest = {**description, "files": checksums}
    manifest = with_checksum(manifest)
    return {
        MANIFEST: json_bytes(ClosedSchema(bundle_schema()).resolve(manifest, MANIFEST)),
        **files,
    }


def read_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Read an untrusted bundle, executing nothing in it.

    Its model is not opened: to use it, unpack it and call
    :func:`trdomics.frozen_model.store.load_model`, which does not trust it either.

    Raises
    ------
    InputError
        If it is not a bundle, is damaged, was changed after it was written, or has an unknown
        member, key or column.
    """
    where = os.fspath(path)
    allowed = [re.escape(MANIFEST), *map(re.escape, (*MODEL_FILES, LOSS_FILE)), *TABLES]
    contents = read_archive(path, allowed, max_bytes=MAX_BYTES, max_members=MAX_MEMBERS)
    if MANIFEST not in contents:
        raise InputError(where, f"has no {MANIFEST}", "name a bundle that `snakemake export` wrote")
    manifest = parse_partner_json(
        contents.pop(MANIFEST), bundle_schema(), f"{where}: {MANIFEST}", AGAIN
    )
    verify(contents, manifest["files"], where)
    losses = contents.pop(LOSS_FILE, None)
    if losses is not None:
        model = manifest["files"].get(MODEL_FILES[0], "")
        parse_missing_layer_cost(losses, model, f"{where}: {LOSS_FILE}")
    tables = {
        name: parse_table(name, content, where)
        for name, content in contents.items()
        if name not in MODEL_FILES
    }
    bundle = Bundle(where, manifest, tables, manifest["files"])
    for folder in ("effects", "factors"):
        strangers = set(bundle.of(folder)) - set(manifest["layers"])
        if strangers:
            raise InputError(
                where, f"has a table that belongs to none of its layers: {min(strangers)}", AGAIN
            )
    for layer, table in bundle.of("effects").items():
        fine = plausible(table, manifest["layers"][layer]["effect"])
        _refuse_row(table, fine, f"{where}: effects/{layer}.tsv", "feature")
    return bundle


def plausible(table: pd.DataFrame, effect: str) -> pd.Series:
    """Return which rows have a plausible effect and standard error.

    Parameters
    ----------
    table : DataFrame
        ``effect``, ``se``.
    effect : str
        Its kind: ``difference`` is in the layer's own units, all others are logarithms.
    """
    least, largest = OWN_LIMITS if effect == DIFFERENCE else LOG_LIMITS
    size, error = table["effect"].abs(), table["se"]
    return error.between(least, largest) & (size <= largest) & (size <= MAX_RATIO * error)


def _refuse_row(table: pd.DataFrame, fine: pd.Series, where: str, named: str) -> None:
    """Raise InputError at the first invalid row."""
    if fine.all():
        return
    place = int((~fine).to_numpy().argmax())
    row = table.iloc[place]
    shown = ", ".join(
        f"{k} {row[k]:.6g}" for k in ("value", "effect", "se", "lower", "upper") if k in row
    )
    raise InputError(
        # the header is the first
        f"{where} row {place + 2} ({str(row[named])[:80]})",
        f"has impossible numbers ({shown})",
        AGAIN,
    )


def columns_of(name: str) -> dict[str, str]:
    """Return the columns that a member of this name must have, with their kinds."""
    return next(columns for pattern, columns in TABLES.items() if re.fullmatch(pattern, name))


def parse_table(name: str, content: bytes, where: str) -> pd.DataFrame:
    """Read one table of a bundle and check its columns and values.

    Raises
    ------
    InputError
        If a column is missing or unknown, a value has the wrong kind, or a name is duplicated.
    """
    where = f"{where}: {name}"
    if b"\0" in content:
        raise InputError(where, "is not text", AGAIN)
    try:
        table = pd.read_csv(
            io.BytesIO(content),
            sep="\t",
            dtype=str,
            quoting=3,
            keep_default_na=False,
            encoding="utf-8",
            nrows=MAX_ROWS + 1,
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise InputError(where, f"is not a table ({str(error)[:80]})", AGAIN) from error
    if not isinstance(table.index, pd.RangeIndex):
        raise InputError(where, "has rows longer than its header", AGAIN)
    kinds = dict(columns_of(name))
    most = MAX_ROWS if "feature" in kinds else MAX_OTHER_ROWS
    if len(table) > most:
        raise InputError(where, f"has more than {most} rows", AGAIN)
    if len(table.columns) > MAX_FACTORS + 1:
        raise InputError(where, f"has more than {MAX_FACTORS} factors", AGAIN)
    if name.startswith("factors/"):
        kinds |= {column: FINITE for column in table.columns if _FACTOR.fullmatch(column)}
    if list(table.columns) != list(kinds):
        shown = ", ".join(map(str, table.columns))[:120]
        raise InputError(where, f"has the columns {shown}, not {', '.join(kinds)[:120]}", AGAIN)
    for column, kind in kinds.items():
        table[column] = _checked(table[column], kind, f"{where} column {column}")
    if "feature" in kinds and not table["feature"].is_unique:
        twice = table["feature"][table["feature"].duplicated()].iloc[0]
        raise InputError(where, f"lists {twice[:80]!r} twice", AGAIN)
    if "se" in kinds and kinds["se"] == FINITE and not (table["se"] > 0).all():
        raise InputError(f"{where} column se", "has errors that are not above 0", AGAIN)
    if {"lower", "upper"} <= kinds.keys():
        # a comparison with a missing number is false
        fine = ~(table["lower"] > table["upper"])
        if "metric" in kinds:
            numbers = table[["value", "lower", "upper"]]
            within = (numbers.isna() | ((numbers >= 0) & (numbers <= 1))).all(axis=1)
            fine &= within | ~table["metric"].isin(SHARES)
        _refuse_row(table, fine, where, "feature_set")
    return table


def _checked(column: pd.Series, kind: str, where: str) -> pd.Series:
    if kind in (TEXT, NAME):
        if (column.str.len() > MAX_TEXT).any():
            raise InputError(where, f"has names of more than {MAX_TEXT} letters", AGAIN)
        if kind == NAME and ((column == "") | (column == MISSING)).any():
            raise InputError(where, "lacks a name", AGAIN)
        return column.where(column != MISSING, None)
    numbers = pd.to_numeric(column.where(column != MISSING), errors="coerce").astype(float)
    missing = numbers.isna() | numbers.map(math.isinf)
    if (missing & (column != MISSING)).any() or (kind not in (NUMBER, SHARE) and missing.any()):
        found = column[missing].iloc[0]
        raise InputError(where, f"{found[:40]!r} is not a finite number", AGAIN)
    wrong = (numbers < 0) | (numbers > 1) if kind == SHARE else numbers < 0
    if kind in (SHARE, COUNT) and wrong.any():
        limits = "between 0 and 1" if kind == SHARE else "0 or more"
        place = int(wrong.to_numpy().argmax())
        raise InputError(
            f"{where} row {place + 2}", f"{numbers[wrong].iloc[0]:g} is not {limits}", AGAIN
        )
    return numbers
