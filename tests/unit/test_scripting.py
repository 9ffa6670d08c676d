"""What scripts of rules share."""

import logging

from trdomics.scripting import warnings_of


def test_warnings_of_a_block_are_collected():
    log = logging.getLogger("trdomics.inputs.maf")
    with warnings_of("trdomics") as found:
        log.warning("%d rows are no calls", 3)
        log.info("read")
    log.warning("later")
    assert found == ["3 rows are no calls"]
