"""How a name of the config or of a table is written in figures and on pages."""

from __future__ import annotations

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
    text = name.replace("_", " ").replace("+", " + ")
    return re.sub(r"[^\W\d_]+", lambda word: CAPITALS.get(word[0], word[0]), text)
