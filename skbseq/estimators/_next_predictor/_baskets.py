"""Events that happened together: each is predicted from those before its basket."""

import warnings

import numpy as np
from sklearn.base import clone

from skbseq import _frames
from skbseq._sequences import Sequences, join_sequences, ranges
from skbseq._targets import basket_starts
from skbseq.estimators._next_predictor._learned_sequences import LearnedSequences


class BasketsMixin:
    """``basket`` of a next-event model with an encoder of its own.

    The model gives ``_fit_encoder`` of `OwnEncoderMixin` and ``_whole(X)`` of `EachQueryMixin`.
    """

    def _read_baskets(self, columns):
        """Where the basket of each event begins; None if there are no baskets.

        A frame whose histories are all one basket gives a warning.

        Raises
        ------
        SequenceFrameError
            If there is no such column, or it is the target.
        """
        self._basket = self.basket
        if self.basket is None:
            return None
        first = basket_starts(columns, self.basket, self.target_)
        offsets = columns.lists[self.target_].offsets
        some = np.diff(offsets) > 0
        if (first[offsets[1:][some] - 1] == offsets[:-1][some]).all():
            warnings.warn(
                f"No history holds two baskets: all values of {self.basket!r} in a history are "
                "equal. So every event is predicted as if nothing had come before. Give a column "
                "that changes from basket to basket, such as invoice numbers or times.",
                UserWarning,
                stacklevel=2,
            )
        return first

    def _with_baskets(self, data, column, first):
        """The sequences, with the baskets of their events if there are baskets.

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
        before = np.maximum(first[kept] - np.repeat(starts, data.lengths), -1)
        ends = np.append(first[1:], len(first)) == np.arange(1, len(first) + 1)
        return LearnedSequences.of(
            data, basket_starts=before.astype(np.int32), basket_ends=ends[kept]
        )

    def _with_last_baskets(self, data, X, column, first):
        """The sequences, with as many events before the last basket as the encoder keeps.

        So a basket longer than its ``max_length`` still has something to be predicted from.
        """
        longest, totals = self.encoder_.max_length, column.lengths
        if first is None or longest is None:
            return data
        sizes, some = np.zeros(len(totals), np.int64), totals > 0
        stops = column.offsets[1:][some]
        sizes[some] = stops - first[stops - 1]
        lengths = np.minimum(totals, sizes + longest)
        if (lengths > data.lengths).any():
            data = self._whole(X)
        stops = data.starts + data.lengths
        at, offsets = ranges(stops - lengths, stops)
        return join_sequences(
            [Sequences(data.codes[at], data.numbers[at], data.context, offsets[:-1], lengths)]
        )

    def _fit_basket_encoder(self, encoder, X, columns):
        """Fit the encoder; the encoded frame, of whole histories if there are baskets."""
        if self.basket is None:
            return self._fit_encoder(encoder, X, settled=(self.target_,))
        longest, channels = encoder.max_length, self._channels_of(X, columns, encoder)
        # What it cuts of one history it may have to know in another.
        encoder = clone(encoder).set_params(max_length=None)
        encoded = self._fit_encoder(encoder, channels, settled=(self.target_,))
        self.encoder_.max_length = longest
        if channels is not X:
            self.feature_names_in_ = np.asarray(_frames.column_names(X), object)
            self.n_features_in_ = len(self.feature_names_in_)
        return encoded

    def _channels_of(self, X, columns, encoder):
        """The frame that the encoder is fitted on: ids of baskets are no channel, times are.

        An id of a basket says nothing of later ones. An encoder that names the column reads it.
        """
        if not _frames.is_frame(X):
            return X
        kind = _frames.kind_of(columns.lists[self.basket].values.type)
        named = (encoder.categorical, encoder.numeric, encoder.time, encoder.text, encoder.vector)
        if kind == "timestamp" or any(self.basket in names for names in named if names):
            return X
        return _frames.select_columns(X, [n for n in _frames.all_names(X) if n != self.basket])
