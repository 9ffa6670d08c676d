"""Real reads: zebrafish small RNA, a fly's chromosome, and GM12878 on chromosome 22."""

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from trdomics.reads.rna_genotypes import allele_counts, exonic_sites, genotypes, read_exons
from trdomics.reads.small_rna import collapse, count_sample, read_fasta

REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("TRDOMICS_REAL_DATA", REPOSITORY / "../shared/data")) / "reads"


def needs(*tools):
    lost = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(lost), reason=f"not on the path: {', '.join(lost)}")


pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no real reads in {DATA}"),
]


@needs("bowtie", "bowtie-build")
def test_counts_of_zebrafish_mirnas_are_no_fewer_than_exact_matches_and_in_their_order(tmp_path):
    folder = DATA / "smallrna_zebrafish"
    hairpins = read_fasta(str(folder / "dre_hairpin.fa.gz"), "dre", "hairpin")
    matures = read_fasta(str(folder / "dre_mature.fa.gz"), "dre", "mature")
    index = tmp_path / "hairpins"
    index.with_suffix(".fa").write_text("".join(f">{n}\n{s}\n" for n, s in hairpins.items()))
    subprocess.run(["bowtie-build", "-q", f"{index}.fa", str(index)], check=True)
    found = {}
    for sample in ("brain1", "heart2", "ovary3"):
        collapsed = collapse([str(folder / f"{sample}.fastq.gz")], umi=0)
        report = str(tmp_path / f"{sample}.txt")
        counted = count_sample(collapsed, (matures, hairpins), str(index), 0, report)
        found[sample] = dict(zip(counted.matures.features, counted.counts, strict=True))
    expected = pd.read_csv(folder / "expected_exact_mature_counts.tsv", sep="\t", index_col=0)
    counts = pd.DataFrame(found).loc[expected.index, expected.columns]
    assert (counts >= expected).all(axis=None)
    assert counts.rank(axis=1).equals(expected.rank(axis=1))


