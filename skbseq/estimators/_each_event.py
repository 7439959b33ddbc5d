"""Outputs of a network after each event, with each history read once."""

import copy
from dataclasses import replace

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._next_event import Beginnings
from skbseq._sequences import Sequences, offsets_of
from skbseq.networks._network import as_text

_CELLS = 2**24  # numbers of a network's outputs that are held at a time
# Histories by which a user's function is checked, and how much its outputs may differ.
_N_CHECKED, _TOLERANCE, _HALF = 8, 1e-3, 10


class EachQueryMixin:
    """``_beginnings`` of a next-event model with a network.

    The model gives ``_outputs_of(data)``, ``_positions()``, ``_place``, and of
    `ItemFeaturesMixin` ``_with_new_codes(data, X)`` and ``_that_reads(data)``.
    """

    @property
    def _reach(self):
        """How many last events the counting models of the mixture depend on; None: all."""
        _, models = vars(self).get("_mixture") or ((), ())
        reaches = [model._reach for model in models]
        return None if None in reaches else max(reaches, default=0)

    def _beginnings(self, X, events, *, after):
        data, window = self._read_whole(X)
        found = self._places_of(codes_of(data)[:, self._place])
        self, data = self._that_reads(data)
        offsets, all_stops = offsets_of(data.lengths), events.stops(after=after)
        for rows in parts_of(data.lengths, self._query_size):
            part = data.take(rows)
            begin = np.repeat(offsets[rows], part.lengths)
            stops = all_stops[offsets[rows[0]] : offsets[rows[-1] + 1]]
            counts = stops - begin
            starts = begin if window is None else stops - np.minimum(counts, window)
            columns = slice(None, -self.spec_.head.n_extras or None)
            queries = self._steps_after(part, counts, window, columns, self._outputs_of)
            yield Beginnings.of(found, starts, stops, queries)

    def _read_whole(self, X):
        """Sequences of whole histories, and how many last events of one the network reads."""
        return self._with_new_codes(self._whole(X), X), self.encoder_.max_length

    def _whole(self, X):
        """Sequences of whole histories, whatever the encoder would keep of them."""
        encoder = copy.copy(self.encoder_)
        encoder.max_length = None
        return self._sequence_model.read(encoder.transform(X))

    @property
    def _query_size(self):
        """At least as many numbers as the network gives for a step."""
        spec = self.spec_
        return spec.units + sum(spec.embedding_dims) + spec.head.n_extras

    def _steps(self, data):
        """Outputs of all steps of sequences: queries, waits and ends."""
        model = self._sequence_model
        return model.outputs_of_each(data, device=self.device, precision=self.precision)

    def _steps_after(self, data, counts, window, columns, outputs_of):
        """Some outputs after so many events of each history, for each of its events.

        Where only the last events of a beginning are read, ``outputs_of`` is asked for them.
        """
        first = data if window is None else _first(data, window)
        steps = self._steps(first)[:, columns]
        rows = np.repeat(np.arange(len(data)), data.lengths)
        inside = counts <= first.lengths[rows]
        at = offsets_of(first.lengths + 1)[rows] + np.minimum(counts, first.lengths[rows])
        found = steps[at]
        if not inside.all():
            # The window of a longer beginning starts later, which no single pass can give.
            found[~inside] = outputs_of(_windows(data, rows, counts, window, ~inside))
        return found


def codes_of(data):
    """Codes of the events that belong to a sample, end to end."""
    return data.codes[: data.lengths.sum()]


def _first(data, n_events):
    return replace(data, lengths=np.minimum(data.lengths, n_events))


def _windows(data, rows, counts, window, chosen):
    """The last events of some beginnings, as sequences that share their events."""
    rows, stops = rows[chosen], counts[chosen]
    lengths = np.minimum(stops, window)
    starts = data.starts[rows] + stops - lengths
    return Sequences(data.codes, data.numbers, data.context[rows], starts, lengths)


def parts_of(lengths, size):
    """Consecutive rows at a time, with few numbers of this size for each event."""
    before = offsets_of((lengths + 1) * size)
    start = 0
    while start < len(lengths):
        stop = int(np.searchsorted(before, before[start] + _CELLS, side="right")) - 1
        stop = max(stop, start + 1)
        yield np.arange(start, stop)
        start = stop


class EachOutputMixin:
    """Outputs after each event of a classifier or regressor.

    The estimator gives ``_read(X, reset=False)``, ``_outputs_of(data)`` and ``spec_``.
    """

    def _outputs_of_each(self, X):
        """Sequences of X, and the network's outputs after each of their events, end to end."""
        check_is_fitted(self)
        if self.spec_.bidirectional:
            raise ValueError(
                f"{type(self).__name__} was fitted with bidirectional=True: its network reads "
                "later events too, so there is no prediction after each event. Fit it with "
                "bidirectional=False, or predict from the beginnings of the histories."
            )
        if self.spec_.history_token:
            raise ValueError(
                f"{type(self).__name__} was fitted with history_token=True: its token comes after "
                "the last event only, so there is no prediction after each event. Fit it with "
                "history_token=False, or predict from the beginnings of the histories."
            )
        data, outputs = self._sequences_and_outputs(X)
        if outputs is None:
            raise ValueError(
                f"network={as_text(self.spec_.network)} gives one vector per history, so there is "
                "no prediction after each event. Return one vector per event, or predict from the "
                "beginnings of the histories."
            )
        if self.spec_.is_function:
            self._check_is_causal(data, outputs)
        return data, outputs

    def _sequences_and_outputs(self, X):
        """Sequences, and outputs after each event, or None if there is one vector per history."""
        data, model = self._read(X, reset=False), self._sequence_model
        outputs = model.outputs_of_each(data, device=self.device, precision=self.precision)
        return data, None if outputs is None else outputs.astype(np.float64)

    def _check_is_causal(self, data, outputs):
        """Refuse a user's function whose vector of an event depends on later ones."""
        rows = np.argsort(-data.lengths, kind="stable")[:_N_CHECKED]
        rows = rows[data.lengths[rows] > 1]
        lengths = data.lengths[rows] // 2
        expected = self._outputs_of(replace(data.take(rows), lengths=lengths))
        found = outputs[offsets_of(data.lengths)[rows] + lengths - 1]
        tolerance = _TOLERANCE * (1 if self.spec_.policy == "float32" else _HALF)
        if (np.abs(found - expected) > tolerance * (1e-6 + np.abs(expected).max(initial=0))).any():
            raise ValueError(
                f"network={as_text(self.spec_.network)} sees later events: its vector of an event "
                "changes with those after it, so there is no prediction after each event. Make it "
                "causal, or predict from the beginnings of the histories."
            )

    def _by_event(self, X, data, columns):
        """Values of all events: lists of a table like X, or an array if X is one.

        Parameters
        ----------
        X : sequence frame or array of shape (n_samples, n_steps[, n_channels])
        data : Sequences
        columns : dict of str to ndarray of shape (n_events,)

        Returns
        -------
        table, or ndarray of shape (n_samples, n_steps, n_columns)
        """
        offsets = offsets_of(data.lengths)
        if self.schema_.array_ndim is None:
            lists = {
                name: _frames.Lists(_frames.make_array(values), offsets)
                for name, values in columns.items()
            }
            return _frames.build_frame(lists, like=X)
        result = np.full((len(data), np.shape(X)[1], len(columns)), np.nan)
        real = np.arange(result.shape[1]) < data.lengths[:, None]
        result[real] = np.stack(list(columns.values()), axis=1)
        return result
