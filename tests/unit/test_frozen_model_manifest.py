"""A model's classes and a cohort's: exchanged ones are refused, other names are told."""

import pytest

from trdomics.errors import InputError
from trdomics.frozen_model.manifest import compare_labels

MODEL = {"label": {"column": "response", "positive": "TRD", "negative": "responder"}}


def label(positive, negative, column="outcome"):
    return {"column": column, "positive": positive, "negative": negative}


@pytest.mark.parametrize(
    ("positive", "negative"), [("responder", "TRD"), ("Responder ", "x"), ("x", "trd")]
)
def test_exchanged_classes_are_refused(positive, negative):
    with pytest.raises(InputError, match="refer to TRD against responder; exchange"):
        compare_labels(label(positive, negative), MODEL)


def test_equal_classes_and_a_cohort_without_labels_need_no_word():
    assert compare_labels(label("trd", "Responder"), MODEL) is None
    assert compare_labels(label("responder", "TRD", column=None), MODEL) is None


def test_classes_of_other_names_are_told():
    told = compare_labels(label(1, 0), MODEL)
    assert "probabilities refer to TRD (against responder)" in told
    assert "that 1 is what the model means by TRD" in told
