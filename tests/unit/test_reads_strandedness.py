import pandas as pd
import pytest

from trdomics.errors import InputError, InputErrors
from trdomics.reads.strandedness import decide, salmon_share, strandedness


def test_shares_are_read_as_nfcore_does():
    assert [strandedness(share) for share in (0.9, 0.1, 0.52, 0.7)] == [
        "forward",
        "reverse",
        "unstranded",
        "undetermined",
    ]
    assert salmon_share({"ISF": 30, "SF": 10, "ISR": 150, "SR": 10, "IU": 5}) == 0.2


def test_a_cohort_has_one_strandedness_and_a_deviating_sample_is_an_error_with_its_share():
    shares = pd.Series({"a": 0.02, "b": 0.03, "c": 0.97, "d": 0.01})
    message = "sample c: 97.0% of its reads are forward, .* the cohort is reverse .*swapped"
    with pytest.raises(InputError, match=message):
        decide(shares, None, "layer mrna")
    assert decide(shares.drop("c"), None, "layer mrna") == "reverse"
    with pytest.raises(InputErrors) as raised:
        decide(shares, "forward", "layer mrna")
    assert len(raised.value.errors) == 3
    assert decide(shares, "unstranded", "layer mrna") == "unstranded"


def test_a_cohort_of_unequal_strands_asks_for_the_strandedness():
    with pytest.raises(InputError, match=r"set `reads.strandedness`"):
        decide(pd.Series({"a": 0.7, "b": 0.68}), None, "layer mrna")
