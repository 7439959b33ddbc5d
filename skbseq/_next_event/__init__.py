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
from skbseq._next_event._item_table import (
    KeepsItemTable,
    check_covers,
    describes_products,
    join_ids,
    kept_ids,
    named_ids,
    read_item_table,
    shallow,
    split_known,
)
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
    "KeepsItemTable",
    "LastEvent",
    "LogNormals",
    "MarkovChain",
    "Moments",
    "MostFrequent",
    "PredictEndMixin",
    "PredictWhenMixin",
    "Trial",
    "add_up",
    "check_covers",
    "describes_products",
    "join_ids",
    "kept_ids",
    "learn_counts",
    "named_ids",
    "read_candidates",
    "read_counting",
    "read_item_table",
    "shallow",
    "split_known",
]
