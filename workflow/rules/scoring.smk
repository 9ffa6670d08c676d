# A model of another cohort needs nothing that this cohort's training would make.
EXTERNAL_MODEL = config["scoring"]["model"]
MODEL_FOLDER = EXTERNAL_MODEL or f"results/{COHORT}/classification/model"


rule scoring_apply:
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        layers=expand("results/{{cohort}}/layers/{layer}/table.parquet", layer=LAYERS),
        model=f"{MODEL_FOLDER}/model.skops",
        manifest=f"{MODEL_FOLDER}/model.json",
    output:
        predictions="results/{cohort}/scoring/predictions.tsv",
        features="results/{cohort}/scoring/features.tsv",
        summary="results/{cohort}/scoring/summary.json",
    log:
        "logs/{cohort}/scoring_apply.log",
    benchmark:
        "benchmarks/{cohort}/scoring_apply.tsv"
    group:
        "model"
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        config={key: config[key] for key in ("samples", "label", "layers")},
        external=EXTERNAL_MODEL is not None,
        max_missing=config["scoring"]["max_missing_features"],
        target_prevalence=config["target_prevalence"],
        bootstrap=CLASSIFICATION["bootstrap"],
        seed=config["seed"],
    script:
        "../scripts/scoring_apply.py"


rule score:
    input:
        f"results/{COHORT}/scoring/predictions.tsv",
        f"results/{COHORT}/scoring/features.tsv",
        f"results/{COHORT}/scoring/summary.json",
    localrule: True
