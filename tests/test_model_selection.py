"""CutoffSplit and UserKFold against plain loops over all pairs of samples, and in scikit-learn."""

import datetime as dt
import pickle
from copy import deepcopy

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    TimeSeriesSplit,
    check_cv,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import skbseq
from skbseq import SequenceEncoder
from skbseq.exceptions import SequenceFrameError
from skbseq.model_selection import CutoffSplit, UserKFold

START = dt.datetime(2026, 1, 1)
DAY = dt.timedelta(days=1)


def at(days):
    """Samples of one user with a cutoff on each of these days after the start."""
    return pa.table({"cutoff": pa.array([START + day * DAY for day in days], pa.timestamp("us"))})


def folds_of(splitter, X, y=None):
    return [(train.tolist(), test.tolist()) for train, test in splitter.split(X, y)]


def of(users):
    return pa.table({"who": users})


# ------------------------------------------------------------------ CutoffSplit by hand


def test_each_block_but_the_first_is_tested_on_what_was_known_before():
    # Two samples a day; labels take two days.
    X = at([0, 1, 2, 3, 4, 5] * 2)
    assert folds_of(CutoffSplit(2, horizon="2D"), X) == [
        ([0, 6], [2, 3, 8, 9]),
        ([0, 1, 2, 6, 7, 8], [4, 5, 10, 11]),
    ]


def test_a_label_that_ends_when_the_test_begins_is_known():
    X = at([0, 10])
    assert folds_of(CutoffSplit(1, horizon="10D"), X) == [([0], [1])]
    with pytest.raises(SequenceFrameError, match="has no training sample"):
        folds_of(CutoffSplit(1, horizon=10 * DAY + dt.timedelta(microseconds=1)), X)


def test_a_gap_counts_like_the_horizon():
    X = at(range(8))
    long = folds_of(CutoffSplit(2, horizon="3D"), X)
    assert folds_of(CutoffSplit(2, horizon="1D", gap="2D"), X) == long
    assert folds_of(CutoffSplit(2, horizon="1D"), X) != long


def test_the_training_span_is_counted_from_the_begin_of_the_test():
    X = at([0, 1, 2, 3, 4, 5])
    assert folds_of(CutoffSplit(2, horizon="1D", max_train_span="2D"), X) == [
        ([0, 1], [2, 3]),
        ([2, 3], [4, 5]),
    ]


def test_blocks_are_those_of_time_series_split_where_all_cutoffs_have_one_sample(rng):
    days = rng.permutation(12)
    in_time = np.argsort(days)
    for n_splits in (2, 3, 5, 11):
        expected = [
            (sorted(in_time[train]), sorted(in_time[test]))
            for train, test in TimeSeriesSplit(n_splits).split(days)
        ]
        assert folds_of(CutoffSplit(n_splits, horizon="1D"), at(days.tolist())) == expected


@pytest.mark.parametrize("most", [0, 1, 2, 3])
def test_samples_of_one_cutoff_stay_together_even_if_they_are_most(most):
    days = sorted([0, 1, 2, 3] + [most] * 50)
    tests = [test for _, test in folds_of(CutoffSplit(3, horizon="1D"), at(days))]
    assert tests == [[row for row in range(54) if days[row] == day] for day in (1, 2, 3)]


def test_new_users_have_no_training_sample():
    X = at([0, 0, 5, 5, 5, 9, 9])
    X = X.append_column("who", [["ann", "bob", "ann", "bob", "cid", "cid", "dan"]])
    assert folds_of(CutoffSplit(2, horizon="1D", new_users="who"), X) == [
        ([0, 1], [4]),
        ([0, 1, 2, 3, 4], [6]),
    ]


# ------------------------------------------------------------------ CutoffSplit in general


@st.composite
def many_cutoffs(draw):
    cutoffs = draw(st.lists(st.integers(0, 60), min_size=2, max_size=40))
    n_splits = draw(st.integers(1, 5))
    return cutoffs, n_splits, draw(st.integers(1, 20)), draw(st.none() | st.integers(1, 10))


