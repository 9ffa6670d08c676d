"""The config of a cohort: validated, with every default filled in."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal, cast, get_args

import yaml

from trdomics.cohort.formula import design_columns, quoted, unquoted_columns, with_contrast
from trdomics.config_types import (
    CohortConfig,
    LayerConfig,
    PatientColumns,
    PatientsConfig,
    ReadsConfig,
    SamplesConfig,
    SheetConfig,
)
from trdomics.errors import InputError
from trdomics.inputs.calls import variant_name
from trdomics.inputs.maf import is_maf
from trdomics.inputs.text_table import raise_all
from trdomics.layers.types import layer_part, layer_type, types_schema
from trdomics.reads.quality import quality_columns
from trdomics.schema import ClosedSchema, did_you_mean, load_schema

# Settings that decide who has a layer; others do not affect the cohort stage.
MEMBERSHIP_KEYS = ["type", "file", "id_column", "format", "profiled", "sample_column"]
MEMBERSHIP_KEYS += ["min_mean_count"]
Reference = Literal["genome", "annotation", "transcripts", "hairpin", "mature"]
REFERENCE_FILES: tuple[Reference, ...] = get_args(Reference)
# Files that the stage `reads` makes of a layer, by whether the layer is a matrix.
MATRIX, VARIANTS, FEATURES = "counts.tsv.gz", "variants.vcf.gz", "features.tsv"
# Prefix of read-quality columns, followed by the layer's name if several layers share a column.
QUALITY = "reads."
# Layers with simulated reads.
SIMULATED_READS = ("mrna", "small_rna", "mutations")
# The protocol of mRNA libraries; the others are small RNA kits.
RNASEQ = "rnaseq"
# Refers to the fractions estimated from expression in an adjustment set.
ESTIMATED_CELLS = "estimated_cells"
# Maximum number of values of a config with expanded aliases.
MOST_VALUES = 100_000
# Names reserved for columns of patients.tsv.
OWN_COLUMNS = ("patient_id", "label")


def config_schema() -> dict[str, Any]:
    """Return the schema of a config, with the keys of every type of layer."""
    return types_schema(load_schema("config"))


def resolve_config(raw: Mapping[str, Any], path: str) -> CohortConfig:
    """Validate a config and fill in its defaults.

    Parameters
    ----------
    raw : mapping
        The config as read from YAML. A resolved config is valid and resolves to itself.

    Returns
    -------
    dict
        Every key of ``workflow/schemas/config.schema.yaml`` is there; the values of a label are
        text; `id_column`, `format`, `differential.design` and `.contrast` and `simulation.seed`
        are as they will be used.

    Raises
    ------
    InputError
        At the first key that is unknown, missing or out of range, or that contradicts another.
    """
    where = path or "config"
    config: CohortConfig = ClosedSchema(config_schema()).resolve(dict(raw), where)
    check_values(config, where)
    label = config["label"]
    if isinstance(label["negative"], list):
        label["negative_values"] = [str(value) for value in label["negative"]]
        label["negative"] = " or ".join(label["negative_values"])
    label["positive"], label["negative"] = str(label["positive"]), str(label["negative"])
    if label["positive"] in label.get("negative_values", []):
        raise InputError(
            where, f"`label.negative` lists the positive {label['positive']!r}", "remove it"
        )
    if label["positive"] == label["negative"]:
        raise InputError(
            where,
            f"`label.positive` and `label.negative` are both {label['positive']!r}",
            "name the two values of the label column",
        )
    if label["column"] is None and config["scoring"]["model"] is None:
        raise InputError(
            where,
            "`label.column` is null",
            "name the label's column, or the model to score with in `scoring.model`",
        )
    for name, layer in config["layers"].items():
        _resolve_source(name, layer, reads_folder(config["cohort"], name), where)
        _resolve_layer(name, layer, config["samples"]["patient_id"], where)
    _resolve_differential(config, where)
    mirna = config["enrichment"]["mirna"]
    for key, chosen in (("layer", mirna["layer"]), ("target_layer", mirna["target_layer"])):
        if chosen is not None and chosen not in config["layers"]:
            fix = did_you_mean(chosen, config["layers"], "its layers are")
            raise InputError(where, f"`enrichment.mirna.{key}`: there is no layer `{chosen}`", fix)
    for drawn in (config["simulation"], config["simulated_reads"]):
        if drawn is not None and drawn["seed"] is None:
            drawn["seed"] = config["seed"]
    _check_simulation(config, where)
    _check_roles(config, where)
    _check_column_names(config, where)
    _check_quality(config, where)
    return config


def check_duplicate_keys(files: Iterable[str]) -> None:
    """Check that no key of a YAML file is duplicated: the last would hide the others.

    Raises
    ------
    InputErrors
        Naming the lines of each such key, or an alias that contains itself. Invalid YAML is left to
        the parser.
    """
    errors = []
    for file in files:
        try:
            with open(file, encoding="utf-8") as handle:
                root = yaml.compose(handle, Loader=yaml.CSafeLoader)
            size = 0.0 if root is None else _unfolded(root, {})
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue
        except RecursionError as error:
            raise InputError(file, "its values are nested too deeply", "flatten them") from error
        if size > MOST_VALUES:
            raise InputError(
                file,
                "an alias (`*name`) contains itself, or aliases unfold to more than "
                f"{MOST_VALUES:,} values",
                "write the values out",
            )
        pending = [] if root is None else [(root, "")]
        seen: set[int] = set()
        while pending:
            node, path = pending.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, yaml.SequenceNode):
                pending += [(item, path) for item in node.value]
            if not isinstance(node, yaml.MappingNode):
                continue
            lines: dict[str, int] = {}
            for key, value in node.value:
                name, line = f"{path}.{key.value}".lstrip("."), key.start_mark.line + 1
                if name in lines and key.value != "<<":
                    errors.append(
                        InputError(
                            f"{file} lines {lines[name]} and {line}",
                            f"`{name}` is duplicated",
                            "merge the two",
                        )
                    )
                lines.setdefault(name, line)
                pending.append((value, name))
    raise_all(errors, "config")


def _unfolded(node: yaml.Node, sizes: dict[int, float]) -> float:
    """Return the number of values of a node, infinity if it contains itself."""
    if id(node) not in sizes:
        sizes[id(node)] = math.inf
        children = []
        if isinstance(node, yaml.SequenceNode):
            children = node.value
        elif isinstance(node, yaml.MappingNode):
            children = [part for pair in node.value for part in pair]
        sizes[id(node)] = 1 + sum(_unfolded(child, sizes) for child in children)
    return sizes[id(node)]


def check_values(value: Any, where: str, key: str = "") -> None:
    """Check that texts can be shown on a page or terminal, and that numbers are finite.

    Snakemake's report shows parameters: a text must not end one of its scripts.

    Raises
    ------
    InputError
        Naming the first key that is wrong.
    """
    if isinstance(value, Mapping):
        for name, item in value.items():
            check_values(str(name), where, f"{key}.{name}".lstrip("."))
            check_values(item, where, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list):
        for item in value:
            check_values(item, where, key)
    elif isinstance(value, str) and re.search(r"</script|<!--", value, flags=re.IGNORECASE):
        raise InputError(
            where,
            f"`{key}` holds markup that would run in Snakemake's report: {value[:60]!r}",
            "rename it there and in the sheet",
        )
    elif isinstance(value, str) and re.search(r"[\x00-\x1f\x7f]", value):
        raise InputError(where, f"`{key}` holds a control character: {value!r}", "remove it")
    elif isinstance(value, float) and not math.isfinite(value):
        raise InputError(where, f"`{key}` is {value}", "give a number")


def reads_folder(cohort: str, layer: str) -> Path:
    """Return the folder of what the stage `reads` makes of a layer."""
    return Path("results") / cohort / "reads" / layer


def from_reads(layer: LayerConfig) -> bool:
    """Return whether a layer is made from FASTQ or BAM files."""
    return layer.get("reads") is not None


def _check_simulation(config: CohortConfig, where: str) -> None:
    """Check that either matrices or reads are simulated, and reads only for possible layers."""
    if config["simulated_reads"] is None:
        return
    if config["simulation"] is not None:
        problem, fix = "`simulation` and `simulated_reads` are both set", "remove one of them"
        raise InputError(where, problem, fix)
    found = [name for name, layer in config["layers"].items() if from_reads(layer)]
    if sorted(found) != sorted(SIMULATED_READS):
        raise InputError(
            where,
            f"`simulated_reads` draws reads of the layers {', '.join(SIMULATED_READS)}, "
            f"and those from reads are {', '.join(found) or 'none'}",
            "name them so, as config/reads_demo.yaml does",
        )


def _resolve_source(name: str, layer: LayerConfig, folder: Path, where: str) -> None:
    """Fill in the files of a layer from reads; a layer has either `file` or `reads`."""
    if not from_reads(layer):
        if "file" not in layer:
            raise InputError(
                where,
                f"`layers.{name}.file` is missing",
                "add it: features × samples matrix (TSV, CSV or Parquet), or VCF or MAF"
                + (", or FASTQ files in `reads`" if "reads" in layer else ""),
            )
        return
    is_matrix = layer_type(layer["type"]).is_matrix
    made = str(folder / (MATRIX if is_matrix else VARIANTS))
    if layer.setdefault("file", made) != made:
        raise InputError(
            where, f"`layers.{name}` has both `file` and `reads`", "remove one of them"
        )
    if is_matrix and layer["features"] is None:
        layer["features"] = str(folder / FEATURES)


def layer_files(layer: LayerConfig) -> dict[str, str]:
    """Return the files that a layer names, by key."""
    files = {key: layer.get(key) for key in ("file", "features", "profiled")}
    return {key: str(file) for key, file in files.items() if file is not None}


def needed_references(reads: ReadsConfig, aligned: bool) -> tuple[Reference, ...]:
    """Return the keys of `references` that a layer from reads, BAM files if `aligned`, needs."""
    if "protocol" not in reads:
        return ("genome", "annotation")
    if reads["protocol"] == RNASEQ:
        return ("annotation",) if aligned else ("genome", "annotation")
    return ("hairpin", "mature")


def _resolve_layer(name: str, layer: LayerConfig, patient_id: str, where: str) -> None:
    if layer["id_column"] is None:
        layer["id_column"] = patient_id
    if layer_type(layer["type"]).is_matrix:
        return
    if layer["format"] is None:
        layer["format"] = _variant_format(name, layer["file"], where)
    if layer["no_call"] is None:
        layer["no_call"] = "reference" if layer["format"] == "maf" else "missing"
    # cohorts with and without it agree
    layer["dosages"] = list(dict.fromkeys(map(variant_name, layer["dosages"])))


def _variant_format(name: str, file: str, where: str) -> str:
    suffixes = PurePosixPath(file.lower()).suffixes
    if ".maf" in suffixes:
        return "maf"
    if ".vcf" in suffixes or ".bcf" in suffixes:
        return "vcf"
    if not is_maf(file):
        raise InputError(
            where,
            f"`layers.{name}.file`: {file} does not say whether it is a VCF or a MAF",
            f"add `layers.{name}.format: vcf` or `maf`",
        )
    return "maf"


def _resolve_differential(config: CohortConfig, where: str) -> None:
    label, differential = config["label"], config["differential"]
    if label["column"] is None:
        return
    given = differential["contrast"] or [label["column"], label["positive"], label["negative"]]
    contrast = differential["contrast"] = [str(part) for part in given]
    if contrast[1] == contrast[2]:
        raise InputError(
            where,
            f"`differential.contrast` compares {contrast[1]!r} with itself",
            "write [column, tested level, reference level]",
        )
    design = differential["design"] or f"~ {quoted(contrast[0])}"
    differential["design"] = design
    bare = unquoted_columns(design)
    if bare or contrast[0] not in design_columns(design):
        raise InputError(
            where,
            f"`differential.design` names `{bare[0]}` without backquotes"
            if bare
            else f"`differential.design` lacks the contrast's column `{contrast[0]}`",
            with_contrast(design, contrast[0]),
        )


def design_and_contrast(config: CohortConfig) -> tuple[str, list[str]]:
    """Return design and contrast of the tests in a config with a label."""
    design, contrast = config["differential"]["design"], config["differential"]["contrast"]
    assert design is not None and contrast is not None, "filled in for every label"
    return design, contrast


def _check_roles(config: CohortConfig, where: str) -> None:
    """Check that no predictor encodes the label."""
    label, clinical = config["label"]["column"], config["clinical"]
    lists = {f"clinical.{key}": clinical[key] for key in ("predictors", "confounders", "technical")}
    lists["clinical.circular"] = clinical["circular"]
    for stage in ("integration", "classification"):
        lists[f"{stage}.regress_out"] = config[stage]["regress_out"]
    lists["differential.burden_covariates"] = config["differential"]["burden_covariates"]
    for name, columns in (config["differential"]["adjustment_sets"] or {}).items():
        lists[f"differential.adjustment_sets.{name}"] = columns
    for key, columns in lists.items():
        if label is not None and label in columns:
            raise InputError(where, f"`{key}` lists the label's column `{label}`", "remove it")
    regressed = ("integration.regress_out", "classification.regress_out")
    for key in ("clinical.predictors", "clinical.confounders", *regressed):
        both = [column for column in lists[key] if column in clinical["circular"]]
        if both:
            raise InputError(
                where,
                f"`{both[0]}` is in `{key}` and in `clinical.circular`",
                "keep it in one: a column that encodes the label may not be a predictor",
            )


def _check_column_names(config: CohortConfig, where: str) -> None:
    """Check that columns of the sheet do not collide with those added in patients.tsv."""
    own = [*OWN_COLUMNS, *(f"in_{layer}" for layer in config["layers"])]
    for column, key in named_columns(config).items():
        if column in own and (column, key) != ("patient_id", "samples.patient_id"):
            raise InputError(
                where,
                f"`{key}` names the column `{column}`, which is reserved for the workflow",
                "rename the column in the sheet and here",
            )


def named_columns(config: CohortConfig) -> dict[str, str]:
    """Return every column named in the config, with the first key that names it.

    All are columns of the sheet, except read-quality columns, ``reads.…``. The patients' id column
    is first. Columns of the design are included.
    """
    samples, clinical = config["samples"], config["clinical"]
    keys: list[tuple[str, Sequence[str | None]]] = [("samples.patient_id", [samples["patient_id"]])]
    keys += [("samples.site", [samples["site"]]), ("label.column", [config["label"]["column"]])]
    # in the order of the config, which is that of the columns of patients.tsv
    roles = cast("Mapping[str, list[str]]", clinical)
    keys += [(f"clinical.{key}", columns) for key, columns in roles.items()]
    keys += [("samples.categorical", samples["categorical"])]
    for key, block in (("sex", samples["sex"]), ("rna_quality", samples["rna_quality"])):
        keys.append((f"samples.{key}", [block["column"]] if block else []))
    keys.append(("samples.three_prime_bias", [samples["three_prime_bias"]]))
    keys += [("pharmacogenes.drug_columns", config["pharmacogenes"]["drug_columns"])]
    keys += [("cells.columns", list((config["cells"]["columns"] or {}).values()))]
    if config["label"]["column"] is not None:
        differential = config["differential"]
        design, contrast = design_and_contrast(config)
        keys += [("differential.contrast", contrast[:1])]
        keys += [("differential.design", design_columns(design))]
        keys += [("differential.burden_covariates", differential["burden_covariates"])]
        for name, columns in (differential["adjustment_sets"] or {}).items():
            own = [column for column in columns if column != ESTIMATED_CELLS]
            keys.append((f"differential.adjustment_sets.{name}", own))
    for stage in ("integration", "classification"):
        keys.append((f"{stage}.regress_out", config[stage]["regress_out"]))
    keys += [(f"layers.{name}.id_column", [s["id_column"]]) for name, s in config["layers"].items()]
    named: dict[str, str] = {}
    for key, found in keys:
        for each in found:
            if each is not None:
                named.setdefault(each, key)
    return named


def offered_quality(config: CohortConfig) -> dict[str, tuple[str, str]]:
    """Return every read-quality column that a config may name -> layer, column of its ``qc.tsv``.

    ``reads.<column>`` is that of the first layer which has it, ``reads.<layer>.<column>`` that of
    any.
    """
    offered: dict[str, tuple[str, str]] = {}
    for name, layer in config["layers"].items():
        for column in quality_columns(layer):
            offered.setdefault(QUALITY + column, (name, column))
            offered[f"{QUALITY}{name}.{column}"] = (name, column)
    return offered


def cohort_quality(config: CohortConfig) -> dict[str, tuple[str, str]]:
    """Return the read-quality columns of ``patients.tsv`` -> layer, column of its ``qc.tsv``.

    All of the layers from reads, each under its shortest name, and those that the config names.
    """
    named = [column for column in named_columns(config) if column.startswith(QUALITY)]
    columns: dict[str, tuple[str, str]] = {}
    for name, (layer, column) in offered_quality(config).items():
        own = from_reads(config["layers"][layer]) and (layer, column) not in columns.values()
        if own or name in named:
            columns[name] = (layer, column)
    return columns


def _check_quality(config: CohortConfig, where: str) -> None:
    """Check that the read-quality columns named in the config exist."""
    offered = offered_quality(config)
    for column, key in named_columns(config).items():
        if column.startswith(QUALITY) and column not in offered:
            fix = did_you_mean(column, offered, "the layers' columns are")
            raise InputError(where, f"`{key}` names `{column}`, which no layer has", fix)


def sheet_settings(config: CohortConfig) -> SheetConfig:
    """Return the part of a resolved config that the cohort stage depends on."""
    return {
        "cohort": config["cohort"],
        "samples": config["samples"],
        "label": config["label"],
        "columns": {
            column: key
            for column, key in named_columns(config).items()
            if not column.startswith(QUALITY)
        },
        "quality": {name: list(found) for name, found in cohort_quality(config).items()},
        "layers": {
            name: layer_part(layer, MEMBERSHIP_KEYS) for name, layer in config["layers"].items()
        },
    }


def patient_columns(samples: SamplesConfig) -> PatientColumns:
    """Return the columns that identify and group patients."""
    return {
        "patient_id": samples["patient_id"],
        "site": samples["site"],
        "categorical": samples["categorical"],
    }


def patients_settings(config: CohortConfig) -> PatientsConfig:
    """Return the part of a resolved config that reading ``patients.tsv`` depends on.

    See :func:`trdomics.cohort.load.read_patients`.
    """
    return {
        "samples": patient_columns(config["samples"]),
        "label": config["label"],
        "layers": {
            name: {"id_column": layer["id_column"]} for name, layer in config["layers"].items()
        },
    }


def text_columns(settings: PatientsConfig | SheetConfig | CohortConfig) -> list[str]:
    """Return the columns with categorical values, including numeric ones."""
    samples = settings["samples"]
    ids = [layer["id_column"] for layer in settings["layers"].values()]
    names = [samples["patient_id"], samples["site"], settings["label"]["column"]]
    return list(dict.fromkeys(n for n in [*names, *samples["categorical"], *ids] if n is not None))


def cohort_inputs(config: CohortConfig) -> list[str]:
    """Return the sheet, layer files and drug table named in a resolved config.

    For layers from reads, these are the tables of units and the references.
    """
    layers = [file for layer in config["layers"].values() for file in layer_files(layer).values()]
    units = [reads["units"] for layer in config["layers"].values() if (reads := layer.get("reads"))]
    references = [config["references"][key] for key in REFERENCE_FILES] if units else []
    named = [config["samples"]["file"], *layers, *units, *references]
    named.append(config["pharmacogenes"]["medication"])
    return [name for name in named if name and not is_from_reads(config, name)]


def is_simulated(config: CohortConfig, file: str) -> bool:
    """Return whether a layer's file is drawn by the cohort's own simulation."""
    folder = Path("results") / config["cohort"] / "simulation"
    drawn = config["simulation"] is not None or config["simulated_reads"] is not None
    return drawn and folder in Path(file).parents


def is_from_reads(config: CohortConfig, file: str) -> bool:
    """Return whether a layer's file is made from the cohort's own reads."""
    return Path("results") / config["cohort"] / "reads" in Path(file).parents


def is_made(config: CohortConfig, file: str) -> bool:
    """Return whether rules of the cohort make a file: it need not be there yet."""
    return is_simulated(config, file) or is_from_reads(config, file)
