"""Write the chosen model for R's MOFA2, with what is known of the patients."""

from trdomics.scripting import start

start(snakemake)

import shutil

from trdomics.cohort.load import read_patients
from trdomics.files import read_table, replacing
from trdomics.integration.associations import variable_kinds
from trdomics.integration.mofa2_file import add_samples_metadata

params, inputs = snakemake.params, snakemake.input
patients = read_patients(inputs.patients, params.sheet)
sheet = params.sheet
kinds = variable_kinds(params.clinical, sheet["samples"]["site"])
named = [sheet["label"]["column"], *kinds]
known = [name for name in dict.fromkeys(named) if name in patients]
chosen = read_table(inputs.overview, dtype={"seed": str}).set_index("seed")["chosen"].idxmax()
files = dict(zip(map(str, params.seeds), inputs.models, strict=True))
with replacing(snakemake.output[0]) as path:
    shutil.copyfile(files[chosen], path)
    add_samples_metadata(path, patients[known])
