rule report_collect:
    """Collect the stages' headline numbers in one file."""
    input:
        cohort="results/{cohort}/cohort/summary.json",
        layers=expand("results/{{cohort}}/layers/{layer}/summary.json", layer=LAYERS),
        differential=expand(
            "results/{{cohort}}/differential/{layer}/summary.json", layer=LAYERS
        ),
        integration="results/{cohort}/integration/summary.json",
        classification="results/{cohort}/classification/summary.json",
        sites="results/{cohort}/classification/sites.json",
        learning_curve="results/{cohort}/classification/learning_curve.json",
        scoring="results/{cohort}/scoring/summary.json",
        identity="results/{cohort}/cohort/identity.json",
        confounding="results/{cohort}/cohort/confounding.json",
        adjustment=expand(
            "results/{{cohort}}/differential/{layer}/adjustment.json",
            layer=ADJUSTED_LAYERS,
        ),
        enrichment="results/{cohort}/enrichment/enrichment.json",
        subtypes="results/{cohort}/integration/subtypes.json",
        pharmacogenes="results/{cohort}/pharmacogenes/summary.json",
        panels=expand("results/{{cohort}}/panels/{panel}/summary.json", panel=PANELS),
        mechanism=branch(
            MECHANISM["model"],
            then="results/{cohort}/mechanism/summary.json",
            otherwise=[],
        ),
        simulation=branch(
            SIMULATED, then="results/{cohort}/simulation/recovery.json", otherwise=[]
        ),
        simulated_reads=branch(
            config["simulated_reads"] is not None,
            then="results/{cohort}/simulation/reads_recovery.json",
            otherwise=[],
        ),
    output:
        "results/{cohort}/summary.json",
    log:
        "logs/{cohort}/report_collect.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code_digest("report_collect"),
        layers=LAYERS,
        adjusted_layers=ADJUSTED_LAYERS,
        panels=list(PANELS),
    script:
        "../scripts/report_collect.py"


rule report_summary:
    """Write the summary page."""
    input:
        summary="results/{cohort}/summary.json",
        patients="results/{cohort}/cohort/patients.tsv",
        readings=expand("results/{{cohort}}/layers/{layer}/reading.json", layer=LAYERS),
        performance_table="results/{cohort}/classification/performance.tsv",
        gains="results/{cohort}/classification/gains.tsv",
        missing_layer_cost_table="results/{cohort}/classification/missing_layer_cost.tsv",
        decision_table="results/{cohort}/classification/decision.tsv",
        results=expand(
            "results/{{cohort}}/differential/{layer}/results.tsv", layer=LAYERS
        ),
        variance_table="results/{cohort}/integration/variance_explained.tsv",
        top_weights="results/{cohort}/integration/top_weights.tsv",
        associations_table="results/{cohort}/integration/associations.tsv",
        factor_sets="results/{cohort}/enrichment/factors.tsv",
        factor_words="results/{cohort}/integration/factor_words.tsv",
        layers="results/{cohort}/cohort/layers.svg",
        volcanos=expand(
            "results/{{cohort}}/differential/{layer}/volcano.png", layer=LAYERS
        ),
        attrition=expand(
            "results/{{cohort}}/differential/{layer}/attrition.svg",
            layer=ADJUSTED_LAYERS,
        ),
        confounding="results/{cohort}/cohort/confounding.svg",
        variance="results/{cohort}/integration/variance_explained.svg",
        associations="results/{cohort}/integration/associations.svg",
        calibration="results/{cohort}/classification/calibration.svg",
        decision="results/{cohort}/classification/decision.svg",
        null="results/{cohort}/classification/null.svg",
        importance="results/{cohort}/classification/importance.svg",
        contributions="results/{cohort}/classification/contributions.svg",
        sites="results/{cohort}/classification/sites.svg",
        missing_layer_cost="results/{cohort}/classification/missing_layer_cost.svg",
        learning_curve="results/{cohort}/classification/learning_curve.svg",
        reads=MULTIQC_PAGE if UNITS else [],
        recovery=branch(
            SIMULATED, then="results/{cohort}/simulation/recovery.svg", otherwise=[]
        ),
    output:
        report(
            "results/{cohort}/summary.html",
            caption="../report/report_summary.rst",
            category=stage("Summary"),
            labels=labelled("Summary in two minutes", "page"),
        ),
    log:
        "logs/{cohort}/report_summary.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        code=code_digest("report_summary"),
        settings={
            "cohort": COHORT,
            "label": config["label"],
            "site": config["samples"]["site"],
            "layers": LAYERS,
            "adjusted_layers": ADJUSTED_LAYERS,
            "simulated": SIMULATED,
            "reads": "reads/multiqc.html" if UNITS else None,
            "confounders": config["clinical"]["confounders"],
            "models": config["classification"]["models"],
            "null_models": config["classification"]["null_models"],
        },
    script:
        "../scripts/report_summary.py"


