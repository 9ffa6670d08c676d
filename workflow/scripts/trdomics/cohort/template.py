"""Drafts a config and sheet for a new cohort from its matrices."""

from __future__ import annotations

import json
import os
import re
import shlex
import textwrap
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from trdomics.cohort.config import RNASEQ, config_schema, resolve_config
from trdomics.cohort.formula import quoted
from trdomics.cohort.membership import layer_samples, longer_names
from trdomics.cohort.samples import MISSING, quoted_ids, with_points
from trdomics.config_types import LayerConfig
from trdomics.errors import InputError
from trdomics.files import replacing, write_table
from trdomics.inputs.layouts import summary_rows
from trdomics.inputs.maf import BARCODE, is_maf, is_vcf, maf_columns
from trdomics.inputs.matrix import read_header, read_layer_matrix
from trdomics.inputs.text_table import few, read_text_table, readable
from trdomics.inputs.value_rules import ValueRules
from trdomics.layers.types import Counts, Variants, guessed_type, layer_type
from trdomics.reads.folder import guess_protocol, units_of_folder
from trdomics.schema import did_you_mean

VARIANT_SUFFIXES = {".vcf": "vcf", ".bcf": "vcf", ".maf": "maf"}
LABEL = "response"
# Usual covariates of tests in blood, if the sheet has them.
COVARIATES = ("age", "sex", "gender")
SEX = ("sex", "gender", "geschlecht", "sexe")
# Words that identify the positive class.
POSITIVE = {"resistant", "non-responder", "nonresponder", "non-response", "trd", "case", "yes"}
POSITIVE |= {"1", "true", "positive", "failure", "refractory"}
VCF_KEYS = """\
    # What ./. means: missing in a germline call set, reference in a somatic one.
    # no_call: missing
    # Names of the samples to use, one per line, if the file has more.
    # profiled: sequenced.txt
"""
MAF_KEYS = """\
    # Names of all sequenced samples, one per line. A MAF does not list those without a mutation:
    # if listed here they are 0, otherwise missing.
    # profiled: sequenced.txt
"""
REFERENCES = """
# FILL IN the references, all of one release; see docs/reads.md.
references:
  genome: # FASTA, for mRNA and DNA
  annotation: # GTF or GFF3 of Ensembl, for mRNA and DNA
  hairpin: # FASTA of miRBase, for small RNA
  mature: # the same
"""
# How samples are matched to ids that are not their names.
ALIKE, WITHIN = "letters and numbers alone", "a part of their names"
SAMPLE_COLUMN = """\
    # The column of the MAF with the names of the samples.
    # sample_column: Tumor_Sample_Barcode
"""


def guess_layer(
    name: str, file: str, known: Collection[str] = ()
) -> tuple[LayerConfig, list[str], str]:
    """Return a layer's settings, its samples, and the basis of its type in words.

    Parameters
    ----------
    name, file : str
        Of the layer. Matrices are read whole: zeros and ones make a binary layer, other whole
        numbers and estimated counts counts, anything else a continuous one.
    known : collection of str
        Ids of the clinical table, which distinguish samples from other columns and rows.
    """
    kind = _variant_format(file)
    if kind is not None:
        found: LayerConfig = {"type": Variants.name, "file": file}
        reading: LayerConfig = {"format": kind, "profiled": None, "sample_column": BARCODE}
        return found, layer_samples({**found, **reading}, name), f"a {kind.upper()}"
    samples = read_header(file, name, known)
    # other columns than the patients' may hold anything
    used = [sample for sample in samples if sample in known] or samples
    own = pd.Series(used, used, dtype=object)
    matrix = read_layer_matrix(file, name, own, ValueRules())
    features, values = list(matrix.values.columns), matrix.values.to_numpy().T
    summaries, _ = summary_rows(features, values, are_counts=True)
    numbers = np.delete(values, summaries, axis=0)
    # length-scaled counts are hardly ever whole: the file name identifies them
    named_counts = "count" in Path(file).name.lower()
    guessed = guessed_type(numbers, named_counts)
    if summaries and (guessed.is_counts or not len(numbers)):
        matrix = read_layer_matrix(file, name, own, Counts().value_rules({}))
    elif summaries:
        numbers, guessed = values, guessed_type(values, named_counts)
    present = numbers[~np.isnan(numbers)]
    settings: LayerConfig = {"type": guessed.name, "file": file, **guessed.guess(present)}
    message = f"{len(numbers):,} features, {present.min():.4g} to {present.max():.4g}"
    missing, negative = numbers.size - present.size, int((present < 0).sum())
    whole = (present == np.floor(present)).all() and len(np.unique(present)) > 2
    if not guessed.is_counts and whole and (missing or negative):
        message += (
            f", whole numbers with {missing} missing and {negative} negative: if they are counts, "
            "correct those"
        )
    if guessed.is_counts and (present != np.floor(present)).any():
        message += ", estimated counts"
    if settings.get("log2"):
        message += ", not logged yet"
    read_as = [f"read as {matrix.layout}"] if matrix.layout else []
    return settings, samples, "; ".join([message, *read_as, *matrix.notes])


