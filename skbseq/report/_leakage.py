"""Checks for leakage between training and test samples."""

import numpy as np

from skbseq._time import to_timedelta

PASSED, NOTE, PROBLEM, NOT_CHECKED = "passed", "note", "problem", "not checked"


def check_leakage(train, test, horizon, log):
    """All checks, in the order of the report.

    Parameters
    ----------
    train, test : Samples
    horizon : str, timedelta or None
        Span of the labels.
    log : EventLog or None

    Returns
    -------
    list of dict
        With the keys ``check``, ``status`` and ``text``.
    """
    span = None
    if horizon is not None:
        span = int(to_timedelta(horizon, name="horizon").astype(np.int64))
    found = {
        "Users in both sets": _users(train, test, span),
        "Labels that reach into the test period": _windows(train, test, span),
        "Samples in both sets": _samples(train, test),
        "Events after the cutoff": _future(train, test),
        "Labels known in full": _known(test, span, log),
    }
    return [{"check": name, "status": s, "text": text} for name, (s, text) in found.items()]


_NO_USERS = "There is no user column. Pass its name as user=."
_NO_CUTOFFS = "There is no column of cutoffs. Pass its name as cutoff=."
_NO_HORIZON = "The span of the labels is not known. Pass it as horizon=."


def shared_users(train, test):
    """Number of test users that are in the training set; None if users are not known."""
    if train.user_names is None or test.user_names is None:
        return None
    return len({*train.user_names} & {*test.user_names})


def _n_reaching(train, test, span):
    """Number of training labels that end after the first test cutoff."""
    return int((train.cutoffs + span > test.cutoffs.min()).sum())


def _have_cutoffs(train, test):
    return train.cutoffs is not None and test.cutoffs is not None


def _users(train, test, span):
    shared = shared_users(train, test)
    if shared is None:
        return NOT_CHECKED, _NO_USERS
    if not shared:
        return PASSED, "No user is in both sets."
    said = f"{shared:,} of {len(test.user_names):,} test users are also in the training set."
    if not _have_cutoffs(train, test):
        return PROBLEM, f"{said} Without cutoffs, nothing shows that their labels are apart."
    if span is None:
        return NOT_CHECKED, f"{said} {_NO_HORIZON}"
    if _n_reaching(train, test, span):
        return PROBLEM, (
            f"{said} Their labels overlap, so that a model can recognise users. Split by user "
            "(UserKFold) or by time with a gap of one horizon (CutoffSplit)."
        )
    return PASSED, f"{said} All training labels were known before the first test cutoff."


def _windows(train, test, span):
    if not _have_cutoffs(train, test):
        return NOT_CHECKED, _NO_CUTOFFS
    if span is None:
        return NOT_CHECKED, _NO_HORIZON
    n = _n_reaching(train, test, span)
    if not n:
        return PASSED, "Each training label ends before the first test cutoff."
    said = f"{n:,} of {train.n_rows:,} training labels end after the first test cutoff."
    if shared_users(train, test) == 0:
        return NOTE, (
            f"{said} No user is in both sets, so no label is shared. But both sets see the same "
            "period, and the scores do not show how well the model does in a later one."
        )
    return PROBLEM, f"{said} Split by time with a gap of one horizon (CutoffSplit)."


def _samples(train, test):
    if shared_users(train, test) is None:
        return NOT_CHECKED, _NO_USERS
    if not _have_cutoffs(train, test):
        return NOT_CHECKED, _NO_CUTOFFS
    pairs = [
        {(each.user_names[code], tick) for code, tick in zip(each.user_codes, ticks, strict=True)}
        for each, ticks in ((train, train.cutoffs.tolist()), (test, test.cutoffs.tolist()))
    ]
    n = len(pairs[0] & pairs[1])
    if n:
        return PROBLEM, f"{n:,} samples (user and cutoff) are in both sets. Remove them from one."
    return PASSED, "No sample (user and cutoff) is in both sets."


def _future(train, test):
    if not _have_cutoffs(train, test):
        return NOT_CHECKED, _NO_CUTOFFS
    n_later, n_times = 0, 0
    for each in (train, test):
        for _, ticks, missing in each.event_times():
            later = ticks > np.repeat(each.cutoffs, each.lengths)
            n_later += int((later & ~missing).sum())
            n_times += 1
    if not n_times:
        return NOT_CHECKED, "No channel holds times."
    if n_later:
        return PROBLEM, f"{n_later:,} events lie after their cutoff. Make histories again."
    return PASSED, "Each event lies at or before its cutoff."


def _known(test, span, log):
    if log is None:
        return NOT_CHECKED, "Pass the log as log= to compare the labels with its end."
    if test.cutoffs is None:
        return NOT_CHECKED, _NO_CUTOFFS
    if span is None:
        return NOT_CHECKED, _NO_HORIZON
    until = log._until / log._clock.per_second * 1e6
    n = int((test.cutoffs + span > until).sum())
    if n:
        return PROBLEM, f"The labels of {n:,} test samples end after the log. Use earlier cutoffs."
    return PASSED, "The labels of all test samples end before the log does."