rule report_genes:
    """Write the page on which every feature of every layer can be looked up."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        results=expand(
            "results/{{cohort}}/differential/{layer}/results.tsv", layer=LAYERS
        ),
        normalised=expand(
            "results/{{cohort}}/layers/{layer}/normalised.parquet", layer=LAYERS
        ),
        annotation=expand(
            "results/{{cohort}}/layers/{layer}/annotation.tsv", layer=LAYERS
        ),
        weights=expand(
            "results/{{cohort}}/integration/weights/{layer}.tsv", layer=LAYERS
        ),
        adjustment=expand(
            "results/{{cohort}}/differential/{layer}/adjustment.tsv",
            layer=ADJUSTED_LAYERS,
        ),
        sets_of_covariates=expand(
            "results/{{cohort}}/differential/{layer}/adjustment_summary.tsv",
            layer=ADJUSTED_LAYERS,
        ),
        variance=expand(
            "results/{{cohort}}/differential/{layer}/variance_partition.tsv",
            layer=ADJUSTED_LAYERS,
        ),
        importance="results/{cohort}/classification/importance.tsv",
        sets="results/{cohort}/enrichment/gene_sets.tsv",
        pairs="results/{cohort}/enrichment/mirna_pairs.tsv",
    output:
        page=report(
            "results/{cohort}/genes.html",
            caption="../report/report_genes.rst",
            category=stage("Summary"),
            labels=labelled("Look a feature up", "page"),
        ),
        table="results/{cohort}/genes.parquet",
    log:
        "logs/{cohort}/report_genes.log",
    benchmark:
        "benchmarks/{cohort}/report_genes.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        code=code_digest("report_genes"),
        cohort=COHORT,
        label=config["label"],
        layers=LAYERS,
        adjusted_layers=ADJUSTED_LAYERS,
        carriers=CARRIER_LAYERS,
        design=config["differential"]["design"],
        cells=measured_cells(config),
        fdr=config["differential"]["fdr"],
    script:
        "../scripts/report_genes.py"


TARGETS.append(f"results/{COHORT}/genes.html")


rule report_reporting:
    """Write what a paper needs: model card, TRIPOD+AI and PROBAST+AI, methods and references."""
    input:
        summary="results/{cohort}/summary.json",
    output:
        card="results/{cohort}/classification/model/CARD.md",
        page=report(
            "results/{cohort}/classification/model/CARD.html",
            caption="../report/report_card.rst",
            category=stage("Summary"),
            labels=labelled("Model card", "page"),
        ),
        tripod="results/{cohort}/reporting/tripod_ai.tsv",
        probast="results/{cohort}/reporting/probast_ai.tsv",
        methods="results/{cohort}/reporting/methods.md",
        references="results/{cohort}/reporting/references.bib",
    log:
        "logs/{cohort}/report_reporting.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code_digest("report_reporting"),
        settings={
            "label": config["label"],
            "layers": LAYERS,
            "predictors": config["clinical"]["predictors"],
            "circular": config["clinical"]["circular"],
            "models": config["classification"]["models"],
            "null_models": config["classification"]["null_models"],
        },
    script:
        "../scripts/report_reporting.py"


TARGETS.append(f"results/{COHORT}/reporting/tripod_ai.tsv")
