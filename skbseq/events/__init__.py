"""Event logs, and the leak-free samples, histories and labels made from them."""

from skbseq.events._cleaning import CleaningReport
from skbseq.events._log import EventLog

__all__ = ["CleaningReport", "EventLog"]
