"""The generated shop: the log is one, its automaton is the documented one, the truth is true."""

import pickle

import numpy as np
import pytest
from scipy.stats import chi2
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from skbseq.datasets import _shop, make_shop_log
from skbseq.datasets._bunch import LogBunch

BEHAVIORS = ["search", "view", "cart", "remove", "buy"]
DAY = np.timedelta64(1, "D")


@pytest.fixture(scope="module")
def shop():
    """A log of a few users, for what is replayed event by event."""
    return make_shop_log(n_users=400, random_state=0)


@pytest.fixture(scope="module")
def large():
    """A log of many users, for what holds on average."""
    return make_shop_log(n_users=20_000, random_state=0)


def history_of(shop):
    return shop.events[shop.events["timestamp"] <= shop.at]


def elapsed_days(shop):
    """Days from each sample's last event to the cutoff."""
    last = history_of(shop).groupby("user_id")["timestamp"].max()
    return (shop.at - last.reindex(shop.samples["user_id"]).to_numpy()) / DAY


def bought_within(shop, horizon):
    """Whether each sample bought in (cutoff, cutoff + horizon]."""
    time = shop.events["timestamp"]
    inside = (time > shop.at) & (time <= shop.at + horizon)
    buyers = shop.events["user_id"][inside & (shop.events["behavior_type"] == "buy")]
    return shop.samples["user_id"].isin(buyers).to_numpy()


# ---------------------------------------------------------------- the log


def test_columns_and_types(shop):
    events = shop.events
    assert {name: str(dtype) for name, dtype in events.dtypes.items()} == {
        "user_id": "str",
        "timestamp": "datetime64[us]",
        "behavior_type": "str",
        "product_id": "str",
        "category": "str",
        "price": "float64",
    }
    assert set(events["behavior_type"]) == set(BEHAVIORS)
    search = events["behavior_type"] == "search"
    assert (events["product_id"].isna() == search).all()
    assert (events["price"].isna() == search).all()
    assert events.drop(columns=["product_id", "price"]).notna().all(axis=None)
    assert set(shop.roles.values()) < set(events.columns)


def test_rows_are_in_order_of_time_and_users_never_tie(shop):
    assert shop.events["timestamp"].is_monotonic_increasing
    assert not shop.events.duplicated(["user_id", "timestamp"]).any()
    assert list(shop.events.index) == list(range(len(shop.events)))


@pytest.mark.parametrize("n_users", [1, 2, 9, 400])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_log_spans_history_and_a_day_past_the_horizon(n_users, seed):
    shop = make_shop_log(n_users, history="20D", horizon="3D", random_state=seed)
    time = shop.events["timestamp"]
    assert time.min() >= np.datetime64("2026-01-01")
    assert shop.at == np.datetime64("2026-01-21")
    assert shop.horizon == 3 * DAY
    assert time.max() >= shop.at + shop.horizon + DAY
    assert (time >= shop.at + shop.horizon + DAY).sum() == 1


def test_samples_are_the_users_seen_by_the_cutoff(shop):
    seen = sorted(set(history_of(shop)["user_id"]))
    assert list(shop.samples["user_id"]) == seen
    assert len(seen) == 0.9 * shop.events["user_id"].nunique() == 360
    assert (shop.samples["cutoff"] == shop.at).all()
    assert shop.probability.shape == (360,)


def test_numbers_of_events_have_a_long_tail(large):
    counts = history_of(large)["user_id"].value_counts()
    assert 12 < counts.mean() < 35
    assert counts.median() < counts.mean() < counts.quantile(0.99) / 3
    assert 0.02 < (counts == 1).mean() < 0.1


def test_products_have_one_price_and_a_long_tail(large):
    views = large.events[large.events["behavior_type"] == "view"]
    products = views.groupby("product_id")
    assert products.ngroups == 200
    assert (products[["price", "category"]].nunique() == 1).all(axis=None)
    assert views["price"].ge(50).mean() == pytest.approx(0.4, abs=0.01)
    assert products.size().nlargest(20).sum() > 0.4 * len(views)
    dear = products["price"].first() >= 50
    assert set(dear.groupby(products["category"].first()).nunique()) == {2}


def test_few_products_suffice():
    shop = make_shop_log(200, n_products=10, random_state=0)
    assert shop.events["product_id"].nunique() == 10


def test_names_sort_like_numbers_in_large_shops():
    names = _shop._number_names("u", 100_001)
    assert names[17] == "u000017"
    assert (np.sort(names) == names).all()


def test_description_has_the_numbers(shop):
    for number in (f"{len(shop.events)}, from", "400, of whom 360", "2026-03-02", "7 days"):
        assert number in shop.DESCR


