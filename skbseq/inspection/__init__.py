"""Evaluate fitted models: calibration of probabilities, and quality of early predictions."""

from skbseq.inspection._calibration import expected_calibration_error
from skbseq.inspection._early_decision import EarlyDecisionDisplay

__all__ = ["EarlyDecisionDisplay", "expected_calibration_error"]
