import os
import sys
from importlib.util import find_spec
from pathlib import Path

from snakemake.logging import logger

# Outputs hold patient data: only owner and group may read them. Jobs inherit this.
os.umask(os.umask(0o077) | 0o007)

sys.path.insert(0, str(Path(str(workflow.current_basedir)).parent / "scripts"))

try:
    import trdomics
except ModuleNotFoundError:
    logger.error(
        "error: workflow/scripts/trdomics is not beside the Snakefile; as a module, this workflow "
        "must lie on disk: name the path of a clone or git submodule, not github(...)"
    )
    sys.exit(1)

# What the process that runs snakemake itself imports, at the latest when it records the run.
MISSING = [
    name
    for name in (
        "cyvcf2",
        "formulaic",
        "jsonschema",
        "matplotlib",
        "numpy",
        "pandas",
        "pyarrow",
        "rocrate",
        "sklearn",
        "yaml",
    )
    if find_spec(name) is None
]
if MISSING:
    logger.error(
        f"error: snakemake's own environment lacks {', '.join(MISSING)}: create it from "
        "envs/snakemake.yaml or requirements.lock (--sdm makes the environments of the rules only)"
    )
    sys.exit(1)

from trdomics.code_digest import code_digest
from trdomics.names import display_name


def stop_at(errors):
    """If there are errors, stop before any job with one line each."""
    for error in errors:
        logger.error(f"error: {error}")
    if errors:
        sys.exit(1)


# The menu of Snakemake's own report, which it sorts by name.
STAGES = (
    "Summary",
    "Cohort",
    "Layers",
    "Differential",
    "Integration",
    "Enrichment",
    "Pharmacogenes",
    "Panels",
    "Mechanism",
    "Classification",
    "Scoring",
    "Simulation",
)


def stage(name):
    """Return a stage's category of the report: the stages in their order."""
    return f"{STAGES.index(name) + 1:02} {name}"


def labelled(result, kind, **names):
    """Return the labels of a result in the report's menu, with its layer or panel, if any."""

    def labels(wildcards):
        of = {
            key: wildcards[key] for key in ("layer", "panel") if key in wildcards.keys()
        }
        shown = {key: display_name(name) for key, name in (of | names).items()}
        return {"result": result, **shown, "kind": kind}

    return labels