def cohort(folder, units, references, reads):
    """Write a cohort of eight samples, the classes taking turns, and return its config."""
    columns = [column for column in units if column != "sample"]
    rows = ["\t".join(["sample", *columns])]
    rows += ["\t".join(map(str, row)) for row in units[["sample", *columns]].to_numpy()]
    (folder / "units.tsv").write_text("\n".join(rows) + "\n")
    sheet = "".join(f"{s}\t{'ab'[i % 2]}\n" for i, s in enumerate(units["sample"]))
    (folder / "sheet.tsv").write_text("patient_id\tresponse\n" + sheet)
    config = {
        "cohort": "real",
        "samples": {"file": "sheet.tsv"},
        "label": {"column": "response", "positive": "a", "negative": "b"},
        "references": {key: str(path) for key, path in references.items()},
        "layers": {
            "mrna": {
                "type": "counts",
                "reads": {"units": "units.tsv", "protocol": "rnaseq", "min_reads": 100, **reads},
            }
        },
        "classification": {"folds": 2, "inner_folds": 2},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def counts_of(folder, config):
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--directory", str(folder)]
    command += ["--snakefile", str(REPOSITORY / "Snakefile"), "--configfile", str(config), "--"]
    command += ["results/real/reads/mrna/counts.tsv.gz"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    results = folder / "results/real/reads/mrna"
    return pd.read_csv(results / "counts.tsv.gz", sep="\t", index_col=0), pd.read_csv(
        results / "qc.tsv", sep="\t", index_col=0
    )


@pytest.mark.slow
@needs("fastp", "salmon", "hisat2", "samtools", "featureCounts", "multiqc")
def test_salmon_and_alignments_of_a_flys_chromosome_agree(tmp_path):
    folder = DATA / "rnaseq_fly_chr4"
    rows = []
    for number in range(8):
        mates = {"sample": f"s{number}"}
        for mate in (1, 2):
            path = tmp_path / f"s{number}_{mate}.fastq.gz"
            path.symlink_to(folder.resolve() / f"test{1 + number % 2}_{mate}.fastq.gz")
            mates[f"fq{mate}"] = path
        rows.append(mates)
    references = {
        "genome": folder.resolve() / "genome.chr4.fa.gz",
        "annotation": folder.resolve() / "annotation.chr4.gtf.gz",
    }
    found = {}
    for aligner in ("salmon", "hisat2"):
        work = tmp_path / aligner
        work.mkdir()
        config = cohort(work, pd.DataFrame(rows), references, {"aligner": aligner})
        found[aligner], quality = counts_of(work, config)
        # a dUTP library: nearly all first reads are of the other strand
        assert quality["forward_share"].max() < 0.05
        assert quality["mapped_share"].min() > 0.85
    both = [found[name]["s0"] for name in ("salmon", "hisat2")]
    assert both[0].corr(both[1], method="spearman") > 0.95
    assert abs(both[0].sum() / both[1].sum() - 1) < 0.05


@pytest.mark.slow
@needs("samtools", "featureCounts", "multiqc")
def test_counts_of_gm12878_are_those_of_featurecounts_on_its_bam(tmp_path):
    folder = DATA / "rnaseq_human_chr22"
    gtf = tmp_path / "genes.gtf"
    gtf.write_bytes(gzip.decompress((folder / "genes_chr22_grch37_spans.gtf.gz").read_bytes()))
    rows, expected = [], {}
    for number in range(8):
        path = tmp_path / f"s{number}.bam"
        for suffix in ("", ".bai"):
            Path(f"{path}{suffix}").symlink_to(
                folder.resolve() / f"rep{1 + number % 2}.bam{suffix}"
            )
        rows.append({"sample": f"s{number}", "bam": path})
        if number < 2:
            out = tmp_path / f"{number}.txt"
            command = ["featureCounts", "-p", "--countReadPairs", "-B", "-C", "-s", "2"]
            command += ["-a", gtf, "-o", out]
            subprocess.run([*command, path], check=True, capture_output=True)
            expected[f"s{number}"] = pd.read_csv(out, sep="\t", comment="#", index_col=0).iloc[
                :, -1
            ]
    counts, quality = counts_of(
        tmp_path, cohort(tmp_path, pd.DataFrame(rows), {"annotation": gtf}, {})
    )
    for sample, own in expected.items():
        pd.testing.assert_series_equal(
            counts[sample], own.loc[counts.index], check_names=False, check_dtype=False
        )
        assert (own >= 10).sum() > 10
    # the library is stranded: that the reads say so is part of the test
    assert quality["forward_share"].max() < 0.05


@needs("bcftools")
def test_genotypes_of_gm12878s_rna_are_those_of_its_dna(tmp_path):
    folder = DATA / "rnaseq_human_chr22"
    known = pd.read_csv(
        folder / "NA12878.chr22.known_variants.vcf.gz",
        sep="\t",
        comment="#",
        header=None,
        usecols=[0, 1, 3, 4, 9],
        names=["chromosome", "position", "reference", "alternative", "call"],
    )
    known = known[known[["reference", "alternative"]].apply(lambda c: c.str.len() == 1).all(axis=1)]
    known["chromosome"] = known["chromosome"].str.removeprefix("chr")
    sites = pd.MultiIndex.from_frame(known.iloc[:, :4])
    exons = read_exons(folder / "genes_chr22_grch37_spans.gtf.gz")
    inside = exonic_sites(sites, exons, ["chr22"])
    (tmp_path / "sites.tsv").write_text("".join(f"{c}\t{p}\n" for c, p in inside))
    exonic = known["position"].isin([position for _, position in inside]).to_numpy()
    dna = known["call"].str[:3].map(lambda call: call.count("1")).to_numpy()
    right = []
    for replicate in ("rep1", "rep2"):
        pileup = ["bcftools", "mpileup", "--no-reference", "-Ou", "-T", tmp_path / "sites.tsv"]
        pileup += ["-I", "-q", "20", "-Q", "20", "-d", "2000", "-a", "FORMAT/AD"]
        piled = subprocess.run(
            [*pileup, folder / f"{replicate}.bam"], check=True, capture_output=True
        )
        query = ["bcftools", "query", "-f", "%CHROM\t%POS\t%REF\t%ALT[\t%AD]\n"]
        with open(tmp_path / "alleles.tsv", "wb") as out:
            subprocess.run(query, input=piled.stdout, stdout=out, check=True)
        rna = genotypes(*allele_counts(tmp_path / "alleles.tsv", sites))
        called = exonic & ~np.isnan(rna)
        right += list(rna[called] == dna[called])
    assert len(right) >= 50
    assert np.mean(right) >= 0.97
