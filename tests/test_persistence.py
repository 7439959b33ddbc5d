"""Model files: they give back what was saved, or say what is wrong, and never run anything."""

import copy
import errno
import io
import json
import os
import pickle
import socket
import subprocess
import sys
import warnings
import zipfile
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import MetaEstimatorMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import skbseq
from skbseq import (
    LSTMBehaviorClassifier,
    SequenceEncoder,
    estimators,
    load,
    preprocessing,
    save,
)
from skbseq._files import check_writable, replacing
from skbseq.exceptions import ModelFileError
from skbseq.persistence import _trust, read_metadata

ROOT = Path(__file__).parents[1]


def make_samples(n=60):
    """Histories with every kind of channel, and labels that their order tells."""
    rng = np.random.default_rng(0)
    y = rng.random(n) < 0.5
    start = pd.Timestamp("2026-01-01")
    frame = pd.DataFrame(
        {
            "what": [["cart", "remove"] if label else ["remove", "cart"] for label in y],
            "price": [[1.5, None], [2.0, 3.0]] * (n // 2),
            "when": [[start, start + pd.Timedelta(hours=h)] for h in range(n)],
            "cutoff": pd.Timestamp("2026-03-01"),
            "country": ["fr", "de"] * (n // 2),
        }
    )
    return frame, y


@pytest.fixture(scope="module")
def samples():
    return make_samples()


def make_model(**parameters):
    parameters = {"units": 4, "epochs": 2, "random_state": 0} | parameters
    return make_pipeline(
        SequenceEncoder(context=["country"]), LSTMBehaviorClassifier(**parameters)
    )


@pytest.fixture(scope="module")
def model(samples):
    return make_model().fit(*samples)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skbseq"


@pytest.fixture
def saved(model, path):
    save(model, path, metadata={"note": "ours"})
    return path


# --------------------------------------------------------------- ways to keep


def by_save(model, folder):
    save(model, folder / "model.skbseq")
    return load(folder / "model.skbseq")


def by_joblib(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib")


def by_pickle(model, folder):
    return pickle.loads(pickle.dumps(model))


def by_deepcopy(model, folder):
    return copy.deepcopy(model)


ways = pytest.mark.parametrize("way", [by_save, by_joblib, by_pickle, by_deepcopy])


@ways
def test_a_kept_model_predicts_bit_for_bit(model, samples, tmp_path, way):
    again = way(model, tmp_path)
    X, _ = samples
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again[-1].history_ == model[-1].history_
    assert again[0].get_feature_names_out().tolist() == model[0].get_feature_names_out().tolist()


@ways
def test_a_kept_model_learns_on_as_the_original_would(samples, tmp_path, way):
    X, y = samples
    model = make_model().fit(X, y)
    again = way(model, tmp_path)
    encoded = model[0].transform(X)
    for each in (model, again):
        each[-1].partial_fit(encoded, y)
    assert len(again[-1].history_["loss"]) == 3
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_a_fresh_process_predicts_the_same_and_loads_tensorflow_only_then(model, samples, saved):
    code = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
from skbseq import load
model = load({str(saved)!r})
model[0], model[-1].history_, model[-1].get_params()
heavy = {{"tensorflow", "keras", "scikeras"}} & set(sys.modules)
assert not heavy, heavy
import numpy as np
from test_persistence import make_samples
np.save({str(saved.with_suffix(".npy"))!r}, model.predict_proba(make_samples()[0]))
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    there = np.load(saved.with_suffix(".npy"))
    np.testing.assert_array_equal(there, model.predict_proba(samples[0]))


def test_the_best_of_a_grid_search_is_saved(samples, path):
    X, y = samples
    grid = {"lstmbehaviorclassifier__units": [2, 3]}
    search = GridSearchCV(make_model(epochs=1), grid, cv=2).fit(X, y)
    save(search.best_estimator_, path)
    np.testing.assert_array_equal(load(path).predict_proba(X), search.predict_proba(X))


@pytest.mark.parametrize(
    "parameters",
    [
        {"random_state": np.random.RandomState(7)},
        {"class_weight": {False: 1.0, True: 9.0}},
        {"class_weight": {np.False_: 1, np.True_: 9}},
        {"class_weight": "balanced", "learning_rate": np.float64(0.01)},
        {"optimizer__beta_1": 0.8, "fit__epochs": 3},
        {"n_layers": 2, "bidirectional": True, "dropout": 0.25, "embedding_dim": 3},
    ],
    ids=lambda parameters: "-".join(parameters),
)
def test_parameters_come_back(parameters, path):
    before = LSTMBehaviorClassifier(**parameters)
    save(before, path)
    after = load(path).get_params()
    for name, value in before.get_params().items():
        if isinstance(value, np.random.RandomState):
            value, after[name] = value.randint(2**31), after[name].randint(2**31)
        assert after[name] == value, name


def test_an_encoder_with_odd_names_and_labels_comes_back(path):
    X = pd.DataFrame({"wäs\nnicht": [["ü", None], ["\0", "a" * 1000]], "n": [[1, 2], [2**40, 3]]})
    encoder = SequenceEncoder(time_features=("gap",), min_frequency=0.01).fit(X)
    save(encoder, path)
    again = load(path)
    assert again.time_features == ("gap",)
    for name, categories in encoder.categories_.items():
        assert again.categories_[name].tolist() == categories.tolist()
    assert again.transform(X)["n"].tolist() == encoder.transform(X)["n"].tolist()


def test_tuples_come_back_as_tuples(model, samples, saved):
    again = load(saved)[-1]
    assert again.spec_ == model[-1].spec_
    assert isinstance(again.spec_.vocabulary_sizes, tuple)
    X, y = samples
    again.partial_fit(model[0].transform(X), y)  # its network is found to be the same


def test_string_labels_come_back(samples, path):
    X, y = samples
    model = make_model(epochs=1).fit(X, np.where(y, "buys", "leaves"))
    save(model, path)
    assert load(path).predict(X).tolist() == model.predict(X).tolist()


def public_estimators():
    for room in (estimators, preprocessing):
        for name in room.__all__:
            kind = getattr(room, name)
            if isinstance(kind, type) and hasattr(kind, "get_params"):
                yield kind


def make_unfitted(kind):
    around_another = issubclass(kind, MetaEstimatorMixin)
    return kind(LogisticRegression()) if around_another else kind()


@pytest.mark.parametrize("kind", list(public_estimators()))
def test_every_public_estimator_can_be_kept_unfitted(kind, path):
    save(make_unfitted(kind), path)
    assert type(load(path)) is kind


# -------------------------------------------------------------------- metadata


def test_metadata_are_kept_beside_the_versions(saved):
    record = read_metadata(saved)
    assert record["metadata"] == {"note": "ours"}
    assert record["format"] == 1
    assert record["versions"]["skbseq"] == skbseq.__version__
    assert set(record["versions"]) == {"skbseq", "scikit-learn", "keras"}


def test_without_metadata_there_is_an_empty_dict(path):
    save(SequenceEncoder(), path)
    assert read_metadata(path)["metadata"] == {}


@pytest.mark.parametrize(
    "metadata", [["a"], "a", {"when": np.datetime64("2026-01-01")}, {1: 2}, {"a": [{None: 1}]}]
)
def test_metadata_must_be_json(path, metadata):
    with pytest.raises(TypeError, match=r"metadata.* must"):
        save(SequenceEncoder(), path, metadata=metadata)
    assert not path.exists()


def rewrite(path, **members):
    """The same archive with some members replaced, and without an index, as in version 0.1."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    for name, mark in (("schema.json", "_skbseq_index"), ("skbseq.json", "members")):
        kept = json.loads(content[name])
        del kept[mark]
        kept.pop("sha256", None)
        content[name] = json.dumps(kept)
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in (content | members).items():
            archive.writestr(name, value)


def rewrite_record(path, change):
    record = read_metadata(path)
    change(record)
    rewrite(path, **{"skbseq.json": json.dumps(record)})


def schema_of(path):
    """The schema of a file, as version 0.1 wrote it."""
    with zipfile.ZipFile(path) as archive:
        schema = json.loads(archive.read("schema.json"))
    del schema["_skbseq_index"]
    return schema


@pytest.mark.parametrize("library", ["skbseq", "scikit-learn"])
def test_another_minor_version_warns(saved, library):
    rewrite_record(saved, lambda record: record["versions"].update({library: "0.0.1"}))
    with pytest.warns(UserWarning, match=f"saved with {library} 0.0.1 and is loaded with"):
        load(saved)


@pytest.mark.parametrize("library", ["skbseq", "scikit-learn"])
def test_another_patch_does_not(saved, library):
    minor = read_metadata(saved)["versions"][library].rpartition(".")[0]
    rewrite_record(saved, lambda record: record["versions"].update({library: f"{minor}.99"}))
    load(saved)  # a warning would fail


def test_a_later_format_is_refused(saved):
    rewrite_record(saved, lambda record: record.update(format=2))
    for read in (load, read_metadata):
        with pytest.raises(ModelFileError, match=r"whose format is 2; this is .* Update skbseq"):
            read(saved)


# --------------------------------------------------------- files of earlier versions

GOLDEN = Path(__file__).parent / "data" / "model_0_1.skbseq"
GOLDEN_SAMPLES = pd.DataFrame(
    {
        "what": [["view", "cart", "buy"], ["view", "view"], ["cart", None], [], ["returns"]],
        "product": [["p1", "p2", "p3"], ["p1", "p9"], ["p4", "p4"], [], ["p7"]],
        "price": [[1.5, None, 20.0], [2.0, 3.0], [400.0, 0.5], [], [7.0]],
        "when": [
            [pd.Timestamp("2026-01-01") + pd.Timedelta(hours=7 * i * (row + 1)) for i in range(n)]
            for row, n in enumerate([3, 2, 2, 0, 1])
        ],
        "image": [
            [[1.0, 0.0], [0.6, 0.8], [0.0, 2.0]],
            [[1.0, 1.0], None],
            [[0.5, 0.5], [0.1, 0.2]],
            [],
            [[3.0, -1.0]],
        ],
        "cutoff": pd.Timestamp("2026-02-01"),
        "country": ["fr", "de", "fr", "de", "jp"],
    }
)
GOLDEN_LABELS = ["none", "one", "more", "none", "one"]
GOLDEN_PROBA = [
    [0.31887, 0.36965, 0.31148],
    [0.33326, 0.40414, 0.2626],
    [0.31735, 0.36903, 0.31362],
    [0.34025, 0.40752, 0.25222],
    [0.29792, 0.39626, 0.30582],
]


def make_golden_model():
    encoder = SequenceEncoder(
        context=["country"], max_categories={"product": 2}, hash_buckets={"product": 4}
    )
    classifier = LSTMBehaviorClassifier(units=6, n_layers=2, epochs=2, random_state=0)
    return make_pipeline(encoder, classifier).fit(GOLDEN_SAMPLES, GOLDEN_LABELS)


@pytest.mark.filterwarnings("ignore:.*was saved with .* and is loaded with:UserWarning")
def test_a_file_of_version_0_1_still_predicts_the_same():
    """If this fails, users' files fail too: mend how they are read, and not the file.

    A new format gets a file of its own beside this one, named by the version:
    ``save(make_golden_model(), GOLDEN)``, and its probabilities are written below as they come.
    """
    model = load(GOLDEN)
    np.testing.assert_allclose(model.predict_proba(GOLDEN_SAMPLES), GOLDEN_PROBA, atol=1e-4)
    assert model.classes_.tolist() == ["more", "none", "one"]
    again = model[-1].partial_fit(model[0].transform(GOLDEN_SAMPLES), GOLDEN_LABELS)
    assert again.n_iter_ == 3


# Where the default of a later parameter would change what an older file predicts.
VALUES_OF_OLDER_FILES = {
    estimators.ItemCooccurrence: {"window": None, "indirect": 0.0},
    estimators.NextBehaviorPredictor: {"counting": None, "average_weights": False},
}


@pytest.mark.parametrize("way", [by_save, by_pickle, by_deepcopy])
@pytest.mark.parametrize("kind", list(public_estimators()))
def test_a_parameter_that_came_later_has_its_default(kind, tmp_path, way):
    estimator = make_unfitted(kind)
    defaults = estimator.get_params() | VALUES_OF_OLDER_FILES.get(kind, {})
    for name in set(estimator.get_params(deep=False)) - {"estimator"}:
        vars(estimator).pop(name)
    estimator.note_ = "kept"
    again = way(estimator, tmp_path)
    assert again.note_ == "kept"
    assert repr(again.get_params()) == repr(defaults)


def test_a_parameter_that_is_there_is_not_touched(tmp_path):
    encoder = SequenceEncoder(max_length=7)
    del encoder.min_frequency
    for way in by_save, by_pickle:
        assert way(encoder, tmp_path).get_params() == SequenceEncoder(max_length=7).get_params()


def test_classes_that_have_moved_are_found(saved, samples, model, monkeypatch):
    schema = schema_of(saved)
    names = {
        "Vocabulary": ("skbseq.preprocessing._channels.Vocabulary", "skbseq._old.Words"),
        "InputSchema": ("skbseq._inputs.InputSchema", "skbseq.estimators._old.Schema"),
    }
    for kind, (_, old) in names.items():
        rename(schema, kind, old)
    rewrite(saved, **{"schema.json": json.dumps(schema)})
    with pytest.raises(ModelFileError, match=r"not trusted: skbseq.*\._old\."):
        load(saved)
    monkeypatch.setattr(_trust, "_MOVED", {old: new for new, old in names.values()})
    X, _ = samples
    np.testing.assert_array_equal(load(saved).predict_proba(X), model.predict_proba(X))


def test_moving_is_no_way_around_trust(path, monkeypatch):
    save(Ours(3), path)
    name = f"{Ours.__module__}.Ours"
    monkeypatch.setattr(_trust, "_MOVED", {name: "os.system"})
    with pytest.raises(ModelFileError, match=r"not trusted: os\.system"):
        load(path)


# -------------------------------------------------- damaged and foreign files


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    for read in (load, read_metadata):
        with pytest.raises(ModelFileError, match=r"model.skbseq.* are not a complete zip archive"):
            read(saved)


def test_a_flipped_byte_is_noticed_wherever_it_matters(saved, samples, model):
    content = saved.read_bytes()
    rng = np.random.default_rng(0)
    expected = model.predict_proba(samples[0])
    for at in rng.integers(len(content), size=60):
        saved.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the byte may stand in a version or a date
                again = load(saved)
        except ModelFileError:
            continue
        np.testing.assert_array_equal(again.predict_proba(samples[0]), expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "its 0 bytes are not a complete zip archive"),
        (np.random.default_rng(0).bytes(5000), "are not a complete zip archive"),
        (b"PK\x03\x04" + b"\0" * 100, "are not a complete zip archive"),
        (pickle.dumps(LogisticRegression()), "are not a complete zip archive"),
    ],
)
def test_what_is_no_archive_is_refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        load(path)


def test_an_archive_without_a_model_is_refused(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "dear all")
    with pytest.raises(ModelFileError, match="zip archive, but it holds no model"):
        load(path)


@pytest.mark.parametrize(
    "schema", [b"{", b"[]", b"{}", b'{"protocol": 0}', b"\xff\xff", b'{"protocol": "x"}']
)
def test_a_senseless_schema_is_refused(saved, schema):
    rewrite(saved, **{"schema.json": schema})
    with pytest.raises(ModelFileError, match="cannot be read"):
        load(saved)


@pytest.mark.parametrize("record", [b"{", b"[]", b"{}", b'{"format": "x", "versions": {}}'])
def test_a_senseless_record_is_refused(saved, record):
    rewrite(saved, **{"skbseq.json": record})
    for read in (load, read_metadata):
        with pytest.raises(ModelFileError, match="cannot be read"):
            read(saved)


def test_a_missing_file_is_named(path):
    for read in (load, read_metadata):
        with pytest.raises(FileNotFoundError, match=r"model\.skbseq"):
            read(path)


def test_a_plain_skops_file_is_loaded(path):
    skops.io.dump(LogisticRegression(C=0.25), path)
    assert load(path).C == 0.25
    with pytest.raises(ModelFileError, match=r"not written by skbseq.save"):
        read_metadata(path)


# ------------------------------------------------------------ untrusted files


class Ours:
    """A type that nobody has heard of."""

    def __init__(self, x=0):
        self.x = x

    def get_params(self, deep=True):
        return {"x": self.x}


def test_unknown_types_are_listed_and_can_be_trusted(path):
    save(Ours(3), path)
    name = f"{Ours.__module__}.Ours"
    with pytest.raises(ModelFileError, match=rf"not trusted: {name}\. .*trusted=\['{name}'\]"):
        load(path)
    for trusted in ([name], [Ours], Ours, name):
        assert load(path, trusted=trusted).x == 3


@pytest.mark.parametrize("trusted", [True, False, 3, None])
def test_trust_goes_to_types_only(saved, trusted):
    with pytest.raises(TypeError, match="must be a list of types"):
        load(saved, trusted=trusted)


class Payload:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (open, (self.trace, "w"))


@pytest.fixture
def trace(tmp_path):
    """A file that must not appear."""
    trace = tmp_path / "trace"
    yield trace
    assert not trace.exists()


def test_a_pickle_is_not_run(path, trace):
    path.write_bytes(pickle.dumps(Payload(str(trace))))
    with pytest.raises(ModelFileError):
        load(path)


def test_a_pickle_within_an_array_is_not_run(saved, trace):
    with zipfile.ZipFile(saved) as archive:
        victims = [name for name in archive.namelist() if name.endswith(".npy")]
    array = io.BytesIO()
    np.save(array, np.array([Payload(str(trace))], dtype=object), allow_pickle=True)
    rewrite(saved, **{victims[0]: array.getvalue()})
    with pytest.raises(ModelFileError, match="cannot be read"):
        load(saved)


def test_functions_are_not_trusted(path, trace):
    skops.io.dump(FunctionTransformer(partial(os.system, f"touch {trace}")), path)
    with pytest.raises(ModelFileError, match=r"not trusted: functools\.partial, posix\.system"):
        load(path)


def rename(node, old, new):
    if isinstance(node, dict):
        if node.get("__class__") == old:
            node["__module__"], _, node["__class__"] = new.rpartition(".")
        for value in node.values():
            rename(value, old, new)
    elif isinstance(node, list):
        for value in node:
            rename(value, old, new)


@pytest.mark.parametrize(
    "name",
    [
        "skbseq.estimators._keras._Run",  # loading it would load TensorFlow
        "skbseq.estimators._base.weights_of",  # a function
        "skbseq.estimators._base._frames",  # a module
        "skbseq.estimators._base.BaseEstimator",  # not ours under this name
        "skbseq.preprocessing._nothing.SequenceEncoder",
        "skbseq.preprocessing._channels.Nothing",
        "skbseq.preprocessingx.SequenceEncoder",
        "skbseq._optional.import_optional",
        "skbseq.persistence.load",
        "builtins.eval",
        "os.system",
    ],
)
@pytest.mark.parametrize("loader", ["ObjectNode", "ConstructorFromReduceNode", "FunctionNode"])
def test_only_classes_of_the_estimators_are_trusted(path, name, loader):
    save(SequenceEncoder(), path)
    schema = schema_of(path)
    rename(schema, "SequenceEncoder", name)
    schema["__loader__"] = loader
    rewrite(path, **{"schema.json": json.dumps(schema)})
    with pytest.raises(ModelFileError, match=f"not trusted: {name}"):
        load(path)


def test_a_vocabulary_of_senseless_bytes_is_refused(path):
    X = pd.DataFrame({"what": [["a", "b"]]})
    save(SequenceEncoder().fit(X), path)
    with zipfile.ZipFile(path) as archive:
        sizes = {i.filename: i.file_size for i in archive.infolist() if ".npy" in i.filename}
    array = io.BytesIO()
    np.save(array, np.arange(200, dtype=np.uint8))
    rewrite(path, **{max(sizes, key=sizes.get): array.getvalue()})
    with pytest.raises(ModelFileError, match="cannot be read"):
        load(path)


# --------------------------------------------------------------------- writing


def test_what_cannot_be_saved_is_named(path):
    keras = pytest.importorskip("keras")
    model = make_model(optimizer=keras.optimizers.Adam(0.1))
    with pytest.raises(
        TypeError, match=r"The cause is its parameter lstmbehaviorclassifier__optimizer=<"
    ):
        save(model, path)
    with pytest.raises(TypeError, match=r"^func=.*<lambda> cannot be saved: .* Define it with"):
        save(FunctionTransformer(lambda x: x), path)
    assert list(path.parent.iterdir()) == []


def test_swapped_arguments_are_noticed(path):
    with pytest.raises(TypeError, match=r"estimator must be an estimator .*; got PosixPath"):
        save(path, SequenceEncoder())


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such folder.*nowhere"):
        save(SequenceEncoder(), tmp_path / "nowhere" / "model.skbseq")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(IsADirectoryError, match="a folder, not a file"):
        save(SequenceEncoder(), tmp_path)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder closed to root too")
def test_a_folder_that_takes_no_files_is_named():
    with pytest.raises(OSError, match=r"Cannot write: .*'/proc/model\.skbseq'"):
        save(SequenceEncoder(), "/proc/model.skbseq")


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.skbseq")
    return tmp_path / "pipe.skbseq"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_what_is_no_regular_file_is_left_alone(pipe, tmp_path):
    link = tmp_path / "link.skbseq"
    link.symlink_to(pipe)
    for path in pipe, link:
        with pytest.raises(OSError, match=r"a named pipe, not a file: .*(pipe|link)\.skbseq"):
            save(SequenceEncoder(), path)
        with pytest.raises(OSError, match="This is a named pipe, not a file"):
            check_writable(path)
        with pytest.raises(OSError, match="This is a named pipe, not a file"), replacing(path):
            raise AssertionError("nothing may be written")
    assert pipe.is_fifo() and link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, pipe]


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="the system has no such sockets")
def test_a_socket_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        with pytest.raises(OSError, match="This is a socket, not a file"):
            save(SequenceEncoder(), "s")


def test_a_link_to_nothing_gets_its_file(tmp_path):
    link = tmp_path / "link.skbseq"
    link.symlink_to(tmp_path / "new.skbseq")
    save(SequenceEncoder(), link)
    assert link.is_symlink() and (tmp_path / "new.skbseq").is_file()


def interrupt(*arguments):
    raise KeyboardInterrupt


def fill_disk(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (KeyboardInterrupt, "os.fsync"),
        (KeyboardInterrupt, "os.replace"),
        (OSError, "os.fsync"),
        (OSError, "pathlib.Path.write_bytes"),
        (KeyboardInterrupt, "skops.io.dumps"),
    ],
)
def test_an_interrupted_save_leaves_the_old_file_whole(saved, monkeypatch, error, place):
    before = saved.read_bytes()
    monkeypatch.setattr(place, interrupt if error is KeyboardInterrupt else fill_disk)
    with pytest.raises(error, match=r"No space left.*model\.skbseq" if error is OSError else None):
        save(SequenceEncoder(), saved)
    monkeypatch.undo()
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_file_is_replaced_with_its_mode_and_through_links(saved, tmp_path):
    saved.chmod(0o640)
    link = tmp_path / "link.skbseq"
    link.symlink_to(saved)
    save(SequenceEncoder(), link)
    assert link.is_symlink()
    assert saved.stat().st_mode & 0o777 == 0o640
    assert type(load(saved)) is SequenceEncoder
    assert sorted(tmp_path.iterdir()) == [link, saved]


def test_a_new_file_has_the_mode_of_any_new_file(path):
    save(SequenceEncoder(), path)
    other = path.with_name("other")
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


def test_a_trial_leaves_nothing(path):
    with replacing(path, keep=False) as temporary:
        temporary.touch()
    assert list(path.parent.iterdir()) == []


def test_the_public_names():
    assert skbseq.persistence.__all__ == ["load", "read_metadata", "save"]
