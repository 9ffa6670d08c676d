rule layers_variants:
    input:
        calls=layer_file,
        profiled=profiled_list,
        patients="results/{cohort}/cohort/patients.tsv",
    output:
        table="results/{cohort}/layers/{layer}/table.parquet",
        annotation="results/{cohort}/layers/{layer}/annotation.tsv",
        calls="results/{cohort}/layers/{layer}/calls.tsv",
    log:
        "logs/{cohort}/layers_variants.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/layers_variants.{layer}.tsv"
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
        code=code_digest("layers_variants"),
        settings=layer_keys(
            "format",
            "id_column",
            "sample_column",
            "no_call",
            "pass_only",
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


rule layers_qc:
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
        "logs/{cohort}/layers_qc.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/layers_qc.{layer}.tsv"
    group:
        "layer"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        code=code_digest("layers_qc"),
        settings=layer_settings,
        label=config["label"],
        site=config["samples"]["site"],
    script:
        "../scripts/layers_qc.py"