def reads_layer(name: str, path: str, units: pd.DataFrame) -> tuple[LayerConfig, str]:
    """Return the settings of a layer from reads, and their basis in words.

    A layer whose name speaks of DNA is of variants.
    """
    message = f"{len(units)} units of reads"
    if re.search("dna|exome|genom|mutation|variant", name, flags=re.IGNORECASE):
        return {"type": Variants.name, "reads": {"units": path}}, message
    protocol = guess_protocol(units["fq1"].iloc[0]) if "fq1" in units else RNASEQ
    if protocol != RNASEQ:
        message += ", kit guessed from the adapter"
    return {"type": Counts.name, "reads": {"units": path, "protocol": protocol}}, message


def _variant_format(file: str) -> str | None:
    """Return "vcf" or "maf" by the file's name or its header, None for a matrix."""
    kinds = [VARIANT_SUFFIXES[s] for s in Path(file.lower()).suffixes if s in VARIANT_SUFFIXES]
    if not kinds and is_vcf(file):
        raise InputError(file, "by its first line it is a VCF", "name it .vcf or .vcf.gz")
    return kinds[0] if kinds else "maf" if is_maf(file) else None


def _is_maf(settings: LayerConfig) -> bool:
    file = settings.get("file")
    return settings["type"] == Variants.name and file is not None and _variant_format(file) == "maf"


def read_clinical(path: str) -> pd.DataFrame:
    """Read a clinical table as text; its first column, or `patient_id`, holds the patients' ids."""
    with readable(path, path, "correct --clinical", "patient"):
        text = read_text_table(path, path, "save the table as tab-separated text")
    if text is None or not text.rows:
        raise InputError(path, "it has no patients", "give a header and one row per patient")
    twice = next((name for name in text.header if text.header.count(name) > 1), None)
    if twice is not None:
        raise InputError(path, f"column `{twice}` is duplicated", "rename one of them")
    table = pd.DataFrame(text.rows, columns=text.header, dtype=object)
    # a field of the sheet, which has tabs, cannot hold a line end or a tab
    table = table.apply(
        lambda column: column.str.strip().str.replace(r"\s*[\r\n\t]\s*", " ", regex=True)
    )
    if text.separator == ";":
        table = table.apply(with_points)
    if "patient_id" not in table:
        table = table.rename(columns={table.columns[0]: "patient_id"})
    ids = table["patient_id"]
    if ids.duplicated().any():
        raise InputError(
            path,
            f"patient `{ids[ids.duplicated()].iloc[0]}` is duplicated",
            "keep one row per patient: several samples of one patient would be in both training "
            "and test sets",
        )
    return table


