"""explain_events: which events made a model predict what it predicts."""

import numpy as np

from skbseq._checks import check_choice
from skbseq.inspection._answers import Answers
from skbseq.inspection._explanation import EventExplanation
from skbseq.inspection._subsets import Subsets, without_each

__all__ = ["explain_events"]


def explain_events(model, X, *, method="removal", target=None):
    """Explain."""
    check_choice("method", method, ("removal",))
    subsets = Subsets(X)
    answers = Answers(model, X, target)
    rows, kept_of = without_each(subsets)
    flat = answers.values[rows] - answers.of_variants(subsets, rows, kept_of)
    all_rows = np.arange(len(subsets))
    baselines = answers.of_variants(
        subsets, all_rows, lambda part: np.zeros(int(subsets.lengths[part].sum()), bool)
    )
    return EventExplanation(
        X,
        subsets,
        flat,
        values=answers.values,
        baselines=baselines,
        targets=answers.targets,
        unit=answers.unit,
        method=method,
    )
