import os
import subprocess
import tempfile

if CHECKING:
    from trdomics.check.plan import cohort_plan, plan_in_words
    from trdomics.files import write_json


def planned_jobs():
    """Return how many jobs of each rule a run would start, by a dry run of the resolved config."""
    # a cohort that a model is applied to need not be one that could be trained on
    targets = ["score"] if EXTERNAL_MODEL is not None else []
    with tempfile.TemporaryDirectory() as folder:
        # JSON is YAML; a resolved config resolves to itself
        write_json(config, f"{folder}/{COHORT}.json")
        told = subprocess.run(
            # targets first: options that take several words would take them too
            [sys.executable, "-m", "snakemake", *targets]
            + ["--dry-run", "--quiet", "rules"]
            + ["--cores", "1", "--snakefile", workflow.main_snakefile]
            + ["--configfile", f"{folder}/{COHORT}.json"],
            capture_output=True,
            text=True,
            env={**os.environ, INPUTS_CHECKED: "yes"},
        )
    if told.returncode:
        logger.error(f"error: the dry run failed: {told.stderr.strip()[-2000:]}")
        sys.exit(1)
    counts = re.findall(r"^(\w+) +(\d+)$", told.stdout + told.stderr, re.MULTILINE)
    return {
        name: int(n)
        for name, n in counts
        if name not in ("total", "all", "default", "score")
    }


# Told here and not by a rule: it is about rules, and it is to leave no log behind.
if CHECKING:
    print(*plan_in_words(cohort_plan(config), config, planned_jobs()), sep="\n")
    sys.exit(0)