def named_by(
    file: str, samples: Collection[str], ids: Sequence[Collection[str]]
) -> tuple[str, list[str]] | None:
    """Return the column of a MAF that holds ids of the cohort, and the samples it names.

    Parameters
    ----------
    file : str
        The MAF.
    samples : collection of str
        Its ``Tumor_Sample_Barcode``.
    ids : sequence of collections of str
        Columns of the sheet, or the samples of other layers. One that holds a value twice is
        none of ids.

    Returns
    -------
    tuple or None
        None where the barcodes are ids, or no column is: more than half of its names must be
        known, as a chromosome may be called like a patient.
    """
    known = [set(column) for column in ids if len(set(column)) == len(column)]
    if any(not each.isdisjoint(samples) for each in known):
        return None
    best, share = None, 0.5
    for column, names in maf_columns(file).items():
        shared = max((len(each.intersection(names)) for each in known), default=0) / len(names)
        if shared > share:
            best, share = (column, names), shared
    return best


def join_ids(
    samples: Mapping[str, list[str]], clinical: pd.DataFrame | None
) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """Return a row per patient, and the column of each layer that has names of its own.

    The rows of a clinical table are the patients. A layer is joined by the column of ids that has
    most of its samples; failing that, by ids spelt alike (see :func:`spelling_free`), which the
    layer's own column then shows.

    Returns
    -------
    sheet : DataFrame
        `patient_id` first. Without a clinical table the patients are the samples, and a layer
        that shares none with those before it has rows and a column of its own.
    columns : dict of str to str
        Layer → its id column, for layers whose samples are not called by `patient_id`.
    notes : list of str
        What remains for the user to join.
    """
    columns: dict[str, str] = {}
    notes = []
    if clinical is not None:
        sheet = clinical[["patient_id", *clinical.columns.drop("patient_id")]].copy()
        filled = {column: _filled(clinical[column]) for column in clinical.columns}
        ids_of = {column: known for column, known in filled.items() if known.is_unique}
        for layer, names in samples.items():
            shared = {column: int(known.isin(names).sum()) for column, known in ids_of.items()}
            best = max(shared, key=lambda column: (shared[column], column == "patient_id"))
            if 2 * shared[best] < min(len(names), len(ids_of[best])) and best != "patient_id":
                shared[best] = 0
            matches = [
                (column, match(known, names), how)
                for match, how in ((_spelt_alike, ALIKE), (_named_within, WITHIN))
                for column, known in ids_of.items()
                if shared[best] < min(len(names), len(known))
            ]
            column, match, how = max(matches, key=lambda m: len(m[1]), default=("", {}, ""))
            if len(match) > shared[best]:
                columns[layer] = f"{layer}_id"
                sheet[columns[layer]] = sheet[column].map(match).fillna("")
                one = next((i for i in match if i != match[i]), next(iter(match)))
                notes.append(
                    f"{layer}: {len(match)} samples are matched to `{column}` by {how} "
                    f"(`{match[one]}` is `{one}`); check the column {columns[layer]}"
                )
                continue
            if not shared[best]:
                columns[layer] = f"{layer}_id"
                sheet[columns[layer]] = ""
                notes.append(
                    f"no column has the samples of {layer} ({quoted_ids(names)}): "
                    f"write them into the column {columns[layer]}"
                )
                notes += [
                    f"{layer}: {several}"
                    for known in ids_of.values()
                    if (several := longer_names(list(known), names))
                ][:1]
            elif best != "patient_id":
                columns[layer] = best
            left = sorted(set(names) - set(sheet[best])) if shared[best] else []
            if left:
                notes.append(f"{layer}: {len(left)} samples of no patient: {quoted_ids(left)}")
        return sheet, columns, notes
    ids: dict[str, None] = {}
    own: dict[str, list[str]] = {}
    for layer, names in samples.items():
        if ids and not set(names) & set(ids):
            own[layer] = names
        else:
            ids.update(dict.fromkeys(names))
    sheet = pd.DataFrame({"patient_id": list(ids)}, dtype=object)
    for layer, names in own.items():
        columns[layer] = f"{layer}_id"
        rows = pd.DataFrame({"patient_id": names, columns[layer]: names}, dtype=object)
        sheet = pd.concat([sheet, rows], ignore_index=True).drop_duplicates("patient_id")
        notes.append(
            f"the samples of {layer} ({quoted_ids(names)}) are named differently from those "
            f"before: move their names, in the column {columns[layer]}, to the rows of their "
            "patients"
        )
    return sheet.fillna(""), columns, notes


