"""What a fitted model is worth: how true its probabilities are, and how early it knows."""

from skbseq.inspection._calibration import expected_calibration_error
from skbseq.inspection._early_decision import EarlyDecisionDisplay

__all__ = ["EarlyDecisionDisplay", "expected_calibration_error"]
