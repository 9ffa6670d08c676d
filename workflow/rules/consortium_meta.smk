from trdomics.errors import InputError


def checked_meta(config):
    """Return the config with its defaults; stop with one line if bundles cannot be combined."""
    from trdomics.consortium.gather import read_bundles, resolve_meta

    try:
        resolved = resolve_meta(config, ", ".join(map(str, workflow.configfiles)))
        # child processes need not check again
        if workflow.is_main_process:
            read_bundles(resolved["meta"]["bundles"])
    except InputError as error:
        stop_at(error.errors)
    return resolved


config.update(checked_meta(config))

META = config["meta"]
PAGE = f"results/{META['name']}/meta.html"
INPUTS = META["bundles"]
follow(META["name"])
READ_FIRST[PAGE] = f"Read {PAGE}"
TARGETS = [PAGE, f"results/{META['name']}/meta/summary.json"]


wildcard_constraints:
    name=META["name"].replace(".", r"\."),


rule consortium_meta:
    """Combine the bundles of several cohorts."""
    input:
        bundles=META["bundles"],
    output:
        effects="results/{name}/meta/effects.tsv",
        factors="results/{name}/meta/factors.tsv",
        performance="results/{name}/meta/performance.tsv",
        cohorts="results/{name}/meta/cohorts.tsv",
        summary="results/{name}/meta/summary.json",
    log:
        "logs/{name}/consortium_meta.log",
    benchmark:
        "benchmarks/{name}/consortium_meta.tsv"
    conda:
        "../../envs/consortium.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_digest("consortium_meta"),
        settings={key: META[key] for key in ("fdr", "permutations", "seed")},
    script:
        "../scripts/consortium_meta.py"


rule consortium_meta_page:
    """Draw the figures of a meta-analysis and write its page."""
    input:
        effects="results/{name}/meta/effects.tsv",
        factors="results/{name}/meta/factors.tsv",
        performance="results/{name}/meta/performance.tsv",
        cohorts="results/{name}/meta/cohorts.tsv",
        summary="results/{name}/meta/summary.json",
    output:
        page=report(
            "results/{name}/meta.html",
            caption="../report/consortium_meta.rst",
            category="Meta-analysis",
            labels=labelled("Several cohorts combined", "page"),
        ),
        forest="results/{name}/meta/forest.svg",
        agreement="results/{name}/meta/agreement.svg",
        volcanos=directory("results/{name}/meta/volcanos"),
    log:
        "logs/{name}/consortium_meta_page.log",
    benchmark:
        "benchmarks/{name}/consortium_meta_page.tsv"
    conda:
        "../../envs/consortium.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("consortium_meta_page"),
        settings={"name": META["name"]},
    script:
        "../scripts/consortium_meta_page.py"
