"""A raw cohort of eight patients: aligners, BAM files, a killed run, samples to be refused."""

import copy
import gzip
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


def test_a_killed_run_is_resumed_to_the_same_matrices_and_calls(drawn, tmp_path):
    """With HISAT2: salmon's own estimates differ from run to run."""
    folder, config = drawn
    config = {**config, "cohort": "whole"}
    config["layers"]["mrna"]["reads"]["aligner"] = "hisat2"
    done = run(folder, written(folder, config), "reads")
    assert done.returncode == 0, done.stdout + done.stderr

    own = {**begun(tmp_path), "layers": config["layers"]}
    path = written(tmp_path, own)
    for reached in ("mrna/counted/*", "mutations/parts/*.bcf"):
        kill_in_the_midst(tmp_path, path, f"results/reads_demo/reads/{reached}", "reads")
        assert run(tmp_path, path, "--unlock").returncode == 0
    done = run(tmp_path, path, "reads")
    assert done.returncode == 0, done.stdout + done.stderr

    def results(reads):
        files = [*reads.glob("*/counts.tsv.gz"), *reads.glob("*/qc.tsv")]
        found = {str(file.relative_to(reads)): file.read_bytes() for file in files}
        with gzip.open(reads / "mutations/variants.vcf.gz", "rb") as vcf:
            # its header names commands and times
            found["calls"] = b"".join(line for line in vcf if not line.startswith(b"##"))
        return found

    whole = results(folder / "results/whole/reads")
    assert len(whole) == 6
    assert results(tmp_path / "results/reads_demo/reads") == whole


def rewritten(source, target, n):
    """Write the first reads of a FASTQ file under names that do not say which mate they are."""
    with gzip.open(source, "rt") as handle, gzip.open(target, "wt") as out:
        for number, line in enumerate(islice(handle, n)):
            name = line.split()[0].removesuffix("/1").removesuffix("/2") + "\n"
            out.write(line if number % 4 else name)


def test_few_reads_and_swapped_mates_are_errors_and_no_column_of_zeros(drawn):
    folder, config = drawn
    units = read_table(folder / DEMO / "mrna_units.tsv", dtype=str).drop_duplicates("sample")
    few, swapped = units["sample"][:2]
    for i, unit in units.iterrows():
        for mate in ("fq1", "fq2"):
            if unit["sample"] in (few, swapped):
                path = f"{unit['sample']}_{mate}.fastq.gz"
                rewritten(
                    folder / unit[mate], folder / path, 400 if unit["sample"] == few else None
                )
                units.loc[i, mate] = path
    is_swapped = units["sample"] == swapped
    units.loc[is_swapped, ["fq1", "fq2"]] = units.loc[is_swapped, ["fq2", "fq1"]].to_numpy()
    config = of_mrna(config, "unusable", units="units.tsv")
    target = "results/unusable/reads/mrna/counts.tsv.gz"

    def refused():
        write_table(units, folder / "units.tsv")
        done = run(folder, written(folder, config), target)
        assert done.returncode == 1
        assert not (folder / target).exists()
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    said = refused()
    assert f"error: layer mrna sample {few}: 100 reads are left after trimming of 100" in said
    units = units[units["sample"] != few]
    said = refused()
    assert f"error: layer mrna sample {swapped}: " in said
    assert "`fq1` and `fq2` swapped" in said


def test_the_adapter_of_another_kit_is_an_error(drawn):
    folder, config = drawn
    config = {**config, "cohort": "kit", "layers": {"small_rna": config["layers"]["small_rna"]}}
    config["layers"]["small_rna"]["reads"]["protocol"] = "truseq"
    done = run(folder, written(folder, config), "reads")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert said.count("of its") >= N_PATIENTS
    assert "reads have the adapter TGGAATTCTCGGGTGCCAAGG; correct `reads.protocol`" in said
