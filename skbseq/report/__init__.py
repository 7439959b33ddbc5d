"""One page about a fitted model: its data, checks for leakage, scores, and explanations."""

from skbseq.report._make import make_report
from skbseq.report._report import Report

__all__ = ["Report", "make_report"]
