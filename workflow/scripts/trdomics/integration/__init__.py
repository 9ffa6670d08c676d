"""MOFA: the engine, projection, choice among seeds, characterisation."""
