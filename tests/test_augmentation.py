"""Augmentation: changed histories against plain loops, and what training makes of them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline

import skbseq
from skbseq import Augmentation, LSTMBehaviorClassifier, SequenceEncoder, load, save
from skbseq._sequences import Sequences, offsets_of

QUICK = dict(units=4, epochs=2, batch_size=16, device="/CPU:0", random_state=0)
ALL = dict(crop=0.5, mask=0.2, reorder=2, substitute=0.3)
# The fused LSTM, and one network of Keras' layers: a network sees only what has been changed.
PATHS = [LSTMBehaviorClassifier, skbseq.BagBehaviorClassifier]


# ---------------------------------------------------------------- plain loops


@st.composite
def sequences(draw):
    """Histories with holes between them; the number of an event says where it stood."""
    lengths = np.array(draw(st.lists(st.integers(0, 7), max_size=8)), np.int64)
    gaps = np.array(draw(st.lists(st.integers(0, 2), min_size=len(lengths) + 1)), np.int64)
    starts = offsets_of(lengths)[:-1] + np.cumsum(gaps)[: len(lengths)]
    n_events = int(lengths.sum() + gaps.sum())
    seed = draw(st.integers(0, 2**32 - 1))
    codes = np.random.default_rng(seed).integers(1, 5, (n_events, 2)).astype(np.int32)
    numbers = np.arange(1, n_events + 1, dtype=np.float32)[:, None]
    return Sequences(codes, numbers, np.zeros((len(lengths), 0), np.float32), starts, lengths)


CHANGES = st.fixed_dictionaries(
    {
        "crop": st.sampled_from([0.0, 0.3, 0.9]),
        "crop_from": st.sampled_from(["oldest", "newest", "both"]),
        "substitute": st.sampled_from([(), (0.0, 0.5), (0.9, 0.4)]),
        "mask": st.sampled_from([0.0, 0.4]),
        "reorder": st.integers(0, 3),
    }
)


def histories_of(data):
    """For each sample its events, as lists of codes and a number."""
    return [
        [
            [*data.codes[at].tolist(), float(data.numbers[at, 0])]
            for at in range(start, start + length)
        ]
        for start, length in zip(data.starts, data.lengths, strict=True)
    ]


def change_slowly(data, changes, rng):
    """What an augmenter makes of its first epoch, event by event, from the same random numbers."""
    before = histories_of(data)
    after = [[list(event) for event in history] for history in before]
    events = [(i, t) for i, history in enumerate(before) for t in range(len(history))]
    for channel, share in enumerate(changes.substitute):
        if share:
            substitute_slowly(before, after, events, channel, share, rng)
    if changes.mask:
        for (i, t), u in zip(events, rng.random(len(events), np.float32), strict=True):
            if u < changes.mask:
                after[i][t] = [1, 1, 0.0]
    if changes.reorder:
        noise = iter((changes.reorder + 1) * rng.random(len(events)))
        for i, history in enumerate(after):
            keys = [t + next(noise) for t in range(len(history))]
            after[i] = [event for _, event in sorted(zip(keys, history, strict=True))]
    return crop_slowly(after, changes, rng) if changes.crop else after


def substitute_slowly(before, after, events, channel, share, rng):
    def neighbours(i, t):
        codes = [0, *(event[channel] for event in before[i]), 0]
        return codes[t], codes[t + 2]

    chosen = [
        event
        for event, u in zip(events, rng.random(len(events), np.float32), strict=True)
        if u < share
    ]
    between = [[e for e in events if neighbours(*e) == neighbours(*at)] for at in chosen]
    picks = rng.integers(0, np.array([len(group) for group in between], np.int64))
    donors = [group[pick] for group, pick in zip(between, picks, strict=True)]
    alone = [k for k, group in enumerate(between) if len(group) == 1]
    behind = [[e for e in events if neighbours(*e)[0] == neighbours(*chosen[k])[0]] for k in alone]
    picks = rng.integers(0, np.array([len(group) for group in behind], np.int64))
    for k, group, pick in zip(alone, behind, picks, strict=True):
        donors[k] = group[pick]
    for (i, t), (j, s) in zip(chosen, donors, strict=True):
        after[i][t][channel] = before[j][s][channel]


def crop_slowly(histories, changes, rng):
    n = len(histories)
    lost = [
        min(int(changes.crop * u * len(history) + v), max(len(history) - 1, 0))
        for history, u, v in zip(histories, rng.random(n), rng.random(n), strict=True)
    ]
    first = {"oldest": lost, "newest": [0] * n}.get(changes.crop_from)
    if first is None:
        first = rng.integers(0, np.array(lost, np.int64), endpoint=True).tolist()
    return [
        history[begin : begin + len(history) - less]
        for history, begin, less in zip(histories, first, lost, strict=True)
    ]


def augmenter(data, seed=0, **changes):
    from skbseq._training._augment import AugmentationPlan, Augmenter

    return Augmenter(data, AugmentationPlan(**changes), np.random.default_rng(seed))


@given(sequences(), CHANGES, st.integers(0, 99))
def test_changed_histories_are_those_of_plain_loops(data, changes, seed):
    from skbseq._training import AugmentationPlan

    found = histories_of(augmenter(data, seed, **changes)())
    assert found == change_slowly(data, AugmentationPlan(**changes), np.random.default_rng(seed))


@given(sequences(), CHANGES)
def test_invariants_of_what_is_changed(data, changes):
    kept = pickle.dumps(data)
    found = augmenter(data, **changes)()
    assert pickle.dumps(data) == kept  # the histories themselves stay
    assert len(found.codes) == len(found.numbers) == len(data.codes)
    assert ((found.lengths > 0) == (data.lengths > 0)).all()
    least = data.lengths - np.ceil(changes["crop"] * data.lengths)
    assert (found.lengths <= data.lengths).all() and (found.lengths >= least).all()
    assert (found.starts >= data.starts).all()
    assert (found.starts + found.lengths <= data.starts + data.lengths).all()
    for start, length, history in zip(data.starts, data.lengths, histories_of(found), strict=True):
        places = [event[-1] for event in history if event[-1]]
        assert len(set(places)) == len(places)  # no event twice, none of another history
        assert all(start < place <= start + length for place in places)
        if not changes["mask"] and changes["crop_from"] == "newest":
            moves = [abs(place - start - 1 - t) for t, place in enumerate(places)]
            assert max(moves, default=0) <= changes["reorder"]


@given(sequences())
def test_nothing_asked_is_nothing_done(data):
    from skbseq._training import AugmentationPlan
    from skbseq._training._augment import augmented

    histories = augmented(data, AugmentationPlan(substitute=(0.0, 0.0)), np.random.default_rng(0))
    assert next(histories) is data and next(histories) is data


def many(codes):
    """A thousand times the same history."""
    n, length = 1000, len(codes)
    codes = np.tile(np.array(codes, np.int32), n)[:, None]
    numbers = np.arange(n * length, dtype=np.float32)[:, None] + 1
    starts = np.arange(n) * length
    return Sequences(codes, numbers, np.zeros((n, 0), np.float32), starts, np.full(n, length))


def test_shares_are_those_asked_for():
    data = many(range(2, 12))
    assert augmenter(data, crop=0.4)().lengths.mean() == pytest.approx(10 - 2, abs=0.1)
    masked = augmenter(data, mask=0.3)()
    assert (masked.codes == 1).mean() == pytest.approx(0.3, abs=0.02)
    np.testing.assert_array_equal(masked.codes[:, 0] == 1, masked.numbers[:, 0] == 0)
    short = augmenter(many([2, 3]), crop=0.4)()
    assert short.lengths.mean() == pytest.approx(2 - 0.4, abs=0.05)


@pytest.mark.parametrize("side", ["oldest", "newest", "both"])
def test_events_are_lost_at_the_side_asked_for(side):
    data = augmenter(many([2, 3, 4, 5]), crop=0.25, crop_from=side)()
    ends = data.codes[data.starts, 0], data.codes[data.starts + data.lengths - 1, 0]
    assert {2, 3} == set(ends[0]) if side == "oldest" else 2 in ends[0]
    assert {4, 5} == set(ends[1]) if side == "newest" else 5 in ends[1]
    assert set(data.lengths) == {3, 4}


def test_each_epoch_differs_and_a_seed_repeats_it():
    data = many(range(2, 8))
    one, two = augmenter(data, mask=0.3), augmenter(data, mask=0.3)
    first = one().codes
    np.testing.assert_array_equal(first, two().codes)
    assert (one().codes != first).any()


def test_a_substitute_has_stood_between_the_same_neighbours():
    codes = np.array([2, 3, 2, 2, 4, 2, 5, 3, 5], np.int32)[:, None]
    data = Sequences(
        codes,
        np.zeros((9, 0), np.float32),
        np.zeros((3, 0), np.float32),
        np.array([0, 3, 6]),
        np.array([3, 3, 3]),
    )
    make = augmenter(data, substitute=(0.99,))
    seen = [set() for _ in range(9)]
    for _ in range(300):
        for at, code in enumerate(make().codes[:, 0].tolist()):
            seen[at].add(code)
    # In the middle 3 and 4 stood between two 2s; between two 5s nothing but 3 did, and behind a 5.
    assert seen[1] == seen[4] == {3, 4} and seen[7] == {3}
    # A first event before a 4 is alone so, and takes any first one.
    assert seen[3] == {2, 5}


# ---------------------------------------------------------------- training


@pytest.fixture(scope="module")
def frame():
    """Encoded histories of 0 to 9 events; 1 if the last code is 2."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 10, 160)
    codes = [rng.integers(1, 5, n).tolist() for n in lengths]
    X = pd.DataFrame(
        {
            "what": codes,
            "which": [rng.integers(1, 9, n).tolist() for n in lengths],
            "price": [rng.normal(size=n).round(3).tolist() for n in lengths],
        }
    )
    return X, np.array([int(bool(row) and row[-1] == 2) for row in codes])


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@pytest.mark.parametrize("kind", PATHS)
def test_a_seed_repeats_it(frame, kind):
    X, y = frame
    model = kind(**QUICK, augment=Augmentation(**ALL)).fit(X, y)
    again = clone(model).fit(X, y)
    assert again.augment is not model.augment
    np.testing.assert_array_equal(outputs(again, X), outputs(model, X))


