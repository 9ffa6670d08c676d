import datetime

STARTED = datetime.datetime.now(datetime.UTC)


# Not a rule: the command and the time differ in every run, so that a rule would always be due, and
# a run that failed would leave no record.
def record(succeeded, log):
    """Leave what this run was made from, beside its results."""
    from trdomics.provenance import record_run

    record_run(
        Path(PAGE).parent,
        config,
        INPUTS,
        sys.argv[1:],
        STARTED,
        succeeded=succeeded,
        log=log,
    )
