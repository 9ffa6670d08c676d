from trdomics.cohort.site_plan import left_out_sites
from trdomics.classification.splits import split_names

CLASSIFICATION = config["classification"]
SPLITS = split_names(CLASSIFICATION["repeats"], CLASSIFICATION["folds"])
# split -> name of the site that it leaves out
LEFT_OUT_SITES = left_out_sites(config)
# What a model depends on: a change of any other key, as of a figure or an interval, must not fit
# the models again.
SITE_KEYS = ("leave_one_site_out", "min_site_class")
NOT_FITTED = (
    "permutations",
    "null_models",
    "bootstrap",
    "repeats",
    "folds",
    *SITE_KEYS,
)
FITTING = {
    "seed": config["seed"],
    "samples": config["samples"],
    "label": config["label"],
    "clinical": config["clinical"],
    "layers": config["layers"],
    "integration": {k: v for k, v in config["integration"].items() if k != "seeds"}
    | {"seeds": config["integration"]["seeds"][:1]},
    "classification": {k: v for k, v in CLASSIFICATION.items() if k not in NOT_FITTED},
}
FITTING_SPLIT = FITTING | {
    "classification": {
        k: v for k, v in CLASSIFICATION.items() if k not in ("bootstrap", *SITE_KEYS)
    }
}


rule classification_splits:
    input:
        patients="results/{cohort}/cohort/patients.tsv",
    output:
        "results/{cohort}/classification/splits.tsv",
    log:
        "logs/{cohort}/classification_splits.log",
    localrule: True
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        repeats=CLASSIFICATION["repeats"],
        folds=CLASSIFICATION["folds"],
        seed=config["seed"],
        config={key: config[key] for key in ("samples", "label", "layers")},
        left_out=LEFT_OUT_SITES,
    script:
        "../scripts/classification_splits.py"


rule classification_fit_split:
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        layers=expand("results/{{cohort}}/layers/{layer}/table.parquet", layer=LAYERS),
        splits="results/{cohort}/classification/splits.tsv",
    output:
        predictions="results/{cohort}/classification/splits/{split}/predictions.tsv",
        chosen="results/{cohort}/classification/splits/{split}/chosen.tsv",
        importance="results/{cohort}/classification/splits/{split}/importance.tsv",
        null="results/{cohort}/classification/splits/{split}/null.tsv",
        without_layers="results/{cohort}/classification/splits/{split}/without_layers.tsv",
    log:
        "logs/{cohort}/classification_fit_split.{split}.log",
    benchmark:
        "benchmarks/{cohort}/classification_fit_split.{split}.tsv"
    wildcard_constraints:
        split=r"r\d+f\d+|s\d+",
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        config=FITTING_SPLIT,
    script:
        "../scripts/classification_fit_split.py"


rule classification_performance:
    input:
        predictions=expand(
            "results/{{cohort}}/classification/splits/{split}/predictions.tsv",
            split=SPLITS,
        ),
        chosen=expand(
            "results/{{cohort}}/classification/splits/{split}/chosen.tsv", split=SPLITS
        ),
        importance=expand(
            "results/{{cohort}}/classification/splits/{split}/importance.tsv",
            split=SPLITS,
        ),
        null=expand(
            "results/{{cohort}}/classification/splits/{split}/null.tsv", split=SPLITS
        ),
        without_layers=expand(
            "results/{{cohort}}/classification/splits/{split}/without_layers.tsv",
            split=SPLITS,
        ),
        patients="results/{cohort}/cohort/patients.tsv",
    output:
        predictions="results/{cohort}/classification/predictions.tsv",
        performance="results/{cohort}/classification/performance.tsv",
        gains="results/{cohort}/classification/gains.tsv",
        null="results/{cohort}/classification/null.tsv",
        calibration="results/{cohort}/classification/calibration.tsv",
        decision="results/{cohort}/classification/decision.tsv",
        importance="results/{cohort}/classification/importance.tsv",
        chosen="results/{cohort}/classification/chosen.tsv",
        missing_layer_cost="results/{cohort}/classification/missing_layer_cost.tsv",
        summary="results/{cohort}/classification/summary.json",
    log:
        "logs/{cohort}/classification_performance.log",
    benchmark:
        "benchmarks/{cohort}/classification_performance.tsv"
    group:
        "classification"
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        settings={"bootstrap": CLASSIFICATION["bootstrap"]},
        seed=config["seed"],
        target_prevalence=config["target_prevalence"],
    script:
        "../scripts/classification_performance.py"


