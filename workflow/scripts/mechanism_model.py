"""Run a mechanistic model: statements, their certainty, and sensitivity to its constants."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import replacing, save_figure, write_table
from trdomics.mechanism import figures
from trdomics.mechanism.circuit import circuit_figure
from trdomics.mechanism.simulation import Simulator
from trdomics.mechanism.specification import read_specification
from trdomics.mechanism.uncertainty import draw_parameters, sensitivity, share_of_draws
from trdomics.mechanism.words import parameter_table

outputs, params = snakemake.output, snakemake.params
specification = read_specification(snakemake.input.specification)
simulator = Simulator(specification)
statements = share_of_draws(simulator, draw_parameters(specification, params.draws, params.seed))
effects = sensitivity(simulator, next(iter(specification.conditions)), params.seed)
effect_map = figures.effect_map(specification, simulator)

with replacing(outputs.sbml) as path:
    path.write_text(simulator.sbml, encoding="utf-8")
write_table(parameter_table(specification), outputs.parameters)
write_table(statements, outputs.statements)
write_table(effects, outputs.sensitivity)
write_table(effect_map.rename_axis(specification.map["y"]["parameter"]), outputs.map, index=True)
save_figure(circuit_figure(specification.circuit), outputs.circuit_figure)
save_figure(figures.courses_figure(simulator), outputs.courses_figure)
save_figure(figures.map_figure(specification, effect_map), outputs.map_figure)
save_figure(figures.statements_figure(statements), outputs.statements_figure)
save_figure(figures.sensitivity_figure(effects, specification), outputs.sensitivity_figure)
