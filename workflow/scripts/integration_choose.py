"""Choose the seed with the best evidence bound and write its model."""

from trdomics.scripting import start

start(snakemake)

import shutil

from trdomics.cohort.load import read_patients
from trdomics.files import replacing, write_table
from trdomics.integration import choice
from trdomics.integration.associations import variable_kinds
from trdomics.integration.mofa2_file import add_samples_metadata

params, inputs, outputs = snakemake.params, snakemake.input, snakemake.output
seeds = [str(seed) for seed in params.seeds]
models = {seed: choice.SeedModel.load(path) for seed, path in zip(seeds, inputs.kept, strict=True)}
best = choice.best_seed(models)
model = models[best]

patients = read_patients(inputs.patients, params.sheet)
named = [params.sheet["label"]["column"], *variable_kinds(params.clinical, params.sheet["samples"])]
known = [name for name in dict.fromkeys(named) if name in patients]
with replacing(outputs.model) as path:
    shutil.copyfile(inputs.models[seeds.index(best)], path)
    add_samples_metadata(path, patients[known])
write_table(choice.models_table(models, best), outputs.models)
write_table(choice.factor_table(model), outputs.factors)
write_table(choice.variance_table(model), outputs.variance)
write_table(choice.stability(models, best), outputs.stability)
