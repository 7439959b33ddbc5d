"""A generated shop in which the probability of a purchase is known exactly.

The customers follow a continuous-time Markov chain. Its transitions depend on the order of their
events, so a sequence model can reach the true probability and counts cannot.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from scipy.linalg import expm

from skbseq._checks import check_count, shown
from skbseq._frames import frame_from_columns
from skbseq._time import to_timedelta
from skbseq.datasets._bunch import LogBunch

__all__ = ["make_shop_log"]

# A view is two steps of the chain, because the price of what was viewed decides later steps.
_SEARCH, _VIEW_CHEAP, _VIEW_EXPENSIVE, _CART, _REMOVE, _BUY = range(6)
_BEHAVIORS = np.array(["search", "view", "view", "cart", "remove", "buy"], dtype=object)

# A state is (last step, basket); a user without events is _NEW.
_NEW = 6
_EMPTY, _HOLDS_CHEAP, _HOLDS_EXPENSIVE = range(3)
_STATE_SHAPE = (7, 3)

_SESSION, _BREAK, _AWAY = range(3)

_START = np.datetime64("2026-01-01", "us")
_DAY = 86_400_000_000  # microseconds
_MARGIN = _DAY
_LATE_SHARE = 0.1

_CATEGORIES = np.array(["shoes", "kitchen", "sports", "audio", "garden"], dtype=object)
_CATEGORY_SHARES = np.array([0.3, 0.25, 0.2, 0.15, 0.1])
_CATEGORY_SPREADS = np.array([0.3, 0.5, 0.6, 0.9, 0.7])
_CHANGE_OF_CATEGORY = 0.3
# Users, and products: more events than fit into 50 GB.
_MOST = 10**7
_MOST_DAYS = 100 * 365
_MOST_USER_DAYS = 10**9
_N_GROUPS = 2 * len(_CATEGORIES)
_EXPENSIVE_FROM = 50.0
_EXPENSIVE_SHARE = 0.4


def make_shop_log(n_users=1000, *, n_products=200, history="60D", horizon="7D", random_state=None):
    r"""Generate the event log of a shop, and each user's exact probability of buying.

    The probability depends on the last events of a user, on their order, and on the time since
    then. Counts of events are much less informative. No model can be better than this probability.

    Parameters
    ----------
    n_users : int, default=1000
        Number of users. Nine in ten join before the cutoff, the others after it.
    n_products : int, default=200
        Number of products on offer, at least 10.
    history : str, datetime.timedelta or numpy.timedelta64, default="60D"
        Span from the opening of the shop on 2026-01-01 to the cutoff.
    horizon : str, datetime.timedelta or numpy.timedelta64, default="7D"
        Span after the cutoff for which `probability` predicts a purchase.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Pass an int for the same log on every call. NumPy's global generator is never touched.

    Returns
    -------
    shop : :class:`~sklearn.utils.Bunch`
        events : pandas DataFrame
            One row per event in order of time, with the columns `user_id`, `timestamp`,
            `behavior_type` (search, view, cart, remove or buy), `product_id` (missing in a
            search), `category` and `price` (NaN in a search). It ends at least one day after the
            end of the horizon.
        samples : pandas DataFrame
            `user_id` and `cutoff`, one row for each user with an event at or before the cutoff,
            sorted by `user_id`.
        probability : ndarray of shape (n_samples,)
            Probability of at least one purchase in (cutoff, cutoff + horizon], given the
            events up to the cutoff.
        at : numpy.datetime64
            The cutoff.
        horizon : numpy.timedelta64
            The horizon.
        roles : dict
            The columns for :class:`skbseq.EventLog`, by role.
        DESCR : str
            A description of this log.

    Raises
    ------
    ValueError
        If a number is out of range, or a duration cannot be read or is too long.
    TypeError
        If a duration is a bare number.

    Notes
    -----
    The *state* of a user depends only on the order of the events:

    - The basket, which holds at most one product. Only the product just viewed can be carted, and
      it replaces the previous one. A removal, a purchase or a search empties the basket. A product
      is expensive from a price of 50, otherwise cheap.
    - The last behaviour.

    After each event one of three *modes* is drawn, with probabilities :math:`q_m(s)` that depend
    on the state: the session goes on (the next event comes after 1.5 minutes on average), a
    break (5 days) or away (20 days). The gap is exponential with rate :math:`r_m`. Users with a
    product in the basket mostly take breaks; the others are mostly away. The next behaviour
    depends on the state and on whether the session went on. Returning users mostly buy the
    product in the basket, an expensive one less often than a cheap one.

    The mode is hidden, but after a gap of :math:`a` since the last event its posterior is
    :math:`w_m \propto q_m(s)\,e^{-r_m(s)\,a}`. Let :math:`T` be the transition rates between
    pairs of state and mode, without purchases. The time to the next purchase then has a
    phase-type distribution [1]_ [2]_, and the probability of buying within :math:`H` is

    .. math:: 1 - \sum_m w_m \, (e^{T H} \mathbf{1})_{(s, m)}.

    Not modelled: hours of the day, weekdays and seasons; lasting differences between users
    beyond their own past; baskets of several products; effects of the category or of single
    products within a price class. Users never leave for good, and the shop starts without users.

    References
    ----------
    .. [1] M. F. Neuts, Matrix-Geometric Solutions in Stochastic Models, Johns Hopkins
       University Press, 1981, chapter 2.
    .. [2] S. Asmussen, Applied Probability and Queues, 2nd edition, Springer, 2003, section III.4.

    Examples
    --------
    >>> from skbseq.datasets import make_shop_log
    >>> shop = make_shop_log(n_users=100, random_state=0)
    >>> list(shop.events.columns)
    ['user_id', 'timestamp', 'behavior_type', 'product_id', 'category', 'price']
    >>> len(shop.samples), shop.samples["user_id"][0]
    (90, 'u00000')
    >>> print(shop.at, shop.horizon.astype("timedelta64[D]"))
    2026-03-02T00:00:00.000000 7 days
    >>> shop.probability[:3].round(2)
    array([0.1 , 0.65, 0.1 ])
    """
    check_count("n_users", n_users, most=_MOST)
    check_count("n_products", n_products, least=_N_GROUPS, most=_MOST)
    history = _read_span(history, "history", n_users)
    horizon = _read_span(horizon, "horizon", n_users)
    rng = _make_generator(random_state)

    cutoff, span = history.astype(np.int64), horizon.astype(np.int64)
    user, time, step, state = _simulate(rng, n_users, cutoff, cutoff + span + _MARGIN)
    last = _last_until(user, time, cutoff)
    names = _number_names("u", n_users)
    columns = {"user_id": names[user], "timestamp": _START + time.astype("timedelta64[us]")}
    columns |= _describe_events(rng, n_products, user, step)
    order = np.argsort(time, kind="stable")
    at = _START + history
    cutoffs = np.full(len(last), at)
    return LogBunch(
        events=frame_from_columns({name: values[order] for name, values in columns.items()}),
        samples=frame_from_columns({"user_id": names[user[last]], "cutoff": cutoffs}),
        probability=_buy_probability(state[last], (cutoff - time[last]) / _DAY, span / _DAY),
        at=at,
        horizon=horizon,
        roles=dict(
            user="user_id", time="timestamp", behavior="behavior_type", product="product_id"
        ),
        DESCR=_DESCR.format(
            n_events=len(time), n_users=n_users, n_samples=len(last), at=at, horizon=horizon.item()
        ),
    )


_DESCR = """\
Generated shop log
------------------

