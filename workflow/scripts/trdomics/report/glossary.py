"""What the terms of the pages mean, and where a page uses them."""

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
        "The range of values that the data do not contradict: of 100 studies like this, about 95 "
        "would have an interval that holds the true value.",
        ("95 % intervals", "intervals are 95 %"),
    ),
    Term(
        "adjusted p",
        "A p-value after correction for the number of tests: calling everything below 0.05 a "
        "finding keeps the false discovery rate at 5 %.",
        ("FDR-adjusted", "padj"),
    ),
    Term(
        "AUPRC",
        "Area under the precision-recall curve. Chance is the share of patients with the "
        "condition; 1 is perfect.",
    ),
    Term(
        "AUROC",
        "Area under the receiver operating characteristic curve: the share of pairs of one patient "
        "of each group in which the model gives the right one the higher score. 0.5 is chance, 1 "
        "is perfect.",
        ("AUC",),
    ),
    Term(
        "balanced accuracy",
        "Mean of sensitivity and specificity when patients are called at the threshold. 0.5 is "
        "chance.",
    ),
    Term(
        "Brier score",
        "Mean squared distance of the predicted probability from what happened (1 or 0). Lower is "
        "better; 0.25 is reached by saying 50 % to everyone.",
    ),
    Term(
        "calibration",
        "Whether a predicted probability is true as a number: of patients with 30 %, 30 in 100 "
        "should have the condition.",
    ),
    Term(
        "calibration intercept",
        "Whether probabilities are too high or too low on the whole. 0 is ideal; below 0, risks "
        "are overestimated.",
    ),
    Term(
        "calibration slope",
        "Whether probabilities are spread as they should be. 1 is ideal; below 1, high risks are "
        "too high and low ones too low.",
    ),
    Term(
        "circular predictor",
        "A column that is part of how the condition is defined. A model that uses it predicts "
        "nothing.",
        ("circular",),
    ),
    Term(
        "confounder",
        "Something that differs between the groups and changes the measurements, such as site, "
        "medication or blood cells, and so can look like an effect of the condition.",
        ("confounding",),
    ),
    Term(
        "Cramér's V",
        "Strength of association of two columns with categories: 0 is none, 1 is perfect.",
    ),
    Term(
        "cross-validation",
        "The patients are split into parts; each part is predicted by models fitted on the others. "
        "Nested: choices are made within the training patients as well.",
    ),
    Term(
        "decision curve",
        "Net benefit of acting on the model over all thresholds, beside acting on everyone and on "
        "no one.",
    ),
    Term(
        "early fusion",
        "All layers side by side as the input of one model.",
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
        "The expected share of false findings among those that are called.",
        ("FDR",),
    ),
    Term(
        "feature set",
        "The measurements that a model may use, for example one layer or the clinical columns.",
    ),
    Term(
        "I²",
        "Share of the variation between estimates that chance does not explain: 0 % is agreement.",
    ),
    Term(
        "late fusion",
        "One model per layer; their predictions are then combined.",
    ),
    Term(
        "log odds",
        "The logarithm of p / (1 − p), the scale on which models add effects up. 0.7 more doubles "
        "the odds.",
    ),
    Term(
        "log2 fold change",
        "Difference between the groups on the scale of doublings: 1 is twice as much, −1 half.",
    ),
    Term(
        "MOFA",
        "Multi-omics factor analysis: summarises several layers of the same patients by a few "
        "factors that they share.",
    ),
    Term(
        "net benefit",
        "True positives per patient, less false positives that weigh what the threshold says they "
        "cost.",
    ),
    Term(
        "normalised",
        "Counts made comparable between samples that were sequenced to different depths.",
    ),
    Term(
        "odds ratio",
        "Odds of the condition in carriers divided by those of others. 1 is no difference.",
    ),
    Term(
        "p",
        "The probability of a result at least this extreme if there were no difference.",
        ("p-value",),
    ),
    Term(
        "permuted",
        "Labels exchanged between patients at random, so that nothing is left to predict: what the "
        "procedure finds by chance.",
    ),
    Term(
        "prediction interval",
        "Where the result of one new site or cohort is expected, not just the mean.",
    ),
    Term(
        "prevalence",
        "Share of patients who have the condition.",
    ),
    Term(
        "pseudo-data",
        "What MOFA puts in place of values that are 0 or 1 to fit them as if they were continuous.",
    ),
    Term(
        "random forest",
        "The mean of many decision trees, each grown on a random part of the data.",
    ),
    Term(
        "gradient boosting",
        "A sum of small decision trees, each fitted to what the ones before got wrong.",
    ),
    Term(
        "ridge",
        "Logistic regression with a penalty that shrinks coefficients and keeps all features.",
    ),
    Term(
        "SD",
        "Standard deviation: how far patients typically are from the mean.",
        ("standard deviation",),
    ),
    Term(
        "sensitivity",
        "Share of the patients with the condition whom the model finds.",
    ),
    Term(
        "specificity",
        "Share of the patients without the condition whom the model leaves alone.",
    ),
    Term(
        "threshold",
        "The probability at and above which one would act.",
    ),
    Term(
        "variance explained",
        "Share of the differences between patients that a factor or a column accounts for.",
        ("variance partition",),
    ),
    Term(
        "weight",
        "How strongly a feature follows a factor. Its sign says in which direction.",
    ),
    Term(
        "η²",
        "Share of a factor's variance that lies between categories, such as sites. 0 is none.",
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
            pieces += [self._link(text[end : found.start()], seen)]
            pieces += [f"<code>{found[1] or found[2]}</code>"]
            end = found.end()
        return "".join([*pieces, self._link(text[end:], seen)])

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
