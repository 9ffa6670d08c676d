rule consortium_export:
    """Write the bundle that a cohort shares with a consortium."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        excluded="results/{cohort}/cohort/excluded.tsv",
        results=expand(
            "results/{{cohort}}/differential/{layer}/results.tsv", layer=LAYERS
        ),
        summaries=expand(
            "results/{{cohort}}/differential/{layer}/summary.json", layer=LAYERS
        ),
        weights=expand(
            "results/{{cohort}}/integration/weights/{layer}.tsv", layer=LAYERS
        ),
        # compared with the bundle; never written
        tables=expand("results/{{cohort}}/layers/{layer}/table.parquet", layer=LAYERS),
        variance="results/{cohort}/integration/variance_explained.tsv",
        performance="results/{cohort}/classification/performance.tsv",
        predictions="results/{cohort}/classification/predictions.tsv",
        sites="results/{cohort}/classification/sites_pooled.tsv",
        calls="results/{cohort}/pharmacogenes/calls.tsv",
        model="results/{cohort}/classification/model/model.safetensors",
        manifest="results/{cohort}/classification/model/model.json",
        missing_layer_cost="results/{cohort}/classification/model/missing_layer_cost.json",
    output:
        bundle="results/{cohort}/export/{cohort}.zip",
        manifest="results/{cohort}/export/manifest.json",
    log:
        "logs/{cohort}/consortium_export.log",
    benchmark:
        "benchmarks/{cohort}/consortium_export.tsv"
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        code=code_digest("consortium_export"),
        cohort=COHORT,
        sheet=patients_settings(config),
        contrast=config["differential"]["contrast"],
        types={name: config["layers"][name]["type"] for name in LAYERS},
        carriers=CARRIER_LAYERS,
        described=config["clinical"]["predictors"],
        minimum=config["export"]["minimum_count"],
        privacy=config["export"]["privacy"],
    script:
        "../scripts/consortium_export.py"


rule export:
    """Write the bundle for a consortium, without patient-level data: results/<cohort>/export/."""
    input:
        f"results/{COHORT}/export/{COHORT}.zip",
    localrule: True


READ_FIRST[f"results/{COHORT}/export/manifest.json"] = (
    f"The bundle to pass on is results/{COHORT}/export/{COHORT}.zip; "
    f"read first what is in it: results/{COHORT}/export/manifest.json"
)