def _filled(column: pd.Series) -> pd.Series:
    return column[column.fillna("") != ""]


def spelling_free(name: str) -> str:
    """Return an id without case, punctuation, leading zeros and the X that R puts before digits."""
    text = re.sub(r"(?<!\d)0+(?=\d)", "", unicodedata.normalize("NFKC", name).casefold())
    text = re.sub(r"[\W_]+", "", text)
    return re.sub(r"^x(?=\d)", "", text)


def _spelt_alike(ids: pd.Series, names: Sequence[str]) -> dict[str, str]:
    """Return id → name of those that are alike in spelling, if no two of either side are."""
    by_key = {spelling_free(name): name for name in names}
    keys = ids.map(spelling_free)
    if len(by_key) < len(names) or keys.duplicated().any():
        return {}
    found = keys.isin(list(by_key))
    if 2 * found.sum() < min(len(names), len(ids)):
        return {}
    return dict(zip(ids[found], keys[found].map(by_key), strict=True))


def _parts(name: str) -> str:
    return "-".join(filter(None, map(spelling_free, re.split(r"[\W_]+", name))))


def _named_within(ids: pd.Series, names: Sequence[str]) -> dict[str, str]:
    """Return id → the name with it as a part, as `P1_S4` and `bams/P1.bam` have P1.

    Each part is compared as :func:`spelling_free` has it: `MUC_001_R1` has MUC-1. None is
    returned if an id is part of several names, or few ids are part of any.
    """
    id_of = {_parts(own): own for own in ids}
    if len(id_of) < len(ids):
        return {}
    longest = sorted(id_of, key=len, reverse=True)
    part = re.compile(rf"(?<![^-])({'|'.join(map(re.escape, longest))})(?![^-])")
    of: dict[str, list[str]] = {}
    for name in names:
        owners = set(part.findall(_parts(name)))
        if len(owners) == 1:
            of.setdefault(id_of[owners.pop()], []).append(name)
    if any(len(mine) > 1 for mine in of.values()) or 2 * len(of) < min(len(names), len(ids)):
        return {}
    return {own: mine[0] for own, mine in of.items()}


