from trdomics.errors import InputError


def checked_audit(config):
    """Return the config with its defaults; stop with a line for each thing that is wrong."""
    from trdomics.audit.settings import resolve_audit
    from trdomics.audit.tables import read_features, read_predictions, read_training

    try:
        resolved = resolve_audit(config, ", ".join(map(str, workflow.configfiles)))
        # processes that the main one starts need not look again
        if workflow.is_main_process:
            for read in (read_predictions, read_training, read_features):
                read(resolved["audit"])
    except InputError as error:
        stop_at(error.errors)
    return resolved


def audit_runs():
    """Return the runs of the refit command."""
    from trdomics.audit.command import runs_of

    return runs_of(AUDIT)


config.update(checked_audit(config))

AUDIT = config["audit"]
PAGE = f"results/{AUDIT['name']}/audit.html"
INPUTS = [
    AUDIT[key]
    for key in ("predictions", "sheet", "training", "features")
    if AUDIT[key] is not None
]
follow(AUDIT["name"])
READ_FIRST[PAGE] = f"Read {PAGE}"
TARGETS = [PAGE, f"results/{AUDIT['name']}/audit/summary.json"]


wildcard_constraints:
    name=AUDIT["name"].replace(".", r"\."),
    run=r"\w+",


rule audit_refit:
    """Make the audited predictions again, with other labels or features."""
    input:
        files=INPUTS,
    output:
        predictions="results/{name}/audit/refits/{run}/predictions.tsv",
        labels="results/{name}/audit/refits/{run}/labels.tsv",
    log:
        "logs/{name}/audit_refit/{run}.log",
    benchmark:
        "benchmarks/{name}/audit_refit/{run}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        code=code_digest("audit_refit"),
        audit=AUDIT,
    script:
        "../scripts/audit_refit.py"


rule audit_checks:
    """Check predictions: performance, confounding, and whether the test was fair."""
    input:
        files=INPUTS,
        refits=expand(
            "results/{{name}}/audit/refits/{run}/predictions.tsv", run=audit_runs()
        ),
    output:
        claims="results/{name}/audit/claims.tsv",
        performance="results/{name}/audit/performance.tsv",
        gains="results/{name}/audit/gains.tsv",
        sites="results/{name}/audit/sites.tsv",
        calibration="results/{name}/audit/calibration.tsv",
        patients="results/{name}/audit/patients.tsv",
        duplicates="results/{name}/audit/duplicates.tsv",
        null="results/{name}/audit/null.tsv",
        summary="results/{name}/audit/summary.json",
        forest="results/{name}/audit/forest.svg",
        reliability="results/{name}/audit/calibration.svg",
        shuffled="results/{name}/audit/null.svg",
    log:
        "logs/{name}/audit_checks.log",
    benchmark:
        "benchmarks/{name}/audit_checks.tsv"
    conda:
        "../../envs/classification.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_digest("audit_checks"),
        audit=AUDIT,
        runs=audit_runs(),
    script:
        "../scripts/audit_checks.py"


rule audit_page:
    """Write the page that says which claims of a prediction hold."""
    input:
        claims="results/{name}/audit/claims.tsv",
        performance="results/{name}/audit/performance.tsv",
        summary="results/{name}/audit/summary.json",
        forest="results/{name}/audit/forest.svg",
        reliability="results/{name}/audit/calibration.svg",
        shuffled="results/{name}/audit/null.svg",
    output:
        report(
            "results/{name}/audit.html",
            caption="../report/audit_page.rst",
            category="Audit",
            labels=labelled("Which claims hold", "page"),
        ),
    log:
        "logs/{name}/audit_page.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        code=code_digest("audit_page"),
        audit=AUDIT,
    script:
        "../scripts/audit_page.py"