@given(many_cutoffs(), st.none() | st.integers(30, 60), st.integers(1, 3))
def test_folds_are_those_of_a_plain_loop(drawn, span, least):
    cutoffs, n_splits, horizon, gap = drawn
    splitter = CutoffSplit(
        n_splits,
        horizon=f"{horizon}D",
        gap=None if gap is None else f"{gap}D",
        max_train_span=None if span is None else f"{span}D",
        min_train_size=least,
    )
    moments = sorted(set(cutoffs))
    if len(moments) <= n_splits:
        with pytest.raises(SequenceFrameError, match="distinct cutoffs"):
            folds_of(splitter, at(cutoffs))
        return
    expected, small = [], None
    for fold, block in enumerate(plain_blocks(cutoffs, moments, n_splits + 1)[1:], 1):
        test = [j for j, cutoff in enumerate(cutoffs) if cutoff in block]
        train = [
            i
            for i, cutoff in enumerate(cutoffs)
            if all(cutoff + (gap or 0) + horizon <= cutoffs[j] for j in test)
            and (span is None or cutoff >= block[0] - span)
        ]
        if len(train) < least and small is None:
            small = fold
        expected.append((train, test))
    if small is not None:
        with pytest.raises(SequenceFrameError, match=f"Fold {small} of {n_splits} has"):
            folds_of(splitter, at(cutoffs))
        return
    assert folds_of(splitter, at(cutoffs)) == expected


def plain_blocks(cutoffs, moments, n_blocks):
    """From the end, always the block whose size comes nearest to its share of what is left."""
    sizes, blocks = [cutoffs.count(moment) for moment in moments], []
    for n in range(n_blocks, 1, -1):
        starts = range(len(sizes) - 1, n - 2, -1)
        misses = {start: abs(n * sum(sizes[start:]) - sum(sizes)) for start in starts}
        start = min(misses, key=misses.get)
        blocks.insert(0, moments[start:])
        moments, sizes = moments[:start], sizes[:start]
    return [moments, *blocks]


@given(st.lists(st.integers(0, 10**6), min_size=6, max_size=60, unique=True), st.integers(1, 5))
def test_blocks_of_cutoffs_all_different_are_equal_but_for_one(cutoffs, n_splits):
    X = pa.table({"cutoff": pa.array(cutoffs, pa.timestamp("us"))})
    splitter = CutoffSplit(n_splits, horizon=np.timedelta64(1, "us"))
    sizes = [len(test) for _, test in folds_of(splitter, X)]
    sizes.append(len(cutoffs) - sum(sizes))
    assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30)), min_size=8, max_size=40))
def test_new_users_are_those_of_a_plain_loop(rows):
    users, cutoffs = zip(*rows, strict=True)
    X = at(cutoffs).append_column("who", [users])
    try:
        everyone = folds_of(CutoffSplit(2, horizon="3D"), X)
    except SequenceFrameError:
        return
    expected = [
        (train, [j for j in test if users[j] not in {users[i] for i in train}])
        for train, test in everyone
    ]
    splitter = CutoffSplit(2, horizon="3D", new_users="who")
    if all(test for _, test in expected):
        assert folds_of(splitter, X) == expected
    else:
        with pytest.raises(SequenceFrameError, match="has no test sample: each 'who'"):
            folds_of(splitter, X)


@given(st.permutations(range(12)))
def test_the_order_of_rows_does_not_matter(order):
    days = np.array([0, 0, 1, 2, 2, 2, 3, 5, 8, 8, 9, 11])
    expected = folds_of(CutoffSplit(3, horizon="1D"), at(days.tolist()))
    found = folds_of(CutoffSplit(3, horizon="1D"), at(days[list(order)].tolist()))
    back = [tuple(sorted(order[i] for i in rows) for rows in fold) for fold in found]
    assert back == expected