def begin_cohort(
    name: str,
    files: Mapping[str, str],
    folder: str | os.PathLike[str],
    clinical: str | None = None,
    label: str | None = None,
) -> list[str]:
    """Write ``<name>.yaml`` and ``<name>.tsv`` for a cohort, never overwriting files.

    Parameters
    ----------
    files : mapping of str to str
        Layer → its file.
    clinical : str, optional
        Table (TSV, CSV) of the patients, which becomes the sheet.
    label : str, optional
        Its column of the label; without it an empty column ``response`` is added.

    Returns
    -------
    list of str
        What was written and what is left to do, one line each.

    Raises
    ------
    InputError
        If a file cannot be used, a name is not allowed, or the cohort already exists.
    """
    config_file, sheet_file = (Path(folder) / f"{name}.{suffix}" for suffix in ("yaml", "tsv"))
    for path in (config_file, sheet_file):
        if path.exists():
            raise InputError(str(path), "is there already", "choose another name or remove it")
    layers: dict[str, LayerConfig] = {}
    samples, message = {}, {}
    table = None if clinical is None else read_clinical(clinical)
    known = set() if table is None else {value for name in table for value in table[name]}
    units = {}
    for layer, file in files.items():
        if Path(file).is_dir():
            table_file = str(Path(folder) / f"{name}_{layer}_units.tsv")
            table_of_units, left_out = units_of_folder(file)
            units[table_file] = table_of_units
            layers[layer], message[layer] = reads_layer(layer, table_file, table_of_units)
            if left_out:
                message[layer] += f", without {len(left_out)} files of no sample ({few(left_out)})"
            samples[layer] = list(table_of_units["sample"].unique())
            continue
        layers[layer], samples[layer], message[layer] = guess_layer(
            layer, file, known - set(MISSING)
        )
    for layer, settings in layers.items():
        if _is_maf(settings):
            others = [names for other, names in samples.items() if other != layer]
            ids = others if table is None else [list(table[column]) for column in table.columns]
            named = named_by(settings["file"], samples[layer], ids)
            if named is not None:
                settings["sample_column"], samples[layer] = named
    sheet, columns, notes = join_ids(samples, table)
    for layer, column in columns.items():
        layers[layer]["id_column"] = column
    if label is None and LABEL not in sheet:
        sheet.insert(1, LABEL, "")
    column = label or LABEL
    if column not in sheet:
        where, fix = clinical or "--label", did_you_mean(column, map(str, sheet), "its columns are")
        if clinical is None:
            fix = "name the table that has it with --clinical"
        raise InputError(where, f"no column `{column}`", fix)
    classes, counts = guess_classes(sheet[column])
    present = pd.DataFrame(
        {n: sheet[columns.get(n, "patient_id")].isin(names) for n, names in samples.items()}
    )
    without = list(sheet["patient_id"][~present.any(axis=1)])
    lost = len(without)
    if lost:
        notes.append(
            f"{lost} patients are in no layer: they are left out (`without_layers`): "
            f"{quoted_ids(without)}"
        )
    text = _config_text(name, sheet_file, column, classes, counts, layers, message, sheet, lost)
    # an unusable name is reported as the config's own check reports it
    config = yaml.safe_load(text)
    config["label"] |= {k: k for k in ("positive", "negative") if config["label"][k] is None}
    resolve_config(config, str(config_file))
    write_table(sheet, sheet_file)
    for table_file, table_of_units in units.items():
        write_table(table_of_units.replace("", pd.NA), table_file)
    with replacing(config_file) as temporary:
        temporary.write_text(text, encoding="utf-8")
    lines = [f"{sheet_file}: {len(sheet)} patients", f"{config_file}:"]
    lines += [
        f"  {layer}: {layers[layer]['type']} ({message[layer]}, {len(samples[layer])} samples)"
        for layer in layers
    ]
    todo = notes if counts else [*notes, f"fill in the column `{column}` of the sheet"]
    if classes is None:
        todo = [*todo, f"say in `label.positive` which value of `{column}` is to be predicted"]
    todo = [*todo, f"fill in what is marked FILL IN and CHECK in {config_file}"]
    lines += [f"to do: {note}" for note in todo]
    return [
        *lines,
        f"then, in {Path.cwd()}, to which its paths are relative:",
        f"  snakemake check --cores 1 --configfile {shlex.quote(str(config_file))}",
    ]


def guess_classes(values: pd.Series) -> tuple[tuple[str, str] | None, dict[str, int]]:
    """Return the positive and the negative value of a label, and how many patients have each.

    The two are None unless it is evident which is which.
    """
    known = values[~values.isin(MISSING)]
    counts = {str(value): int(n) for value, n in known.value_counts().items()}
    plain = {value: re.sub(r"\.0+$", "", value.casefold()) for value in counts}
    positive = [value for value in counts if plain[value] in POSITIVE]
    if not counts:
        return ("resistant", "responder"), counts
    if len(counts) == 2 and len(positive) == 1:
        return (positive[0], next(value for value in counts if value != positive[0])), counts
    return None, counts


