from trdomics.cohort.config import reading_settings, sheet_settings

READING = reading_settings(config)


rule cohort_harmonise:
    input:
        sheet=config["samples"]["file"],
        layers=[layer["file"] for layer in config["layers"].values()],
        profiled=[
            layer["profiled"]
            for layer in config["layers"].values()
            if layer.get("profiled")
        ],
    output:
        patients="results/{cohort}/cohort/patients.tsv",
        excluded="results/{cohort}/cohort/excluded.tsv",
        sites=report(
            "results/{cohort}/cohort/label_by_site.tsv",
            caption="../report/cohort_label_by_site.rst",
            category="Cohort",
            labels={"figure": "label by site"},
        ),
        summary="results/{cohort}/cohort/summary.json",
        figure=report(
            "results/{cohort}/cohort/layers.svg",
            caption="../report/cohort_layers.rst",
            category="Cohort",
            labels={"figure": "patients and layers"},
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
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("cohort_harmonise"),
        settings=sheet_settings(config),
    script:
        "../scripts/cohort_harmonise.py"


rule layers_table:
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        matrix=layer_file,
        features=lookup("{layer}/features_file", within=READING),
    output:
        table="results/{cohort}/layers/{layer}/table.parquet",
        annotation="results/{cohort}/layers/{layer}/annotation.tsv",
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
        layer="{layer}",
        patient_id=config["samples"]["patient_id"],
        settings=lookup("{layer}/settings", within=READING),
    script:
        "../scripts/layers_table.py"
