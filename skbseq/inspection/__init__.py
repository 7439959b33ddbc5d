"""Evaluate fitted models, and plot behaviour: calibration, pictures of a log, drift."""

from skbseq.inspection._activity import ActivityDisplay
from skbseq.inspection._attribution_strip import EventAttributionDisplay
from skbseq.inspection._calibration import expected_calibration_error
from skbseq.inspection._cohorts import CohortRetentionDisplay
from skbseq.inspection._comparison import ModelComparison, compare_models
from skbseq.inspection._drift import DriftDisplay, compare_logs
from skbseq.inspection._early_decision import EarlyDecisionDisplay
from skbseq.inspection._embedding_map import EmbeddingMapDisplay
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
    "CohortRetentionDisplay",
    "DriftDisplay",
    "EarlyDecisionDisplay",
    "EmbeddingMapDisplay",
    "EventAttributionDisplay",
    "FunnelDisplay",
    "GapDistributionDisplay",
    "LiftCurveDisplay",
    "ModelComparison",
    "StepMatrixDisplay",
    "StepSankeyDisplay",
    "TrainingHistoryDisplay",
    "TransitionGraphDisplay",
    "TransitionMatrixDisplay",
    "compare_logs",
    "compare_models",
    "expected_calibration_error",
]
