import collections
import datetime

STARTED = datetime.datetime.now(datetime.UTC)
# Targets that end elsewhere than at PAGE: what is to be read after them.
READ_FIRST = {}


# Not a rule: the command and the time differ in every run, so that a rule would always be due, and
# a run that failed would leave no record.
def record(succeeded, log):
    """Leave what this run was made from, beside its results."""
    from trdomics.provenance import record_run

    done = [job for job in workflow.dag.finished_jobs if workflow.dag.needrun(job)]
    lost = [
        single
        for job in workflow.scheduler.failed
        for single in (job if job.is_group() else [job])
    ]
    record_run(
        Path(PAGE).parent,
        config,
        INPUTS,
        sys.argv[1:],
        STARTED,
        succeeded=succeeded,
        log=log,
        jobs=collections.Counter(job.rule.name for job in done),
        failed=[
            {"rule": job.rule.name, "wildcards": dict(job.wildcards.items())}
            for job in lost
        ],
    )


def tell_what_to_read():
    """Name the pages that the command was for."""
    from trdomics.command import left_out_of, what_to_read

    page = f"The page to read lies at {PAGE}" if Path(PAGE).exists() else ""
    told = dict(READ_FIRST)
    if "export" in told:
        told["export"] += left_out_of(f"results/{COHORT}/export/manifest.json")
    for text in what_to_read({"all": page, **told}, sys.argv[1:], page):
        if text:
            logger.info(text)
