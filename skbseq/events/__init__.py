"""Event logs, and the leak-free samples, histories and labels made from them."""

from skbseq.events._cleaning import CleaningReport
from skbseq.events._log import EventLog
from skbseq.events._read import read_events

__all__ = ["CleaningReport", "EventLog", "read_events"]
