from trdomics.cohort.site_plan import left_out_sites
from trdomics.classification.permutations import permutations_of
from trdomics.classification.splits import learning_shares, split_names

CLASSIFICATION = config["classification"]
SPLITS = split_names(CLASSIFICATION["repeats"], CLASSIFICATION["folds"])
# split -> name of the site that it leaves out
LEFT_OUT_SITES = left_out_sites(config, SHEET)
PERMUTED_REPEATS = range(1, CLASSIFICATION["repeats"] + 1)
if not CLASSIFICATION["permutations"]:
    PERMUTED_REPEATS = []
SHARES = learning_shares(CLASSIFICATION["folds"])
if not CLASSIFICATION["learning_curve"]:
    SHARES = []


def left_out_site(wildcards):
    """Return the site that a split leaves out, if it does."""
    return LEFT_OUT_SITES.get(wildcards.split)


def splits_of_repeat(wildcards):
    """Return the names of the splits of one repeat of the cross-validation."""
    return [name for name in SPLITS if name.startswith(f"r{wildcards.repeat}f")]


def is_permuted(wildcards):
    """Say whether a split's labels are permuted, which needs what its fit has learned."""
    return wildcards.split in SPLITS and CLASSIFICATION["permutations"] > 0


def blocks_of_repeat(wildcards):
    """Return what the fits of one repeat stored for the permutations."""
    return expand(
        "results/{{cohort}}/classification/splits/{split}/blocks.npz",
        split=splits_of_repeat(wildcards),
    )


def permutations_of_repeat(wildcards):
    """Return the numbers of the permutations that are run in one repeat."""
    return permutations_of(
        int(wildcards.repeat), CLASSIFICATION["repeats"], CLASSIFICATION["permutations"]
    )
