"""The model card: what the model is, what it was trained on, its purpose and limits."""

import platform
import re

import numpy as np
import sklearn

from skbseq import __version__
from skbseq._checks import shown
from skbseq.report._leakage import NOT_CHECKED, PROBLEM

_MOST_PARAMETERS = 40
# Of objects without a text of their own; it differs from run to run.
_ADDRESS = " at 0x[0-9a-fA-F]+"


def model_card(model, content, purpose):
    """The card as a dict of texts, lists and dicts.

    Parameters
    ----------
    model : estimator
    content : dict
        The other sections.
    purpose : str or None
    """
    steps = getattr(model, "steps", None) or [("model", model)]
    parameters = list(steps[-1][1].get_params(deep=False).items())[:_MOST_PARAMETERS]
    return {
        "model": " → ".join(type(step).__name__ for _, step in steps),
        "parameters": {name: re.sub(_ADDRESS, "", shown(value)) for name, value in parameters},
        "purpose": purpose or "Not stated. Pass it as purpose=.",
        "trained on": _training(content["data"]["train"]),
        "limits": list(_limits(content)),
        "versions": {
            "skbseq": __version__,
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
            "Python": platform.python_version(),
        },
    }


def _training(data):
    said = f"{data['samples']:,} samples"
    if "users" in data:
        said += f" of {data['users']:,} users"
    if "first cutoff" in data:
        said += f", cutoffs from {data['first cutoff']} to {data['last cutoff']}"
    return said


def _limits(content):
    for each in content["checks"]:
        if each["status"] == PROBLEM:
            yield f"{each['check']}: {each['text']}"
    open_checks = [each["check"] for each in content["checks"] if each["status"] == NOT_CHECKED]
    if open_checks:
        yield f"Not checked: {', '.join(open_checks)}."
    yield from content["notes"]
    for each in content["scores"]["differences"]:
        if not each["sentence"].startswith("Better"):
            yield each["sentence"]
    yield "Scores hold for users and periods like those of the test set."
    yield "Explanations describe the model. They do not show what causes behaviour."