@pytest.mark.parametrize(
    "cutoffs",
    [
        pa.array([START + day * DAY for day in range(8)], pa.timestamp("us", "Europe/Berlin")),
        pa.array([START + day * DAY for day in range(8)], pa.timestamp("ns")),
        pa.array([START + day * DAY for day in range(8)], pa.timestamp("s")),
        pa.array([(START + day * DAY).date() for day in range(8)]),
        pa.array([str(START + day * DAY) for day in range(8)]),
        pa.array([f"{START + day * DAY}+02:00" for day in range(8)]).dictionary_encode(),
    ],
    ids=lambda array: str(array.type),
)
def test_cutoffs_of_every_kind_give_equal_folds(cutoffs):
    splitter = CutoffSplit(3, horizon="1D", gap="12h", max_train_span="4D")
    assert folds_of(splitter, pa.table({"cutoff": cutoffs})) == folds_of(splitter, at(range(8)))


def test_every_library_gives_equal_folds(frame_lib):
    columns = {
        "cutoff": [START + day * DAY for day in [3, 0, 1, 4, 2, 9, 6, 6]],
        "who": ["a", "b", None, "a", "c", "d", "e", "f"],
        "what": [["view"]] * 8,
    }
    columns["who"][2] = "b"
    table = pa.table(columns)
    by_time = CutoffSplit(2, horizon="1D", new_users="who")
    by_user = UserKFold(3, user="who")
    frame = frame_lib.make(columns)
    for splitter in (by_time, by_user):
        assert folds_of(splitter, frame) == folds_of(splitter, table)


def test_a_pandas_index_is_not_looked_at():
    frame = at([0, 1, 2, 3]).to_pandas()
    splitter = CutoffSplit(1, horizon="1D")
    assert folds_of(splitter, frame.set_axis([9, 9, 1, 0])) == folds_of(splitter, frame)


def test_rows_come_as_ascending_integers():
    X = at([5, 3, 1, 0, 4, 2]).append_column("who", [list("abcabc")])
    for splitter in (CutoffSplit(2, horizon="1D"), UserKFold(2, user="who", shuffle=True)):
        for rows in (rows for fold in splitter.split(X) for rows in fold):
            assert rows.dtype == np.intp
            assert (np.diff(rows) > 0).all()


def test_moments_near_the_ends_of_64_bits():
    X = pa.table({"cutoff": pa.array([-(2**63) + 1, 0, 2**63 - 1], pa.timestamp("us"))})
    splitter = CutoffSplit(2, horizon="1000000D", gap="1000000D")
    assert folds_of(splitter, X) == [([0], [1]), ([0, 1], [2])]


@pytest.mark.parametrize(("unit", "year"), [("us", "the year -271,764"), ("ns", "1733-09-23 ")])
def test_a_horizon_longer_than_time_itself(unit, year):
    X = pa.table({"cutoff": at([0, 1])["cutoff"].cast(pa.timestamp(unit))})
    with pytest.raises(SequenceFrameError, match=f"at or before {year}"):
        folds_of(CutoffSplit(1, horizon="100000000D"), X)


# ------------------------------------------------------------------ CutoffSplit: errors


