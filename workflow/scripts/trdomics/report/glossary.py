"""The glossary of the pages, with links from the terms' first uses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape, unescape


@dataclass(frozen=True)
class Term:
    """A term of the field.

    Attributes
    ----------
    name : str
        As the glossary lists it.
    definition : str
    forms : tuple of str
        Other ways in which it is written; plurals in s are known.
    """

    name: str
    definition: str
    forms: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """Return the id of its entry."""
        return "term-" + re.sub(r"\W+", "-", self.name.lower()).strip("-")


TERMS = (
    Term(
        "95 % interval",
        "A range of values compatible with the data: in about 95 of 100 such studies, the "
        "interval covers the true value.",
        ("95 % intervals", "intervals are 95 %"),
    ),
    Term(
        "adjusted p",
        "A p-value corrected for the number of tests: calling everything below 0.05 keeps the "
        "false discovery rate at 5 %.",
        ("FDR-adjusted", "padj"),
    ),
    Term(
        "AUPRC",
        "Area under the precision-recall curve. Chance is the prevalence of the condition; 1 is "
        "perfect.",
    ),
    Term(
        "AUROC",
        "Area under the receiver operating characteristic curve: the share of pairs of one "
        "patient with and one without the condition in which the model scores the former higher. "
        "0.5 is chance, 1 is perfect.",
        ("AUC",),
    ),
    Term(
        "balanced accuracy",
        "Mean of sensitivity and specificity when patients are called at the threshold. 0.5 is "
        "chance.",
    ),
    Term(
        "Brier score",
        "Mean squared difference between the predicted probability and the outcome (1 or 0). "
        "Lower is better; predicting 50 % for everyone gives 0.25.",
    ),
    Term(
        "calibration",
        "Agreement of predicted probabilities with observed frequencies: of patients with a "
        "predicted 30 %, 30 in 100 should have the condition.",
    ),
    Term(
        "calibration intercept",
        "Whether probabilities are too high or too low on average. 0 is ideal; below 0, risks "
        "are overestimated.",
    ),
    Term(
        "calibration slope",
        "Whether probabilities are too extreme or not extreme enough. 1 is ideal; below 1, high "
        "risks are too high and low ones too low.",
    ),
    Term(
        "circular predictor",
        "A column that is part of the definition of the condition, so that predicting from it is "
        "circular.",
        ("circular",),
    ),
    Term(
        "confounder",
        "A variable that differs between the groups and affects the measurements, such as site, "
        "medication or blood cells, and so can mimic an effect of the condition.",
        ("confounding",),
    ),
    Term(
        "Cramér's V",
        "Strength of association of two categorical columns: 0 is none, 1 is perfect.",
    ),
    Term(
        "cross-validation",
        "The patients are split into parts; each part is predicted by models fitted on the others. "
        "Nested: tuning is also done within the training patients only.",
    ),
    Term(
        "decision curve",
        "Net benefit of acting on the model over all thresholds, compared with acting on "
        "everyone and on no one.",
    ),
    Term(
        "early fusion",
        "All layers concatenated as the input of one model.",
    ),
    Term(
        "elastic net",
        "Logistic regression with a penalty that shrinks coefficients and drops features.",
    ),
    Term(
        "factor",
        "A pattern of variation across patients that MOFA finds in one or several layers, such as "
        "a cell type or an immune response. Every patient has a score on it.",
    ),
    Term(
        "false discovery rate",
        "The expected share of false findings among all findings.",
        ("FDR",),
    ),
    Term(
        "feature set",
        "The variables that a model may use, for example one layer or the clinical columns.",
    ),
    Term(
        "I²",
        "Share of the variation between estimates that is not due to chance: 0 % is agreement.",
    ),
    Term(
        "late fusion",
        "One model per layer; their predictions are then combined.",
    ),
    Term(
        "log odds",
        "The logarithm of p / (1 − p), the scale on which models add effects. An increase of 0.7 "
        "doubles the odds.",
    ),
    Term(
        "log2 fold change",
        "Logarithm to base 2 of the ratio between the groups: 1 is twice as much, −1 half.",
    ),
    Term(
        "MOFA",
        "Multi-omics factor analysis: summarises several layers of the same patients by a few "
        "factors.",
    ),
    Term(
        "net benefit",
        "True positives per patient minus false positives, weighted by the odds of the threshold.",
    ),
    Term(
        "normalised",
        "Adjusted to be comparable between samples, such as counts for sequencing depth.",
    ),
    Term(
        "odds ratio",
        "Odds of the condition in carriers divided by those in non-carriers. 1 is no difference.",
    ),
    Term(
        "p",
        "The probability of a result at least this extreme if there were no difference.",
        ("p-value",),
    ),
    Term(
        "permuted",
        "Labels assigned to patients at random, so that nothing can be predicted: shows what the "
        "procedure finds by chance.",
    ),
    Term(
        "prediction interval",
        "Interval in which the result of a new site or cohort, not just the mean, is expected.",
    ),
    Term(
        "prevalence",
        "Share of patients who have the condition.",
    ),
    Term(
        "pseudo-data",
        "Values that MOFA uses in place of zeros and ones, to fit them like continuous data.",
    ),
    Term(
        "random forest",
        "The mean of many decision trees, each grown on a random part of the data.",
    ),
    Term(
        "gradient boosting",
        "A sum of small decision trees, each fitted to the errors of the previous ones.",
    ),
    Term(
        "ridge",
        "Logistic regression with a penalty that shrinks coefficients and keeps all features.",
    ),
    Term(
        "SD",
        "Standard deviation: the typical distance of patients from the mean.",
        ("standard deviation",),
    ),
    Term(
        "sensitivity",
        "Share of the patients with the condition who are classified as such.",
    ),
    Term(
        "specificity",
        "Share of the patients without the condition who are classified as such.",
    ),
    Term(
        "threshold",
        "The probability from which one would act.",
    ),
    Term(
        "variance explained",
        "Share of the variance between patients explained by a factor or a column.",
        ("variance partition",),
    ),
    Term(
        "weight",
        "How strongly a feature is associated with a factor. Its sign is the direction.",
    ),
    Term(
        "η²",
        "Share of a factor's variance between categories, such as sites. 0 is none.",
    ),
    Term(
        "ρ",
        "Spearman's rank correlation, from −1 to 1. 0 is no association.",
    ),
)

FORMS = {form.lower(): term for term in TERMS for form in (term.name, *term.forms)}
FORMS |= {f"{form}s": term for form, term in FORMS.items() if form[-1].isalpha() and len(form) > 2}
# the longest first: "calibration slope" is not "calibration"
PATTERN = re.compile(
    r"(?<![\w&/-])(?:"
    + "|".join(map(re.escape, sorted(FORMS, key=len, reverse=True))).replace("'", "(?:'|&#39;)")
    + r")(?![\w-])",
    re.IGNORECASE,
)
# What sentences quote of a config, and files: `clinical.predictors`, cohort/sex.tsv
CODE = re.compile(r"`([^`<>]+)`|(?<![\w/.])((?:[\w*-]+/)+[\w*-]+\.(?:tsv|json|parquet))(?![\w/])")
TAG = re.compile(r"(<[^>]*>)")
NAME = re.compile(r"</?\s*([\w-]+)")
# A percent sign and a bound, which stay with their number, and a hyphen that is a minus.
PERCENT = re.compile(r"(?<=\d) ?%(?!\w)")
BOUND = re.compile(r"(&lt;|=) (?=\d)")
MINUS = re.compile(r"(?<![\w.)-])-(?=\d)")
# Within these a link is wrong, or the text is not prose.
UNTOUCHED = {"a", "button", "code", "h1", "h2", "h3", "label", "script", "select", "style", "svg"}
UNTOUCHED |= {"noscript", "title"}


class Glossary:
    """The terms of one page.

    Attributes
    ----------
    used : list of Term
        Those that were found so far, in alphabetical order.
    """

    def __init__(self) -> None:
        self._used: set[Term] = set()

    @property
    def used(self) -> list[Term]:
        """Return what was explained so far."""
        return sorted(self._used, key=lambda term: term.name.lower())

    def explain(self, html: str) -> str:
        """Link the first use of every term in each section to its entry in the glossary."""
        parts = TAG.split(html)
        seen: set[Term] = set()
        depth = 0
        for place, part in enumerate(parts):
            if place % 2 == 0:
                if not depth:
                    parts[place] = self._written(part, seen)
                continue
            name = NAME.match(part)
            if name is None:
                continue
            if name[1] == "section":
                seen = set()
            elif name[1] in UNTOUCHED:
                depth += -1 if part.startswith("</") else 1
        return "".join(parts)

    def _written(self, text: str, seen: set[Term]) -> str:
        """Return a text with what is quoted as code, and the terms of the rest linked."""
        pieces, end = [], 0
        for found in CODE.finditer(text):
            pieces += [_typeset(self._link(text[end : found.start()], seen))]
            pieces += [f"<code>{found[1] or found[2]}</code>"]
            end = found.end()
        return "".join([*pieces, _typeset(self._link(text[end:], seen))])

    def _link(self, text: str, seen: set[Term]) -> str:
        def linked(found: re.Match[str]) -> str:
            term = FORMS[unescape(found[0]).lower()]
            if term in seen or (len(term.name) == 1 and found[0] != term.name):
                return found[0]
            seen.add(term)
            self._used.add(term)
            return (
                f'<a class="term" href="#{term.anchor}" data-definition="{escape(term.definition)}"'
                f">{found[0]}</a>"
            )

        return PATTERN.sub(linked, text)


def _typeset(text: str) -> str:
    """Return text in which signs stay with their numbers, and a minus is one."""
    text = BOUND.sub("\\1\N{NO-BREAK SPACE}", PERCENT.sub("\N{NO-BREAK SPACE}%", text))
    return MINUS.sub("−", text)