@pytest.mark.parametrize("kind", [*PATHS, skbseq.BagBehaviorRegressor])
def test_every_parameter_of_it_acts(frame, kind):
    X, y = frame
    model = kind(**QUICK, augment=Augmentation(crop=0.3))
    expected = outputs(clone(model).fit(X, y), X)
    for change in (
        {"crop": 0.6},
        {"crop_from": "newest"},
        {"mask": 0.3},
        {"reorder": 3} if kind.network != "bag" else {"crop_from": "both"},
        {"substitute": 0.3},
        {"substitute": {"which": 0.3}},
    ):
        nested = {f"augment__{name}": value for name, value in change.items()}
        other = clone(model).set_params(**nested).fit(X, y)
        assert (outputs(other, X) != expected).any(), change


@pytest.mark.parametrize("kind", PATHS)
def test_without_changes_a_fit_is_what_it_was(frame, kind):
    X, y = frame
    plain = kind(**QUICK).fit(X, y)
    idle = kind(**QUICK, augment=Augmentation()).fit(X, y)
    np.testing.assert_array_equal(outputs(idle, X), outputs(plain, X))


@pytest.mark.parametrize("kind", PATHS)
def test_held_out_histories_stay_as_they_are(frame, kind):
    X, y = frame
    # So small a rate leaves the weights, and with them val_loss, as they begin.
    still = {**QUICK, "epochs": 3, "learning_rate": 1e-12}
    plain = kind(**still).fit(X, y).history_
    changed = kind(**still, augment=Augmentation(**ALL)).fit(X, y).history_
    np.testing.assert_allclose(changed["val_loss"], plain["val_loss"], rtol=1e-6)
    assert len({round(loss, 5) for loss in changed["loss"]}) == 3
    assert np.ptp(plain["loss"]) < 1e-5


