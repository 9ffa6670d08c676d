# snakemake --snakefile workflow/consortium.smk --cores 2 --configfile config/meta.yaml
from snakemake.utils import min_version

min_version("9.0")


report: "report/workflow.rst"


# for --sdm apptainer: made from the Containerfile, beside it (docs/cluster.md)
container: "trd-multiomics.sif"


include: "rules/library.smk"
include: "rules/memory.smk"
include: "rules/provenance.smk"
include: "rules/consortium_meta.smk"


rule meta:
    """Bundles of several cohorts combined: results/<name>/meta.html."""
    default_target: True
    input:
        TARGETS,
    localrule: True


onsuccess:
    record(True, log)
    say_what_to_read()


onerror:
    record(False, log)