def _yaml(value: object) -> str:
    """Return a value as YAML, in quotes if it would be read as something else."""
    plain = yaml.safe_dump(value, width=float("inf")).removesuffix("...\n").strip()
    # JSON is valid YAML on one line
    return json.dumps(value) if "\n" in plain or isinstance(value, dict) else plain


def _config_text(
    name: str,
    sheet: Path,
    label: str,
    classes: tuple[str, str] | None,
    counts: Mapping[str, int],
    layers: Mapping[str, LayerConfig],
    message: Mapping[str, str],
    table: pd.DataFrame,
    lost: int,
) -> str:
    used = {"patient_id", label, *(layer.get("id_column") for layer in layers.values())}
    free = [column for column in table.columns if column not in used]
    named = ", ".join(free) or "none"
    choice = textwrap.fill(
        f"FILL IN what is known about the patients. Columns of the sheet: {named}.",
        98,
        initial_indent="# ",
        subsequent_indent="# ",
    )
    sex = "# sex: {column: sex, female: female, male: male} # compared with molecular sex"
    own = next((column for column in free if column.casefold() in SEX), None)
    if own is not None:
        sex = (
            f"sex: {{column: {json.dumps(own, ensure_ascii=False)}}} # compared with molecular sex"
        )
    without = f"\n  without_layers: exclude # {lost} patients" if lost else ""
    shown = ", ".join(f"{_yaml(value)} ({n})" for value, n in list(counts.items())[:8])
    label_lines = f"  # its values: {shown}\n" if counts else ""
    if classes is None:
        label_lines += """\
  # FILL IN the value to be predicted, and the value (or list of values) of the others.
  # Patients with another value or none are scored, not used for training.
  positive:
  negative:"""
    else:
        label_lines += f"""\
  positive: {_yaml(classes[0])} # CHECK: the positive class
  # Patients with another value or none are scored, not used for training.
  negative: {_yaml(classes[1])}"""
    text = f"""# All keys are explained in config/README.md; those left out have defaults.
cohort: {_yaml(name)}

samples:
  file: {_yaml(str(sheet))}
  patient_id: patient_id
  # site: site # column of the recruiting site, if there are several
  {sex}{without}

label:
  column: {_yaml(label)}
{label_lines}

{choice}
clinical:
  predictors: [] # known before treatment: the clinical model
  # what could explain the label without biology: site, cells, medication, RNA quality
  confounders: []
  circular: [] # what encodes the label, such as the number of failed drugs
  technical: [] # batch, RNA quality

layers:
"""
    keys = config_schema()["$defs"]
    for layer, settings in layers.items():
        text += f"  {_yaml(layer)}: # {message[layer]}: CHECK that the type is right\n"
        for key, value in settings.items():
            text += f"    {key}: {_yaml(value)}\n"
        if "features" in keys[settings["type"]]["properties"]:
            text += "    # features: features.tsv # feature, symbol, chromosome\n"
        if not layer_type(settings["type"]).is_matrix:
            text += MAF_KEYS if _is_maf(settings) else VCF_KEYS
            if _is_maf(settings) and "sample_column" not in settings:
                text += SAMPLE_COLUMN
    covariates = [
        column
        for column in free
        if column.lower() in COVARIATES and len(set(table[column]) - set(MISSING)) > 1
    ]
    design = "~ " + " + ".join(quoted(column) for column in [*covariates, label])
    return f"""{text}
{REFERENCES if any("reads" in layer for layer in layers.values()) else ""}
# Adjust the tests for columns of the sheet that differ between the groups, the label last. Names
# that are not plain words go in backquotes.
# differential:
#   design: {json.dumps(design, ensure_ascii=False)}

# Fractions of blood cells are estimated and adjusted for. If the samples are not blood:
# cells:
#   signature: null

# A quick first run shows that everything works. Its intervals are wide: it is not a result.
# classification:
#   repeats: 1
#   folds: 3
#   inner_folds: 3
#   permutations: 2
#   learning_curve: 0
"""
