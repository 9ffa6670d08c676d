from trdomics.cohort.config import patients_settings
from trdomics.enrichment.sources import gene_set_sources

GENE_SETS = gene_set_sources(config["enrichment"]["gene_sets"])
GENE_SET_URLS = {name: source for name, source in GENE_SETS.items() if source["url"]}
GENE_SET_FILES = [
    (
        f"results/{COHORT}/enrichment/downloads/{name}.gmt"
        if source["url"]
        else given(source["file"])
    )
    for name, source in GENE_SETS.items()
]


rule enrichment_download:
    """Download a file of gene sets."""
    output:
        "results/{cohort}/enrichment/downloads/{collection}.gmt",
    log:
        "logs/{cohort}/enrichment_download.{collection}.log",
    wildcard_constraints:
        collection=layer_pattern(GENE_SET_URLS),
    localrule: True
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        code=code_digest("enrichment_download"),
        source=lookup(dpath="{collection}", within=GENE_SET_URLS),
    script:
        "../scripts/enrichment_download.py"


rule enrichment_gene_sets:
    """Combine the curated gene sets with the user's."""
    input:
        files=GENE_SET_FILES,
    output:
        sets="results/{cohort}/enrichment/gene_sets.tsv",
        gmt="results/{cohort}/enrichment/curated.gmt",
        collections="results/{cohort}/enrichment/collections.tsv",
    log:
        "logs/{cohort}/enrichment_gene_sets.log",
    localrule: True
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code_digest("enrichment_gene_sets"),
        content=content(*(s["file"] for s in GENE_SETS.values() if not s["url"])),
        sources=GENE_SETS,
    script:
        "../scripts/enrichment_gene_sets.py"


rule enrichment_ranked:
    """Test gene sets and signatures in one expression layer."""
    input:
        results="results/{cohort}/differential/{layer}/results.tsv",
        normalised="results/{cohort}/layers/{layer}/normalised.parquet",
        patients="results/{cohort}/cohort/patients.tsv",
        sets="results/{cohort}/enrichment/gene_sets.tsv",
    output:
        sets="results/{cohort}/enrichment/layers/{layer}/sets.tsv",
        scores="results/{cohort}/enrichment/layers/{layer}/scores.tsv",
        signatures="results/{cohort}/enrichment/layers/{layer}/signatures.tsv",
        summary="results/{cohort}/enrichment/layers/{layer}/summary.json",
        figure=report(
            "results/{cohort}/enrichment/layers/{layer}/sets.svg",
            caption="../report/enrichment_sets.rst",
            category=stage("Enrichment"),
            labels=labelled("Gene sets", "figure"),
        ),
        signature_figure=report(
            "results/{cohort}/enrichment/layers/{layer}/signatures.svg",
            caption="../report/enrichment_signatures.rst",
            category=stage("Enrichment"),
            labels=labelled("Signatures", "figure"),
        ),
    log:
        "logs/{cohort}/enrichment_ranked.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/enrichment_ranked.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(EXPRESSION_LAYERS),
    group:
        "enrichment"
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(20),
    params:
        code=code_digest("enrichment_ranked"),
        design=config["differential"]["design"],
        contrast=config["differential"]["contrast"],
        fdr=config["differential"]["fdr"],
        sheet=patients_settings(config),
        seed=config["seed"],
        options={
            key: config["enrichment"][key]
            for key in ("permutations", "min_size", "max_size")
        },
    script:
        "../scripts/enrichment_ranked.py"


rule enrichment_mirna:
    """Test whether targets of differentially expressed miRNAs are anti-correlated with them."""
    input:
        results=expand(
            "results/{{cohort}}/differential/{layer}/results.tsv",
            layer=EXPRESSION_LAYERS,
        ),
        normalised=expand(
            "results/{{cohort}}/layers/{layer}/normalised.parquet",
            layer=EXPRESSION_LAYERS,
        ),
        patients="results/{cohort}/cohort/patients.tsv",
        targets=given(config["enrichment"]["mirna"]["targets"]),
    output:
        table="results/{cohort}/enrichment/mirna_targets.tsv",
        pairs="results/{cohort}/enrichment/mirna_pairs.tsv",
        summary="results/{cohort}/enrichment/mirna.json",
        figure=report(
            "results/{cohort}/enrichment/mirna_targets.svg",
            caption="../report/enrichment_mirna.rst",
            category=stage("Enrichment"),
            labels=labelled("Targets of small RNAs", "figure"),
        ),
    log:
        "logs/{cohort}/enrichment_mirna.log",
    benchmark:
        "benchmarks/{cohort}/enrichment_mirna.tsv"
    group:
        "enrichment"
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        code=code_digest("enrichment_mirna"),
        content=content(config["enrichment"]["mirna"]["targets"]),
        layers=EXPRESSION_LAYERS,
        counts=COUNT_LAYERS,
        mirna=config["enrichment"]["mirna"],
        design=config["differential"]["design"],
        contrast=config["differential"]["contrast"],
        fdr=config["differential"]["fdr"],
        sheet=patients_settings(config),
        permutations=config["enrichment"]["permutations"],
        seed=config["seed"],
    script:
        "../scripts/enrichment_mirna.py"


rule enrichment_factors:
    """Describe each factor in a sentence."""
    input:
        sets="results/{cohort}/enrichment/gene_sets.tsv",
        factors="results/{cohort}/integration/factors.tsv",
        associations="results/{cohort}/integration/associations.tsv",
        variance="results/{cohort}/integration/variance_explained.tsv",
        top_weights="results/{cohort}/integration/top_weights.tsv",
        stability="results/{cohort}/integration/stability.tsv",
        weights=expand(
            "results/{{cohort}}/integration/weights/{layer}.tsv",
            layer=EXPRESSION_LAYERS,
        ),
        views=expand(
            "results/{{cohort}}/integration/views/{layer}.parquet",
            layer=EXPRESSION_LAYERS,
        ),
    output:
        enrichment="results/{cohort}/enrichment/factors.tsv",
        words="results/{cohort}/integration/factor_words.tsv",
    log:
        "logs/{cohort}/enrichment_factors.log",
    group:
        "integration"
    conda:
        "../../envs/integration.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("enrichment_factors"),
        layers=EXPRESSION_LAYERS,
        options={
            "max_size": config["enrichment"]["max_size"],
            "permutations": config["enrichment"]["permutations"],
            "seed": config["seed"],
        },
        label=config["label"],
    script:
        "../scripts/enrichment_factors.py"


rule enrichment_summary:
    """Collect the headline numbers of the enrichment."""
    input:
        layers=expand(
            "results/{{cohort}}/enrichment/layers/{layer}/summary.json",
            layer=EXPRESSION_LAYERS,
        ),
        mirna="results/{cohort}/enrichment/mirna.json",
        words="results/{cohort}/integration/factor_words.tsv",
        collections="results/{cohort}/enrichment/collections.tsv",
    output:
        "results/{cohort}/enrichment/enrichment.json",
    log:
        "logs/{cohort}/enrichment_summary.log",
    group:
        "enrichment"
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        code=code_digest("enrichment_summary"),
        layers=EXPRESSION_LAYERS,
    script:
        "../scripts/enrichment_summary.py"


TARGETS += [f"results/{COHORT}/enrichment/enrichment.json"]
