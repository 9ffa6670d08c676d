"""A raw cohort of eight patients: aligners, BAM files, a killed run, samples to be refused."""

import copy
import gzip
import random
import shutil
from itertools import islice

import pandas as pd
import pytest
import yaml
from running import REPOSITORY, kill_in_the_midst, run

from trdomics.files import read_json, read_table, write_table
from trdomics.simulation.raw_recovery import gene_stations

TOOLS = (
    *("fastp", "salmon", "STAR", "hisat2", "featureCounts", "cutadapt", "bowtie", "bwa"),
    *("samtools", "bcftools", "tabix", "multiqc"),
)
LOST = [tool for tool in TOOLS if shutil.which(tool) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(LOST), reason=f"not on the path: {', '.join(LOST)}"),
]

N_PATIENTS = 8
DEMO = "config/reads_demo"
TRUTH = "results/reads_demo/simulation/truth"


def begun(folder):
    """Lay out the demo's cohort with the reads of its first patients, and return its config."""
    shutil.copytree(REPOSITORY / DEMO, folder / DEMO)
    for path in (folder / DEMO).glob("*_units.tsv"):
        units = read_table(path, dtype=str)
        write_table(units[units["sample"].isin(units["sample"].unique()[:N_PATIENTS])], path)
    config = yaml.safe_load((REPOSITORY / f"{DEMO}.yaml").read_text())
    config["samples"]["without_layers"] = "exclude"
    return config


def written(folder, config):
    path = folder / f"{config['cohort']}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The FASTQ files of eight patients and their references, as files that a user has."""
    folder = tmp_path_factory.mktemp("drawn")
    config = begun(folder)
    done = run(folder, written(folder, config), f"{TRUTH}/truth.json")
    assert done.returncode == 0, done.stdout + done.stderr
    del config["simulated_reads"]
    return folder, config


@pytest.fixture
def drawn(made):
    """The same, with a config to change."""
    return copy.deepcopy(made)


def of_mrna(config, cohort, **reads):
    """Return the config of a cohort that has mRNA alone."""
    mrna = config["layers"]["mrna"]
    mrna = {**mrna, "reads": {**mrna["reads"], **reads}}
    return {**config, "cohort": cohort, "layers": {"mrna": mrna}}


def counted(folder, config, *arguments):
    target = f"results/{config['cohort']}/reads/mrna/counts.tsv.gz"
    done = run(folder, written(folder, config), *arguments, target)
    assert done.returncode == 0, done.stdout + done.stderr
    return read_table(folder / target, index_col=0)


@pytest.mark.parametrize("aligner", ["star", "hisat2"])
def test_an_aligner_counts_what_was_planted_and_so_do_its_bam_files(drawn, aligner):
    folder, config = drawn
    counts = counted(folder, of_mrna(config, aligner, aligner=aligner), "--notemp")
    truth = read_json(folder / TRUTH / "truth.json")
    fragments = read_table(folder / TRUTH / "fragments.tsv", index_col=0)[counts.columns]
    sheet = read_table(folder / DEMO / "samples.tsv", dtype=str).set_index("patient_id")
    contaminated = list(sheet["mrna_id"][truth["contaminated"]])
    stations = gene_stations(counts, fragments, contaminated)
    assert all(station.met for station in stations), stations

    aligned = folder / f"results/{aligner}/reads/mrna/aligned"
    units = pd.DataFrame({"sample": counts.columns})
    units["bam"] = [str(aligned / f"{sample}.bam") for sample in units["sample"]]
    write_table(units, folder / f"{aligner}_units.tsv")
    own = of_mrna(config, f"{aligner}_bam", units=f"{aligner}_units.tsv")
    pd.testing.assert_frame_equal(counted(folder, own), counts)


def calls(reads):
    """Return the records of a run's VCF, whose header names commands and times."""
    with gzip.open(reads / "mutations/variants.vcf.gz", "rb") as vcf:
        return b"".join(line for line in vcf if not line.startswith(b"##"))


