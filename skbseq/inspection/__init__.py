"""Evaluate fitted models, and explain their predictions."""

from skbseq.inspection._calibration import expected_calibration_error
from skbseq.inspection._channel_importance import ChannelImportance, channel_importance
from skbseq.inspection._counterfactual import counterfactual_events
from skbseq.inspection._early_decision import EarlyDecisionDisplay
from skbseq.inspection._explain import explain_events
from skbseq.inspection._explanation import EventExplanation
from skbseq.inspection._faithfulness import Faithfulness, deletion_insertion

__all__ = [
    "ChannelImportance",
    "EarlyDecisionDisplay",
    "EventExplanation",
    "Faithfulness",
    "channel_importance",
    "counterfactual_events",
    "deletion_insertion",
    "expected_calibration_error",
    "explain_events",
]
