def stage_summaries(wildcards):
    """Return the headline numbers of every stage; of a simulation, what was recovered too."""
    root = f"results/{wildcards.cohort}"
    paths = {
        "cohort": f"{root}/cohort/summary.json",
        "integration": f"{root}/integration/summary.json",
        "classification": f"{root}/classification/summary.json",
        "scoring": f"{root}/scoring/summary.json",
        "layers": expand(f"{root}/layers/{{layer}}/summary.json", layer=LAYERS),
        "differential": expand(
            f"{root}/differential/{{layer}}/summary.json", layer=LAYERS
        ),
    }
    if SIMULATED:
        paths["simulation"] = f"{root}/simulation/recovery.json"
    return paths


def page_figures(wildcards):
    """Return the figures that the page shows."""
    root = f"results/{wildcards.cohort}"
    figures = {
        "layers_figure": f"{root}/cohort/layers.svg",
        "volcanos": expand(f"{root}/differential/{{layer}}/volcano.png", layer=LAYERS),
        "variance": f"{root}/integration/variance_explained.svg",
        "associations": f"{root}/integration/associations.svg",
        **{
            name: f"{root}/classification/{name}.svg"
            for name in ("performance", "calibration", "decision", "null", "importance")
        },
    }
    if SIMULATED:
        figures["recovery"] = f"{root}/simulation/recovery.svg"
    return figures


rule collect_summary:
    input:
        unpack(stage_summaries),
    output:
        "results/{cohort}/summary.json",
    log:
        "logs/{cohort}/collect_summary.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        layers=LAYERS,
    script:
        "../scripts/report_collect.py"


rule summary_page:
    input:
        unpack(page_figures),
        summary="results/{cohort}/summary.json",
        patients="results/{cohort}/cohort/patients.tsv",
        performance_table="results/{cohort}/classification/performance.tsv",
        gains="results/{cohort}/classification/gains.tsv",
        template=workflow.source_path("../report/summary.html.j2"),
    output:
        report(
            "results/{cohort}/summary.html",
            caption="../report/report_summary.rst",
            category="Summary",
            labels={"page": "Summary in two minutes"},
        ),
    log:
        "logs/{cohort}/summary_page.log",
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        settings={
            "cohort": COHORT,
            "label": config["label"],
            "site": config["samples"]["site"],
            "layers": LAYERS,
            "target_prevalence": config["target_prevalence"],
            "simulated": SIMULATED,
        },
    script:
        "../scripts/report_summary.py"