def test_dna_is_called_from_bam_files_as_from_their_reads(drawn):
    folder, config = drawn
    mutations = config["layers"]["mutations"]

    def called(cohort, **reads):
        own = {**mutations, "reads": {**mutations["reads"], **reads}}
        path = written(folder, {**config, "cohort": cohort, "layers": {"mutations": own}})
        target = f"results/{cohort}/reads/mutations"
        done = run(folder, path, "--notemp", f"{target}/variants.vcf.gz", f"{target}/qc.tsv")
        assert done.returncode == 0, done.stdout + done.stderr
        return calls(folder / f"results/{cohort}/reads"), (folder / target / "qc.tsv").read_text()

    found = called("dna")
    bams = sorted((folder / "results/dna/reads/mutations/bam").glob("*.bam"))
    assert len(bams) == N_PATIENTS
    units = pd.DataFrame({"sample": [bam.stem for bam in bams], "bam": list(map(str, bams))})
    order = read_table(folder / DEMO / "mutations_units.tsv", dtype=str)["sample"].unique()
    write_table(units.set_index("sample").loc[order].reset_index(), folder / "dna_bam.tsv")
    assert called("dna_bam", units="dna_bam.tsv") == found


def test_a_killed_run_is_resumed_to_the_same_matrices_and_calls(drawn, tmp_path):
    """With HISAT2: salmon's own estimates differ from run to run."""
    folder, config = drawn
    config = {**config, "cohort": "whole"}
    config["layers"]["mrna"]["reads"]["aligner"] = "hisat2"
    done = run(folder, written(folder, config), "reads")
    assert done.returncode == 0, done.stdout + done.stderr

    own = {**begun(tmp_path), "layers": config["layers"]}
    path = written(tmp_path, own)
    reads = "results/reads_demo/reads"
    # the calls first and alone: a run of all may have made them before a count, or after
    for reached, target in (
        ("mutations/parts/*.bcf", f"{reads}/mutations/variants.vcf.gz"),
        ("mrna/counted/*", "reads"),
    ):
        kill_in_the_midst(tmp_path, path, f"{reads}/{reached}", target)
        assert run(tmp_path, path, "--unlock").returncode == 0
    done = run(tmp_path, path, "reads")
    assert done.returncode == 0, done.stdout + done.stderr

    def results(place):
        files = [*place.glob("*/counts.tsv.gz"), *place.glob("*/qc.tsv")]
        found = {str(file.relative_to(place)): file.read_bytes() for file in files}
        return {**found, "calls": calls(place)}

    whole = results(folder / "results/whole/reads")
    assert len(whole) == 6
    assert results(tmp_path / reads) == whole


def rewritten(source, target, n):
    """Write the first reads of a FASTQ file under names that do not say which mate they are."""
    with gzip.open(source, "rt") as handle, gzip.open(target, "wt") as out:
        for number, line in enumerate(islice(handle, n)):
            name = line.split()[0].removesuffix("/1").removesuffix("/2") + "\n"
            out.write(line if number % 4 else name)


def refused(folder, config, *targets):
    """Run towards targets that samples in the way keep from being made; return what is said."""
    done = run(folder, written(folder, config), *targets)
    assert done.returncode == 1
    assert not [target for target in targets if (folder / target).exists()]
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


def test_swapped_mates_are_an_error(drawn):
    folder, config = drawn
    units = read_table(folder / DEMO / "mrna_units.tsv", dtype=str).drop_duplicates("sample")
    own = units.index[0]
    names = ["of_fq1.fastq.gz", "of_fq2.fastq.gz"]
    for mate, name in zip(("fq1", "fq2"), names, strict=True):
        rewritten(folder / units.loc[own, mate], folder / name, None)
    units.loc[own, ["fq2", "fq1"]] = names
    write_table(units, folder / "swapped.tsv")
    config = of_mrna(config, "swapped", units="swapped.tsv")
    said = refused(folder, config, "results/swapped/reads/mrna/counts.tsv.gz")
    assert f"error: layer mrna sample {units.loc[own, 'sample']}: " in said
    assert "`fq1` and `fq2` swapped" in said


def fastq(path, sequences):
    lines = (f"@r{i}\n{bases}\n+\n{'I' * len(bases)}\n" for i, bases in enumerate(sequences))
    with gzip.open(path, "wt") as out:
        out.writelines(lines)