:Events: {n_events}, from 2026-01-01 on, in order of time
:Users: {n_users}, of whom {n_samples} have an event at or before the cutoff
:Cutoff: {at}
:Horizon: {horizon}
:Columns: user_id, timestamp, behavior_type (search, view, cart, remove, buy), product_id,
    category, price; a search has neither product nor price

Users follow a continuous-time Markov chain whose transitions depend on the order of their events.
The probability of a purchase after the cutoff and within the horizon is exact.
"""


def _read_span(value, name, n_users):
    span = to_timedelta(value, name=name)
    days = span / np.timedelta64(1, "D")
    if days > _MOST_DAYS or days * n_users > _MOST_USER_DAYS:
        raise ValueError(
            f"{name}={value!r} is too long for n_users={n_users}: at most {_MOST_DAYS:,} days, "
            f"and {_MOST_USER_DAYS:,} days of all users together."
        )
    return span


def _make_generator(random_state):
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31 - 1))
    if random_state is not None:
        try:
            check_count("random_state", random_state, least=0)
        except ValueError as error:
            raise ValueError(
                "random_state must be None, a whole number of at least 0, or a Generator or "
                f"RandomState of numpy.random; got {shown(random_state)}."
            ) from error
    return np.random.default_rng(random_state)


def _number_names(prefix, n):
    """Names such as u00017, of equal length so that they sort like their numbers."""
    digits = np.arange(n).astype(str)
    return np.char.add(prefix, np.char.zfill(digits, max(5, len(digits[-1])))).astype(object)


# ------------------------------------------------------------------ the chain


@dataclass(frozen=True)
class _Chain:
    """The parameters of the process.

    Parameters
    ----------
    next_state : ndarray of shape (n_states, n_steps)
    step_probability : ndarray of shape (n_modes, n_states, n_steps)
    mode_probability : ndarray of shape (n_states, n_modes)
    rate : ndarray of shape (n_states, n_modes)
        Events per day.
    """

    next_state: np.ndarray
    step_probability: np.ndarray
    mode_probability: np.ndarray
    rate: np.ndarray


@cache
def _make_chain():
    parts = [part.ravel() for part in np.indices(_STATE_SHAPE)]
    return _Chain(
        next_state=_follow(*parts),
        step_probability=np.stack([_step_shares(*parts, mode=mode) for mode in range(3)]),
        mode_probability=_mode_shares(*parts),
        rate=np.tile(_RATES, (len(parts[0]), 1)),
    )


def _is_view(step):
    return (step == _VIEW_CHEAP) | (step == _VIEW_EXPENSIVE)


def _follow(last, basket):
    """The state after each step."""
    carted = np.where(last == _VIEW_EXPENSIVE, _HOLDS_EXPENSIVE, _HOLDS_CHEAP)
    follow = {
        _SEARCH: _EMPTY,
        _VIEW_CHEAP: basket,
        _VIEW_EXPENSIVE: basket,
        _CART: carted,
        _REMOVE: _EMPTY,
        _BUY: _EMPTY,
    }
    result = np.empty((len(last), len(follow)), np.int64)
    for step, state in follow.items():
        result[:, step] = np.ravel_multi_index(
            np.broadcast_arrays(step, state, last)[:-1], _STATE_SHAPE
        )
    return result


# The numbers in the next two functions and the rates were tuned together on 20,000 users, for
# three goals: a base rate with enough buyers to learn from, a large difference between the
# information in the order of events and in their counts, and a true probability that can be
# learned from this number of users. For the last, the probabilities of users must not differ by
# only one or two per cent: no model can separate that from noise, but the AUC of the true
# probability includes it.


def _step_shares(last, basket, *, mode):
    """Probabilities of the next step."""
    weights = np.ones((len(last), 6))
    weights[:, _SEARCH] = 0.2
    weights[:, _VIEW_CHEAP] = 1 - _EXPENSIVE_SHARE
    weights[:, _VIEW_EXPENSIVE] = _EXPENSIVE_SHARE
    weights[:, _CART] = 8.0 * (mode == _SESSION) * _is_view(last)
    weights[:, _REMOVE] = 0.1
    weights[:, _BUY] = np.where(basket == _HOLDS_EXPENSIVE, 0.04, 0.15)
    weights[:, _BUY] *= 1.0 if mode == _SESSION else 100.0
    weights[basket == _EMPTY, _REMOVE:] = 0
    return weights / weights.sum(axis=1, keepdims=True)


def _mode_shares(last, basket):
    """Probabilities that the session goes on, and that the user takes a break or is away."""
    stay = 0.75
    soon = np.where(basket == _EMPTY, 0.1, 0.98)
    soon[last == _BUY] = 0.05
    return np.stack([np.full(len(last), stay), (1 - stay) * soon, (1 - stay) * (1 - soon)], axis=1)


# Events per day in each mode: session, break, away.
_RATES = np.array([24 * 60 / 1.5, 1 / 5, 1 / 20])


# ------------------------------------------------------------------ the log


def _simulate(rng, n_users, cutoff, end):
    """Simulate all users in parallel, one event of each at a time.

    The log ends with the first event at or after `end`, so that even a log of few users reaches
    that moment.

    Returns
    -------
    user, time, step, state : ndarrays of shape (n_events,)
        Sorted by user, then by time in microseconds since the start; the state is that after
        the event.
    """
    chain = _make_chain()
    rounds = []
    user, time = np.arange(n_users), _draw_joins(rng, n_users, cutoff, end)
    state = np.full(n_users, np.ravel_multi_index((_NEW, _EMPTY), _STATE_SHAPE))
    mode = np.full(n_users, _AWAY)
    while len(user):
        step = _draw(rng, chain.step_probability[mode, state])
        state = chain.next_state[state, step]
        rounds.append((user, time, step, state))
        mode = _draw(rng, chain.mode_probability[state])
        gap = rng.standard_exponential(len(user)) / chain.rate[state, mode]
        # Never zero, so that the times of a user's events determine their order.
        following = time + np.maximum(np.rint(gap * _DAY).astype(np.int64), 1)
        goes_on = time < end
        user, time, state, mode = (part[goes_on] for part in (user, following, state, mode))
    user, time, step, state = map(np.concatenate, zip(*rounds, strict=True))
    kept = np.flatnonzero(time <= time[time >= end].min())
    kept = kept[np.lexsort((time[kept], user[kept]))]
    return user[kept], time[kept], step[kept], state[kept]


def _draw_joins(rng, n_users, cutoff, end):
    """Time of each user's first event."""
    late = rng.permutation(n_users) < int(_LATE_SHARE * n_users)
    return rng.integers(np.where(late, cutoff + 1, 0), np.where(late, end, cutoff + 1))


