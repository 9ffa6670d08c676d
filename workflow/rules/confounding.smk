from trdomics.cohort.config import cohort_quality, patients_settings
from trdomics.confounding.plan import (
    adjustment_sets,
    column_roles,
    measured_cells,
    own_signature,
    technical_columns,
)

LABELLED = config["label"]["column"] is not None
ADJUSTED_LAYERS = COUNT_LAYERS + CONTINUOUS_LAYERS if LABELLED else []
ADJUSTMENT_SETS = adjustment_sets(config) if LABELLED else {}
ADJUSTMENT = {
    "sets": ADJUSTMENT_SETS,
    "contrast": config["differential"]["contrast"],
    "fdr": config["differential"]["fdr"],
    "deges": config["differential"]["deges"],
}
ADJUSTMENT_FILTER = ("min_count", "min_share", "log2", "max_missing")
# Layers that cell fractions can be estimated from: of genes, linear in the amount of RNA
CELL_LAYERS = COUNT_LAYERS + [
    name for name in CONTINUOUS_LAYERS if config["layers"][name].get("log2")
]
NO_CELLS = None
if config["cells"]["signature"] is None:
    NO_CELLS = "the config names no signature (cells.signature)"
elif not CELL_LAYERS:
    NO_CELLS = "no layer holds counts or expression to be logged (log2: true)"


rule confounding_table:
    """Test associations of the label, and predict it from site and technical columns alone."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
    output:
        table="results/{cohort}/cohort/confounding.tsv",
        summary="results/{cohort}/cohort/confounding.json",
        figure=report(
            "results/{cohort}/cohort/confounding.svg",
            caption="../report/confounding_table.rst",
            category=stage("Cohort"),
            labels=labelled("Associations of the label", "figure"),
        ),
    log:
        "logs/{cohort}/confounding_table.log",
    benchmark:
        "benchmarks/{cohort}/confounding_table.tsv"
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("confounding_table"),
        sheet=patients_settings(config),
        roles=column_roles(
            config, ADJUSTMENT_SETS, LAYERS, list(cohort_quality(config))
        ),
        technical=technical_columns(config),
        bootstrap=config["classification"]["bootstrap"],
        fdr=config["differential"]["fdr"],
        seed=config["seed"],
    script:
        "../scripts/confounding_table.py"


rule confounding_cells:
    """Estimate cell fractions from expression and compare them with measured ones."""
    input:
        patients="results/{cohort}/cohort/patients.tsv",
        tables=expand(
            "results/{{cohort}}/layers/{layer}/table.parquet", layer=CELL_LAYERS
        ),
        annotations=expand(
            "results/{{cohort}}/layers/{layer}/annotation.tsv", layer=CELL_LAYERS
        ),
        signature=given(own_signature(config)),
    output:
        fractions="results/{cohort}/cohort/cells.tsv",
        comparison="results/{cohort}/cohort/cells_measured.tsv",
        summary="results/{cohort}/cohort/cells.json",
        figure=report(
            "results/{cohort}/cohort/cells.svg",
            caption="../report/confounding_cells.rst",
            category=stage("Cohort"),
            labels=labelled("Cell fractions", "figure"),
        ),
    log:
        "logs/{cohort}/confounding_cells.log",
    benchmark:
        "benchmarks/{cohort}/confounding_cells.tsv"
    group:
        "confounding"
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        code=code_digest("confounding_cells"),
        content=content(own_signature(config)),
        sheet=patients_settings(config),
        layers={name: config["layers"][name]["type"] for name in CELL_LAYERS},
        measured=config["cells"]["columns"] or {},
        groups=[config["label"]["positive"], config["label"]["negative"]],
        reason=NO_CELLS,
    script:
        "../scripts/confounding_cells.py"


rule confounding_adjustment:
    """Test one layer for the label with growing sets of covariates."""
    input:
        table="results/{cohort}/layers/{layer}/table.parquet",
        annotation="results/{cohort}/layers/{layer}/annotation.tsv",
        patients="results/{cohort}/cohort/patients.tsv",
        fractions="results/{cohort}/cohort/cells.tsv",
    output:
        table="results/{cohort}/differential/{layer}/adjustment.tsv",
        summary="results/{cohort}/differential/{layer}/adjustment_summary.tsv",
        headline="results/{cohort}/differential/{layer}/adjustment.json",
        figure=report(
            "results/{cohort}/differential/{layer}/attrition.svg",
            caption="../report/confounding_attrition.rst",
            category=stage("Differential"),
            labels=labelled("Adjustment sets", "figure"),
        ),
    log:
        "logs/{cohort}/confounding_adjustment.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/confounding_adjustment.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(ADJUSTED_LAYERS),
    group:
        "confounding"
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        code=code_digest("confounding_adjustment"),
        sheet=patients_settings(config),
        settings=ADJUSTMENT,
        type=lookup("layers/{layer}/type", within=config),
        filter=layer_keys(*ADJUSTMENT_FILTER),
    script:
        "../scripts/confounding_adjustment.py"


rule confounding_variance:
    """Partition the variance of every feature of one layer among label and confounders."""
    input:
        normalised="results/{cohort}/layers/{layer}/normalised.parquet",
        annotation="results/{cohort}/layers/{layer}/annotation.tsv",
        patients="results/{cohort}/cohort/patients.tsv",
        fractions="results/{cohort}/cohort/cells.tsv",
    output:
        table="results/{cohort}/differential/{layer}/variance_partition.tsv",
        summary="results/{cohort}/differential/{layer}/variance_partition.json",
        figure=report(
            "results/{cohort}/differential/{layer}/variance_partition.svg",
            caption="../report/confounding_variance.rst",
            category=stage("Differential"),
            labels=labelled("Sources of variance", "figure"),
        ),
    log:
        "logs/{cohort}/confounding_variance.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/confounding_variance.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(ADJUSTED_LAYERS),
    group:
        "confounding"
    conda:
        "../../envs/differential.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        code=code_digest("confounding_variance"),
        sheet=patients_settings(config),
        sets=ADJUSTMENT_SETS,
        contrast=config["differential"]["contrast"],
    script:
        "../scripts/confounding_variance.py"


if SIMULATED:

    rule confounding_recovery:
        """What adjustment takes away and leaves, against what was planted."""
        input:
            tables=expand(
                "results/{{cohort}}/differential/{layer}/adjustment.tsv",
                layer=COUNT_LAYERS,
            ),
            features="results/{cohort}/simulation/truth/features.tsv",
        output:
            table="results/{cohort}/simulation/adjustment_recovery.tsv",
            summary="results/{cohort}/simulation/adjustment_recovery.json",
        log:
            "logs/{cohort}/confounding_recovery.log",
        localrule: True
        conda:
            "../../envs/differential.yaml"
        threads: 1
        resources:
            mem_mb=500,
            runtime=5,
        params:
            code=code_digest("confounding_recovery"),
            layers=COUNT_LAYERS,
            fdr=config["differential"]["fdr"],
        script:
            "../scripts/confounding_recovery.py"

    TARGETS.append(f"results/{COHORT}/simulation/adjustment_recovery.json")


if LABELLED:
    TARGETS += [
        f"results/{COHORT}/cohort/confounding.json",
        f"results/{COHORT}/cohort/cells.json",
        *expand(
            f"results/{COHORT}/differential/{{layer}}/{{file}}",
            layer=ADJUSTED_LAYERS,
            file=["adjustment.json", "variance_partition.json"],
        ),
    ]
