from trdomics.cohort.config import patients_settings


rule differential_expression:
    """Test one count layer for differential expression."""
    input:
        table="results/{cohort}/layers/{layer}/table.parquet",
        annotation="results/{cohort}/layers/{layer}/annotation.tsv",
        patients="results/{cohort}/cohort/patients.tsv",
    output:
        results="results/{cohort}/differential/{layer}/results.tsv",
        summary="results/{cohort}/differential/{layer}/summary.json",
    log:
        "logs/{cohort}/differential_expression.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/differential_expression.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(COUNT_LAYERS),
    group:
        "differential"
    conda:
        "../../envs/differential.yaml"
    # Sending counts to other processes costs more than the fits: layers run in parallel instead
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code_digest("differential_expression"),
        design=config["differential"]["design"],
        contrast=config["differential"]["contrast"],
        sheet=patients_settings(config),
        fdr=config["differential"]["fdr"],
        winsorise=config["differential"]["winsorise"],
        deges=config["differential"]["deges"],
        filter=layer_keys("min_count", "min_share"),
    script:
        "../scripts/differential_expression.py"


rule differential_continuous:
    """Test one continuous layer for differences between the groups."""
    input:
        table="results/{cohort}/layers/{layer}/table.parquet",
        annotation="results/{cohort}/layers/{layer}/annotation.tsv",
        patients="results/{cohort}/cohort/patients.tsv",
    output:
        results="results/{cohort}/differential/{layer}/results.tsv",
        summary="results/{cohort}/differential/{layer}/summary.json",
    log:
        "logs/{cohort}/differential_continuous.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/differential_continuous.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(CONTINUOUS_LAYERS),
    group:
        "differential"
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(20),
    params:
        code=code_digest("differential_continuous"),
        design=config["differential"]["design"],
        contrast=config["differential"]["contrast"],
        sheet=patients_settings(config),
        fdr=config["differential"]["fdr"],
        filter=layer_keys("log2", "max_missing"),
    script:
        "../scripts/differential_continuous.py"


rule differential_burden:
    """Compare carriers of variants or binary features between the groups in one layer."""
    input:
        table="results/{cohort}/layers/{layer}/table.parquet",
        patients="results/{cohort}/cohort/patients.tsv",
        ancestry="results/{cohort}/layers/{layer}/ancestry.tsv",
    output:
        results="results/{cohort}/differential/{layer}/results.tsv",
        summary="results/{cohort}/differential/{layer}/summary.json",
    log:
        "logs/{cohort}/differential_burden.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/differential_burden.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(CARRIER_LAYERS),
    group:
        "burden"
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_digest("differential_burden"),
        contrast=config["differential"]["contrast"],
        covariates=config["differential"]["burden_covariates"],
        sheet=patients_settings(config),
        fdr=config["differential"]["fdr"],
        min_carriers=config["differential"]["min_carriers"],
        carriers=layer_keys(
            "type", "format", "burden", "min_call_rate", "max_allele_frequency"
        ),
    script:
        "../scripts/differential_burden.py"


rule differential_figures:
    """Draw the figures of the differential test of one count or continuous layer."""
    input:
        results="results/{cohort}/differential/{layer}/results.tsv",
        summary="results/{cohort}/differential/{layer}/summary.json",
    output:
        ma=report(
            "results/{cohort}/differential/{layer}/ma.png",
            caption="../report/differential_ma.rst",
            category=stage("Differential"),
            labels=labelled("Difference by mean", "figure"),
        ),
        volcano=report(
            "results/{cohort}/differential/{layer}/volcano.png",
            caption="../report/differential_volcano.rst",
            category=stage("Differential"),
            labels=labelled("Volcano", "figure"),
        ),
        pvalues=report(
            "results/{cohort}/differential/{layer}/pvalues.svg",
            caption="../report/differential_pvalues.rst",
            category=stage("Differential"),
            labels=labelled("P-values", "figure"),
        ),
    log:
        "logs/{cohort}/differential_figures.{layer}.log",
    wildcard_constraints:
        layer=layer_pattern(COUNT_LAYERS + CONTINUOUS_LAYERS),
    group:
        "differential"
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("differential_figures"),
    script:
        "../scripts/differential_figures.py"


rule differential_burden_figures:
    """Draw the figures of the comparison of carriers in one layer."""
    input:
        results="results/{cohort}/differential/{layer}/results.tsv",
        summary="results/{cohort}/differential/{layer}/summary.json",
    output:
        volcano=report(
            "results/{cohort}/differential/{layer}/volcano.png",
            caption="../report/differential_volcano.rst",
            category=stage("Differential"),
            labels=labelled("Volcano", "figure"),
        ),
        forest=report(
            "results/{cohort}/differential/{layer}/forest.svg",
            caption="../report/differential_forest.rst",
            category=stage("Differential"),
            labels=labelled("Odds ratios", "figure"),
        ),
        pvalues=report(
            "results/{cohort}/differential/{layer}/pvalues.svg",
            caption="../report/differential_pvalues.rst",
            category=stage("Differential"),
            labels=labelled("P-values", "figure"),
        ),
    log:
        "logs/{cohort}/differential_burden_figures.{layer}.log",
    wildcard_constraints:
        layer=layer_pattern(CARRIER_LAYERS),
    group:
        "burden"
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("differential_burden_figures"),
    script:
        "../scripts/differential_burden_figures.py"
