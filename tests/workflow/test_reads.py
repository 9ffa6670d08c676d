"""Small RNA from FASTQ to counts in a process of its own, and files that cannot be used."""

import gzip
import random
import shutil

import pytest
from running import run, write_config

from trdomics.files import read_json, read_table

TOOLS = ("cutadapt", "bowtie", "bowtie-build", "multiqc")
ADAPTER = "AACTGTAGGCACCATCAAT"

LOST = [tool for tool in TOOLS if shutil.which(tool) is None]
needs_tools = pytest.mark.skipif(bool(LOST), reason=f"not on the path: {', '.join(LOST)}")


def bases(rng, n):
    return "".join(rng.choice("ACGT") for _ in range(n))


def write_fastq(path, reads):
    text = "".join(f"@r{i}\n{read}\n+\n{'I' * len(read)}\n" for i, read in enumerate(reads))
    path.write_bytes(gzip.compress(text.encode()))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Eight samples of a QIAseq library; the first has 300 molecules of each of five miRNAs."""
    folder = tmp_path_factory.mktemp("reads")
    rng = random.Random(20251128)
    matures = {f"hsa-miR-{i}-5p": bases(rng, 22) for i in range(5)}
    hairpins = {n.replace("miR", "mir"): "GGCA" + s + bases(rng, 30) for n, s in matures.items()}
    for name, sequences in (("mature", matures), ("hairpin", hairpins)):
        text = "".join(f">{n} x\n{s.replace('T', 'U')}\n" for n, s in sequences.items())
        (folder / f"{name}.fa").write_text(text)
    reads = []
    for sequence in matures.values():
        for _ in range(300):
            molecule = sequence + ADAPTER + bases(rng, 12)
            for _ in range(rng.randint(1, 4)):
                place = rng.randrange(22)
                wrong = molecule[:place] + rng.choice("ACGT") + molecule[place + 1 :]
                read = (wrong if rng.random() < 0.1 else molecule) + bases(rng, 30)
                reads.append(read[:75])
    rng.shuffle(reads)
    write_fastq(folder / "s0_L1.fq.gz", reads[::2])
    write_fastq(folder / "s0_L2.fq.gz", reads[1::2])
    rows = ["sample\tlane\tfq1", "s0\tL1\ts0_L1.fq.gz", "s0\tL2\ts0_L2.fq.gz"]
    for number in range(1, 8):
        write_fastq(folder / f"s{number}.fq.gz", reads[:50])
        rows.append(f"s{number}\tL1\ts{number}.fq.gz")
    broken = folder / "s1.fq.gz"
    broken.write_bytes(broken.read_bytes()[:-30])
    (folder / "units.tsv").write_text("\n".join(rows) + "\n")
    sheet = "".join(f"s{i}\t{'ab'[i % 2]}\n" for i in range(8))
    (folder / "sheet.tsv").write_text("patient_id\tresponse\n" + sheet)
    reads = {"units": "units.tsv", "protocol": "qiaseq_mirna", "min_reads": 20}
    return folder, {
        "cohort": "small",
        "samples": {"file": "sheet.tsv"},
        "label": {"column": "response", "positive": "a", "negative": "b"},
        "references": {"hairpin": "hairpin.fa", "mature": "mature.fa"},
        "layers": {"small": {"type": "counts", "reads": reads}},
        "classification": {"folds": 2, "inner_folds": 2},
    }


@needs_tools
def test_molecules_are_counted_exactly_over_lanes_duplicates_and_errors(cohort):
    folder, config = cohort
    target = "results/small/reads/small/counted/s0.json"
    done = run(folder, write_config(folder, config), target)
    assert done.returncode == 0, done.stdout + done.stderr
    found = read_json(folder / target)
    assert found["counts"] == {f"hsa-miR-{i}-5p": 300 for i in range(5)}
    assert found["quality"]["adapter_share"] > 0.99
    assert found["quality"]["duplicate_share"] > 0.4
    # what was trimmed is deleted
    assert not list((folder / "results/small/reads/small/trimmed").rglob("*.fastq.gz"))


@needs_tools
def test_a_truncated_file_is_one_line(cohort):
    folder, config = cohort
    target = "results/small/reads/small/verified/s1.L1.json"
    done = run(folder, write_config(folder, config), target)
    assert done.returncode == 1
    assert "error: layer small, sample s1, lane L1: s1.fq.gz: " in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_missing_tool_is_one_line_before_any_job(cohort, monkeypatch):
    folder, config = cohort
    (folder / "bin").mkdir()
    for shell in ("bash", "sh", "which"):
        (folder / "bin" / shell).symlink_to(shutil.which(shell))
    monkeypatch.setenv("PATH", str(folder / "bin"))
    done = run(folder, write_config(folder, config), "--dry-run", "reads")
    assert done.returncode == 1
    assert (
        "error: PATH: it lacks cutadapt, bowtie, bowtie-build, multiqc, needed"
        in done.stdout + done.stderr
    )


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not on the path")
def test_a_bare_vcf_beside_a_matrix_is_annotated(tmp_path):
    coding = "ATG" + "GGA" + "AAA" * 8 + "TAA"
    (tmp_path / "genome.fa").write_text(f">1\n{'C' * 100}{coding}{'C' * 100}\n")
    rows = (
        ("gene", "ID=gene:G1;biotype=protein_coding;Name=G1"),
        ("transcript", "ID=transcript:T1;Parent=gene:G1;biotype=protein_coding"),
        ("exon", "Parent=transcript:T1"),
        ("CDS", "Parent=transcript:T1"),
    )
    end = 100 + len(coding)
    lines = [f"1\tx\t{kind}\t101\t{end}\t.\t+\t0\t{about}\n" for kind, about in rows]
    (tmp_path / "genes.gff3").write_text("##gff-version 3\n" + "".join(lines))
    patients = [f"p{i}" for i in range(8)]
    header = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *patients]
    # GGA becomes a stop, TGA
    calls = ["1", "104", ".", "G", "T", "99", "PASS", ".", "GT:DP", "0/1:30", *["0/0:30"] * 7]
    (tmp_path / "calls.vcf").write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=1>\n"
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n'
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="x">\n'
        + "".join("\t".join(fields) + "\n" for fields in (header, calls))
    )
    counts = ["\t".join(["gene", *patients]), "\t".join(["G1", *map(str, range(20, 28))])]
    (tmp_path / "counts.tsv").write_text("\n".join(counts) + "\n")
    sheet = "".join(f"{name}\t{'ab'[i % 2]}\n" for i, name in enumerate(patients))
    (tmp_path / "sheet.tsv").write_text("patient_id\tresponse\n" + sheet)
    config = {
        "cohort": "bare",
        "samples": {"file": "sheet.tsv"},
        "label": {"column": "response", "positive": "a", "negative": "b"},
        "references": {"genome": "genome.fa", "annotation": "genes.gff3"},
        "layers": {
            "exome": {"type": "variants", "file": "calls.vcf"},
            "mrna": {"type": "counts", "file": "counts.tsv"},
        },
        "classification": {"folds": 2, "inner_folds": 2},
    }
    target = "results/bare/layers/exome/annotation.tsv"
    done = run(tmp_path, write_config(tmp_path, config), target)
    assert done.returncode == 0, done.stdout + done.stderr
    found = read_table(tmp_path / target)[["gene", "position", "consequence_class"]]
    assert found.to_numpy().tolist() == [["G1", 104, "lof"]]
