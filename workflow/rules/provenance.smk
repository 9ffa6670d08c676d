import datetime

STARTED = datetime.datetime.now(datetime.UTC)
# A page or file that a run can end with -> its description
READ_FIRST = {}


# Not a rule: the command and the time differ in every run, so that a rule would always be due, and
# a run that failed would leave no record.
def record(succeeded, logs):
    """Record the run's provenance beside its results."""
    from trdomics.provenance import record_run

    record_run(Path(PAGE).parent, config, INPUTS, STARTED, logs, succeeded=succeeded)


def follow(name):
    """Report the progress of this run after every job."""
    from trdomics.progress import Progress

    if workflow.is_main_process:
        logger.addHandler(Progress(Path("benchmarks", name), logger.info))


def say_what_to_read():
    """List the pages that the run wrote."""
    from trdomics.command import what_to_read

    for text in what_to_read(READ_FIRST, STARTED):
        logger.info(text)
