from trdomics.classification.settings import fitted_layers
from trdomics.cohort.config import patients_settings

MOFA = config["integration"]
MOFA_OPTIONS = {key: MOFA[key] for key in ("factors", "max_iterations", "convergence")}


rule integration_views:
    """Build MOFA's views of the whole cohort (descriptive; never used for classification)."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        tables=expand("results/{{cohort}}/layers/{layer}/table.parquet", layer=LAYERS),
    output:
        overview="results/{cohort}/integration/views.tsv",
        views=expand(
            "results/{{cohort}}/integration/views/{layer}.parquet", layer=LAYERS
        ),
    log:
        "logs/{cohort}/integration_views.log",
    benchmark:
        "benchmarks/{cohort}/integration_views.tsv"
    conda:
        "../../envs/integration.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        code=code_digest("integration_views"),
        layers=fitted_layers(config),
        sheet=patients_settings(config),
        regress_out=MOFA["regress_out"],
    script:
        "../scripts/integration_views.py"


rule integration_fit:
    """Fit MOFA with one seed."""
    input:
        overview="results/{cohort}/integration/views.tsv",
        views=expand(
            "results/{{cohort}}/integration/views/{layer}.parquet", layer=LAYERS
        ),
    output:
        model="results/{cohort}/integration/seeds/{seed}.hdf5",
        kept="results/{cohort}/integration/seeds/{seed}.npz",
    log:
        "logs/{cohort}/integration_fit.{seed}.log",
    benchmark:
        "benchmarks/{cohort}/integration_fit.{seed}.tsv"
    wildcard_constraints:
        seed=r"\d+",
    conda:
        "../../envs/integration.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        code=code_digest("integration_fit"),
        layers=LAYERS,
        options=MOFA_OPTIONS,
        from_pca=MOFA["seeds"][0],
    script:
        "../scripts/integration_fit.py"


rule integration_choose:
    """Choose the seed with the highest evidence lower bound and write its factors."""
    input:
        kept=expand(
            "results/{{cohort}}/integration/seeds/{seed}.npz", seed=MOFA["seeds"]
        ),
    output:
        models="results/{cohort}/integration/models.tsv",
        factors="results/{cohort}/integration/factors.tsv",
        variance="results/{cohort}/integration/variance_explained.tsv",
        stability="results/{cohort}/integration/stability.tsv",
    log:
        "logs/{cohort}/integration_choose.log",
    group:
        "integration"
    conda:
        "../../envs/integration.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("integration_choose"),
        seeds=MOFA["seeds"],
    script:
        "../scripts/integration_choose.py"


rule integration_model:
    """Write the chosen model for R's MOFA2, with what is known of the patients."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        overview="results/{cohort}/integration/models.tsv",
        models=expand(
            "results/{{cohort}}/integration/seeds/{seed}.hdf5", seed=MOFA["seeds"]
        ),
    output:
        "results/{cohort}/integration/model.hdf5",
    log:
        "logs/{cohort}/integration_model.log",
    group:
        "integration"
    conda:
        "../../envs/integration.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("integration_model"),
        seeds=MOFA["seeds"],
        clinical=config["clinical"],
        sheet=patients_settings(config),
    script:
        "../scripts/integration_model.py"


TARGETS.append(f"results/{COHORT}/integration/model.hdf5")


rule integration_weights:
    """Write the weights of the chosen model, each feature with its symbol."""
    input:
        kept=expand(
            "results/{{cohort}}/integration/seeds/{seed}.npz", seed=MOFA["seeds"]
        ),
        features=expand("results/{{cohort}}/layers/{layer}/features.tsv", layer=LAYERS),
    output:
        expand("results/{{cohort}}/integration/weights/{layer}.tsv", layer=LAYERS),
    log:
        "logs/{cohort}/integration_weights.log",
    group:
        "integration"
    conda:
        "../../envs/integration.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("integration_weights"),
        layers=LAYERS,
        seeds=MOFA["seeds"],
    script:
        "../scripts/integration_weights.py"


rule integration_characterise:
    """Test the associations of the chosen model's factors."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        views="results/{cohort}/integration/views.tsv",
        models="results/{cohort}/integration/models.tsv",
        factors="results/{cohort}/integration/factors.tsv",
        variance="results/{cohort}/integration/variance_explained.tsv",
        stability="results/{cohort}/integration/stability.tsv",
        weights=expand(
            "results/{{cohort}}/integration/weights/{layer}.tsv", layer=LAYERS
        ),
    output:
        associations="results/{cohort}/integration/associations.tsv",
        top_weights="results/{cohort}/integration/top_weights.tsv",
        summary="results/{cohort}/integration/summary.json",
    log:
        "logs/{cohort}/integration_characterise.log",
    group:
        "integration"
    conda:
        "../../envs/integration.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("integration_characterise"),
        layers=LAYERS,
        clinical=config["clinical"],
        sheet=patients_settings(config),
    script:
        "../scripts/integration_characterise.py"


rule integration_figures:
    """Draw the figures of the chosen MOFA model."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        factors="results/{cohort}/integration/factors.tsv",
        variance="results/{cohort}/integration/variance_explained.tsv",
        stability="results/{cohort}/integration/stability.tsv",
        associations="results/{cohort}/integration/associations.tsv",
        top_weights="results/{cohort}/integration/top_weights.tsv",
    output:
        variance=report(
            "results/{cohort}/integration/variance_explained.svg",
            caption="../report/integration_variance_explained.rst",
            category=stage("Integration"),
            labels=labelled("Variance explained", "figure"),
        ),
        stability=report(
            "results/{cohort}/integration/stability.svg",
            caption="../report/integration_stability.rst",
            category=stage("Integration"),
            labels=labelled("Stability of factors", "figure"),
        ),
        associations=report(
            "results/{cohort}/integration/associations.svg",
            caption="../report/integration_associations.rst",
            category=stage("Integration"),
            labels=labelled("Associations of factors", "figure"),
        ),
        weights=report(
            "results/{cohort}/integration/weights.svg",
            caption="../report/integration_weights.rst",
            category=stage("Integration"),
            labels=labelled("Top weights", "figure"),
        ),
        scatter=report(
            "results/{cohort}/integration/factors.svg",
            caption="../report/integration_factors.rst",
            category=stage("Integration"),
            labels=labelled("Patients on two factors", "figure"),
        ),
    log:
        "logs/{cohort}/integration_figures.log",
    group:
        "integration"
    conda:
        "../../envs/integration.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("integration_figures"),
        label=config["label"],
    script:
        "../scripts/integration_figures.py"


rule integration_h5mu:
    """Write the integrated object: normalised layers, factors and weights."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        normalised=expand(
            "results/{{cohort}}/layers/{layer}/normalised.parquet", layer=LAYERS
        ),
        factors="results/{cohort}/integration/factors.tsv",
        weights=expand(
            "results/{{cohort}}/integration/weights/{layer}.tsv", layer=LAYERS
        ),
    output:
        "results/{cohort}/integration/cohort.h5mu",
    log:
        "logs/{cohort}/integration_h5mu.log",
    group:
        "integration"
    conda:
        "../../envs/integration.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code_digest("integration_h5mu"),
        layers=LAYERS,
        sheet=patients_settings(config),
    script:
        "../scripts/integration_h5mu.py"
