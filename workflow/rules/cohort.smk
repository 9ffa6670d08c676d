from trdomics.cohort.config import cohort_quality

# Layers whose read quality is added to patients.tsv.
QUALITY_LAYERS = list(
    dict.fromkeys(layer for layer, _ in cohort_quality(config).values())
)
HEADERS = content(
    *(layer["file"] for layer in config["layers"].values()),
    *(layer.get("profiled") for layer in config["layers"].values()),
)
for file in CONTENTS.changed:
    logger.info(f"{file}: other content than before; what is made of it is due")


rule cohort_harmonise:
    """Join the sheet and the layers in one table of patients."""
    input:
        sheet=ancient(config["samples"]["file"]),
        layers=[given(layer["file"]) for layer in config["layers"].values()],
        profiled=[
            given(layer["profiled"])
            for layer in config["layers"].values()
            if layer.get("profiled")
        ],
        quality=expand("results/{{cohort}}/reads/{layer}/qc.tsv", layer=QUALITY_LAYERS),
    output:
        patients="results/{cohort}/cohort/patients.tsv",
        excluded="results/{cohort}/cohort/excluded.tsv",
        sites="results/{cohort}/cohort/label_by_site.tsv",
        summary="results/{cohort}/cohort/summary.json",
        figure=report(
            "results/{cohort}/cohort/layers.svg",
            caption="../report/cohort_layers.rst",
            category=stage("Cohort"),
            labels=labelled("Patients and layers", "figure"),
        ),
    log:
        "logs/{cohort}/cohort_harmonise.log",
    benchmark:
        "benchmarks/{cohort}/cohort_harmonise.tsv"
    group:
        "cohort"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code_digest("cohort_harmonise"),
        settings=sheet_settings(config),
        content=[SHEET_DIGEST, *HEADERS],
        quality=QUALITY_LAYERS,
    script:
        "../scripts/cohort_harmonise.py"