def test_a_shop_prints_short_and_is_a_bunch(shop):
    lines = repr(shop).splitlines()
    assert lines[0] == "Bunch with 7 entries"
    events = (
        f"  events       pandas table of {len(shop.events):,} rows: user_id, timestamp, behavior_"
    )
    assert lines[1].startswith(events)
    assert lines[3:5] == [
        "  probability  float64 array of shape (360,)",
        f"  at           {shop.at}",
    ]
    assert lines[-1] == "  DESCR        Generated shop log ..."
    assert len(lines) == 8 and max(map(len, lines)) < 140
    again = pickle.loads(pickle.dumps(shop))
    assert isinstance(again, Bunch) and again.roles == shop["roles"]
    again.note = "x" * 10_000
    assert repr(again).endswith(f"note         {'x' * 120} ...")


def test_tables_of_every_library_print_short(frame_lib):
    bunch = LogBunch(events=frame_lib.make({"who": [1, 2], "what": ["a", "b"]}), roles={})
    table = f"  events  {frame_lib.name} table of 2 rows: who, what"
    assert repr(bunch).splitlines() == ["Bunch with 2 entries", table, "  roles   {}"]


# ---------------------------------------------------------------- randomness


def test_same_seed_gives_the_same_log(shop):
    again = make_shop_log(n_users=400, random_state=0)
    assert again.events.equals(shop.events)
    assert again.samples.equals(shop.samples)
    assert (again.probability == shop.probability).all()
    assert not make_shop_log(n_users=400, random_state=1).events.equals(shop.events)


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_generators_are_taken_and_used_up(make):
    first, second = make(3), make(3)
    log = make_shop_log(20, random_state=first).events
    assert log.equals(make_shop_log(20, random_state=second).events)
    assert not log.equals(make_shop_log(20, random_state=second).events)


@pytest.mark.parametrize("seed", [None, 0])
def test_global_generator_is_left_alone(seed):
    before = np.random.get_state()[1].copy()
    make_shop_log(20, random_state=seed)
    assert (np.random.get_state()[1] == before).all()


def test_no_seed_gives_another_log_each_time():
    assert not make_shop_log(20).events.equals(make_shop_log(20).events)


# ---------------------------------------------------------------- the automaton


def replay(events):
    """Follow one user's events by the rules of the docstring, and return the state after them.

    Parameters
    ----------
    events : list of (str, str or nan, float)
        Behaviour, product and price.

    Returns
    -------
    tuple of int
        Last step and basket.
    """
    last, viewed, basket = None, None, None
    for behavior, product, price in events:
        if behavior == "search":
            basket = None
        elif behavior == "view":
            viewed = (product, price)
        elif behavior == "cart":
            assert last == "view" and viewed == (product, price)
            basket = viewed
        else:
            assert basket == (product, price)
            basket = None
        last = behavior
    step = {"search": 0, "view": 1 + (price >= 50), "cart": 3, "remove": 4, "buy": 5}[last]
    held = 0 if basket is None else 1 + (basket[1] >= 50)
    return int(step), int(held)


def replay_all(shop, events):
    columns = ["behavior_type", "product_id", "price"]
    states = {
        user: replay(list(rows[columns].itertuples(index=False, name=None)))
        for user, rows in events.groupby("user_id")
    }
    return np.array([states[user] for user in shop.samples["user_id"]])


def test_every_event_is_one_that_the_rules_allow(shop):
    assert len(replay_all(shop, shop.events)) == 360


def test_probability_follows_from_the_visible_history(shop):
    parts = replay_all(shop, history_of(shop))
    state = np.ravel_multi_index(tuple(parts.T), _shop._STATE_SHAPE)
    expected = _shop._buy_probability(state, elapsed_days(shop), 7.0)
    np.testing.assert_allclose(shop.probability, expected, rtol=1e-9)
    assert (parts.max(axis=0) == [5, 2]).all()


# ---------------------------------------------------------------- the truth


def misfit(probability, outcome, group):
    """P value of Pearson's statistic of realised against expected purchases by group."""
    sums = np.array(
        [
            np.bincount(group, weights)
            for weights in (probability, probability * (1 - probability), outcome)
        ]
    )
    # The statistic is chi-square only where groups expect some purchases; the rest is pooled.
    small = sums[1] < 10
    sums = np.column_stack([sums[:, ~small], sums[:, small].sum(axis=1)])
    expected, variance, realised = sums[:, sums[1] > 0]
    return chi2.sf(((realised - expected) ** 2 / variance).sum(), len(expected))