@pytest.mark.parametrize("kind", PATHS)
def test_partial_fit_changes_histories_too(frame, kind):
    X, y = frame
    plain, changed = kind(**QUICK), kind(**QUICK, augment=Augmentation(mask=0.5))
    for _ in range(2):
        plain.partial_fit(X, y)
        changed.partial_fit(X, y)
    assert (outputs(plain, X) != outputs(changed, X)).any()
    assert changed.history_["loss"][0] != plain.history_["loss"][0]


def test_a_search_over_it_and_smoothing_shares_one_program(frame, monkeypatch):
    from skbseq._training import _compiled, _program

    traces, batches = [], _compiled.CompiledTraining._batches

    def note(self, data, buffers, rows, *arguments, **options):
        traces.append(rows.shape)
        return batches(self, data, buffers, rows, *arguments, **options)

    monkeypatch.setattr(_program, "_POOL", type(_program._POOL)())
    monkeypatch.setattr(_compiled.CompiledTraining, "_batches", note)
    X, y = frame
    model = LSTMBehaviorClassifier(**QUICK, augment=Augmentation())
    grid = {
        "label_smoothing": [0.0, 0.3],
        "augment__crop": [0.0, 0.8],
        "augment__substitute": [0.0, {"what": 0.5}],
    }
    options = {"cv": ShuffleSplit(1, random_state=0), "error_score": "raise"}
    search = GridSearchCV(model, grid, scoring="neg_log_loss", **options).fit(X, y)
    assert len(traces) == 1
    assert len(set(search.cv_results_["mean_test_score"].round(9))) == 8
    whole = {"augment": [None, Augmentation(mask=0.2), Augmentation(reorder=1)]}
    GridSearchCV(LSTMBehaviorClassifier(**QUICK), whole, **options).fit(X, y)
    assert len(traces) == 1


