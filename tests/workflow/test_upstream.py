"""Tables as upstream programs write them, from `cohort_init` over `check` to the page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from running import FAST, REPOSITORY, run, write_config

from trdomics.files import read_json, read_table

N, FEATURES = 36, 40
PATIENTS = [f"TRD-{i:02}" for i in range(N)]


def counts(seed: int, samples: list[str], **described: object) -> pd.DataFrame:
    """Return counts of libraries that differ fourfold, with columns of text in front."""
    rng = np.random.default_rng(seed)
    values = rng.negative_binomial(3, 0.01, (FEATURES, N)) * rng.uniform(0.5, 2, N) + 1
    return pd.concat(
        [
            pd.DataFrame(described, range(FEATURES)),
            pd.DataFrame(values.astype(int), columns=samples),
        ],
        axis=1,
    )


def write_layers() -> dict[str, str]:
    """Write each layer as another program does; return their files."""
    genes = [f"ENSG{i:011d}" for i in range(FEATURES)]
    symbols = [f"GENE{i}" for i in range(FEATURES)]
    mirnas = [f"hsa-miR-{i}-5p" for i in range(FEATURES)]
    estimated = counts(1, PATIENTS, gene_id=genes, gene_name=symbols)
    estimated[PATIENTS] += np.where(estimated[PATIENTS] % 5 == 0, 0.417, 0)
    # R has put dots for hyphens
    estimated.columns = [name.replace("-", ".") for name in estimated]
    estimated.to_csv("salmon.merged.gene_counts.tsv", sep="\t", index=False)

    bams = [f"star/{name}/{name}.Aligned.sortedByCoord.out.bam" for name in PATIENTS]
    place = {"Chr": "chr1;chr1", "Start": "1;5", "End": "3;9", "Strand": "+;+", "Length": 100}
    text = counts(2, bams, Geneid=genes, **place).to_csv(sep="\t", index=False)
    Path("counts.txt").write_text(f'# Program:featureCounts; Command:"x"\n{text}', "utf-8")

    reads = counts(3, [f"{name}ReadsPerGene.out.tab" for name in PATIENTS], gene_id=genes)
    reads.loc[FEATURES] = ["N_unmapped", *[10**6] * N]
    reads.to_csv("star.tsv", sep="\t", index=False)

    mature = counts(4, [f"{name}_mature" for name in PATIENTS]).T.set_axis(mirnas, axis=1)
    mature.to_csv("mature_counts.csv")

    table = counts(5, PATIENTS, Name=genes, Description=symbols).to_csv(sep="\t", index=False)
    Path("gene_reads.gct").write_text(f"#1.2\n{FEATURES}\t{N}\n{table}", "utf-8")

    arrays = counts(6, PATIENTS, ID_REF=symbols)
    arrays[PATIENTS] = np.log2(arrays[PATIENTS] + 0.5).round(4)
    table = arrays.to_csv(sep="\t", index=False)
    text = f'!Series_title\t"x"\n\n!series_matrix_table_begin\n{table}!series_matrix_table_end\n'
    Path("GSE1_series_matrix.txt").write_text(text, "utf-8")

    calls = pd.DataFrame(
        [
            [symbols[gene], "1", 100 * gene + patient + 1, "A", "G", "Nonsense_Mutation", "", name]
            for gene in range(6)
            for patient, name in enumerate(PATIENTS)
            if (patient + gene) % 5 == 0
        ],
        columns=[
            *("Hugo_Symbol", "Chromosome", "Start_Position", "Reference_Allele"),
            *("Tumor_Seq_Allele2", "Variant_Classification", "FILTER", "Tumor_Sample_Barcode"),
        ],
    ).to_csv(sep="\t", index=False)
    Path("data_mutations.txt").write_text(
        f"#sequenced_samples: {' '.join(PATIENTS)}\n{calls}", "utf-8"
    )
    return {
        "salmon": "salmon.merged.gene_counts.tsv",
        "featurecounts": "counts.txt",
        "star": "star.tsv",
        "mirna": "mature_counts.csv",
        "gct": "gene_reads.gct",
        "geo": "GSE1_series_matrix.txt",
        "mutations": "data_mutations.txt",
    }


@pytest.mark.slow
def test_seven_upstream_tables_go_from_their_files_to_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    layers = write_layers()
    clinical = pd.DataFrame({"PATIENT_ID": PATIENTS, "RESPONSE": ["yes", "no"] * (N // 2)})
    comments = "#Identifier\tResponse\n#Of the patient\tTo therapy\n#STRING\tSTRING\n#1\t1\n"
    text = comments + clinical.to_csv(sep="\t", index=False)
    Path("data_clinical_patient.txt").write_text(text, "utf-8")
    begun = subprocess.run(
        [sys.executable, str(REPOSITORY / "workflow" / "scripts" / "cohort_init.py"), "mine"]
        + [f"{name}={file}" for name, file in layers.items()]
        + ["--clinical", "data_clinical_patient.txt", "--label", "RESPONSE"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert begun.returncode == 0, begun.stderr
    config = yaml.safe_load(Path("config/mine.yaml").read_text("utf-8")) | FAST
    types = {name: layer["type"] for name, layer in config["layers"].items()}
    assert types == dict.fromkeys(layers, "counts") | {"geo": "continuous", "mutations": "variants"}

    checked = run(tmp_path, write_config(tmp_path, config), "check", cores=1)
    assert checked.returncode == 0, checked.stderr
    for name in layers:
        assert f"layer {name}: {types[name]}, {N} patients" in checked.stdout

    done = run(tmp_path, write_config(tmp_path, config))
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    results = tmp_path / "results" / "mine"
    assert (results / "summary.html").stat().st_size > 10**5
    for name in layers:
        assert read_json(results / "differential" / name / "summary.json")["n_patients"] == N
    assert "star" in set(read_table(results / "classification" / "performance.tsv")["feature_set"])
