"""Next-event prediction: the shared base class and counting models. No TensorFlow."""

from skbseq._next_event._base import BaseNextEvent
from skbseq._next_event._baselines import LastEvent, MostFrequent
from skbseq._next_event._content import Content
from skbseq._next_event._content_similarity import ContentSimilarity
from skbseq._next_event._cooccurrence import ItemCooccurrence
from skbseq._next_event._each import Beginnings
from skbseq._next_event._ends import PredictEndMixin
from skbseq._next_event._histories import Histories
from skbseq._next_event._history_frequency import HistoryFrequency
from skbseq._next_event._markov_chain import MarkovChain
from skbseq._next_event._mixture import Trial, add_up, learn_counts, read_counting
from skbseq._next_event._ranked_lists import read_candidates
from skbseq._next_event._waits import LogNormals, Moments, PredictWhenMixin

__all__ = [
    "BaseNextEvent",
    "Beginnings",
    "Content",
    "ContentSimilarity",
    "Histories",
    "HistoryFrequency",
    "ItemCooccurrence",
    "LastEvent",
    "LogNormals",
    "MarkovChain",
    "Moments",
    "MostFrequent",
    "PredictEndMixin",
    "PredictWhenMixin",
    "Trial",
    "add_up",
    "learn_counts",
    "read_candidates",
    "read_counting",
]
