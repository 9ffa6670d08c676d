from trdomics.classification.derived import derived_tables
from trdomics.classification.settings import fitting_settings
from trdomics.cohort.config import patients_settings

# Tables per patient derived by other stages; each is a feature set.
DERIVED = list(derived_tables(config))
# Inputs shared by every fit of the whole procedure.
FIT_INPUTS = {
    "patients": "results/{cohort}/cohort/patients.tsv",
    "layers": expand("results/{{cohort}}/layers/{layer}/table.parquet", layer=LAYERS),
    "derived": expand("results/{{cohort}}/{table}/features.tsv", table=DERIVED),
    "members": "results/{cohort}/panels/members.json" if PANELS else [],
}


rule classification_fit_split:
    """Tune on the training patients of one split and predict its test patients."""
    input:
        **FIT_INPUTS,
    output:
        predictions="results/{cohort}/classification/splits/{split}/predictions.tsv",
        chosen="results/{cohort}/classification/splits/{split}/chosen.tsv",
        importance="results/{cohort}/classification/splits/{split}/importance.tsv",
        without_layers="results/{cohort}/classification/splits/{split}/without_layers.tsv",
        contributions="results/{cohort}/classification/splits/{split}/contributions.tsv",
        blocks="results/{cohort}/classification/splits/{split}/blocks.npz",
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
        code=code_digest("classification_fit_split"),
        config=fitting_settings(config, "folds"),
        site=left_out_site,
        permuted=is_permuted,
    script:
        "../scripts/classification_fit_split.py"


