"""Evaluate, compare and explain fitted models; plot behaviour and drift."""

from skbseq.inspection._activity import ActivityDisplay
from skbseq.inspection._attribution_strip import EventAttributionDisplay
from skbseq.inspection._calibration import expected_calibration_error
from skbseq.inspection._channel_importance import ChannelImportance, channel_importance
from skbseq.inspection._cohorts import CohortRetentionDisplay
from skbseq.inspection._comparison import ModelComparison, compare_models
from skbseq.inspection._counterfactual import counterfactual_events
from skbseq.inspection._drift import DriftDisplay, compare_logs
from skbseq.inspection._early_decision import EarlyDecisionDisplay
from skbseq.inspection._embedding_map import EmbeddingMapDisplay
from skbseq.inspection._explain import explain_events
from skbseq.inspection._explanation import EventExplanation
from skbseq.inspection._faithfulness import Faithfulness, deletion_insertion
from skbseq.inspection._funnel import FunnelDisplay
from skbseq.inspection._gaps import GapDistributionDisplay
from skbseq.inspection._lift import LiftCurveDisplay
from skbseq.inspection._step_matrix import StepMatrixDisplay
from skbseq.inspection._step_sankey import StepSankeyDisplay
from skbseq.inspection._training_history import TrainingHistoryDisplay
from skbseq.inspection._transition_graph import TransitionGraphDisplay
from skbseq.inspection._transitions import TransitionMatrixDisplay

__all__ = [
    "ActivityDisplay",
    "ChannelImportance",
    "CohortRetentionDisplay",
    "DriftDisplay",
    "EarlyDecisionDisplay",
    "EmbeddingMapDisplay",
    "EventAttributionDisplay",
    "EventExplanation",
    "Faithfulness",
    "FunnelDisplay",
    "GapDistributionDisplay",
    "LiftCurveDisplay",
    "ModelComparison",
    "StepMatrixDisplay",
    "StepSankeyDisplay",
    "TrainingHistoryDisplay",
    "TransitionGraphDisplay",
    "TransitionMatrixDisplay",
    "channel_importance",
    "compare_logs",
    "compare_models",
    "counterfactual_events",
    "deletion_insertion",
    "expected_calibration_error",
    "explain_events",
]
