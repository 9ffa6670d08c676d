rule differential_ancestry:
    """Compute ancestry components from a variant layer, or give the reason why not."""
    input:
        calls=layer_file,
        patients="results/{cohort}/cohort/patients.tsv",
    output:
        ancestry="results/{cohort}/layers/{layer}/ancestry.tsv",
        summary="results/{cohort}/layers/{layer}/ancestry.json",
    log:
        "logs/{cohort}/differential_ancestry.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/differential_ancestry.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(CARRIER_LAYERS),
    group:
        "burden"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_digest("differential_ancestry"),
        content=layer_content("file"),
        settings=layer_keys(
            "type",
            "format",
            "id_column",
            "no_call",
            "pass_only",
            "min_depth",
            "min_genotype_quality",
            "min_quality",
        ),
        patient_id=config["samples"]["patient_id"],
    script:
        "../scripts/differential_ancestry.py"


rule differential_burden_sets:
    """Compare the burden of gene sets between the groups in one variant layer."""
    input:
        table="results/{cohort}/layers/{layer}/table.parquet",
        patients="results/{cohort}/cohort/patients.tsv",
        ancestry="results/{cohort}/layers/{layer}/ancestry.tsv",
        ancestry_summary="results/{cohort}/layers/{layer}/ancestry.json",
        sets=given(config["differential"]["burden_gene_sets"]),
    output:
        results="results/{cohort}/differential/{layer}/burden_sets.tsv",
        summary="results/{cohort}/differential/{layer}/burden_sets.json",
        forest=report(
            "results/{cohort}/differential/{layer}/burden_sets.svg",
            caption="../report/burden_sets.rst",
            category=stage("Differential"),
            labels=labelled("Odds ratios of gene sets", "figure"),
        ),
    log:
        "logs/{cohort}/differential_burden_sets.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/differential_burden_sets.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(VARIANT_LAYERS),
    group:
        "burden"
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_digest("differential_burden_sets"),
        content=content(config["differential"]["burden_gene_sets"]),
        contrast=config["differential"]["contrast"],
        covariates=config["differential"]["burden_covariates"],
        sheet=patients_settings(config),
        fdr=config["differential"]["fdr"],
        min_carriers=config["differential"]["min_carriers"],
        carriers=layer_keys(
            "type", "format", "burden", "min_call_rate", "max_allele_frequency"
        ),
    script:
        "../scripts/differential_burden_sets.py"


TARGETS += expand(
    f"results/{COHORT}/differential/{{layer}}/burden_sets.{{suffix}}",
    layer=VARIANT_LAYERS,
    suffix=["tsv", "svg"],
)