rule classification_null:
    """Run one repeat of the cross-validation with permuted labels, for the null."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        blocks=blocks_of_repeat,
    output:
        "results/{cohort}/classification/null/{repeat}.tsv",
    log:
        "logs/{cohort}/classification_null.{repeat}.log",
    benchmark:
        "benchmarks/{cohort}/classification_null.{repeat}.tsv"
    wildcard_constraints:
        repeat=r"\d+",
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        code=code_digest("classification_null"),
        config=fitting_settings(config, "folds", "null_models"),
        splits=splits_of_repeat,
        permutations=permutations_of_repeat,
    script:
        "../scripts/classification_null.py"


rule classification_performance:
    """Evaluate out-of-fold predictions: performance, gains, null, calibration, decision curves."""
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
            "results/{{cohort}}/classification/null/{repeat}.tsv",
            repeat=PERMUTED_REPEATS,
        ),
        without_layers=expand(
            "results/{{cohort}}/classification/splits/{split}/without_layers.tsv",
            split=SPLITS,
        ),
        contributions=expand(
            "results/{{cohort}}/classification/splits/{split}/contributions.tsv",
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
        contributions="results/{cohort}/classification/contributions.tsv",
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
        code=code_digest("classification_performance"),
        settings={"bootstrap": CLASSIFICATION["bootstrap"]},
        seed=config["seed"],
        target_prevalence=config["target_prevalence"],
    script:
        "../scripts/classification_performance.py"


rule classification_sites:
    """Evaluate left-out sites: each, pooled, and compared with the cross-validation."""
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
        code=code_digest("classification_sites"),
        config=patients_settings(config),
        confounders=config["clinical"]["confounders"],
        settings={
            key: CLASSIFICATION[key]
            for key in (
                "bootstrap",
                "inner_folds",
                "leave_one_site_out",
                "min_site_class",
            )
        },
        left_out=LEFT_OUT_SITES,
        seed=config["seed"],
    script:
        "../scripts/classification_sites.py"


rule classification_figures:
    """Draw the figures of the classification from its tables."""
    input:
        performance="results/{cohort}/classification/performance.tsv",
        null="results/{cohort}/classification/null.tsv",
        calibration="results/{cohort}/classification/calibration.tsv",
        decision="results/{cohort}/classification/decision.tsv",
        importance="results/{cohort}/classification/importance.tsv",
        contributions="results/{cohort}/classification/contributions.tsv",
        chosen="results/{cohort}/classification/chosen.tsv",
        sites="results/{cohort}/classification/sites.tsv",
        pooled="results/{cohort}/classification/sites_pooled.tsv",
        missing_layer_cost="results/{cohort}/classification/missing_layer_cost.tsv",
        learning_curve="results/{cohort}/classification/learning_curve.tsv",
    output:
        performance=report(
            "results/{cohort}/classification/performance.svg",
            caption="../report/classification_performance.rst",
            category=stage("Classification"),
            labels=labelled("Performance", "figure"),
        ),
        null=report(
            "results/{cohort}/classification/null.svg",
            caption="../report/classification_null.rst",
            category=stage("Classification"),
            labels=labelled("Permuted labels", "figure"),
        ),
        calibration=report(
            "results/{cohort}/classification/calibration.svg",
            caption="../report/classification_calibration.rst",
            category=stage("Classification"),
            labels=labelled("Calibration", "figure"),
        ),
        decision=report(
            "results/{cohort}/classification/decision.svg",
            caption="../report/classification_decision.rst",
            category=stage("Classification"),
            labels=labelled("Decision curves", "figure"),
        ),
        importance=report(
            "results/{cohort}/classification/importance.svg",
            caption="../report/classification_importance.rst",
            category=stage("Classification"),
            labels=labelled("Importance", "figure"),
        ),
        contributions=report(
            "results/{cohort}/classification/contributions.svg",
            caption="../report/classification_contributions.rst",
            category=stage("Classification"),
            labels=labelled("Contributions", "figure"),
        ),
        chosen=report(
            "results/{cohort}/classification/chosen.svg",
            caption="../report/classification_chosen.rst",
            category=stage("Classification"),
            labels=labelled("What was chosen", "figure"),
        ),
        sites=report(
            "results/{cohort}/classification/sites.svg",
            caption="../report/classification_sites.rst",
            category=stage("Classification"),
            labels=labelled("Sites left out", "figure"),
        ),
        missing_layer_cost=report(
            "results/{cohort}/classification/missing_layer_cost.svg",
            caption="../report/classification_missing_layer_cost.rst",
            category=stage("Classification"),
            labels=labelled("Cost of a missing layer", "figure"),
        ),
        learning_curve=report(
            "results/{cohort}/classification/learning_curve.svg",
            caption="../report/classification_learning_curve.rst",
            category=stage("Classification"),
            labels=labelled("More patients", "figure"),
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
    params:
        code=code_digest("classification_figures"),
    script:
        "../scripts/classification_figures.py"


rule classification_final_model:
    """Tune on all labelled patients and freeze the selected model."""
    input:
        **FIT_INPUTS,
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
        code=code_digest("classification_final_model"),
        config=fitting_settings(config),
    script:
        "../scripts/classification_final_model.py"


rule model:
    """Fit and freeze a model on all labelled patients, without cross-validation."""
    input:
        expand(rules.classification_final_model.output, cohort=COHORT),
    localrule: True


rule classification_missing_layer_cost:
    """Add the expected cost of missing layers to the frozen model's folder."""
    input:
        table="results/{cohort}/classification/missing_layer_cost.tsv",
        manifest="results/{cohort}/classification/model/model.json",
    output:
        "results/{cohort}/classification/model/missing_layer_cost.json",
    log:
        "logs/{cohort}/classification_missing_layer_cost.log",
    # grouped with the model's fit and the scoring, between which it runs
    group:
        "model"
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        code=code_digest("classification_missing_layer_cost"),
        layers=LAYERS,
    script:
        "../scripts/classification_missing_layer_cost.py"


rule classification_learning_curve:
    """Train on a fraction of the patients and predict the others."""
    input:
        **FIT_INPUTS,
    output:
        "results/{cohort}/classification/shares/{share}.tsv",
    log:
        "logs/{cohort}/classification_learning_curve.{share}.log",
    benchmark:
        "benchmarks/{cohort}/classification_learning_curve.{share}.tsv"
    wildcard_constraints:
        share=r"\d+",
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        code=code_digest("classification_learning_curve"),
        config=fitting_settings(config, "learning_curve"),
    script:
        "../scripts/classification_learning_curve.py"


rule classification_more_patients:
    """Fit the learning curve and extrapolate it to more patients."""
    input:
        shares=expand(
            "results/{{cohort}}/classification/shares/{share}.tsv", share=SHARES
        ),
        predictions="results/{cohort}/classification/predictions.tsv",
        gains="results/{cohort}/classification/gains.tsv",
        patients="results/{cohort}/cohort/patients.tsv",
    output:
        table="results/{cohort}/classification/learning_curve.tsv",
        summary="results/{cohort}/classification/learning_curve.json",
    log:
        "logs/{cohort}/classification_more_patients.log",
    group:
        "classification"
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("classification_more_patients"),
        bootstrap=CLASSIFICATION["bootstrap"],
        seed=config["seed"],
    script:
        "../scripts/classification_more_patients.py"