@pytest.mark.steps("compiled")  # only XLA's programs have a part for them
def test_large_tables_are_trained_with_it(monkeypatch):
    from skbseq._training import _program, _sparse_adam

    monkeypatch.setattr(_sparse_adam, "_LARGE", 64)
    monkeypatch.setattr(_program, "_POOL", type(_program._POOL)())
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"what": [rng.integers(2, 300, 6).tolist() for _ in range(100)]})
    y = np.arange(100) % 2
    model = LSTMBehaviorClassifier(**QUICK, augment=Augmentation(**ALL), validation_split=0)
    tables = [clone(model).fit(X, y).weights_[0] for _ in range(2)]
    np.testing.assert_array_equal(*tables)
    plain = clone(model).set_params(augment=Augmentation(mask=0.5)).fit(X, y).weights_[0]
    begun = clone(model).set_params(learning_rate=1e-12).fit(X, y).weights_[0]
    assert (np.abs(plain[1] - begun[1]) > 1e-4).any()  # hidden events have learned their own row


@pytest.mark.steps("eager")  # a few steps of a network that no other test builds
def test_it_is_searched_in_a_pipeline_of_raw_histories():
    X = pd.DataFrame({"what": [["view", "cart"], ["cart", "view"]] * 20})
    y = np.array([0, 1] * 20)
    classifier = skbseq.BagBehaviorClassifier(**{**QUICK, "epochs": 1}, augment=Augmentation())
    grid = {"bagbehaviorclassifier__augment__mask": [0.0, 0.5]}
    search = GridSearchCV(
        make_pipeline(SequenceEncoder(), classifier),
        grid,
        cv=2,
        scoring="neg_log_loss",
        error_score="raise",
    ).fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    mask = search.best_params_["bagbehaviorclassifier__augment__mask"]
    assert search.best_estimator_[-1].augment.mask == mask


def test_it_is_kept_in_files_and_pickles(frame, tmp_path):
    X, y = frame
    model = LSTMBehaviorClassifier(
        **QUICK, augment=Augmentation(mask=0.1, substitute={"what": 0.1})
    ).fit(X, y)
    save(model, tmp_path / "model.skbseq")
    for again in load(tmp_path / "model.skbseq"), pickle.loads(pickle.dumps(model)):
        assert again.augment.get_params() == model.augment.get_params()
        np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
        assert again.partial_fit(X, y).n_iter_ == 3


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"crop": 1.0}, "'crop' parameter of Augmentation must be a float in the range"),
        ({"crop_from": "left"}, "'crop_from' parameter of Augmentation must be a str among"),
        ({"mask": -0.1}, "'mask' parameter of Augmentation"),
        ({"reorder": 0.5}, "'reorder' parameter of Augmentation must be an int"),
        ({"substitute": "what"}, "'substitute' parameter of Augmentation"),
        ({"substitute": {"price": 0.1}}, "names the channel 'price', which is no categorical one"),
        ({"substitute": {"what": 2}}, "'what' parameter of substitute must be a float"),
    ],
)
def test_bad_parameters_are_named(frame, parameters, message):
    with pytest.raises(ValueError, match=message):
        LSTMBehaviorClassifier(**QUICK, augment=Augmentation(**parameters)).fit(*frame)


def test_codes_cannot_be_replaced_where_there_are_none():
    X, y = np.zeros((20, 3)), np.arange(20) % 2
    model = LSTMBehaviorClassifier(**QUICK, augment=Augmentation(substitute=0.1))
    with pytest.raises(ValueError, match="there is no categorical channel"):
        model.fit(X, y)
    model.set_params(augment__substitute=0.0, augment__mask=0.1).fit(X, y)


def test_parameters_of_what_is_not_there_are_refused():
    with pytest.raises(ValueError, match="augment__mask has nothing to act on: augment=None"):
        LSTMBehaviorClassifier().set_params(augment__mask=0.1)
    model = LSTMBehaviorClassifier().set_params(augment=Augmentation(), augment__mask=0.1)
    assert model.augment.mask == 0.1


@pytest.mark.parametrize("augment", [True, "crop", {"crop": 0.1}, Augmentation])
def test_what_is_no_augmentation_is_refused(frame, augment):
    with pytest.raises(ValueError, match="'augment' parameter of LSTMBehaviorClassifier must be"):
        LSTMBehaviorClassifier(augment=augment).fit(*frame)
