"""Run the virtual trial of a mechanistic model in the cohort."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import load_labels
from trdomics.files import save_figure, write_table
from trdomics.mechanism.evidence import read_evidence
from trdomics.mechanism.figures import trial_figure
from trdomics.mechanism.simulation import Simulator
from trdomics.mechanism.specification import read_specification
from trdomics.mechanism.trial import run_trial
from trdomics.mechanism.uncertainty import draw_parameters

inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
specification = read_specification(inputs.specification)
responses, links = run_trial(
    Simulator(specification),
    load_labels(inputs.patients).index,
    read_evidence(
        inputs.phenotypes, inputs.variants, inputs.annotation, inputs.normalised, inputs.symbols
    ),
    draw_parameters(specification, params.draws, params.seed),
)
write_table(responses, outputs.responses)
write_table(links, outputs.links)
save_figure(trial_figure(responses, links), outputs.figure)
