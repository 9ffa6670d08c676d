# Germline call sets, in which a missing call is not taken as reference: they identify people.
GENOTYPE_LAYERS = [
    layer
    for layer in VARIANT_LAYERS
    if config["layers"][layer]["format"] == "vcf"
    and config["layers"][layer]["no_call"] == "missing"
]
# RNA layers whose reads show the genotypes at these variants.
RNA_GENOTYPE_LAYERS = RNA_READ_LAYERS if GENOTYPE_LAYERS else []


rule identity_genotypes:
    """Read the common variants of a germline VCF, which identify individuals."""
    input:
        calls=layer_file,
        patients="results/{cohort}/cohort/patients.tsv",
    output:
        genotypes="results/{cohort}/layers/{layer}/genotypes.parquet",
    log:
        "logs/{cohort}/identity_genotypes.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/identity_genotypes.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(GENOTYPE_LAYERS),
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_digest("identity_genotypes"),
        content=layer_content("file"),
        settings=layer_keys(
            "id_column",
            "pass_only",
            "min_depth",
            "min_genotype_quality",
            "min_quality",
        ),
        patient_id=config["samples"]["patient_id"],
    script:
        "../scripts/identity_genotypes.py"


rule identity_sex:
    """Compare the molecular sex of each layer with the sheet."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        tables=expand(
            "results/{{cohort}}/layers/{layer}/table.parquet",
            layer=EXPRESSION_LAYERS,
        ),
        annotations=expand(
            "results/{{cohort}}/layers/{layer}/annotation.tsv",
            layer=EXPRESSION_LAYERS,
        ),
        genotypes=expand(
            "results/{{cohort}}/layers/{layer}/genotypes.parquet",
            layer=GENOTYPE_LAYERS,
        ),
        reads=expand("results/{{cohort}}/reads/{layer}/qc.tsv", layer=DNA_READ_LAYERS),
    output:
        table="results/{cohort}/cohort/sex.tsv",
        summary="results/{cohort}/cohort/sex.json",
        figure=report(
            "results/{cohort}/cohort/sex.svg",
            caption="../report/identity_sex.rst",
            category=stage("Cohort"),
            labels=labelled("Sex by molecules and sheet", "figure"),
        ),
    log:
        "logs/{cohort}/identity_sex.log",
    benchmark:
        "benchmarks/{cohort}/identity_sex.tsv"
    group:
        "identity"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code_digest("identity_sex"),
        sex=config["samples"]["sex"],
        expression=EXPRESSION_LAYERS,
        genotyped=GENOTYPE_LAYERS,
        from_reads=DNA_READ_LAYERS,
        patient_id=config["samples"]["patient_id"],
        layers={
            layer: {
                key: config["layers"][layer].get(key)
                for key in ("type", "log2", "id_column")
            }
            for layer in LAYERS
        },
    script:
        "../scripts/identity_sex.py"


rule identity_match:
    """Test whether a patient's samples in two layers come from the same person."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        normalised=expand(
            "results/{{cohort}}/layers/{layer}/normalised.parquet",
            layer=LAYERS,
        ),
        genotypes=expand(
            "results/{{cohort}}/layers/{layer}/genotypes.parquet",
            layer=GENOTYPE_LAYERS,
        ),
        rna_genotypes=expand(
            "results/{{cohort}}/reads/{layer}/genotypes.parquet",
            layer=RNA_GENOTYPE_LAYERS,
        ),
        sex="results/{cohort}/cohort/sex.tsv",
    output:
        table="results/{cohort}/cohort/matching.tsv",
        summary="results/{cohort}/cohort/matching.json",
        figure=report(
            "results/{cohort}/cohort/matching.svg",
            caption="../report/identity_match.rst",
            category=stage("Cohort"),
            labels=labelled("One patient across layers", "figure"),
        ),
    log:
        "logs/{cohort}/identity_match.log",
    benchmark:
        "benchmarks/{cohort}/identity_match.tsv"
    group:
        "identity"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        code=code_digest("identity_match"),
        layers=LAYERS,
        genotyped=GENOTYPE_LAYERS + RNA_GENOTYPE_LAYERS,
        seed=config["seed"],
        site=config["samples"]["site"],
    script:
        "../scripts/identity_match.py"


rule identity_quality:
    """Collect quality and identity of every sample in one table."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        qc=expand("results/{{cohort}}/layers/{layer}/qc.tsv", layer=LAYERS),
        tables=expand(
            "results/{{cohort}}/layers/{layer}/table.parquet",
            layer=COUNT_LAYERS,
        ),
        sex="results/{cohort}/cohort/sex.tsv",
        sex_summary="results/{cohort}/cohort/sex.json",
        matching="results/{cohort}/cohort/matching.tsv",
        match_summary="results/{cohort}/cohort/matching.json",
    output:
        table="results/{cohort}/cohort/quality.tsv",
        summary="results/{cohort}/cohort/identity.json",
        figure=report(
            "results/{cohort}/cohort/haemolysis.svg",
            caption="../report/identity_haemolysis.rst",
            category=stage("Cohort"),
            labels=labelled("Haemolysis", "figure"),
        ),
    log:
        "logs/{cohort}/identity_quality.log",
    benchmark:
        "benchmarks/{cohort}/identity_quality.tsv"
    group:
        "identity"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code_digest("identity_quality"),
        samples={
            key: config["samples"][key] for key in ("rna_quality", "three_prime_bias")
        },
        kinds={layer: config["layers"][layer]["type"] for layer in LAYERS},
        counts=COUNT_LAYERS,
    script:
        "../scripts/identity_quality.py"


TARGETS += [
    f"results/{COHORT}/cohort/{name}"
    for name in (
        "sex.tsv",
        "sex.svg",
        "matching.tsv",
        "matching.svg",
        "quality.tsv",
        "haemolysis.svg",
        "identity.json",
    )
]