def _draw(rng, probability):
    """One column of each row, drawn with the probabilities in that row."""
    bounds = probability.cumsum(axis=1)[:, :-1]
    return (rng.random(len(probability))[:, None] >= bounds).sum(axis=1)


def _last_until(user, time, cutoff):
    """Position of each user's last event at or before the cutoff."""
    past = np.flatnonzero(time <= cutoff)
    return past[np.append(user[past][1:] != user[past][:-1], True)]


def _describe_events(rng, n_products, user, step):
    """The columns of an event other than user and time.

    The chain depends only on whether a product is expensive, which the steps already determine. So
    these columns are filled in after the simulation, for all events at once.
    """
    row = np.arange(len(step))
    first = np.append(True, user[1:] != user[:-1])
    fresh = first | ((step < _CART) & (rng.random(len(step)) < _CHANGE_OF_CATEGORY))
    drawn = rng.choice(len(_CATEGORIES), size=len(step), p=_CATEGORY_SHARES)
    category = drawn[np.maximum.accumulate(np.where(fresh, row, 0))]

    product = _draw_products(rng, n_products, 2 * category + (step == _VIEW_EXPENSIVE))
    # A product is carted right after its view, and stays in the basket until the next cart.
    viewed = np.maximum.accumulate(np.where(step == _CART, row - 1, 0))
    product = product[np.where(step < _CART, row, viewed)]
    category = np.where(step == _SEARCH, category, product % _N_GROUPS // 2)

    price, names = _make_catalogue(rng, n_products)
    search = step == _SEARCH
    return {
        "behavior_type": _BEHAVIORS[step],
        "product_id": np.where(search, None, names[product]),
        "category": _CATEGORIES[category],
        "price": np.where(search, np.nan, price[product]),
    }


def _draw_products(rng, n_products, group):
    """A product for each event: number g + 10 k is the k-th most popular of group g."""
    size = (n_products - 1 - group) // _N_GROUPS + 1
    total = np.cumsum(1 / np.arange(1, size.max() + 1))  # Zipf's law
    # Float rounding may land on the total itself.
    rank = np.minimum(np.searchsorted(total, rng.random(len(group)) * total[size - 1]), size - 1)
    return group + _N_GROUPS * rank


def _make_catalogue(rng, n_products):
    """Price and name of each product; names are shuffled, so that they do not reveal the group."""
    group = np.arange(n_products) % _N_GROUPS
    distance = np.abs(rng.standard_normal(n_products)) * _CATEGORY_SPREADS[group // 2]
    price = np.round(_EXPENSIVE_FROM * np.exp(np.where(group % 2, distance, -distance)), 2)
    price = np.where(group % 2, price, np.minimum(price, _EXPENSIVE_FROM - 0.01))
    return price, rng.permutation(_number_names("p", n_products))


# ------------------------------------------------------------------ the true probability


def _buy_probability(state, elapsed, horizon):
    """Probability of a purchase within the horizon, by state and days since the last event."""
    chain = _make_chain()
    by_mode = _buy_probability_by_mode(horizon)
    # Relative to the slowest mode, because all weights would underflow after a long gap.
    excess = chain.rate - chain.rate.min(axis=1, keepdims=True)
    weight = chain.mode_probability[state] * np.exp(-excess[state] * elapsed[:, None])
    weight /= weight.sum(axis=1, keepdims=True)
    return np.clip((weight * by_mode[state]).sum(axis=1), 0, 1)


@lru_cache(maxsize=16)  # the matrix exponential takes longer than generating a small log
def _buy_probability_by_mode(horizon):
    chain = _make_chain()
    kept = expm(_rates_of_change(chain) * horizon).sum(axis=1)
    return 1 - kept.reshape(chain.rate.shape)


def _rates_of_change(chain):
    """Rates per day between pairs of state and mode; rows lack the rate of purchases.

    Returns
    -------
    ndarray of shape (n_states * n_modes, n_states * n_modes)
    """
    n_states, n_modes = chain.rate.shape
    rates = np.zeros((n_states, n_modes, n_states, n_modes))
    for step in range(_BUY):
        following = chain.next_state[:, step]
        flow = chain.rate * chain.step_probability[:, :, step].T
        rates[np.arange(n_states), :, following] += (
            flow[:, :, None] * chain.mode_probability[following][:, None, :]
        )
    size = n_states * n_modes
    return rates.reshape(size, size) - np.diag(chain.rate.ravel())
