import os
import re

from trdomics.cohort.config import cohort_inputs
from trdomics.command import is_target
from trdomics.errors import InputError

# A workflow that uses this one as a module has targets and words of its own.
WORKFLOW = Path(str(workflow.current_basedir)).resolve().parent
IS_MODULE = Path(workflow.main_snakefile).resolve().parent not in (
    WORKFLOW,
    WORKFLOW.parent,
)
# `snakemake check` tells what would be run. Read off the command, since targets are known only
# after the Snakefile, which stops at the first error in the config.
CHECKING = (
    workflow.is_main_process and not IS_MODULE and is_target("check", sys.argv[1:])
)

# Told to the dry run that counts the jobs: it need not look at the inputs again.
INPUTS_CHECKED = "INPUTS_CHECKED"


def checked(config):
    """Return the config with its defaults; stop with one line where the input cannot be used."""
    from trdomics.cohort.config import check_duplicate_keys, resolve_config
    from trdomics.check.precheck import problems

    found = []
    try:
        if workflow.is_main_process:
            check_duplicate_keys(map(str, workflow.configfiles))
        resolved = resolve_config(config, ", ".join(map(str, workflow.configfiles)))
    except InputError as error:
        found = [error]
    # jobs that the main process starts need not look again
    if not found and workflow.is_main_process and INPUTS_CHECKED not in os.environ:
        found = problems(resolved, remember=not CHECKING)
    stopped = False
    for problem in (single for error in found for single in error.errors):
        logger.error(f"error: {problem}")
        stopped = True
        if not CHECKING:
            break
    if stopped:
        sys.exit(1)
    return resolved


config.update(checked(config))


def layers_of_type(*types):
    """Return the names of the layers of the given types, in the order of the config."""
    return [name for name, layer in config["layers"].items() if layer["type"] in types]


def layer_pattern(names):
    """Return a wildcard constraint that just these layers match; without any, nothing does."""
    return "|".join(map(re.escape, names)) or "(?!)"


LAYERS = layers_of_type("counts", "continuous", "binary", "variants")
COUNT_LAYERS = layers_of_type("counts")
CONTINUOUS_LAYERS = layers_of_type("continuous")
BINARY_LAYERS = layers_of_type("binary")
VARIANT_LAYERS = layers_of_type("variants")
CARRIER_LAYERS = layers_of_type("binary", "variants")
MATRIX_LAYERS = layers_of_type("counts", "continuous", "binary")
COHORT = config["cohort"]
SIMULATED = bool(config.get("simulation"))


wildcard_constraints:
    cohort=re.escape(COHORT),
    layer=layer_pattern(LAYERS),


def layer_settings(wildcards):
    """Return a layer's part of the config."""
    return config["layers"][wildcards.layer]


def layer_keys(*keys):
    """Return an input function for a part of a layer's settings.

    A rule that names the keys it reads is not run again when another one changes.
    """

    def part(wildcards):
        settings = layer_settings(wildcards)
        return {key: settings[key] for key in keys if key in settings}

    return part


def layer_file(wildcards):
    """Return the raw file of a layer."""
    return config["layers"][wildcards.layer]["file"]


def profiled_list(wildcards):
    """Return the list of profiled samples of a variants layer, where it has one."""
    return layer_settings(wildcards)["profiled"] or []


def variant_calls(wildcards):
    """Return the tallies of calls per patient, which only variants layers have."""
    if wildcards.layer in VARIANT_LAYERS:
        return "results/{cohort}/layers/{layer}/calls.tsv"
    return []


PAGE = f"results/{COHORT}/summary.html"
INPUTS = cohort_inputs(config)
TARGETS = [
    PAGE,
    f"results/{COHORT}/summary.json",
    f"results/{COHORT}/integration/cohort.h5mu",
    f"results/{COHORT}/classification/model/missing_layer_cost.json",
]
