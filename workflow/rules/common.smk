import re

from trdomics.classification.settings import fitted_layers
from trdomics.cohort.config import (
    check_duplicate_keys,
    cohort_inputs,
    is_made,
    resolve_config,
    sheet_settings,
)
from trdomics.cohort.samples import read_sheet, sheet_digest
from trdomics.errors import InputError
from trdomics.input_contents import Contents
from trdomics.layers.types import layer_type
from trdomics.reads.callset import is_bare_vcf


def checked(config):
    """Return the config with its defaults; stop with one line per error.

    What only the content of a layer shows is left to the job that reads it.
    """
    try:
        if workflow.is_main_process:
            check_duplicate_keys(map(str, workflow.configfiles))
        resolved = resolve_config(config, ", ".join(map(str, workflow.configfiles)))
    except InputError as error:
        stop_at(error.errors)
    # child processes need not check again
    if workflow.is_main_process:
        from trdomics.check.precheck import problems

        stop_at([error for problem in problems(resolved) for error in problem.errors])
    return resolved


config.update(checked(config))


def layers_where(**properties):
    """Return the layers whose type has these properties, in the order of the config."""
    return [
        name
        for name, layer in config["layers"].items()
        if all(
            getattr(layer_type(layer["type"]), key) == value
            for key, value in properties.items()
        )
    ]


def layer_pattern(names):
    """Return a wildcard constraint that matches exactly these layers; without any, nothing."""
    return "|".join(map(re.escape, names)) or "(?!)"


LAYERS = layers_where()
COUNT_LAYERS = layers_where(test="negative_binomial")
CONTINUOUS_LAYERS = layers_where(test="moderated_t")
CARRIER_LAYERS = layers_where(test="carriers")
EXPRESSION_LAYERS = layers_where(is_expression=True)
MATRIX_LAYERS = layers_where(is_matrix=True)
VARIANT_LAYERS = layers_where(is_matrix=False)
COHORT = config["cohort"]
SIMULATED = bool(config["simulation"] or config["simulated_reads"])
# VCFs without consequences, which the workflow adds if genome and annotation are given.
BARE_VCF_LAYERS = [
    layer for layer in VARIANT_LAYERS if is_bare_vcf(config, config["layers"][layer])
]
SHEET = read_sheet(sheet_settings(config))
# Changes of columns that the config does not name rerun nothing.
SHEET_DIGEST = sheet_digest(SHEET)


wildcard_constraints:
    cohort=re.escape(COHORT),
    layer=layer_pattern(LAYERS),


def layer_settings(wildcards):
    """Return a layer's part of the config."""
    return config["layers"][wildcards.layer]


def described_layer(wildcards):
    """Return those of a layer's settings that its description depends on after reading."""
    settings = fitted_layers(config)[wildcards.layer]
    return {key: value for key, value in settings.items() if key != "model_features"}


def layer_keys(*keys):
    """Return an input function for a part of a layer's settings.

    A rule that names the keys it reads is not run again when another one changes.
    """

    def part(wildcards):
        settings = layer_settings(wildcards)
        return {key: settings[key] for key in keys if key in settings}

    return part


CONTENTS = Contents(".snakemake/trdomics_contents.json")


def given(file):
    """Return an optional file as an input: by content, not time, unless a rule makes it."""
    if not file:
        return []
    return file if is_made(config, file) else ancient(file)


def content(*files):
    """Return digests of the files that no rule makes, for the params of their readers."""
    return CONTENTS.digests(f for f in files if f and not is_made(config, f))


def layer_content(*keys):
    """Return an input function for the content of some files of a layer."""

    def digests(wildcards):
        return content(*map(layer_settings(wildcards).get, keys))

    return digests


def layer_file(wildcards):
    """Return the raw file of a layer."""
    return given(config["layers"][wildcards.layer]["file"])


def annotated_calls(wildcards):
    """Return a variant layer's file, annotated by the workflow if it has no consequences."""
    if wildcards.layer in BARE_VCF_LAYERS:
        return "results/{cohort}/reads/{layer}/annotated.vcf.gz"
    return layer_file(wildcards)


def features_file(wildcards):
    """Return the feature table of a matrix layer, if it has one."""
    return given(layer_settings(wildcards)["features"])


def profiled_list(wildcards):
    """Return the list of profiled samples of a variant layer, if it has one."""
    return given(layer_settings(wildcards)["profiled"])


def variant_calls(wildcards):
    """Return the tallies of calls per patient, which only variant layers have."""
    if wildcards.layer in VARIANT_LAYERS:
        return "results/{cohort}/layers/{layer}/calls.tsv"
    return []


follow(COHORT)
PAGE = f"results/{COHORT}/summary.html"
INPUTS = cohort_inputs(config)
READ_FIRST[PAGE] = f"Read {PAGE}"
TARGETS = [
    PAGE,
    f"results/{COHORT}/summary.json",
    f"results/{COHORT}/integration/cohort.h5mu",
    f"results/{COHORT}/classification/model/missing_layer_cost.json",
]
