from trdomics.cohort.config import patients_settings


rule subtypes_find:
    """Say whether patients are groups on the factors or one cloud, and what groups go with."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        factors="results/{cohort}/integration/factors.tsv",
        variance="results/{cohort}/integration/variance_explained.tsv",
    output:
        subtypes="results/{cohort}/integration/subtypes.tsv",
        selection="results/{cohort}/integration/subtype_selection.tsv",
        associations="results/{cohort}/integration/subtype_associations.tsv",
        consensus="results/{cohort}/integration/subtype_consensus.parquet",
        summary="results/{cohort}/integration/subtypes.json",
    log:
        "logs/{cohort}/subtypes_find.log",
    benchmark:
        "benchmarks/{cohort}/subtypes_find.tsv"
    group:
        "integration"
    conda:
        "../../envs/integration.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("subtypes_find"),
        seed=config["seed"],
        clinical=config["clinical"],
        sheet=patients_settings(config),
    script:
        "../scripts/subtypes_find.py"


rule subtypes_figures:
    """Figures of the subtypes: what they go with, their number, their stability."""
    input:
        subtypes="results/{cohort}/integration/subtypes.tsv",
        selection="results/{cohort}/integration/subtype_selection.tsv",
        associations="results/{cohort}/integration/subtype_associations.tsv",
        consensus="results/{cohort}/integration/subtype_consensus.parquet",
        summary="results/{cohort}/integration/subtypes.json",
    output:
        associations=report(
            "results/{cohort}/integration/subtype_associations.svg",
            caption="../report/subtypes_associations.rst",
            category=stage("Integration"),
            labels=labelled("Subtypes: associations", "figure"),
        ),
        criterion=report(
            "results/{cohort}/integration/subtype_selection.svg",
            caption="../report/subtypes_criterion.rst",
            category=stage("Integration"),
            labels=labelled("Subtypes: how many", "figure"),
        ),
        consensus=report(
            "results/{cohort}/integration/subtype_consensus.png",
            caption="../report/subtypes_consensus.rst",
            category=stage("Integration"),
            labels=labelled("Subtypes: stability", "figure"),
        ),
    log:
        "logs/{cohort}/subtypes_figures.log",
    group:
        "integration"
    conda:
        "../../envs/integration.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("subtypes_figures"),
    script:
        "../scripts/subtypes_figures.py"


TARGETS += [
    f"results/{COHORT}/integration/subtypes.tsv",
    f"results/{COHORT}/integration/subtype_associations.svg",
    f"results/{COHORT}/integration/subtype_selection.svg",
    f"results/{COHORT}/integration/subtype_consensus.png",
]
