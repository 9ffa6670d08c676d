from trdomics.mechanism.specification import read_specification, specification_file

MECHANISM = config["mechanism"]
SPECIFICATION = specification_file(MECHANISM["model"]) if MECHANISM["model"] else []
EQUATIONS = str(read_specification(SPECIFICATION).model) if SPECIFICATION else []
SCORED = next(iter(EXPRESSION_LAYERS), None)
# derived from a patient's own data
OWN_EVIDENCE = {
    "patients": "results/{cohort}/cohort/patients.tsv",
    "phenotypes": "results/{cohort}/pharmacogenes/calls.tsv",
    **{
        key: (
            f"results/{{cohort}}/layers/{PHARMACOGENE_LAYER}/{file}"
            if PHARMACOGENE_LAYER
            else []
        )
        for key, file in (
            ("variants", "table.parquet"),
            ("annotation", "annotation.tsv"),
        )
    },
}


rule mechanism_model:
    """Run a mechanistic model: its experiments, and the share of draws in which findings hold."""
    input:
        specification=given(SPECIFICATION),
        equations=given(EQUATIONS),
    output:
        sbml="results/{cohort}/mechanism/model.xml",
        parameters="results/{cohort}/mechanism/parameters.tsv",
        statements="results/{cohort}/mechanism/statements.tsv",
        sensitivity="results/{cohort}/mechanism/sensitivity.tsv",
        map="results/{cohort}/mechanism/map.tsv",
        map_figure="results/{cohort}/mechanism/map.svg",
        sensitivity_figure="results/{cohort}/mechanism/sensitivity.svg",
        circuit_figure=report(
            "results/{cohort}/mechanism/circuit.svg",
            caption="../report/mechanism_circuit.rst",
            category=stage("Mechanism"),
            labels=labelled("Circuit", "figure"),
        ),
        courses_figure=report(
            "results/{cohort}/mechanism/courses.svg",
            caption="../report/mechanism_courses.rst",
            category=stage("Mechanism"),
            labels=labelled("Under the drug", "figure"),
        ),
        statements_figure=report(
            "results/{cohort}/mechanism/statements.svg",
            caption="../report/mechanism_statements.rst",
            category=stage("Mechanism"),
            labels=labelled("What holds in which share of draws", "figure"),
        ),
    log:
        "logs/{cohort}/mechanism_model.log",
    benchmark:
        "benchmarks/{cohort}/mechanism_model.tsv"
    conda:
        "../../envs/mechanism.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(15),
    params:
        code=code_digest("mechanism_model"),
        content=content(SPECIFICATION, EQUATIONS),
        draws=MECHANISM["draws"],
        seed=config["seed"],
    script:
        "../scripts/mechanism_model.py"


rule mechanism_features:
    """Predict each patient's response from that patient's own data."""
    input:
        **OWN_EVIDENCE,
        specification=given(SPECIFICATION),
        equations=given(EQUATIONS),
    output:
        "results/{cohort}/mechanism/features.tsv",
    log:
        "logs/{cohort}/mechanism_features.log",
    conda:
        "../../envs/mechanism.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("mechanism_features"),
        content=content(SPECIFICATION, EQUATIONS),
    script:
        "../scripts/mechanism_features.py"


rule mechanism_trial:
    """Run the virtual trial of the mechanistic model in the cohort."""
    input:
        **OWN_EVIDENCE,
        specification=given(SPECIFICATION),
        equations=given(EQUATIONS),
        normalised=branch(
            SCORED is not None,
            then=f"results/{{cohort}}/layers/{SCORED}/normalised.parquet",
            otherwise=[],
        ),
        symbols=branch(
            SCORED is not None,
            then=f"results/{{cohort}}/layers/{SCORED}/annotation.tsv",
            otherwise=[],
        ),
    output:
        responses="results/{cohort}/mechanism/responses.tsv",
        links="results/{cohort}/mechanism/links.tsv",
        figure=report(
            "results/{cohort}/mechanism/trial.svg",
            caption="../report/mechanism_trial.rst",
            category=stage("Mechanism"),
            labels=labelled("Virtual trial", "figure"),
        ),
    log:
        "logs/{cohort}/mechanism_trial.log",
    benchmark:
        "benchmarks/{cohort}/mechanism_trial.tsv"
    conda:
        "../../envs/mechanism.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(15),
    params:
        code=code_digest("mechanism_trial"),
        content=content(SPECIFICATION, EQUATIONS),
        draws=MECHANISM["draws"],
        seed=config["seed"],
    script:
        "../scripts/mechanism_trial.py"


rule mechanism_page:
    """Write the page of the mechanistic model."""
    input:
        specification=given(SPECIFICATION),
        parameters="results/{cohort}/mechanism/parameters.tsv",
        statements="results/{cohort}/mechanism/statements.tsv",
        links="results/{cohort}/mechanism/links.tsv",
        responses="results/{cohort}/mechanism/responses.tsv",
        circuit="results/{cohort}/mechanism/circuit.svg",
        courses="results/{cohort}/mechanism/courses.svg",
        map_figure="results/{cohort}/mechanism/map.svg",
        statements_figure="results/{cohort}/mechanism/statements.svg",
        sensitivity="results/{cohort}/mechanism/sensitivity.svg",
        trial="results/{cohort}/mechanism/trial.svg",
    output:
        page=report(
            "results/{cohort}/mechanism/mechanism.html",
            caption="../report/mechanism_page.rst",
            category=stage("Mechanism"),
            labels=labelled("Mechanistic model", "page"),
        ),
        summary="results/{cohort}/mechanism/summary.json",
    log:
        "logs/{cohort}/mechanism_page.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code_digest("mechanism_page"),
        content=content(SPECIFICATION),
        cohort=COHORT,
    script:
        "../scripts/mechanism_page.py"


if MECHANISM["model"]:
    TARGETS.append(f"results/{COHORT}/mechanism/mechanism.html")
