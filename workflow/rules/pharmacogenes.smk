from trdomics.cohort.config import patients_settings
from trdomics.pharmacogenes.settings import germline_layer

# The layer that pharmacogenes are called from, or None with the reason.
PHARMACOGENE_LAYER, PHARMACOGENE_REASON = germline_layer(config)


rule pharmacogenes_call:
    """Call diplotypes and phenotypes of the pharmacogenes, or give the reason why not."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        calls=branch(
            PHARMACOGENE_LAYER is not None,
            then=config["layers"][PHARMACOGENE_LAYER or LAYERS[0]]["file"],
            otherwise=[],
        ),
    output:
        calls="results/{cohort}/pharmacogenes/calls.tsv",
        sites="results/{cohort}/pharmacogenes/sites.tsv",
        features="results/{cohort}/pharmacogenes/features.tsv",
        summary="results/{cohort}/pharmacogenes/calls.json",
    log:
        "logs/{cohort}/pharmacogenes_call.log",
    benchmark:
        "benchmarks/{cohort}/pharmacogenes_call.tsv"
    group:
        "pharmacogenes"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=code_digest("pharmacogenes_call"),
        layer=PHARMACOGENE_LAYER,
        reason=PHARMACOGENE_REASON,
        settings={
            key: value
            for key, value in config["layers"].get(PHARMACOGENE_LAYER, {}).items()
            if key
            in (
                "id_column",
                "pass_only",
                "min_depth",
                "min_genotype_quality",
                "min_quality",
            )
        },
        patient_id=config["samples"]["patient_id"],
    script:
        "../scripts/pharmacogenes_call.py"


rule pharmacogenes_drugs:
    """Compare patients' drugs with the genes that metabolise them."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        calls="results/{cohort}/pharmacogenes/calls.tsv",
        medication=config["pharmacogenes"]["medication"] or [],
    output:
        mismatches="results/{cohort}/pharmacogenes/mismatches.tsv",
        summary="results/{cohort}/pharmacogenes/drugs.json",
    log:
        "logs/{cohort}/pharmacogenes_drugs.log",
    group:
        "pharmacogenes"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        code=code_digest("pharmacogenes_drugs"),
        drug_columns=config["pharmacogenes"]["drug_columns"],
        sheet=patients_settings(config),
    script:
        "../scripts/pharmacogenes_drugs.py"


rule pharmacogenes_sensitivity:
    """Evaluate the model without patients with possible pseudo-resistance."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        mismatches="results/{cohort}/pharmacogenes/mismatches.tsv",
        predictions="results/{cohort}/classification/predictions.tsv",
    output:
        "results/{cohort}/pharmacogenes/sensitivity.json",
    log:
        "logs/{cohort}/pharmacogenes_sensitivity.log",
    group:
        "classification"
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        code=code_digest("pharmacogenes_sensitivity"),
        bootstrap=config["classification"]["bootstrap"],
        seed=config["seed"],
    script:
        "../scripts/pharmacogenes_sensitivity.py"


rule pharmacogenes_differential:
    """Count the features that differ without the patients who may be resistant in name only."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        fractions="results/{cohort}/cohort/cells.tsv",
        mismatches="results/{cohort}/pharmacogenes/mismatches.tsv",
        tables=expand(
            "results/{{cohort}}/layers/{layer}/table.parquet", layer=ADJUSTED_LAYERS
        ),
        adjusted=expand(
            "results/{{cohort}}/differential/{layer}/adjustment.json",
            layer=ADJUSTED_LAYERS,
        ),
    output:
        "results/{cohort}/pharmacogenes/differential.json",
    log:
        "logs/{cohort}/pharmacogenes_differential.log",
    benchmark:
        "benchmarks/{cohort}/pharmacogenes_differential.tsv"
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        code=code_digest("pharmacogenes_differential"),
        sheet=patients_settings(config),
        settings=ADJUSTMENT,
        layers={
            layer: {
                "type": config["layers"][layer]["type"],
                "filter": {
                    key: config["layers"][layer][key]
                    for key in ADJUSTMENT_FILTER
                    if key in config["layers"][layer]
                },
            }
            for layer in ADJUSTED_LAYERS
        },
    script:
        "../scripts/pharmacogenes_differential.py"


rule pharmacogenes_page:
    """Write the page of pharmacogenes."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        calls="results/{cohort}/pharmacogenes/calls.tsv",
        called="results/{cohort}/pharmacogenes/calls.json",
        mismatches="results/{cohort}/pharmacogenes/mismatches.tsv",
        drugs="results/{cohort}/pharmacogenes/drugs.json",
        sensitivity="results/{cohort}/pharmacogenes/sensitivity.json",
        differential="results/{cohort}/pharmacogenes/differential.json",
    output:
        page=report(
            "results/{cohort}/pharmacogenes/pharmacogenes.html",
            caption="../report/pharmacogenes_page.rst",
            category=stage("Pharmacogenes"),
            labels=labelled("Pharmacogenes", "page"),
        ),
        figure=report(
            "results/{cohort}/pharmacogenes/phenotypes.svg",
            caption="../report/pharmacogenes_phenotypes.rst",
            category=stage("Pharmacogenes"),
            labels=labelled("Phenotypes", "figure"),
        ),
        summary="results/{cohort}/pharmacogenes/summary.json",
    log:
        "logs/{cohort}/pharmacogenes_page.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        code=code_digest("pharmacogenes_page"),
        settings={"cohort": COHORT, "label": config["label"]},
    script:
        "../scripts/pharmacogenes_page.py"


TARGETS.append(f"results/{COHORT}/pharmacogenes/pharmacogenes.html")
