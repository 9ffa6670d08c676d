"""Choose the seed with the highest evidence lower bound and write its factors."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import write_table
from trdomics.integration import choice

params, inputs, outputs = snakemake.params, snakemake.input, snakemake.output
seeds = [str(seed) for seed in params.seeds]
models = {seed: choice.SeedModel.load(path) for seed, path in zip(seeds, inputs.kept, strict=True)}
best = choice.best_seed(models)
model = models[best]

write_table(choice.models_table(models, best), outputs.models)
write_table(choice.factor_table(model), outputs.factors)
write_table(choice.variance_table(model), outputs.variance)
write_table(choice.stability(models, best), outputs.stability)
