from trdomics.cohort.config import patients_settings
from trdomics.panels.panel import panel_files

# name -> entry in the config; panels that come with the workflow are read from the code's folder
PANELS = {name: entry for entry in config["panels"] for name in panel_files([entry])}
PANEL_CONTENTS = {
    name: content(str(file)) for name, file in panel_files(config["panels"]).items()
}


rule panels_members:
    """Look up which features of the layers are members of the panels, for models."""
    input:
        annotations=expand(
            "results/{{cohort}}/layers/{layer}/annotation.tsv", layer=LAYERS
        ),
    output:
        "results/{cohort}/panels/members.json",
    log:
        "logs/{cohort}/panels_members.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code_digest("panels_members"),
        layers=LAYERS,
        panels=config["panels"],
        content=PANEL_CONTENTS,
    script:
        "../scripts/panels_members.py"


rule panels_evidence:
    """Test the members of a panel, and the panel as a whole, in every layer."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        results=expand(
            "results/{{cohort}}/differential/{layer}/results.tsv",
            layer=EXPRESSION_LAYERS,
        ),
        features=expand(
            "results/{{cohort}}/layers/{layer}/features.tsv", layer=EXPRESSION_LAYERS
        ),
        normalised=expand(
            "results/{{cohort}}/layers/{layer}/normalised.parquet",
            layer=EXPRESSION_LAYERS,
        ),
        burden=expand(
            "results/{{cohort}}/differential/{layer}/results.tsv", layer=CARRIER_LAYERS
        ),
        tables=expand(
            "results/{{cohort}}/layers/{layer}/table.parquet", layer=CARRIER_LAYERS
        ),
        annotations=expand(
            "results/{{cohort}}/layers/{layer}/annotation.tsv", layer=CARRIER_LAYERS
        ),
        ancestry=expand(
            "results/{{cohort}}/layers/{layer}/ancestry.tsv", layer=CARRIER_LAYERS
        ),
    output:
        members="results/{cohort}/panels/{panel}/members.tsv",
        whole="results/{cohort}/panels/{panel}/whole.tsv",
        summary="results/{cohort}/panels/{panel}/summary.json",
    log:
        "logs/{cohort}/panels_evidence.{panel}.log",
    benchmark:
        "benchmarks/{cohort}/panels_evidence.{panel}.tsv"
    wildcard_constraints:
        panel=layer_pattern(PANELS),
    group:
        "panels"
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        code=code_digest("panels_evidence"),
        panel=lookup(dpath="{panel}", within=PANELS),
        content=lookup(dpath="{panel}", within=PANEL_CONTENTS),
        expression=EXPRESSION_LAYERS,
        carriers=CARRIER_LAYERS,
        variants=VARIANT_LAYERS,
        settings={
            layer: {
                key: value
                for key, value in config["layers"][layer].items()
                if key
                in (
                    "type",
                    "format",
                    "no_call",
                    "burden",
                    "min_call_rate",
                    "max_allele_frequency",
                    "dosages",
                )
            }
            for layer in CARRIER_LAYERS
        },
        sheet=patients_settings(config),
        design=config["differential"]["design"],
        contrast=config["differential"]["contrast"],
        covariates=config["differential"]["burden_covariates"],
        min_carriers=config["differential"]["min_carriers"],
        fdr=config["differential"]["fdr"],
    script:
        "../scripts/panels_evidence.py"


rule panels_page:
    """Write the page of a panel."""
    input:
        members="results/{cohort}/panels/{panel}/members.tsv",
        whole="results/{cohort}/panels/{panel}/whole.tsv",
        summary="results/{cohort}/panels/{panel}/summary.json",
    output:
        page=report(
            "results/{cohort}/panels/{panel}/panel.html",
            caption="../report/panels_page.rst",
            category=stage("Panels"),
            labels=labelled("Panel", "page"),
        ),
        figure=report(
            "results/{cohort}/panels/{panel}/members.svg",
            caption="../report/panels_figure.rst",
            category=stage("Panels"),
            labels=labelled("Effects of the members", "figure"),
        ),
    log:
        "logs/{cohort}/panels_page.{panel}.log",
    localrule: True
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        code=code_digest("panels_page"),
        settings={
            "cohort": COHORT,
            "groups": (config["differential"]["contrast"] or [])[1:],
            "fdr": config["differential"]["fdr"],
        },
    script:
        "../scripts/panels_page.py"


TARGETS += expand(f"results/{COHORT}/panels/{{panel}}/panel.html", panel=PANELS)
