"""Predict each patient's response from that patient's own data."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import load_labels
from trdomics.files import write_table
from trdomics.mechanism.evidence import read_evidence
from trdomics.mechanism.simulation import Simulator
from trdomics.mechanism.specification import read_specification
from trdomics.mechanism.trial import own_responses

inputs = snakemake.input
simulator = Simulator(read_specification(inputs.specification))
patients = load_labels(inputs.patients).index
evidence = read_evidence(inputs.phenotypes, inputs.variants, inputs.annotation)
write_table(own_responses(simulator, patients, evidence), snakemake.output[0])