rule classification_sites:
    input:
        left_out=expand(
            "results/{{cohort}}/classification/splits/{split}/predictions.tsv",
            split=LEFT_OUT_SITES,
        ),
        mixed="results/{cohort}/classification/predictions.tsv",
        patients="results/{cohort}/cohort/patients.tsv",
    output:
        sites="results/{cohort}/classification/sites.tsv",
        pooled="results/{cohort}/classification/sites_pooled.tsv",
        summary="results/{cohort}/classification/sites.json",
    log:
        "logs/{cohort}/classification_sites.log",
    benchmark:
        "benchmarks/{cohort}/classification_sites.tsv"
    group:
        "classification"
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        config={key: config[key] for key in ("samples", "label", "layers", "clinical")},
        settings={
            key: CLASSIFICATION[key]
            for key in ("bootstrap", "inner_folds", *SITE_KEYS)
        },
        left_out=LEFT_OUT_SITES,
        seed=config["seed"],
    script:
        "../scripts/classification_sites.py"


rule classification_figures:
    input:
        performance="results/{cohort}/classification/performance.tsv",
        null="results/{cohort}/classification/null.tsv",
        calibration="results/{cohort}/classification/calibration.tsv",
        decision="results/{cohort}/classification/decision.tsv",
        importance="results/{cohort}/classification/importance.tsv",
        chosen="results/{cohort}/classification/chosen.tsv",
        sites="results/{cohort}/classification/sites.tsv",
        pooled="results/{cohort}/classification/sites_pooled.tsv",
        missing_layer_cost="results/{cohort}/classification/missing_layer_cost.tsv",
    output:
        performance=report(
            "results/{cohort}/classification/performance.svg",
            caption="../report/classification_performance.rst",
            category="Classification",
            labels={"figure": "Performance"},
        ),
        null=report(
            "results/{cohort}/classification/null.svg",
            caption="../report/classification_null.rst",
            category="Classification",
            labels={"figure": "Permuted labels"},
        ),
        calibration=report(
            "results/{cohort}/classification/calibration.svg",
            caption="../report/classification_calibration.rst",
            category="Classification",
            labels={"figure": "Calibration"},
        ),
        decision=report(
            "results/{cohort}/classification/decision.svg",
            caption="../report/classification_decision.rst",
            category="Classification",
            labels={"figure": "Decision curves"},
        ),
        importance=report(
            "results/{cohort}/classification/importance.svg",
            caption="../report/classification_importance.rst",
            category="Classification",
            labels={"figure": "Importance"},
        ),
        chosen=report(
            "results/{cohort}/classification/chosen.svg",
            caption="../report/classification_chosen.rst",
            category="Classification",
            labels={"figure": "What was chosen"},
        ),
        sites=report(
            "results/{cohort}/classification/sites.svg",
            caption="../report/classification_sites.rst",
            category="Classification",
            labels={"figure": "Sites left out"},
        ),
        missing_layer_cost=report(
            "results/{cohort}/classification/missing_layer_cost.svg",
            caption="../report/classification_missing_layer_cost.rst",
            category="Classification",
            labels={"figure": "Cost of a missing layer"},
        ),
    log:
        "logs/{cohort}/classification_figures.log",
    group:
        "classification"
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    script:
        "../scripts/classification_figures.py"


rule classification_final_model:
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        layers=expand("results/{{cohort}}/layers/{layer}/table.parquet", layer=LAYERS),
    output:
        model="results/{cohort}/classification/model/model.safetensors",
        manifest="results/{cohort}/classification/model/model.json",
    log:
        "logs/{cohort}/classification_final_model.log",
    benchmark:
        "benchmarks/{cohort}/classification_final_model.tsv"
    group:
        "model"
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        config=FITTING,
    script:
        "../scripts/classification_final_model.py"


rule classification_missing_layer_cost:
    input:
        table="results/{cohort}/classification/missing_layer_cost.tsv",
        manifest="results/{cohort}/classification/model/model.json",
    output:
        "results/{cohort}/classification/model/missing_layer_cost.json",
    log:
        "logs/{cohort}/classification_missing_layer_cost.log",
    # with the model's fit and the scoring, between which it stands
    group:
        "model"
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        layers=LAYERS,
    script:
        "../scripts/classification_missing_layer_cost.py"