@pytest.mark.parametrize(
    ("options", "days", "message"),
    [
        (
            {},
            [0, 0, 9],
            r"n_splits=5 needs at least 6 distinct cutoffs, because the first is only for "
            r"training; 'cutoff' holds 2\. Take samples at more cutoffs, such as "
            r"EventLog\.samples\(every=\.\.\.\), "
            r"lower n_splits to at most 1, or split by user with UserKFold\.",
        ),
        ({"n_splits": 1}, [3, 3], r"holds 1\. Take .*\(every=\.\.\.\), split by user with"),
        (
            {"n_splits": 2, "horizon": "30D", "min_train_size": 3},
            [0, 1, 31, 32, 50, 51],
            r"Fold 1 of 2 has 2 training samples, fewer than min_train_size=3: its test begins "
            r"at 2026-02-01, so with horizon='30D' training needs cutoffs at or before "
            r"2026-01-02; the first cutoff of all is 2026-01-01\. .*\(every=.*lower n_splits",
        ),
        (
            {"n_splits": 2, "horizon": "30D", "gap": "2D"},
            [0, 31, 40],
            r"Fold 1 of 2 has no training sample: its test begins at 2026-02-01, so with "
            r"horizon='30D' and gap='2D' training needs cutoffs at or before 2025-12-31; the "
            r"first cutoff of all is 2026-01-01\. Take samples at earlier cutoffs too",
        ),
        (
            {"n_splits": 2, "max_train_span": "2D"},
            [0, 1, 30],
            r"Fold 2 of 2 has no training sample: .* cutoffs from 2026-01-29 to 2026-01-30;",
        ),
        (
            {"horizon": "30D", "gap": "2D", "max_train_span": "31D"},
            range(9),
            r"max_train_span='31D' is shorter than horizon='30D' and gap='2D', so no",
        ),
        ({"horizon": "0D"}, range(9), r"horizon must be longer than zero; got '0D'"),
        ({"horizon": -DAY}, range(9), r"horizon must be longer than zero; got"),
        ({"horizon": "a month"}, range(9), r"horizon='a month' is not a duration\. Write a"),
        ({"gap": "0D"}, range(9), r"gap must be longer than zero; got '0D'"),
        ({"max_train_span": "-1D"}, range(9), r"max_train_span must be longer than zero"),
        ({"n_splits": 0}, range(9), r"'n_splits' parameter of CutoffSplit must be an int in th"),
        ({"n_splits": 2.0}, range(9), r"'n_splits' parameter of CutoffSplit must be an int"),
        ({"min_train_size": 0}, range(9), r"'min_train_size' parameter of CutoffSplit must be"),
        ({"new_users": True}, range(9), r"'new_users' parameter of CutoffSplit must be an inst"),
    ],
)
def test_cutoff_split_says_what_is_wrong(options, days, message):
    with pytest.raises(ValueError, match=message):
        folds_of(CutoffSplit(**{"horizon": "1D"} | options), at(list(days)))


def test_moments_are_told_in_the_time_zone_of_the_cutoffs():
    zoned = at([0, 1])["cutoff"].cast(pa.timestamp("us", "Asia/Tokyo"))
    message = "begins at 2026-01-02 09:00:00.*, .* at or before 2026-01-01 08:00:00.*; the first"
    with pytest.raises(SequenceFrameError, match=message):
        folds_of(CutoffSplit(1, horizon="25h"), pa.table({"cutoff": zoned}))


def test_a_bare_number_is_no_horizon():
    with pytest.raises(TypeError, match=r"horizon must be a string such as .* got 30\."):
        folds_of(CutoffSplit(horizon=30), at(range(9)))


@pytest.mark.parametrize(
    ("cutoffs", "message"),
    [
        ([START, None, None], r"Row 1 of 'cutoff' is missing \(2 such rows\), so CutoffSplit"),
        (pa.nulls(3), r"Row 0 of 'cutoff' is missing \(3 such rows\)"),
        ([1, 2, 3], r"'cutoff' holds integer values, which are not times\. Give timestamps"),
        ([[START]] * 3, r"'cutoff' holds list values, which are not times"),
        (["2026-01-01", "soon", "later"], r"Row 1 of 'cutoff' holds 'soon', which is not a time"),
        (pa.array([2**62], pa.timestamp("s")), r"'cutoff' cannot be read as times: "),
    ],
)
def test_cutoffs_that_are_no_times(cutoffs, message):
    with pytest.raises(SequenceFrameError, match=message):
        folds_of(CutoffSplit(1, horizon="1D"), pa.table({"cutoff": cutoffs}))


