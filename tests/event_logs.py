"""Small logs for the tests of the events room: users, minutes and behaviours."""

import datetime as dt

import pyarrow as pa
from hypothesis import strategies as st

from skbseq import EventLog

START = dt.datetime(2026, 1, 1)
MINUTE = dt.timedelta(minutes=1)
TWO = {"user": "who", "time": "when"}
ROLES = {**TWO, "behavior": "what"}

EVENTS = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3]), st.integers(0, 15), st.sampled_from(["view", "buy", None])
    ),
    min_size=1,
    max_size=25,
)
SAMPLES = st.lists(st.tuples(st.sampled_from([1, 2, 3, 99]), st.integers(-3, 20)), max_size=6)


def at(minute):
    """A minute after the start."""
    return START + minute * MINUTE


def make_log(who, when, what=None, **options):
    """A log of users, minutes after the start and behaviours."""
    table = {"who": who, "when": [at(minute) for minute in when]}
    if what is None:
        return EventLog(pa.table(table), **TWO, **options)
    return EventLog(pa.table({**table, "what": what}), **ROLES, **options)


def make_samples(*pairs):
    """Samples of pairs of a user and a minute."""
    return pa.table(
        {"who": [who for who, _ in pairs], "cutoff": [at(minute) for _, minute in pairs]}
    )


def log_of(events, *columns):
    """A log of tuples of user, minute, behaviour and further values, tied as the rows come."""
    who, when, what, *others = zip(*events, strict=True)
    table = {"who": who, "when": [at(m) for m in when], "what": pa.array(what, pa.string())}
    table |= dict(zip(columns, others, strict=True))
    return EventLog(pa.table({**table, "row": range(len(events))}), **ROLES, ties="rows")


def sample_table(pairs):
    """Samples of pairs of a user and a minute, also of none."""
    who, minutes = [who for who, _ in pairs], [at(minute) for _, minute in pairs]
    return pa.table(
        {"who": pa.array(who, pa.int64()), "cutoff": pa.array(minutes, pa.timestamp("us"))}
    )
