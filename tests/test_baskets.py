"""Baskets: events that happened together are predicted from those before them alone."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from test_next_mixture import held_out_rows

import skbseq
from skbseq import HistoryFrequency, MarkovChain, NextBehaviorPredictor, SequenceEncoder, _frames
from skbseq._targets import basket_starts, split_target
from skbseq.exceptions import SequenceFrameError
from skbseq.metrics import hold_out_last, ranking_scorer, recall_at_k

pytestmark = pytest.mark.steps("eager")

OPTIONS = {"network": "bag", "units": 4, "random_state": 0}


def invoices(n=60, seed=0):
    """Invoices of two products each: "a" and "b" in any order, then "c" and "d", and so on."""
    rng = np.random.default_rng(seed)
    rows = {"product": [], "invoice": []}
    for i in range(n):
        pairs = [["a", "b"], ["c", "d"], ["e", "f"]][: rng.integers(2, 4)]
        rows["product"].append([p for pair in pairs for p in rng.permutation(pair).tolist()])
        rows["invoice"].append([f"{i}-{k // 2}" for k in range(2 * len(pairs))])
    return pd.DataFrame(rows)


def make(**parameters):
    return NextBehaviorPredictor("product", **(OPTIONS | {"basket": "invoice"} | parameters))


@pytest.fixture(scope="module")
def fitted():
    return make(learning_rate=0.05, epochs=12, early_stopping=False, counting=None).fit(invoices())


# --------------------------------------------------------------- where baskets begin

frames_of_baskets = st.lists(
    st.lists(st.tuples(st.sampled_from(["p", "q", "r", None]), st.sampled_from([1, 2, None])))
)


def slow_starts(row):
    """Where the basket of each event of one history begins."""
    starts = []
    for i, basket in enumerate(row):
        same = i and basket is not None and basket == row[i - 1]
        starts.append(starts[-1] if same else i)
    return starts


def frame_of(rows):
    columns = {"product": [[p for p, _ in row] for row in rows]}
    return pd.DataFrame(columns | {"basket": [[b for _, b in row] for row in rows]})


@pytest.mark.filterwarnings("ignore:.* baskets have a value of")
@given(frames_of_baskets)
def test_baskets_begin_where_their_value_changes(rows):
    rows = [*rows, [("p", 1)]]  # so that there is something to read
    columns, _ = split_target(frame_of(rows), "product")
    found, at = basket_starts(columns, "basket"), 0
    for row in rows:
        expected = [at + start for start in slow_starts([b for _, b in row])]
        assert found[at : at + len(row)].tolist() == expected
        at += len(row)


def test_times_and_numbers_mark_baskets_too():
    times = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-01-02"])
    for marks in (list(times), [1.5, 1.5, 2.0], [True, True, False]):
        X = pd.DataFrame({"product": [["a", "b", "c"]], "basket": [marks]})
        columns, _ = split_target(X, "product")
        assert basket_starts(columns, "basket").tolist() == [0, 0, 2]


def test_nan_is_no_basket_and_string_views_are():
    marks = {"float": pa.array([[1.0, np.nan, np.nan, 2.0]])}
    marks["view"] = pa.array([["1", None, None, "2"]], pa.list_(pa.string_view()))
    X = pa.table({"product": [["a", "b", "c", "d"]], **marks})
    for name in marks:
        columns, _ = split_target(X, "product")
        assert basket_starts(columns, name).tolist() == [0, 1, 2, 3]
        assert hold_out_last(X, "product", basket=name)[1].tolist() == ["d"]


def test_a_basket_that_comes_back_is_another_one_with_a_warning():
    X = {"product": [["a"], ["a", "b", "c", "d"]], "order": [["x"], ["x", "y", "x", "y"]]}
    with pytest.warns(UserWarning, match=r"2 baskets have a value of 'order' .* 'x' in row 1\."):
        before, truth = hold_out_last(pd.DataFrame(X), "product", basket="order")
    assert before["product"].tolist() == [[], ["a", "b", "c"]] and truth.tolist() == ["a", "d"]


# --------------------------------------------------------------- holding out


@pytest.mark.filterwarnings("ignore:.* baskets have a value of")
@settings(max_examples=50)
@given(frames_of_baskets)
def test_hold_out_last_takes_the_ids_of_the_last_basket(rows):
    rows = [*rows, [("p", 1)]]
    before, truth = hold_out_last(frame_of(rows), "product", basket="basket")
    expected = []
    for row in rows:
        products = [i for i, (product, _) in enumerate(row) if product is not None]
        if not products:
            continue
        start = slow_starts([b for _, b in row])[products[-1]]
        ids = dict.fromkeys(row[i][0] for i in products if i >= start)
        expected += [([p for p, _ in row[:start]], product) for product in ids]
    found = [[None if pd.isna(v) else v for v in row] for row in before["product"].tolist()]
    assert list(zip(found, truth.tolist(), strict=True)) == expected


def test_held_out_rows_keep_library_and_other_columns(frame_lib):
    X = frame_lib.make({"product": [["a", "b", "c"]], "invoice": [[1, 2, 2]], "country": ["FR"]})
    before, truth = hold_out_last(X, "product", basket="invoice")
    assert type(before) is type(X) and truth.tolist() == ["b", "c"]
    assert _frames.all_names(before) == ["product", "invoice", "country"]
    assert _frames.n_rows(before) == 2


def test_a_scorer_holds_out_baskets():
    X = pd.DataFrame({"product": [["a", "b", "a", "b"]] * 3, "invoice": [[1, 1, 2, 2]] * 3})
    chain, by_line = MarkovChain("product").fit(X), ranking_scorer(k=1, metrics=["recall"])
    by_basket = ranking_scorer(k=1, metrics=["recall"], basket="invoice")
    assert by_line(chain, X) == {"recall@1": 1.0}
    assert by_basket(chain, X) == {"recall@1": 0.5}  # of "a" and "b" after "b"
    assert repr(by_basket) == "ranking_scorer(k=1, metrics=('recall',), basket='invoice')"


# --------------------------------------------------------------- learning


def test_all_events_of_the_next_basket_are_predicted(fitted):
    asked = pd.DataFrame({"product": [["b", "a"], ["a", "b"]], "invoice": [["1", "1"]] * 2})
    for row in fitted.predict_proba(asked):
        shares = dict(zip(fitted.classes_, row, strict=True))
        assert shares["c"] + shares["d"] > 0.9
        assert 0.3 < shares["c"] < 0.7


def test_an_event_does_not_see_its_own_basket(fitted):
    X = pd.DataFrame({"product": [["a", "b", "c", "d"]], "invoice": [list("1122")]})
    turned = X.assign(product=[["b", "a", "d", "c"]])
    scores = fitted.score_each(X)["score"].tolist()[0]
    assert_allclose(scores[2] + scores[3], 1, atol=0.1)
    assert_array_equal(scores[:2], fitted.score_each(turned)["score"].tolist()[0][1::-1])


@pytest.mark.parametrize("max_length", [None, 3])
def test_scores_of_each_event_are_those_of_what_comes_before_its_basket(fitted, max_length):
    encoder = SequenceEncoder(categorical=["product"], time_features=(), max_length=max_length)
    model = make(encoder=encoder, epochs=1).fit(invoices())
    X = invoices(3, seed=1)
    scored = model.score_each(X)["score"].tolist()
    for i, row in enumerate(X["product"]):
        for place, product in enumerate(row):
            before = X.iloc[[i]].map(lambda cell, stop=place // 2 * 2: cell[:stop])
            expected = dict(zip(model.classes_, model.predict_proba(before)[0], strict=True))
            assert_allclose(scored[i][place], expected[product], rtol=1e-4)


def test_the_held_out_loss_is_that_of_events_before_their_basket():
    X = invoices()
    # Nothing is learned, so every epoch is that of the fitted model.
    model = make(epochs=1, counting=None, learning_rate=1e-9, validation_split=0.3).fit(X)
    scores = model.score_each(X.iloc[held_out_rows(model, len(X))])["score"].tolist()
    assert_allclose(model.history_["val_loss"], -np.log(np.concatenate(scores)).mean(), rtol=1e-4)


def test_a_monitor_ranks_the_last_basket():
    X, monitor = invoices(), {"monitor": "recall@2", "early_stopping": False}
    model = make(learning_rate=0.05, epochs=10, counting=None, **monitor).fit(X)
    X, y = hold_out_last(X.iloc[held_out_rows(model, len(X))], "product", basket="invoice")
    recall = recall_at_k(model.true_ranks(X, y, exclude_seen=True), k=2)
    assert_allclose(model.history_["val_recall@2"][-1], recall)
    assert recall > 0.9  # both products, of which the last line alone names one


def test_the_weights_of_counting_are_those_of_baskets(rng):
    # Customers buy the same again, but never twice in an invoice: the line before says nothing.
    own = [rng.choice(list("abcdefgh"), 2, replace=False).tolist() for _ in range(60)]
    X = pd.DataFrame({"product": [pair * 3 for pair in own], "invoice": [list("112233")] * 60})
    models = [MarkovChain(), HistoryFrequency()]
    weights = [
        make(basket=basket, counting=models, epochs=1, validation_split=0.3).fit(X)
        for basket in (None, "invoice")
    ]
    chain, frequency = (
        [model.mixture_weights_[name] for model in weights]
        for name in ("markovchain", "historyfrequency")
    )
    assert chain[1] < chain[0] and frequency[1] > max(frequency[0], 0.7)


def test_what_followed_comes_after_the_whole_history():
    X = pd.DataFrame({"product": [["a", "b"], ["c"]] * 40, "invoice": [["1", "1"], ["1"]] * 40})
    options = {"learning_rate": 0.05, "epochs": 15, "counting": None, "early_stopping": False}
    with pytest.warns(UserWarning, match="No history holds two baskets: all values of 'invoice'"):
        model = make(**options).fit(X, ["c", None] * 40)
    shares = model.predict_proba(pd.DataFrame({"product": [["a", "b"]]}))[0]
    assert dict(zip(model.classes_, shares, strict=True))["c"] > 0.9


def test_a_monitor_ranks_each_id_of_the_last_basket():
    X = {"product": [["s", "x", "y", "y"]] * 40, "invoice": [["0", "1", "1", "1"]] * 40}
    X = pd.DataFrame(X)
    model = make(epochs=1, counting=None, monitor="recall@1", early_stopping=False).fit(X)
    found = model.true_ranks(*hold_out_last(X[:1], "product", basket="invoice"), exclude_seen=True)
    assert model.history_["val_recall@1"] == [recall_at_k(found, k=1)] == [0.5]


def test_a_scorer_takes_the_baskets_of_the_model(fitted):
    X = invoices(20, seed=2)
    found = ranking_scorer(k=1)(fitted, X)
    assert found == ranking_scorer(k=1, basket="invoice")(fitted, X)
    assert found["recall@1"] <= 0.5


def test_ids_of_the_own_basket_are_not_seen_yet(fitted):
    X = pd.DataFrame({"product": [["a", "b", "c", "c"]], "invoice": [list("1122")]})
    assert np.isfinite(fitted.score_each(X, exclude_seen=True)["rank"].tolist()[0]).all()


@pytest.mark.parametrize("max_length", [1, 4, 6])
def test_a_basket_longer_than_the_encoder_keeps_is_predicted_from_what_came_before(max_length):
    rng = np.random.default_rng(0)
    kinds = [("abcd", "efgh"), ("ijkl", "mnop")] * 30
    X = {"product": [[*rng.permutation(list(a)), *rng.permutation(list(b))] for a, b in kinds]}
    X = pd.DataFrame(X | {"invoice": [[1] * 4 + [2] * 4] * 60})
    encoder = SequenceEncoder(max_length=max_length, time_features=())
    options = {"learning_rate": 0.05, "epochs": 15, "counting": None, "early_stopping": False}
    model = make(encoder=encoder, **options).fit(X)
    score = ranking_scorer(k=4, metrics=["recall"])(model, X)
    assert score["recall@4"] > 0.95  # 0.25 by chance


def test_events_of_a_cut_basket_are_no_targets():
    X = pd.DataFrame({"product": [list("aabbccdd")] * 30, "invoice": [list("11122233")] * 30})
    encoder = SequenceEncoder(max_length=2, time_features=())
    still = {"learning_rate": 1e-9, "epochs": 1, "counting": None, "dropout": 0.0}
    model = make(encoder=encoder, **still).fit(X)
    # Read are the last four events: two of the basket "222", which is cut, and the last two.
    before = pd.DataFrame({"product": [["c", "c"]]})
    share = dict(zip(model.classes_, model.predict_proba(before)[0], strict=True))["d"]
    assert_allclose(model.history_["val_loss"], -np.log(share), rtol=1e-4)


def timed_invoices(n, lines, days):
    """Histories whose last invoice has a number of lines, a minute apart; all are complete."""
    start, rows = pd.Timestamp("2026-01-01"), {"product": [], "invoice": [], "time": []}
    for i in range(n):
        baskets = [(k, line) for k in range(1 + i % 3) for line in range(lines)]
        rows["product"].append(["p"] * len(baskets))
        rows["invoice"].append([k for k, _ in baskets])
        rows["time"].append(
            [start + pd.Timedelta(days=days * k, minutes=line) for k, line in baskets]
        )
    return pd.DataFrame(rows)


def test_ends_and_waits_are_those_of_baskets():
    X = timed_invoices(90, lines=4, days=10)
    encoder = SequenceEncoder(categorical=["product"], time=[], numeric=[], time_features=())
    options = {"learning_rate": 0.02, "epochs": 20, "early_stopping": False, "counting": None}
    model = make(end=True, time="time", encoder=encoder, **options).fit(X)
    # Half of all baskets are the last one, and the next comes ten days after the first line.
    assert 0.35 < model.predict_end_proba(X).mean() < 0.65
    asked = timed_invoices(1, lines=4, days=10)
    wait = model.predict_when(asked, quantiles=[0.5]).iloc[0, 0]
    assert pd.Timedelta(days=9) < wait < pd.Timedelta(days=11)
    later = X.assign(time=timed_invoices(90, lines=4, days=30)["time"])
    assert model.score_when(X) > model.score_when(later) + 1


def test_baskets_with_ends_waits_features_and_negatives():
    X, products = invoices(20), pd.DataFrame({"product": list("abcdef"), "kind": list("xxyyzz")})
    X["time"] = [list(pd.date_range("2026-01-01", periods=len(row))) for row in X["product"]]
    options = {"end": True, "time": "time", "item_features": products, "n_negatives": 3}
    model = make(epochs=1, **options).fit(X)
    assert len(model.predict_end_proba(X)) == len(X)
    assert np.isfinite(model.history_["loss"]).all()


# --------------------------------------------------------------- channels


def test_ids_of_baskets_are_no_channel_and_times_are(fitted):
    assert list(fitted.schema_.vocabulary_sizes) == ["product"]
    assert fitted.feature_names_in_.tolist() == ["product", "invoice"]
    assert fitted.n_features_in_ == 2
    X = invoices(10)
    X["time"] = [list(pd.date_range("2026-01-01", periods=len(row))) for row in X["product"]]
    timed = make(basket="time", epochs=1, counting=None).fit(X.drop(columns="invoice"))
    assert "time_gap" in timed.schema_.numbers
    named = SequenceEncoder(categorical=["product", "invoice"])
    both = make(encoder=named, epochs=1, counting=None).fit(invoices(10))
    assert list(both.schema_.vocabulary_sizes) == ["product", "invoice"]


def test_predictions_need_no_basket(fitted, tmp_path):
    X = invoices(5)
    expected = fitted.predict_proba(X)
    assert_array_equal(fitted.predict_proba(X[["product"]]), expected)
    skbseq.save(fitted, tmp_path / "model.skbseq")
    loaded = skbseq.load(tmp_path / "model.skbseq")
    assert_allclose(loaded.score(X), fitted.score(X))


# --------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("basket", "message"),
    [
        ("bill", r"There is no list column 'bill'\. The list columns are 'product', 'inv"),
        ("country", "The basket 'country' is an ordinary column, not a list column"),
        ("product", "basket='product' is the target itself"),
    ],
)
def test_a_basket_that_is_none(basket, message):
    X = invoices(4).assign(country="FR")
    with pytest.raises(SequenceFrameError, match=message):
        make(basket=basket, epochs=1).fit(X)
    if basket != "product":
        with pytest.raises(SequenceFrameError, match=message):
            hold_out_last(X, "product", basket=basket)


@pytest.mark.parametrize("basket", [["invoice"], {}, 3])
def test_a_basket_that_is_no_name(basket):
    with pytest.raises(SequenceFrameError, match="basket must be the name of a list column"):
        hold_out_last(invoices(4), "product", basket=basket)


def test_other_baskets_cannot_continue_a_fit(fitted):
    X = invoices(10)
    model = make(epochs=1, counting=None, warm_start=True).fit(X)
    with pytest.raises(ValueError, match="basket was changed since the last fit"):
        model.set_params(basket=None).fit(X)


def test_scores_of_frames_without_their_baskets(fitted):
    with pytest.raises(SequenceFrameError, match="There is no list column 'invoice'"):
        fitted.score(invoices(4)[["product"]])