def unusable(folder, layer, kinds):
    """Give the first samples of a layer unusable reads, each of a kind.

    Parameters
    ----------
    kinds : mapping of str to list of str
        The reads by kind; None is the sample's own first 100.

    Returns
    -------
    (str, dict)
        Table of units, and the sample of each kind.
    """
    units = read_table(folder / DEMO / f"{layer}_units.tsv", dtype=str).drop_duplicates("sample")
    names = dict(zip(kinds, units["sample"], strict=False))
    mates = [mate for mate in ("fq1", "fq2") if mate in units]
    for (kind, sequences), row in zip(kinds.items(), units.index, strict=False):
        for mate in mates:
            path = f"{layer}_{kind}_{mate}.fastq.gz"
            if sequences is None:
                rewritten(folder / units.loc[row, mate], folder / path, 400)
            else:
                fastq(folder / path, [s[::-1] if mate == "fq2" else s for s in sequences])
            units.loc[row, mate] = path
    write_table(units, folder / f"{layer}_unusable.tsv")
    return f"{layer}_unusable.tsv", names


def of_another_species(n=1500, length=75, after=""):
    rng = random.Random(1)
    return ["".join(rng.choices("ACGT", k=length)) + after for _ in range(n)]


@pytest.mark.parametrize("aligner", ["salmon", "star", "hisat2"])
def test_mrna_without_usable_reads_is_one_line_per_sample(drawn, aligner):
    folder, config = drawn
    kinds = {"few": None, "trimmed": ["ACGTACGT"] * 1500, "species": of_another_species()}
    units, names = unusable(folder, "mrna", kinds)
    cohort = f"unusable_{aligner}"
    config = of_mrna(config, cohort, units=units, aligner=aligner, min_reads=1000)
    said = refused(folder, config, f"results/{cohort}/reads/mrna/counts.tsv.gz")

    def error(kind):
        files = ", ".join(f"`mrna_{kind}_{mate}.fastq.gz`" for mate in ("fq1", "fq2"))
        return f"error: layer mrna sample {names[kind]} ({files}): "

    assert error("few") + "it has 100 reads, fewer than `reads.min_reads` (1,000)" in said
    assert error("trimmed") + "it has 0 reads after trimming of 1,500, fewer than" in said
    assert error("species") + "0.0% of its reads are mapped, less than" in said
    assert said.count("error: layer mrna sample") == 3


def test_small_rna_and_dna_without_usable_reads_are_one_line_per_sample(drawn):
    folder, config = drawn
    kit = "AACTGTAGGCACCATCAAT" + "ACGTACGTACGT" + "A" * 20
    kinds = {
        "dimers": ["ACGT" + kit] * 1500,
        "species": of_another_species(length=22, after=kit),
        "mrna": of_another_species(),
    }
    units, small = unusable(folder, "small_rna", kinds)
    config["layers"]["small_rna"]["reads"]["units"] = units
    units, dna = unusable(folder, "mutations", {"few": None, "species": of_another_species()})
    config["layers"]["mutations"]["reads"] |= {"units": units, "min_reads": 1000}
    del config["layers"]["mrna"]
    folders = [f"results/nothing/reads/{layer}" for layer in ("small_rna", "mutations")]
    config = {**config, "cohort": "nothing"}
    said = refused(folder, config, f"{folders[0]}/counts.tsv.gz", f"{folders[1]}/qc.tsv")

    def error(layer, sample, kind):
        mates = ("fq1",) if layer == "small_rna" else ("fq1", "fq2")
        files = ", ".join(f"`{layer}_{kind}_{mate}.fastq.gz`" for mate in mates)
        return f"error: layer {layer} sample {sample[kind]} ({files}): "

    assert error("small_rna", small, "dimers") + "it has 0 reads after trimming of 1,500" in said
    assert error("small_rna", small, "species") + "0.0% of its reads are mapped" in said
    assert error("small_rna", small, "mrna") + "0.0% of its 1,500 reads have the adapter" in said
    assert error("mutations", dna, "few") + "it has 100 reads, fewer than" in said
    assert error("mutations", dna, "species") + "0.0% of its reads are mapped" in said
    assert said.count("error: layer") == 5


def test_the_adapter_of_another_kit_is_an_error(drawn):
    folder, config = drawn
    config = {**config, "cohort": "kit", "layers": {"small_rna": config["layers"]["small_rna"]}}
    config["layers"]["small_rna"]["reads"]["protocol"] = "truseq"
    done = run(folder, written(folder, config), "reads")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert said.count("of its") >= N_PATIENTS
    assert "reads have the adapter TGGAATTCTCGGGTGCCAAGG; correct `reads.protocol`" in said