@pytest.mark.parametrize(
    ("splitter", "name"),
    [
        (CutoffSplit(1, horizon="1D"), "cutoff"),
        (CutoffSplit(1, horizon="1D", cutoff="when"), "when"),
        (UserKFold(2, user="who"), "who"),
    ],
)
def test_a_column_that_is_not_there(splitter, name, frame_lib):
    kind = type(splitter).__name__
    X = frame_lib.make({"a": [1, 2], "b": [1, 2]})
    message = rf"no column '{name}', which {kind} needs to split; it has 'a', 'b'\. Keep that"
    with pytest.raises(SequenceFrameError, match=message):
        folds_of(splitter, X)
    with pytest.raises(SequenceFrameError, match=rf"no rows; {kind} has nothing to split"):
        folds_of(splitter, frame_lib.make({name: pa.array([], pa.timestamp("us"))}))
    with pytest.raises(TypeError, match=rf"{kind} reads the column '{name}' of a pandas, .* list"):
        folds_of(splitter, [[1.0], [2.0]])
    with pytest.raises(TypeError, match="got ndarray"):
        folds_of(splitter, np.ones((3, 2)))


def test_an_error_in_the_last_fold_comes_before_the_first():
    X = at([0, 1, 2, 60])
    folds = CutoffSplit(3, horizon="1D", max_train_span="5D").split(X)
    with pytest.raises(SequenceFrameError, match="Fold 3 of 3"):
        next(folds)


@pytest.mark.parametrize(
    "splitter", [CutoffSplit(1, horizon="1D"), UserKFold(2, user="who")], ids=lambda s: repr(s)[:9]
)
def test_groups_are_ignored_with_a_warning(splitter):
    X = at([0, 1, 2]).append_column("who", [["a", "b", "c"]])
    with pytest.warns(UserWarning, match="groups parameter is ignored by (Cutoff|User)"):
        list(splitter.split(X, groups=[1, 1, 1]))


# ------------------------------------------------------------------ UserKFold


@given(
    st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=40),
    st.integers(2, 5),
    st.booleans(),
)
def test_users_stand_on_one_side_and_each_sample_is_tested_once(users, n_splits, shuffle):
    splitter = UserKFold(
        n_splits, user="who", shuffle=shuffle, random_state=0 if shuffle else None
    )
    if len(set(users)) < n_splits:
        message = rf"n_splits={n_splits} needs at least {n_splits} users; 'who' holds "
        with pytest.raises(SequenceFrameError, match=message):
            folds_of(splitter, of(users))
        return
    folds = folds_of(splitter, of(users))
    assert len(folds) == n_splits
    assert sorted(j for _, test in folds for j in test) == list(range(len(users)))
    for train, test in folds:
        assert sorted(train + test) == list(range(len(users)))
        assert not {users[i] for i in train} & {users[j] for j in test}


def test_folds_of_users_are_of_equal_numbers_of_samples():
    users = ["a"] * 6 + ["b"] * 3 + ["c"] * 2 + ["d"]
    assert [len(test) for _, test in folds_of(UserKFold(2, user="who"), of(users))] == [6, 6]


@given(st.permutations(range(10)), st.booleans())
def test_the_folds_of_users_do_not_depend_on_the_order_of_rows(order, shuffle):
    users = np.array(list("abbcccddee"))
    splitter = UserKFold(3, user="who", shuffle=shuffle, random_state=1 if shuffle else None)
    folds = [set(users[test]) for _, test in splitter.split(of(users))]
    mixed = users[list(order)]
    assert [set(mixed[test]) for _, test in splitter.split(of(mixed))] == folds


def test_stratified_folds_have_equal_shares(frame_lib):
    users = np.repeat(np.arange(54), 2)
    y = users % 3 == 0  # one fold of three would get all buyers if users were dealt out in turn
    X = frame_lib.make({"who": users})
    splitter = UserKFold(3, user="who", stratify=True)
    assert [int(y[test].sum()) for _, test in splitter.split(X, y)] == [12, 12, 12]
    frame = frame_lib.make({"y": y.astype(np.int64)})
    assert folds_of(splitter, X, frame["y"]) == folds_of(splitter, X, y)
    assert UserKFold(3, user="who").get_n_splits() == 3


