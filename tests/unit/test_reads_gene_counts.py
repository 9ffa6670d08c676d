from pathlib import Path

import numpy as np
import pandas as pd

from trdomics.files import write_counts
from trdomics.reads.gene_counts import length_scaled_counts

GOLDEN = Path(__file__).parents[1] / "golden" / "tximport.tsv"


def test_counts_are_those_of_tximport():
    rows = pd.read_csv(GOLDEN, sep="\t", comment="#")
    names = {"TPM": "tpm", "NumReads": "counts", "EffectiveLength": "length"}
    tables = {s: t.set_index("Name").rename(columns=names) for s, t in rows.groupby("sample")}
    genes = tables["a"]["gene"]
    counts = length_scaled_counts(list(tables), lambda s: tables[s][list(names.values())], genes)
    expected = rows.pivot_table(index="gene", columns="sample", values="gene_counts")
    np.testing.assert_allclose(counts, expected.loc[counts.index, counts.columns], rtol=1e-9)
    assert (counts.loc["g3"] == 0).all()
    assert counts.loc["g1"].min() > 0


def test_equal_counts_are_equal_files_whatever_they_are_called(tmp_path):
    counts = pd.DataFrame({"S1": [3, 0]}, index=pd.Index(["g1", "g2"], name="gene_id"))
    for name in ("a.tsv.gz", "b.tsv.gz"):
        write_counts(counts, tmp_path / name)
    assert (tmp_path / "a.tsv.gz").read_bytes() == (tmp_path / "b.tsv.gz").read_bytes()
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "a.tsv.gz", sep="\t", index_col=0), counts)
