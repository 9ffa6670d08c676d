import datetime

STARTED = datetime.datetime.now(datetime.UTC)
# A page or a file that a run can end with -> what is said of it
READ_FIRST = {}


# Not a rule: the command and the time differ in every run, so that a rule would always be due, and
# a run that failed would leave no record.
def record(succeeded, logs):
    """Leave what this run was made from, beside its results."""
    from trdomics.provenance import record_run

    record_run(Path(PAGE).parent, config, INPUTS, STARTED, logs, succeeded=succeeded)


def follow(name):
    """Say after every job how far the run of this name is."""
    from trdomics.progress import Progress

    if workflow.is_main_process:
        logger.addHandler(Progress(Path("benchmarks", name), logger.info))


def say_what_to_read():
    """Name the pages that the run made."""
    from trdomics.command import what_to_read

    for text in what_to_read(READ_FIRST, STARTED):
        logger.info(text)
