"""Events that happened together: each is predicted from those before its basket."""

import numpy as np

from skbseq import _frames
from skbseq._sequences import ranges
from skbseq._targets import basket_starts
from skbseq.estimators._next_predictor._learned_sequences import LearnedSequences
from skbseq.exceptions import SequenceFrameError


class BasketsMixin:
    """``basket`` of a next-event model with an encoder of its own."""

    def _read_baskets(self, columns):
        """Where the basket of each event begins; None if there are no baskets.

        Raises
        ------
        SequenceFrameError
            If there is no such column, or it is the target.
        """
        self._basket = self.basket
        if self.basket is None:
            return None
        if self.basket == self.target_:
            raise SequenceFrameError(
                f"basket={self.basket!r} is the target itself. Name a list column whose equal "
                "values mark events that happened together, such as invoice numbers or times."
            )
        return basket_starts(columns, self.basket)

    def _with_baskets(self, data, column, first):
        """The sequences, with the beginning of the basket of each event if there are baskets.

        Parameters
        ----------
        data : Sequences
        column : Lists
            The target.
        first : ndarray of int64 or None
            Made by `_read_baskets`.
        """
        if first is None:
            return data
        # The encoder may have kept the last events alone.
        starts = column.offsets[1:] - data.lengths
        kept, _ = ranges(starts, column.offsets[1:])
        begins = np.maximum(first[kept] - np.repeat(starts, data.lengths), 0)
        return LearnedSequences.of(data, begins=begins.astype(np.int32))

    def _channels_of(self, X, columns, encoder):
        """The frame that the encoder is fitted on: ids of baskets are no channel, times are.

        An id of a basket says nothing of later ones. An encoder that names the column reads it.
        """
        if self.basket is None or not _frames.is_frame(X):
            return X
        kind = _frames.kind_of(columns.lists[self.basket].values.type)
        named = (encoder.categorical, encoder.numeric, encoder.time, encoder.text, encoder.vector)
        if kind == "timestamp" or any(self.basket in names for names in named if names):
            return X
        return _frames.select_columns(X, [n for n in _frames.all_names(X) if n != self.basket])
