import numpy as np
import pandas as pd
import pytest

from trdomics.errors import InputError
from trdomics.reads.quality import (
    check_samples,
    erythrocyte_mirnas,
    fastp_quality,
    gene_shares,
    quality_columns,
)

SETTINGS = {"min_reads": 100, "min_mapped": 0.05, "files": {"a": ["a.fq"], "b": ["b.fq"]}}
GOOD = {"fragments": 1000.0, "kept": 900.0, "mapped_share": 0.8, "adapter_share": 0.9}


def test_the_share_of_globin_is_that_of_all_counts():
    counts = pd.DataFrame({"a": [50, 20, 30, 0], "b": [0, 0, 0, 0]}, index=["g1", "g2", "g3", "g4"])
    genes = pd.DataFrame(
        {"symbol": ["HBB", "TP53", np.nan, "RNA5S"], "biotype": [np.nan, "x", "rRNA", "rRNA"]},
        index=counts.index,
    )
    shares = gene_shares(counts, genes)
    assert shares.loc["a"].to_dict() == {"globin_share": 0.5, "rrna_share": 0.3}
    assert shares.loc["b"].isna().all()
    known = gene_shares(counts.rename(index={"g2": "ENSG00000188536.13"}), genes)
    assert known.loc["a", "globin_share"] == 0.7


def test_erythrocyte_mirnas_are_known_by_any_member_of_a_feature():
    names = ["hsa-miR-451a", "hsa-miR-1/hsa-miR-16-5p", "mmu-miR-486-5p", "hsa-miR-4510"]
    assert erythrocyte_mirnas(names).tolist() == [True, True, True, False]


def lane(reads, kept, duplicates):
    before = {"total_reads": reads, "total_bases": 100 * reads, "q30_bases": 90 * reads}
    after = {"total_reads": kept}
    return {
        "summary": {"before_filtering": {**before, "gc_content": 0.4}, "after_filtering": after},
        "duplication": {"rate": duplicates},
    }


def test_lanes_are_weighted_by_their_reads():
    found = fastp_quality([lane(300, 270, 0.1), lane(100, 50, 0.5)], paired=True)
    assert found["fragments"] == 200
    assert found["kept"] == 160
    assert found["kept_share"] == 0.8
    assert found["q30_share"] == 0.9
    assert found["duplicate_share"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kept": 99.0}, r"sample b \(`b.fq`\): it has 99 reads after trimming of 1,000"),
        ({"mapped_share": 0.01}, r"sample b .*: 1.0% of its reads are mapped"),
        ({"mapped_share": np.nan}, r"sample b .*: 0.0% of its reads are mapped"),
        ({"adapter_share": 0.02, "kept": 0.0}, r"b .*: 2.0% of its 1,000 reads have .* ACGT"),
    ],
)
def test_a_sample_that_would_be_all_zeros_is_an_error(changed, message):
    table = pd.DataFrame({"a": GOOD, "b": {**GOOD, **changed}}).T
    with pytest.raises(InputError, match=message):
        check_samples(table, SETTINGS, "layer x", adapter="ACGT")
    check_samples(table.drop(index="b"), SETTINGS, "layer x", adapter="ACGT")


def test_a_matrix_of_counts_offers_its_globin():
    assert quality_columns({"type": "counts"}) == ("globin_share",)
    assert quality_columns({"type": "binary"}) == ()
    assert "erythrocyte_share" in quality_columns(
        {"type": "counts", "reads": {"protocol": "truseq"}}
    )
