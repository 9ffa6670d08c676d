"""Look up which features of the layers are members of the panels, for models."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_table, write_json
from trdomics.panels.members import panel_features
from trdomics.panels.panel import panel_files, read_panel

params = snakemake.params
panels = {name: read_panel(path) for name, path in panel_files(params.panels).items()}
annotations = {
    layer: read_table(path, dtype=str)
    for layer, path in zip(params.layers, snakemake.input.annotations, strict=True)
}
write_json(panel_features(panels, annotations), snakemake.output[0])
