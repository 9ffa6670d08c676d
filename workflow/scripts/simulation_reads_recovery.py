"""Compare the results of the raw cohort's reads with the planted truth, step by step."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, read_table, save_figure, write_json, write_table
from trdomics.identity.quality import far_limit
from trdomics.simulation import raw_recovery
from trdomics.simulation.figures import draw_stations
from trdomics.style import set_style

inputs = snakemake.input
truth = read_json(inputs.truth)
tubes = read_table(inputs.sheet, dtype=str).set_index("patient_id")["mrna_id"]
exchanged = {a: b for pair in truth["swaps"]["pairs"] for a, b in (pair, pair[::-1])}


def tube(patient):
    """Return the mRNA sample that holds a patient's blood."""
    return tubes[exchanged.get(patient, patient)]


def matrix(path):
    return read_table(path, index_col=0)


fragments = matrix(inputs.fragments)
contaminated = [tube(patient) for patient in truth["contaminated"]]
quality = read_table(inputs.mrna_quality, dtype={"sample": str}).set_index("sample")
antisense = quality["antisense_share"]
globins = fragments.loc[truth["globins"]].sum() / fragments.sum()
genotypes = read_table(inputs.genotypes, keep_default_na=False, na_values=[])
stations = [
    *raw_recovery.gene_stations(matrix(inputs.mrna), fragments, contaminated),
    raw_recovery.globin_station(quality["globin_share"], globins, contaminated),
    raw_recovery.found_station(
        "genomic DNA in RNA",
        "samples with many reads of the wrong strand",
        list(antisense.index[antisense > far_limit(antisense, "high")]),
        contaminated,
    ),
    raw_recovery.molecule_station(matrix(inputs.small_rna), matrix(inputs.molecules)),
    *raw_recovery.variant_stations(inputs.variants, genotypes),
    raw_recovery.consequence_station(
        read_table(inputs.annotation, dtype={"chromosome": str}), genotypes
    ),
    *raw_recovery.identity_stations(read_json(inputs.identity), truth),
]
table = raw_recovery.table_of(stations)

write_table(table, snakemake.output.table)
write_json(table.to_dict("records"), snakemake.output.summary)
set_style()
figure = draw_stations(matrix(inputs.mrna), fragments, quality["globin_share"], globins)
save_figure(figure, snakemake.output.figure)
print(table.to_string())
