"""Samples without usable reads in a layer's matrix: one line each, never a column of zeros."""

import json

import pandas as pd
import pytest

from trdomics.errors import InputError, InputErrors
from trdomics.reads.matrix import aligned_cohort, salmon_cohort, small_rna_cohort

SETTINGS = {
    **{"layer": "x", "strandedness": None, "min_reads": 50, "min_mapped": 0.05},
    "files": {"good": ["good.fq.gz"], "bad": ["bad_1.fq.gz", "bad_2.fq.gz"]},
}
GENES = pd.DataFrame(
    {"symbol": ["A", "B"], "chromosome": "1", "biotype": "protein_coding"}, index=["g1", "g2"]
)


def fastp(kept):
    before = {"total_reads": 2000, "total_bases": 2e5, "q30_bases": 2e5, "gc_content": 0.4}
    after = {"total_reads": kept}
    return {
        "summary": {"before_filtering": before, "after_filtering": after},
        "duplication": {"rate": 0},
    }


def quantified(folder, mapped, processed):
    """Write what salmon writes, and of a sample without any read of a transcript."""
    (folder / "aux_info").mkdir(parents=True)
    about = {"library_types": ["ISR"], "num_processed": processed, "num_mapped": mapped}
    if mapped:
        about["num_decoy_fragments"] = 3
        (folder / "lib_format_counts.json").write_text(json.dumps({"ISR": mapped}))
    else:
        about["quant_errors"] = ["insufficient_assigned_fragments"]
    (folder / "aux_info/meta_info.json").write_text(json.dumps(about))
    table = pd.DataFrame({"Name": ["t1", "t2"], "EffectiveLength": 100.0})
    table[["TPM", "NumReads"]] = [[2e5, mapped / 5], [8e5, 4 * mapped / 5]]
    table.to_csv(folder / "quant.sf", sep="\t", index=False)
    return str(folder)


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (0, r"sample bad \(`bad_1.fq.gz`, `bad_2.fq.gz`\): it has 0 reads after trimming of 1,000"),
        (2000, "sample bad .*: 0.0% of its reads are mapped, .*`references` or remove it from the"),
    ],
)
def test_a_sample_without_any_read_of_a_transcript_is_one_line(tmp_path, kept, message):
    folders = {
        "good": quantified(tmp_path / "good", 900, 1000),
        "bad": quantified(tmp_path / "bad", 0, kept // 2),
    }
    reports = {"good": [fastp(2000)], "bad": [fastp(kept)]}
    transcripts = pd.Series({"t1": "g1", "t2": "g2"})
    with pytest.raises(InputError, match=message):
        salmon_cohort(folders, reports, transcripts, GENES, SETTINGS)
    del folders["bad"]
    counts = salmon_cohort(folders, reports, transcripts, GENES, SETTINGS).counts
    assert counts["good"].to_dict() == {"g1": 180, "g2": 720}


def test_a_sample_without_library_type_is_one_line(tmp_path):
    folder = quantified(tmp_path / "bad", 0, 0)
    path = tmp_path / "bad/aux_info/meta_info.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "library_types": []}))
    with pytest.raises(InputError, match="layer x: sample bad: salmon found no library type"):
        salmon_cohort(
            {"bad": folder}, {"bad": [fastp(0)]}, pd.Series({"t1": "g1"}), GENES, SETTINGS
        )


def counted(folder, reads, mapped, of_genes):
    """Write what samtools and featureCounts write about a sample of single reads."""
    folder.mkdir()
    (folder / "verified.json").write_text('{"paired": false}')
    flags = f"{reads} + 0 primary\n{mapped} + 0 primary mapped (x : N/A)\n"
    (folder / "flagstat.txt").write_text(flags)
    for name, n in (("exon.0", of_genes), ("exon.1", 0), ("exon.2", of_genes), ("ends", 0)):
        rows = [("Assigned", n), ("Unassigned_Ambiguity", 0), ("Unassigned_NoFeatures", 0)]
        text = "".join(f"{status}\t{value}\n" for status, value in rows)
        (folder / f"{name}.txt.summary").write_text("Status\ta.bam\n" + text)
        (folder / f"{name}.txt").write_text(f"# x\nGeneid\ta.bam\ng1\t{n}\ng2\t0\n")
    return str(folder)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ((0, 0, 0), r"sample bad \(`bad_1.*\): it has 0 reads, fewer than `reads.min_reads` \(50"),
        ((49, 49, 49), "sample bad .*: it has 49 reads, fewer than"),
        ((1000, 20, 20), "sample bad .*: 2.0% of its reads are mapped"),
        ((1000, 900, 0), "sample bad: none of its reads is of a gene; is it of this species"),
    ],
)
def test_alignments_without_usable_reads_are_one_line(tmp_path, bad, message):
    folders = {
        "good": counted(tmp_path / "good", 1000, 900, 800),
        "bad": counted(tmp_path / "bad", *bad),
    }
    reports = {"good": [], "bad": []}
    with pytest.raises(InputError, match=message):
        aligned_cohort(folders, reports, GENES, SETTINGS)
    del folders["bad"]
    counts = aligned_cohort(folders, reports, GENES, SETTINGS).counts
    assert counts["good"].to_dict() == {"g1": 800, "g2": 0}


def test_small_rna_samples_without_inserts_or_of_another_species_are_one_line_each():
    nan = float("nan")
    quality = {"fragments": 1000, "adapter_share": 0.99, "mapped_share": 0.6, "kept": 900}
    samples = {
        "good": {**quality},
        "dimers": {**quality, "kept": 0, "mapped_share": nan},
        "degraded": {**quality, "mapped_share": nan},
        "species": {**quality, "mapped_share": 0.01},
    }
    found = {
        name: {"counts": {"miR-1": 9}, "quality": own, "unreadable_umis": 0}
        for name, own in samples.items()
    }
    settings = {**SETTINGS, "protocol": "truseq", "files": {name: [name] for name in samples}}
    with pytest.raises(InputErrors) as raised:
        small_rna_cohort(found, settings)
    said = [str(error) for error in raised.value.errors]
    assert len(said) == 3
    assert "sample dimers (`dimers`): it has 0 reads after trimming of 1,000, fewer" in said[0]
    assert "sample degraded (`degraded`): 0.0% of its reads are mapped, less than" in said[1]
    assert "sample species (`species`): 1.0% of its reads are mapped, less than" in said[2]