def test_shuffled_folds_repeat_with_their_seed():
    X = of(list("abcdefghij"))

    def splitter(seed, stratify=False):
        return UserKFold(2, user="who", stratify=stratify, shuffle=True, random_state=seed)

    assert folds_of(splitter(0), X) == folds_of(splitter(0), X)
    assert folds_of(splitter(0), X) != folds_of(splitter(1), X)
    y = [0, 1] * 5
    assert folds_of(splitter(0, True), X, y) == folds_of(splitter(0, True), X, y)


@pytest.mark.parametrize(
    "users",
    [
        [3, 1, 3, 2],
        [0.5, -1.0, 0.5, 7.0],
        [START, START + DAY, START, START + 2 * DAY],
        pa.array(["c", "a", "c", "b"]).dictionary_encode(),
        [b"c", b"a", b"c", b"b"],
    ],
)
def test_users_may_be_of_any_kind(users):
    tests = {tuple(test) for _, test in folds_of(UserKFold(3, user="who"), of(users))}
    assert tests == {(0, 2), (1,), (3,)}


@pytest.mark.parametrize(
    ("options", "X", "message"),
    [
        ({}, of(["a", None, "b"]), r"Row 1 of 'who' is missing \(1 such rows\), so UserKFold"),
        ({}, of([1.0, 2.0, float("nan")]), r"Row 2 of 'who' is missing"),
        ({}, of([["a"], ["b"]]), r"'who' is a channel: it holds lists\. Name the ordinary col"),
        ({"n_splits": 1}, of(["a", "b"]), r"'n_splits' parameter of UserKFold must be an int in"),
        ({"stratify": "y"}, of(["a", "b"]), r"'stratify' parameter of UserKFold must be"),
        ({"stratify": True}, of(["a", "b"]), r"stratify=True needs y, the classes; got None"),
        ({"random_state": 0}, of(["a", "b"]), r"random_state has no effect since shuffle is Fal"),
        ({"user": None}, of(["a", "b"]), r"'user' parameter of UserKFold must be an instance"),
    ],
)
def test_user_k_fold_says_what_is_wrong(options, X, message):
    with pytest.raises(ValueError, match=message):
        folds_of(UserKFold(**{"n_splits": 2, "user": "who"} | options), X)


# ------------------------------------------------------------------ in scikit-learn


