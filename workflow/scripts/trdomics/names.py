"""How names of the config or of a table, and p-values, are written in figures and on pages."""

from __future__ import annotations

import math
import re

# What a user did not name himself, and what is more than its words.
TITLES = {
    "early": "early fusion",
    "late_fusion_mofa": "late fusion with MOFA",
    "mofa": "MOFA factors",
    "mofa_clinical": "MOFA factors and clinical",
    "clinical_circular": "clinical with circular predictors",
}
CAPITALS = {
    word.lower(): word
    for word in ("RNA", "mRNA", "miRNA", "DNA", "MOFA", "RIN", "BMI", "CRP", "MADRS")
}

EFFECT_SIGNS = {"auc": "AUC", "rho": "ρ", "eta2": "η²"}


def display_name(name: str) -> str:
    """Return a name as running text: one for all figures, tables and sentences."""
    if name in TITLES:
        return TITLES[name]
    text = re.sub(r"^Factor(?=\d)", "Factor ", name.replace("_", " ").replace("+", " + "))
    return re.sub(r"[^\W\d_]+", lambda word: CAPITALS.get(word[0], word[0]), text)


def p_value(value: float | None) -> str:
    """Format a p-value; small ones as a bound."""
    if value is None or math.isnan(value):
        return "p not available"
    return "p < 0.001" if value < 0.001 else f"p = {value:.{3 if value < 0.1 else 2}f}"
