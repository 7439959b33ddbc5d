"""Evaluate fitted models, and explain their predictions."""

from skbseq.inspection._calibration import expected_calibration_error
from skbseq.inspection._early_decision import EarlyDecisionDisplay
from skbseq.inspection._explain import explain_events
from skbseq.inspection._explanation import EventExplanation

__all__ = [
    "EarlyDecisionDisplay",
    "EventExplanation",
    "expected_calibration_error",
    "explain_events",
]
