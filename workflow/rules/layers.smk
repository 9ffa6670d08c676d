rule layers_table:
    """Read and check the matrix of a layer, once for all rules that use it."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        excluded="results/{cohort}/cohort/excluded.tsv",
        matrix=layer_file,
    output:
        table="results/{cohort}/layers/{layer}/table.parquet",
        annotation="results/{cohort}/layers/{layer}/file_annotation.tsv",
        reading="results/{cohort}/layers/{layer}/reading.json",
    log:
        "logs/{cohort}/layers_table.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/layers_table.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(MATRIX_LAYERS),
    group:
        "layer"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        code=code_digest("layers_table"),
        content=layer_content("file"),
        patient_id=config["samples"]["patient_id"],
        settings=layer_keys("type", "file", "id_column", "log2"),
        label=config["label"]["column"],
    script:
        "../scripts/layers_table.py"


rule layers_annotation:
    """Look up symbols and chromosomes of a matrix layer's features."""
    input:
        table="results/{cohort}/layers/{layer}/table.parquet",
        own="results/{cohort}/layers/{layer}/file_annotation.tsv",
        features=features_file,
    output:
        "results/{cohort}/layers/{layer}/annotation.tsv",
    log:
        "logs/{cohort}/layers_annotation.{layer}.log",
    wildcard_constraints:
        layer=layer_pattern(MATRIX_LAYERS),
    group:
        "layer"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        code=code_digest("layers_annotation"),
        content=layer_content("features"),
    script:
        "../scripts/layers_annotation.py"


rule layers_variants:
    """Reduce a VCF or a MAF to the dosages of the variants that later stages can use."""
    input:
        calls=annotated_calls,
        profiled=profiled_list,
        patients="results/{cohort}/cohort/patients.tsv",
    output:
        table="results/{cohort}/layers/{layer}/table.parquet",
        annotation="results/{cohort}/layers/{layer}/annotation.tsv",
        calls="results/{cohort}/layers/{layer}/calls.tsv",
        reading="results/{cohort}/layers/{layer}/reading.json",
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
        content=layer_content("file", "profiled"),
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


rule layers_qc:
    """Describe one layer: whole-cohort normalisation, quality per patient, figures."""
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
            category=stage("Layers"),
            labels=labelled("Quality", "figure"),
        ),
        pca=report(
            "results/{cohort}/layers/{layer}/pca.svg",
            caption="../report/layers_pca.rst",
            category=stage("Layers"),
            labels=labelled("Principal components", "figure"),
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
        settings=described_layer,
        label=config["label"],
        site=config["samples"]["site"],
    script:
        "../scripts/layers_qc.py"
