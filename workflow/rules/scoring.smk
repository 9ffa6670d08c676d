from trdomics.classification.settings import fitted_layers
from trdomics.cohort.config import patients_settings

# A model of another cohort needs none of this cohort's training results.
EXTERNAL_MODEL = config["scoring"]["model"]
MODEL_FOLDER = EXTERNAL_MODEL or f"results/{COHORT}/classification/model"
EXTERNAL_FILES = [
    f"{MODEL_FOLDER}/{name}"
    for name in ("model.safetensors", "model.json")
    if EXTERNAL_MODEL is not None
]
# A model of another cohort may come without the cost of missing layers.
HAS_LOSSES = (
    EXTERNAL_MODEL is None or Path(f"{MODEL_FOLDER}/missing_layer_cost.json").exists()
)
# Drugs can be compared with genes if both are known.
HAS_MISMATCHES = PHARMACOGENE_LAYER is not None and bool(
    config["pharmacogenes"]["medication"] or config["pharmacogenes"]["drug_columns"]
)


rule scoring_apply:
    """Score patients with a frozen model: the own unlabelled ones, or all of another cohort."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        layers=expand("results/{{cohort}}/layers/{layer}/table.parquet", layer=LAYERS),
        derived=expand("results/{{cohort}}/{table}/features.tsv", table=DERIVED),
        model=f"{MODEL_FOLDER}/model.safetensors",
        manifest=f"{MODEL_FOLDER}/model.json",
        missing_layer_cost=branch(
            HAS_LOSSES, then=f"{MODEL_FOLDER}/missing_layer_cost.json", otherwise=[]
        ),
        names=list(map(given, config["scoring"]["feature_names"].values())),
    output:
        predictions="results/{cohort}/scoring/predictions.tsv",
        contributions="results/{cohort}/scoring/contributions.tsv",
        features="results/{cohort}/scoring/features.tsv",
        shift="results/{cohort}/scoring/shift.tsv",
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
        code=code_digest("scoring_apply"),
        content=content(*config["scoring"]["feature_names"].values(), *EXTERNAL_FILES),
        config=patients_settings(config) | {"layers": fitted_layers(config)},
        external=EXTERNAL_MODEL is not None,
        derived=DERIVED,
        feature_names=config["scoring"]["feature_names"],
        max_missing=config["scoring"]["max_missing_features"],
        threshold=config["scoring"]["threshold"],
        bootstrap=CLASSIFICATION["bootstrap"],
        settings={
            "max_missing": config["scoring"]["max_missing_features"],
            "target_prevalence": config["target_prevalence"],
            "seed": config["seed"],
        },
    script:
        "../scripts/scoring_apply.py"


rule scoring_page:
    """Write the page of a scored cohort, and that of its single patients."""
    input:
        summary="results/{cohort}/scoring/summary.json",
        shift="results/{cohort}/scoring/shift.tsv",
        predictions="results/{cohort}/scoring/predictions.tsv",
        contributions="results/{cohort}/scoring/contributions.tsv",
        annotation=expand(
            "results/{{cohort}}/layers/{layer}/annotation.tsv", layer=MATRIX_LAYERS
        ),
        mismatches=branch(
            HAS_MISMATCHES,
            then="results/{cohort}/pharmacogenes/mismatches.tsv",
            otherwise=[],
        ),
    output:
        page=report(
            "results/{cohort}/scoring/scoring.html",
            caption="../report/scoring_page.rst",
            category=stage("Scoring"),
            labels=labelled("Patients scored with a frozen model", "page"),
        ),
        patients="results/{cohort}/scoring/patients.html",
    log:
        "logs/{cohort}/scoring_page.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code_digest("scoring_page"),
        cohort=COHORT,
    script:
        "../scripts/scoring_page.py"


rule score:
    """Patients scored with the frozen model, with a page of them: results/<cohort>/scoring/."""
    input:
        f"results/{COHORT}/scoring/predictions.tsv",
        f"results/{COHORT}/scoring/contributions.tsv",
        f"results/{COHORT}/scoring/features.tsv",
        f"results/{COHORT}/scoring/shift.tsv",
        f"results/{COHORT}/scoring/summary.json",
        f"results/{COHORT}/scoring/scoring.html",
        f"results/{COHORT}/scoring/patients.html",
    localrule: True


SCORING_PAGE = f"results/{COHORT}/scoring/scoring.html"
READ_FIRST[SCORING_PAGE] = f"Read {SCORING_PAGE}"
