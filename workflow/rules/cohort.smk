from trdomics.cohort.config import sheet_settings


def layer_files(key):
    """Return the files that layers name under a key, those that name one."""
    files = [layer.get(key) for layer in config["layers"].values()]
    return [file for file in files if file is not None]


def layer_features(wildcards):
    """Return the layer's table of features, if it has one."""
    features = config["layers"][wildcards.layer]["features"]
    return [] if features is None else features


def reading_settings(wildcards):
    """Return the settings that decide what is read of a matrix."""
    layer = config["layers"][wildcards.layer]
    keys = ("type", "file", "id_column", "features", "log2")
    return {key: layer[key] for key in keys if key in layer}


rule harmonise:
    input:
        sheet=config["samples"]["file"],
        layers=layer_files("file"),
        profiled=layer_files("profiled"),
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
        "logs/{cohort}/harmonise.log",
    benchmark:
        "benchmarks/{cohort}/harmonise.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=sheet_settings(config),
    script:
        "../scripts/cohort_harmonise.py"


rule layer_table:
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        matrix=layer_file,
        features=layer_features,
    output:
        table="results/{cohort}/layers/{layer}/table.parquet",
        annotation="results/{cohort}/layers/{layer}/annotation.tsv",
    log:
        "logs/{cohort}/layer_table.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/layer_table.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(MATRIX_LAYERS),
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        layer="{layer}",
        patient_id=config["samples"]["patient_id"],
        settings=reading_settings,
    script:
        "../scripts/layers_table.py"
