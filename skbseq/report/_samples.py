"""What a report reads of the samples: users, cutoffs, lengths of histories."""

import numpy as np

from skbseq import _frames
from skbseq._checks import check_is_data
from skbseq._time import convert_ticks, format_instant
from skbseq.exceptions import SequenceFrameError


class Samples:
    """Training or test samples.

    Parameters
    ----------
    X : sequence frame or array-like
    name : str
        Name of the parameter, for messages.
    user : str or None
        Ordinary column of the users.
    cutoff : str
        Ordinary column of the cutoffs.

    Attributes
    ----------
    n_rows : int
    columns : SequenceColumns or None
        None for an array of numbers.
    lengths : ndarray of int64 of shape (n_rows,) or None
        Number of events.
    user_codes : ndarray of int of shape (n_rows,) or None
        Position of each row's user in ``user_names``.
    user_names : list of str or None
    cutoffs : ndarray of int64 of shape (n_rows,) or None
        In microseconds since 1970.
    """

    def __init__(self, X, name, user, cutoff):
        check_is_data(X)
        self.name = name
        self.n_rows = _frames.n_rows(X) if _frames.is_frame(X) else len(X)
        if not self.n_rows:
            raise ValueError(f"{name} has no rows; give at least two samples.")
        self.columns = self.lengths = self.user_codes = self.user_names = self.cutoffs = None
        if not _frames.is_sequence_frame(X, bare_lists=isinstance(X, list) or None):
            self._refuse(user, ())
            return
        self.columns = _frames.split_sequences(X, nested=True)
        self.lengths = np.diff(next(iter(self.columns.lists.values())).offsets)
        ordinary = self.columns.ordinary
        self._refuse(user, ordinary)
        if user is not None:
            self.user_codes, values = _frames.encode(self._complete(user))
            self.user_names = [str(value) for value in values.to_pylist()]
        if cutoff in ordinary:
            self.cutoffs, self.zone = _microseconds(self._complete(cutoff), cutoff)

    def _refuse(self, user, ordinary):
        if user is not None and user not in ordinary:
            there = ", ".join(map(repr, ordinary)) or "none"
            raise SequenceFrameError(
                f"user={user!r} is not an ordinary column of {self.name}; these are {there}. Keep "
                "this column, as EventLog.histories does, or name another."
            )

    def _complete(self, name):
        """A column without missing values."""
        column = _frames.as_array(self.columns.ordinary[name])
        missing = _frames.is_missing(column)
        if missing.any():
            raise SequenceFrameError(
                f"Row {_frames.first_row(missing)} of {name!r} in {self.name} is missing "
                f"({int(missing.sum()):,} such rows). Fill or drop them."
            )
        return column

    def moment(self, tick):
        """A moment as text."""
        return format_instant(int(tick), unit="us", zone=self.zone)

    def event_times(self):
        """For each list column of timestamps its name, microseconds, and mask of missing ones."""
        for name, column in (self.columns.lists if self.columns else {}).items():
            values = _frames.decode_strings(column.values)
            if _frames.kind_of(values.type) == "timestamp":
                ticks, missing, unit, _ = _frames.time_ticks(_frames.read_moments(values, name))
                yield name, convert_ticks(ticks, source=unit, target="us"), missing


def _microseconds(column, name):
    ticks, _, unit, zone = _frames.time_ticks(_frames.read_moments(column, name))
    return convert_ticks(ticks, source=unit, target="us"), zone


def account(samples):
    """The data of a set of samples as a dict of texts and numbers.

    Parameters
    ----------
    samples : Samples

    Returns
    -------
    dict of str to int, float or str
    """
    found = {"samples": samples.n_rows}
    if samples.user_names is not None:
        found["users"] = len(samples.user_names)
    if samples.lengths is not None:
        found["events"] = int(samples.lengths.sum())
        found["events per sample, median"] = int(np.median(samples.lengths))
        found["events per sample, most"] = int(samples.lengths.max())
        found["samples without events"] = int((samples.lengths == 0).sum())
    if samples.cutoffs is not None:
        found["first cutoff"] = samples.moment(samples.cutoffs.min())
        found["last cutoff"] = samples.moment(samples.cutoffs.max())
    return found
