"""Write the weights of the chosen model, each feature with its symbol."""

from trdomics.scripting import start

start(snakemake)

from trdomics.differential.symbols import symbols_of
from trdomics.files import read_table, write_table
from trdomics.integration import choice

params, inputs = snakemake.params, snakemake.input
seeds = [str(seed) for seed in params.seeds]
models = {seed: choice.SeedModel.load(path) for seed, path in zip(seeds, inputs.kept, strict=True)}
model = models[choice.best_seed(models)]
for layer, features, path in zip(params.layers, inputs.features, snakemake.output, strict=True):
    symbols = symbols_of(read_table(features))
    write_table(choice.weight_table(model, layer, symbols), path)
