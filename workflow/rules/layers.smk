rule variant_table:
    input:
        calls=layer_file,
        profiled=profiled_list,
        patients="results/{cohort}/cohort/patients.tsv",
        consequences=workflow.source_path("../../resources/consequences.tsv"),
    output:
        table="results/{cohort}/layers/{layer}/table.parquet",
        annotation="results/{cohort}/layers/{layer}/annotation.tsv",
        calls="results/{cohort}/layers/{layer}/calls.tsv",
    log:
        "logs/{cohort}/variant_table.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/variant_table.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(VARIANT_LAYERS),
    group:
        "layer"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        settings=layer_keys(
            "type",
            "format",
            "id_column",
            "sample_column",
            "no_call",
            "pass_only",
            "min_call_rate",
            "min_depth",
            "min_genotype_quality",
            "min_quality",
            "max_allele_frequency",
            "snv_only",
            "dosages",
        ),
        patient_id=config["samples"]["patient_id"],
    script:
        "../scripts/layers_variants.py"


rule layer_qc:
    input:
        table="results/{cohort}/layers/{layer}/table.parquet",
        annotation="results/{cohort}/layers/{layer}/annotation.tsv",
        calls=variant_calls,
        patients="results/{cohort}/cohort/patients.tsv",
    output:
        normalised="results/{cohort}/layers/{layer}/normalised.parquet",
        features="results/{cohort}/layers/{layer}/features.tsv",
        qc="results/{cohort}/layers/{layer}/qc.tsv",
        summary="results/{cohort}/layers/{layer}/summary.json",
        quality=report(
            "results/{cohort}/layers/{layer}/qc.svg",
            caption="../report/layers_qc.rst",
            category="Layers",
            labels={"layer": "{layer}", "figure": "Quality"},
        ),
        pca=report(
            "results/{cohort}/layers/{layer}/pca.svg",
            caption="../report/layers_pca.rst",
            category="Layers",
            labels={"layer": "{layer}", "figure": "Principal components"},
        ),
    log:
        "logs/{cohort}/layer_qc.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/layer_qc.{layer}.tsv"
    group:
        "layer"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        settings=layer_settings,
        label=config["label"],
        site=config["samples"]["site"],
    script:
        "../scripts/layers_qc.py"
