import pytest
import yaml

from trdomics.cohort.template import begin_cohort
from trdomics.errors import InputError
from trdomics.reads.folder import guess_protocol, units_of_folder
from trdomics.reads.units import read_units


def touched(folder, *names, text="@r\nACGT\n+\nIIII\n"):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return str(folder)


def test_samples_lanes_and_mates_are_read_off_the_names(tmp_path):
    folder = touched(
        tmp_path / "fastq",
        *("P-1_S1_L001_R1_001.fastq", "P-1_S1_L001_R2_001.fastq"),
        *("P-1_S1_L002_R1_001.fastq", "P-1_S1_L002_R2_001.fastq"),
        *("P_2_1.fq", "P_2_2.fq", "md5.txt", "P3/P3.fastq", "WT_R3_1.fq", "WT_R3_2.fq"),
    )
    units = units_of_folder(folder)[0].set_index(["sample", "lane"])
    lanes = [("P-1", "L001"), ("P-1", "L002"), ("P3", "1"), ("P_2", "1"), ("WT_R3", "1")]
    assert list(units.index) == lanes
    assert units.loc[("P_2", "1"), "fq2"].endswith("P_2_2.fq")
    assert units.loc[("P3", "1"), "fq2"] == ""


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a_R2.fq"], "no file of first reads"),
        (["run1/a_L001_R1.fq", "run2/a_L001_R1.fq"], "look like one lane of `a`"),
        (["a.fq", "a_1.fq"], "look like one lane of `a`"),
        (["a.txt"], "no FASTQ or BAM file"),
        (
            ["raw/a_R1.fq", "trimmed/a_R1.fq"],
            r"raw/a_R1.fq and .*trimmed/a_R1.fq .*if one of them is trimmed, name its folder only",
        ),
        (["a_R1.fq", "a_R1_val_1.fq"], "a_R1.fq and .*a_R1_val_1.fq look like one lane of `a`"),
        (["a_S1_R1_001.fq", "a_S1_R2_001.fq", "a_S1_R3_001.fq"], "R3_001.fq: third reads"),
    ],
)
def test_names_that_cannot_be_read_are_refused(tmp_path, names, message):
    with pytest.raises(InputError, match=message):
        units_of_folder(touched(tmp_path / "fastq", *names))


@pytest.mark.parametrize(
    "names",
    [
        ("a_R1_val_1.fq.gz", "a_R2_val_2.fq.gz"),
        ("a_1.fastp.fastq.gz", "a_2.fastp.fastq.gz"),
        ("a_1P.fq", "a_2P.fq", "a_1U.fq", "a_2U.fq"),
        ("a_R1_paired.fq", "a_R2_paired.fq", "a_R1_unpaired.fq", "a_R2_unpaired.fq"),
        ("a_S7_R1_001.fastq", "a_S7_R2_001.fastq", "a_S7_I1_001.fastq"),
        ("a_R1.fq", "a_R2.fq", "Undetermined_S0_L001_R1_001.fastq"),
    ],
)
def test_trimmed_reads_are_of_their_sample_and_reads_of_no_sample_are_left_out(tmp_path, names):
    units, left_out = units_of_folder(touched(tmp_path / "fastq", *names))
    assert units["sample"].tolist() == ["a"]
    assert units["fq2"][0].endswith(names[1])
    assert [path.rpartition("/")[2] for path in left_out] == list(names[2:])


def test_a_file_that_is_linked_twice_is_one_unit(tmp_path):
    folder = touched(tmp_path / "fastq", "a_1.fq")
    (tmp_path / "fastq/work").mkdir()
    (tmp_path / "fastq/work/a_1.fq").symlink_to(f"{folder}/a_1.fq")
    assert units_of_folder(folder)[0]["sample"].tolist() == ["a"]


@pytest.mark.parametrize("after", ["", "AGATCGGAAGAGCACACGTCTGAA"])
def test_the_kit_is_guessed_from_its_adapter_even_before_the_sequencers(tmp_path, after):
    read = "TGAGGTAGTAGGTTGTATAGTTAACTGTAGGCACCATCAATACGTACGTACGT" + after
    folder = touched(tmp_path / "f", "a.fq", text=f"@r\n{read}\n+\n{'I' * len(read)}\n")
    assert guess_protocol(f"{folder}/a.fq") == "qiaseq_mirna"


def test_a_cohort_is_begun_from_folders_of_reads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touched(tmp_path / "rna", "p1_1.fq", "p1_2.fq", "p2_1.fq", "p2_2.fq")
    touched(tmp_path / "exome", "p1_1.fq", "p1_2.fq")
    begin_cohort("mine", {"mrna": "rna", "exome": "exome"}, ".")
    config = yaml.safe_load((tmp_path / "mine.yaml").read_text())
    assert config["layers"]["mrna"]["reads"]["protocol"] == "rnaseq"
    assert config["layers"]["exome"]["type"] == "variants"
    assert "genome" in config["references"]
    units = read_units(config["layers"]["mrna"]["reads"]["units"], "mrna")
    assert units.samples == ("p1", "p2")
    assert units.paired("p1")