@pytest.mark.parametrize("horizon", ["6h", "7D", "45D"])
def test_probability_is_calibrated(horizon):
    shop = make_shop_log(20_000, horizon=horizon, random_state=7)
    p, y = shop.probability, bought_within(shop, shop.horizon)
    assert 0 <= p.min() < p.max() <= 1
    bins = np.searchsorted(np.quantile(p, np.linspace(0, 1, 21)[1:-1]), p)
    elapsed = np.digitize(elapsed_days(shop), [0.001, 0.1, 1, 3, 7, 20])
    for group in (bins, 20 * elapsed + bins // 4):
        assert misfit(p, y, group) > 0.001


def test_calibration_test_has_power(large):
    p, y = large.probability, bought_within(large, large.horizon)
    bins = np.argsort(np.argsort(p)) // 1000
    assert misfit(p, y, bins) > 0.001
    for wrong in (p * 0.9, np.full(len(y), y.mean())):
        assert misfit(wrong, y, bins) < 1e-6


def test_probability_of_a_moment_is_the_rate_of_purchases():
    # By hand: P(h) / h -> sum over modes of weight * rate * chance that the event is a purchase.
    state = np.ravel_multi_index((3, 1), _shop._STATE_SHAPE)  # has just carted a cheap product
    stay, soon = 0.75, 0.98
    weight = np.array([stay, (1 - stay) * soon, (1 - stay) * (1 - soon)])
    rate = np.array([960, 1 / 5, 1 / 20])
    others = 0.2 + 1 + 0.1  # search, view, remove
    shares = np.array([0.15 / (others + 0.15)] + 2 * [15 / (others + 15)])
    elapsed = np.array([0.0, 0.01, 30.0])
    posterior = weight * np.exp(-rate * elapsed[:, None])
    posterior /= posterior.sum(axis=1, keepdims=True)
    moment = 1e-8
    result = _shop._buy_probability(np.full(3, state), elapsed, moment) / moment
    np.testing.assert_allclose(result, posterior @ (rate * shares), rtol=1e-4)


def test_probability_grows_with_the_horizon_to_one():
    state = np.arange(np.prod(_shop._STATE_SHAPE))
    elapsed = np.full(len(state), 2.0)
    steps = [_shop._buy_probability(state, elapsed, days) for days in (0, 1, 7, 60, 3000)]
    assert (steps[0] == 0).all()
    assert (np.diff(steps, axis=0) > 0).all()
    np.testing.assert_allclose(steps[-1], 1, atol=1e-6)


def test_a_gap_of_years_is_no_trouble():
    result = _shop._buy_probability(np.arange(3), np.full(3, 1e5), 7.0)
    assert ((result > 0) & (result < 1)).all()


def test_chain_is_a_chain():
    chain = _shop._make_chain()
    np.testing.assert_allclose(chain.step_probability.sum(axis=2), 1)
    np.testing.assert_allclose(chain.mode_probability.sum(axis=1), 1)
    assert (chain.mode_probability > 0).all() and (chain.step_probability >= 0).all()
    purchases = -_shop._rates_of_change(chain).sum(axis=1).reshape(chain.rate.shape)
    bought = chain.rate * chain.step_probability[:, :, _shop._BUY].T
    np.testing.assert_allclose(purchases, bought, atol=1e-9)


# ---------------------------------------------------------------- what it is for


def test_order_matters_more_than_counts(large):
    y = bought_within(large, large.horizon)
    history = history_of(large)
    counts = history.groupby(["user_id", "behavior_type"]).size().unstack(fill_value=0)
    bag = counts.reindex(large.samples["user_id"])[BEHAVIORS].to_numpy(float)
    recent = np.log(elapsed_days(large))[:, None]

    truth = roc_auc_score(y, large.probability)
    assert 0.15 < y.mean() < 0.45
    assert 0.78 < truth < 0.85
    assert auc_of_regression(bag, y) < truth - 0.1
    assert auc_of_regression(np.hstack([bag, np.log1p(bag), recent]), y) < truth - 0.04


def auc_of_regression(X, y):
    scores = cross_val_predict(
        LogisticRegression(), StandardScaler().fit_transform(X), y, method="predict_proba"
    )
    return roc_auc_score(y, scores[:, 1])


# ---------------------------------------------------------------- bad inputs


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_users": 0}, ValueError, r"n_users must be a whole number of at least 1; got 0"),
        ({"n_users": 10.0}, ValueError, r"n_users must be a whole number .* got 10\.0"),
        ({"n_users": True}, ValueError, r"n_users must be a whole number .* got True"),
        ({"n_products": 9}, ValueError, r"n_products must be .* at least 10; got 9"),
        ({"history": "soon"}, ValueError, r"history='soon' is not a duration"),
        ({"history": 60}, TypeError, r"history must be a string such as '90D'"),
        ({"horizon": "0D"}, ValueError, r"horizon must be longer than zero; got '0D'"),
        ({"random_state": -1}, ValueError, r"random_state must be None, .* got -1"),
        ({"random_state": "0"}, ValueError, r"random_state must be None, .* got '0'"),
    ],
)
def test_bad_parameters_are_named(parameters, error, message):
    with pytest.raises(error, match=message):
        make_shop_log(**parameters)
