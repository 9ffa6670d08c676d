# snakemake audit --cores 2 --configfile config/audit.yaml
from snakemake.utils import min_version

min_version("9.0")


report: "report/workflow.rst"


# for --sdm apptainer: made from the Containerfile, beside it (docs/cluster.md)
container: "trd-multiomics.sif"


include: "rules/library.smk"
include: "rules/memory.smk"
include: "rules/provenance.smk"
include: "rules/audit.smk"


rule audit:
    """Predictions of any pipeline, audited: results/<name>/audit.html."""
    default_target: True
    input:
        TARGETS,
    localrule: True


onsuccess:
    record(True, log)
    say_what_to_read()


onerror:
    record(False, log)