def shop_frame(frame_lib):
    """Twenty users at six cutoffs; whoever has an even number of views buys."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 6, 120)
    columns = {
        "user_id": np.tile(np.arange(20), 6),
        "cutoff": [START + 30 * day * DAY for day in np.repeat(np.arange(6), 20).tolist()],
        "what": [["view"] * length for length in lengths.tolist()],
    }
    return frame_lib.make(columns), lengths % 2 == 0


def count_events(Z):
    rows = Z["what"].to_list() if hasattr(Z["what"], "to_list") else Z["what"].to_pylist()
    return np.eye(6)[[len(row) for row in rows]]


def counting_model():
    count = FunctionTransformer(count_events)
    return make_pipeline(SequenceEncoder(), count, LogisticRegression(C=100))


SKLEARN = tuple(map(int, sklearn.__version__.split(".")[:2]))
SPLITTERS = [
    CutoffSplit(3, horizon="30D"),
    UserKFold(3, user="user_id"),
    UserKFold(3, user="user_id", stratify=True, shuffle=True, random_state=0),
]


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda splitter: type(splitter).__name__)
def test_in_searches_and_cross_validation(splitter, frame_lib):
    if frame_lib.name == "pyarrow" and SKLEARN < (1, 7):
        pytest.skip("scikit-learn cuts pyarrow tables by rows from 1.7 on")
    X, y = shop_frame(frame_lib)
    model = counting_model()
    result = cross_validate(model, X, y, cv=splitter, return_indices=True, error_score="raise")
    indices = result["indices"]
    found = list(zip(indices["train"], indices["test"], strict=True))
    for mine, theirs in zip(splitter.split(X, y), found, strict=True):
        np.testing.assert_array_equal(mine[0], theirs[0])
        np.testing.assert_array_equal(mine[1], theirs[1])
    assert (result["test_score"] == 1).all()
    grid = {"logisticregression__C": [1e-6, 100]}
    search = GridSearchCV(model, grid, cv=splitter, error_score="raise").fit(X, y)
    assert search.n_splits_ == 3
    assert search.best_params_ == {"logisticregression__C": 100}
    assert search.best_estimator_.score(X, y) == 1
    for split in range(3):  # the candidates were tested on the splitter's folds and on no others
        assert search.cv_results_[f"split{split}_test_score"][1] == result["test_score"][split]


class _Pandas:
    make = staticmethod(pd.DataFrame)


def test_in_other_tools_of_scikit_learn():
    X, y = shop_frame(_Pandas)
    by_time, by_user = CutoffSplit(3, horizon="30D"), UserKFold(3, user="user_id")
    model = counting_model()
    assert check_cv(by_time) is by_time
    assert (cross_val_score(model, X, y, cv=by_time) == 1).all()
    assert (cross_val_predict(model, X, y, cv=by_user) == y).all()
    CalibratedClassifierCV(model, cv=by_time).fit(X, y)
    halving = HalvingGridSearchCV(
        model, {"logisticregression__C": [1e-6, 100]}, cv=by_time, min_resources=60, factor=2
    )
    assert halving.fit(X, y).n_splits_ == 3
    with sklearn.config_context(enable_metadata_routing=True):
        assert (cross_val_score(model, X, y, cv=by_time, params={}) == 1).all()
    with pytest.raises(ValueError, match="cross_val_predict only works for partitions"):
        cross_val_predict(model, X, y, cv=by_time)


def test_too_many_folds_stop_a_search_before_any_fit():
    X, y = shop_frame(_Pandas)
    model = make_pipeline(FunctionTransformer(lambda X: pytest.fail("was fitted")))
    with pytest.raises(SequenceFrameError, match=r"n_splits=6 needs at least 7 distinct cutoffs"):
        cross_validate(model, X, y, cv=CutoffSplit(6, horizon="30D"), scoring="accuracy")


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda splitter: type(splitter).__name__)
def test_copies_and_files_of_a_splitter(splitter, tmp_path):
    X, y = shop_frame(_Pandas)
    expected = folds_of(splitter, X, y)
    for copy in (deepcopy(splitter), pickle.loads(pickle.dumps(splitter))):
        assert repr(copy) == repr(splitter)
        assert folds_of(copy, X, y) == expected
    search = GridSearchCV(LogisticRegression(), {"C": [1]}, cv=splitter)
    assert repr(clone(search).cv) == repr(splitter)
    skbseq.save(search, tmp_path / "search.skbseq")
    loaded = skbseq.load(tmp_path / "search.skbseq", trusted=[type(splitter)])
    assert folds_of(loaded.cv, X, y) == expected


def test_repr_tells_the_parameters():
    assert repr(CutoffSplit(2, horizon="7D", gap="1D")) == (
        "CutoffSplit(cutoff='cutoff', gap='1D', horizon='7D', max_train_span=None,\n"
        "      min_train_size=1, n_splits=2, new_users=None)"
    )
    assert repr(UserKFold(user="who")).replace("\n    ", "") == (
        "UserKFold(n_splits=5, random_state=None, shuffle=False, stratify=False, user='who')"
    )


def test_splitting_changes_nothing():
    X, y = shop_frame(_Pandas)
    before = X.copy(deep=True)
    for splitter in SPLITTERS:
        state = dict(vars(splitter))
        first, again = folds_of(splitter, X, y), folds_of(splitter, X, y)
        assert first == again
        assert vars(splitter) == state
        assert splitter.get_n_splits(X, y) == len(first)
    pd.testing.assert_frame_equal(X, before)
