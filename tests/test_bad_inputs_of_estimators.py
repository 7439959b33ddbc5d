"""Bad inputs of estimators and transformers: each error helps."""

import inspect
from functools import cache
from numbers import Integral

import numpy as np
import pandas as pd
import pytest
from bad_inputs import Target, check, fitting, target
from sklearn.linear_model import LogisticRegression
from sklearn.utils._param_validation import InvalidParameterError

import skbseq
from skbseq import (
    Augmentation,
    BehaviorClassifier,
    BehaviorEmbedder,
    BehaviorRegressor,
    ConformalClassifier,
    ItemCooccurrence,
    MarkovChain,
    NextBehaviorPredictor,
    SequenceEncoder,
    SequenceImputer,
    SequenceVectorizer,
)
from skbseq._checks import Interval
from skbseq.exceptions import SequenceFrameError

SURROGATE = "\ud800"
HUGE = 10**12
SMALL = {"network": "bag", "units": 2, "epochs": 1, "validation_split": 0, "device": "cpu"}
RAW = pd.DataFrame({"page": [["a", "b", "c"], ["b", "a"], ["c", "b"]] * 2})
CODES = pd.DataFrame({"what": [[2, 3], [3, 2]], "w": [[1.0, 2.0], [0.5, 2.0]], "age": [1.0, 2.0]})
TIMES = [[pd.Timestamp(f"2026-01-0{day}") for day in days] for days in ((1, 2), (2, 3))]
FRAME = pd.DataFrame(
    {
        "what": [["a", None], ["b", "a"]],
        "w": [[1.0, np.nan], [1.0, 2.0]],
        "n": [[1, 2], [3, 4]],
        "when": TIMES,
        "cutoff": pd.Timestamp("2026-02-01"),
        "age": [1, 2],
    }
)
ARRAY = np.array([[1.0, 2.0], [3.0, 4.0]])
NO_DATA = "X must be a sequence frame or an array of numbers; got"


def of_parameter(name):
    """The begin of scikit-learn's message of an invalid parameter."""
    return f"The '{name}' parameter of"


def invalid(name, *values):
    """Cases of values that scikit-learn's validation refuses."""
    return [({name: value}, InvalidParameterError, of_parameter(name)) for value in values]


# ------------------------------------------------------------------ every parameter of every class


def _constrained():
    """Estimators and their parameters with a constraint; one fits on no data at all."""
    for name in skbseq.estimators.__all__ + skbseq.preprocessing.__all__:
        kind = getattr(skbseq, name)
        if kind is Augmentation:
            continue
        accepted = inspect.signature(kind.__init__).parameters
        for parameter, constraint in kind._parameter_constraints.items():
            if constraint != "no_validation" and parameter in accepted:
                yield kind, parameter


@pytest.mark.parametrize(
    ("kind", "parameter"),
    [pytest.param(k, p, id=f"{k.__name__}-{p}") for k, p in _constrained()],
)
def test_every_constrained_parameter_is_checked_before_the_data(kind, parameter):
    def fit(value):
        given = {"estimator": LogisticRegression()} if kind is ConformalClassifier else {}
        kind(**given | {parameter: value}).fit(None, None)

    checked = Target(kind.__name__, fit, ())
    values = [object()]
    kinds = kind._parameter_constraints[parameter]
    if any(isinstance(each, Interval) and each.type is Integral for each in kinds):
        values += [2**63, 10**30, *([] if "boolean" in kinds else [True])]
    for value in values:
        check(checked, {"value": value}, InvalidParameterError, of_parameter(parameter))


# ------------------------------------------------------------------ transformers

DATA = [
    ({"X": None}, TypeError, f"{NO_DATA} NoneType"),
    ({"X": "x"}, TypeError, f"{NO_DATA} str"),
    ({"X": {"x": [1]}}, TypeError, f"{NO_DATA} dict"),
    ({"X": {1}}, TypeError, f"{NO_DATA} set"),
    ({"X": 3}, TypeError, f"{NO_DATA} 3"),
    ({"X": object}, TypeError, f"{NO_DATA} <class 'object'>"),
    ({"X": pd.NA}, TypeError, f"{NO_DATA} <NA>"),
    ({"X": (row for row in [[1]])}, TypeError, f"{NO_DATA} generator"),
    ({"X": pd.DataFrame()}, ValueError, "X is a table without columns"),
    ({"X": [[1], {2}]}, TypeError, "Row 1 of X is a set, which has no order"),
    ({"X": [["a"], 3]}, ValueError, "row 1, 3, does not have the length of row 0"),
    ({"X": np.array([["a", "b"]])}, ValueError, "row 0 holds 'a', which is not a number"),
    ({"X": np.array([1, 2])}, ValueError, "Expected 2D array, got 1D array"),
    ({"X": np.zeros((1, 1, 1, 1))}, ValueError, r"X has shape \(1, 1, 1, 1\)"),
    ({"X": pd.Series([[1], [2]])}, SequenceFrameError, "Expected a table, got a single column"),
    ({"X": pd.DataFrame({"a": ["x"]})}, SequenceFrameError, "The frame has no channel"),
    ({"X": [[1], ["a"]]}, SequenceFrameError, "mixes kinds of values: row 1 holds 'a'"),
    ({"X": [["a"], [SURROGATE]]}, SequenceFrameError, "Row 1 .* text that is not Unicode"),
    ({"X": pd.DataFrame({"a": [{"x"}]})}, SequenceFrameError, "Row 0 of column 'a' is a set"),
    ({"X": RAW.set_axis([0], axis=1)}, SequenceFrameError, "Column names must be strings; got 0"),
    ({"X": pd.concat([RAW, RAW], axis=1)}, SequenceFrameError, "'page' occurs 2 times"),
    ({"X": FRAME.assign(n=[[1], [2]])}, SequenceFrameError, "Row 0 has 2 values in 'what' but"),
]
DATA_ROWS = [
    row
    for kind in (SequenceEncoder, SequenceImputer, SequenceVectorizer)
    for row in target(f"{kind.__name__}.fit", kind().fit, kind.fit).rows(*DATA)
]


def transforming(kind, fitted_on):
    """A target that transforms with an estimator fitted on some data."""

    def call(X):
        kind().fit(fitted_on).transform(X)

    return target(f"{kind.__name__}.transform", call, kind.transform)


DATA_ROWS += [
    row
    for kind in (SequenceEncoder, SequenceImputer, SequenceVectorizer)
    for row in [
        *transforming(kind, RAW).rows(
            ({"X": ARRAY}, SequenceFrameError, "was fitted on a sequence frame"),
            ({"X": CODES}, SequenceFrameError, "no list column 'page'"),
            ({"X": [["a"], [SURROGATE]]}, SequenceFrameError, "Row 1 .* not Unicode"),
        ),
        *transforming(kind, ARRAY).rows(
            ({"X": RAW}, SequenceFrameError, "was fitted on an array of 2 dimensions"),
            ({"X": "x"}, TypeError, f"{NO_DATA} str"),
            ({"X": [["a", "b"]]}, SequenceFrameError, "was fitted on an array"),
            ({"X": ARRAY[:, :1]}, ValueError, "X has 1 features"),
        ),
    ]
]

encoder = fitting(SequenceEncoder, FRAME)
imputer = fitting(SequenceImputer, FRAME)
vectorizer = fitting(SequenceVectorizer, FRAME)
OF_TRANSFORMERS = [
    *encoder.rows(
        *(
            case
            for name in ("categorical", "numeric", "time", "text", "vector", "context")
            for case in (
                ({name: [3]}, ValueError, f"{name} must be .*holds 3 of type int"),
                ({name: [["x"]]}, ValueError, f"{name} must be .*holds"),
                ({name: ["x"]}, SequenceFrameError, f"column 'x', which {name}= needs"),
            )
        ),
        *invalid("min_frequency", 0, "x", None),
        *invalid("max_categories", -1, 1.5),
        *invalid("hash_buckets", 0, HUGE, np.timedelta64(3, "D")),
        *invalid("handle_unknown", "ignore", []),
        *invalid("max_length", 0, "x"),
        *invalid("text_size", 0, pd.NA),
        ({"categorical": ["what"], "numeric": ["what"]}, ValueError, "'what' is named twice"),
        ({"numeric": ["what"]}, SequenceFrameError, "'what'"),
        ({"min_frequency": {"x": 1}}, SequenceFrameError, "min_frequency= names 'x'"),
        ({"max_categories": {"what": 0}}, InvalidParameterError, "max_categories"),
        ({"time_features": ["week"]}, ValueError, "time_features may hold .*got 'week'"),
        ({"time_features": [pd.NA]}, ValueError, "time_features may hold .*got <NA>"),
        ({"time_features": [[1]]}, ValueError, r"time_features may hold .*got \[1\]"),
        ({"categorical": [], "numeric": [], "time": []}, SequenceFrameError, "No channel is left"),
    ),
    *imputer.rows(
        *invalid("strategy", "x", 3, None),
        *invalid("n_neighbors", 0, "x"),
        *invalid("max_samples", -1, None),
        *invalid("add_indicator", "yes", 3),
        *invalid("time", 3, ["when"]),
        *invalid("columns", "w", {"w"}),
        ({"strategy": {"w": "x"}}, ValueError, "strategy may be .*got 'x' for 'w'"),
        ({"strategy": {"w": pd.NA}}, ValueError, "strategy may be .*got <NA> for 'w'"),
        ({"strategy": {3: "mean"}}, ValueError, "strategy must be .*holds 3 of type int"),
        ({"strategy": {"x": "mean"}}, SequenceFrameError, "no list column 'x'"),
        ({"strategy": {"what": "mean"}}, SequenceFrameError, "'what'"),
        ({"columns": [None]}, ValueError, "columns must be .*holds None"),
        ({"columns": ["x"]}, SequenceFrameError, "no list column 'x'"),
        ({"estimator": 3}, TypeError, "estimator must be a regressor .*got 3"),
        ({"time": "w"}, SequenceFrameError, "'w'"),
        ({"time": "what"}, SequenceFrameError, "'what' holds 'a' in row 0"),
        ({"time": "x"}, SequenceFrameError, "no list column 'x'"),
        (
            {"strategy": {"w": "constant"}, "fill_value": "x"},
            SequenceFrameError,
            "fill_value='x' does not suit 'w'",
        ),
        (
            {"strategy": {"n": "constant"}, "fill_value": 2**70},
            SequenceFrameError,
            "fill_value=1180591620717411303424 does not suit 'n'",
        ),
        (
            {"strategy": {"what": "constant"}, "fill_value": SURROGATE},
            SequenceFrameError,
            "fill_value=.* does not suit 'what'",
        ),
    ),
    *vectorizer.rows(
        ({"groups": ["x"]}, ValueError, "groups may hold .*got 'x'"),
        ({"groups": [[1]]}, ValueError, r"groups may hold .*got \[1\]"),
        ({"categorical": [3]}, ValueError, "categorical must be .*holds 3"),
        ({"numeric": [["w"]]}, ValueError, "numeric must be .*holds"),
        ({"context": [None]}, ValueError, "context must be .*holds None"),
        ({"context": ["x"]}, SequenceFrameError, "no ordinary column 'x', which context="),
        ({"time": "x"}, SequenceFrameError, "no list column 'x', which time="),
        ({"time": "w"}, SequenceFrameError, "'w'"),
        ({"behavior": "x"}, SequenceFrameError, "behavior='x' is not one of the categorical"),
        ({"windows": [7]}, TypeError, "windows must be a string such as"),
        ({"windows": ["7"]}, ValueError, "windows='7' is not a duration"),
        ({"windows": ["7D", "1W"]}, ValueError, "windows=.*twice"),
        ({"ngram_range": (2, 1)}, ValueError, "ngram_range must be two integers"),
        ({"ngram_range": [None, 2]}, ValueError, "ngram_range must be two integers"),
        ({"ngram_range": (1, HUGE)}, ValueError, "ngram_range reaches .*too long"),
        *invalid("max_ngrams", 0, "x"),
        *invalid("min_frequency", 0, 1.5),
        *invalid("max_categories", -1),
        *invalid("log", "yes"),
        *invalid("fill_value", "x", None, float("inf")),
        *invalid("sparse_output", "no"),
        *invalid("windows", "7D", None),
    ),
]

# ------------------------------------------------------------------ next event and conformal

LISTS = [["a", "b"], ["b", "a"]]


def of_chain(name, **given):
    """A method of a fitted Markov chain."""
    method = getattr(MarkovChain, name)
    call = lambda **more: getattr(MarkovChain().fit(RAW), name)(**given | more)  # noqa: E731
    return target(f"MarkovChain.{name}", call, method, MarkovChain.fit)


conformal_X, conformal_y = np.array([[0.0], [1.0]] * 20), [0, 1] * 20
conformal = fitting(
    ConformalClassifier,
    conformal_X,
    conformal_y,
    estimator=LogisticRegression(),
    confidence_level=0.5,
)
labelling = target(
    "ConformalClassifier.fit(y)",
    lambda X=conformal_X, y=conformal_y: ConformalClassifier(LogisticRegression()).fit(X, y),
    ConformalClassifier.fit,
)
OF_COUNTS = [
    *target("MarkovChain.fit", MarkovChain().fit, MarkovChain.fit).rows(
        ({"X": None}, SequenceFrameError, "Expected a sequence frame.*got NoneType"),
        ({"X": 3}, SequenceFrameError, "Expected a sequence frame.*got int"),
        ({"X": [{"a"}, ["b"]]}, SequenceFrameError, "Row 0 of X is a set"),
        ({"X": [["a"], np.array(3)]}, SequenceFrameError, "Expected a sequence frame"),
        ({"X": [["a"], [1]]}, SequenceFrameError, "mixes kinds of values: row 1 holds 1"),
        ({"X": [[1.5], [2.5]]}, SequenceFrameError, "None of the list columns can be the target"),
        ({"X": [[]]}, SequenceFrameError, "None of the histories holds an event"),
        ({"X": LISTS, "y": 3}, ValueError, "y must have one dimension.*got int"),
        ({"X": LISTS, "y": ["a"]}, ValueError, "X has 2 rows and y 1 values"),
        ({"X": LISTS, "y": [1, 2]}, ValueError, "y"),
        ({"X": LISTS, "y": [1.5, 2]}, ValueError, "Row 0 of y holds 1.5"),
        ({"X": LISTS, "y": {"a": 1, "b": 2}}, ValueError, "y must have one dimension.*got dict"),
        ({"X": LISTS, "y": ["a", SURROGATE]}, SequenceFrameError, "Row 1 .*'y'.* not Unicode"),
    ),
    *fitting(MarkovChain, RAW).rows(
        *invalid("target", 3, ["page"]),
        *invalid("order", 0, 6, "x", np.timedelta64(3, "D")),
        *invalid("smoothing", "laplace", None),
        ({"target": "x"}, SequenceFrameError, "target 'x' is not a list column"),
    ),
    *fitting(ItemCooccurrence, RAW).rows(
        *invalid("normalization", "x", 3),
        *invalid("decay", -1, "x"),
        *invalid("n_last", 0, 1.5),
        *invalid("smoothing", None, "x"),
    ),
    *of_chain("predict").rows(
        ({"X": 3}, SequenceFrameError, "Expected a sequence frame.*got int"),
        ({"X": [[1]]}, SequenceFrameError, "target 'page' is not a list column"),
        ({"X": ARRAY}, SequenceFrameError, "Expected a sequence frame"),
    ),
    *of_chain("predict_top_k", X=RAW).rows(
        ({"k": 0}, ValueError, "k must be an integer of at least 1; got 0"),
        ({"k": "x"}, ValueError, "k must be an integer of at least 1; got 'x'"),
        ({"k": HUGE}, ValueError, "k=1000000000000 is too large: only 3 ids"),
        ({"k": 1, "exclude_seen": "no"}, ValueError, "exclude_seen must be True or False"),
        ({"k": 1, "candidates": []}, ValueError, "candidates is empty"),
        ({"k": 1, "candidates": 3}, ValueError, "candidates must be a list of ids; got 3"),
        ({"k": 1, "candidates": {"a"}}, ValueError, "candidates must be a list of ids"),
        ({"k": 1, "candidates": ["x"]}, ValueError, "candidates was never seen at fit: 'x'"),
        ({"k": 1, "candidates": [1]}, ValueError, "candidates holds integer values"),
        (
            {"k": 1, "candidates": CODES},
            ValueError,
            "candidates must be a list of ids, or a table",
        ),
        (
            {"k": 1, "candidates": [["a"]]},
            ValueError,
            "candidates has 1 lists of ids and X 6 rows",
        ),
        ({"k": 1, "candidates": [["a"], None] * 3}, ValueError, "Row 1 of candidates is missing"),
        ({"k": 1, "candidates": [[["a"]]] * 6}, ValueError, "candidates holds lists of lists"),
        ({"k": 1, "candidates": [["x"]] * 6}, ValueError, "candidates was never seen at fit: 'x'"),
        ({"k": 1, "candidates": [[1]] * 6}, ValueError, "candidates holds integer values"),
        ({"k": 0, "candidates": [["a"]] * 6}, ValueError, "k must be an integer of at least 1"),
    ),
    *of_chain("score", X=RAW).rows(
        ({"X": 3}, SequenceFrameError, "Expected a sequence frame.*got int"),
        ({"y": "abc"}, ValueError, "y must have one dimension"),
        ({"y": [None] * 6}, ValueError, "Row 0 of y is missing"),
    ),
    *of_chain("true_ranks", X=RAW).rows(
        ({"X": None}, SequenceFrameError, "Expected a sequence frame.*got NoneType"),
        ({"y": [1, 2]}, ValueError, "X has 6 rows and y 2 values"),
    ),
    *conformal.rows(
        *invalid("estimator", LogisticRegression, BehaviorClassifier, "x", None),
        *invalid("estimator", None, 3, "x"),
        *invalid("confidence_level", 0, 1, "x", float("nan")),
        *invalid("method", "x", []),
        *invalid("by_class", "yes", 3),
        *invalid("cv", "x", object()),
        ({"cv": [1]}, ValueError, r"cv=\[1\] does not split the samples"),
        (
            {"cv": [(1, 2, 3)]},
            ValueError,
            r"cv=.* does not split the samples: \(1, 2, 3\) is not a pair",
        ),
        ({"cv": []}, ValueError, r"cv=\[\] gives no split"),
        ({"confidence_level": 0.999}, ValueError, "confidence_level=0.999 needs at least 999"),
    ),
    *labelling.rows(
        ({"X": None}, TypeError, f"{NO_DATA} NoneType"),
        ({"X": [[1]]}, ValueError, "inconsistent numbers of samples"),
        ({"y": None}, ValueError, "y"),
        ({"y": [1] * 40}, ValueError, "needs samples of at least 2 classes"),
        ({"y": [None] * 40}, ValueError, "Row 0 of y holds None, a missing label"),
        ({"y": [1, "a"] * 20}, ValueError, "Row 1 of y holds 'a', a string"),
        ({"y": [[1], [1, 2]] * 20}, ValueError, "y cannot be read as an array"),
        ({"y": [[0, 1]] * 40}, ValueError, "y has 2 columns"),
    ),
]

# ------------------------------------------------------------------ networks

HEADS = "no option \"n_heads\"|no option 'n_heads'"
classifier = fitting(BehaviorClassifier, CODES, [0, 1], **SMALL)
regressor = fitting(BehaviorRegressor, CODES, [0.5, 1.0], **SMALL)
predictor = fitting(NextBehaviorPredictor, RAW, **SMALL)
embedder = fitting(BehaviorEmbedder, RAW, **SMALL)
PAIRS = [[0, 1], [1, 0]]


def learning(kind, y):
    """A target that fits other data."""

    def call(X=CODES, y=y, sample_weight=None):
        kind(**SMALL).fit(X, y, sample_weight)

    return target(f"{kind.__name__}.fit(X, y)", call, kind.fit)


DATA_ROWS += learning(BehaviorClassifier, [0, 1]).rows(*DATA[:-1])
WEIGHTS = [
    ({"sample_weight": "x"}, ValueError, "sample_weight must hold numbers; got 'x'"),
    ({"sample_weight": [1, None]}, ValueError, "sample_weight must hold numbers; row 1 holds No"),
    ({"sample_weight": [1, np.inf]}, ValueError, "sample_weight|Input"),
    ({"sample_weight": np.inf}, ValueError, "sample_weight must hold finite numbers; row 0"),
    ({"sample_weight": [1, -1]}, ValueError, "Negative values in data passed to `sample_weight`"),
    ({"sample_weight": [1]}, ValueError, r"sample_weight.shape == \(1,\), expected"),
    ({"sample_weight": [0, 0]}, ValueError, "at least one non-zero number|weight zero"),
]
OF_NETWORKS = [
    *classifier.rows(
        *invalid("network", 3, None),
        *invalid("units", 0, "x"),
        *invalid("n_layers", 0, 101, HUGE),
        *invalid("dropout", 1, -0.1),
        *invalid("pooling", "min"),
        *invalid("learning_rate", 0, "x", float("inf")),
        *invalid("class_weight", 3, "x"),
        *invalid("precision", "float64"),
        *invalid("augment", 3, Augmentation),
        ({"network": "x"}, ValueError, "network='x' is not known. There are 'bag'"),
        ({"network": len}, TypeError, "network=len must be a function whose first two"),
        ({"network": "bag", "n_layers": 2}, ValueError, "has one layer, so n_layers=2 would"),
        ({"network": "lstm", "units": HUGE}, MemoryError, "Lower units=1000000000000"),
        ({"network": "gru", "units": 2**62}, MemoryError, "Lower units=461168"),
        ({"embedding_dim": HUGE}, MemoryError, "or embedding_dim, here 1000000000000 for 4"),
        ({"network": "cnn", "network__kernel_size": HUGE}, MemoryError, "kernel_size=1000"),
        ({"network": "cnn", "n_layers": 30}, InvalidParameterError, of_parameter("n_layers")),
        ({"network": "transformer", "network__n_heads": HUGE}, MemoryError, "n_heads=1000"),
        ({"network__n_heads": 2}, ValueError, HEADS),
        ({"network__kernel_size": 2}, ValueError, "only 'cnn' has it"),
        (
            {"network": "cnn", "network__kernel_size": "x"},
            InvalidParameterError,
            of_parameter("network__kernel_size"),
        ),
        ({"foo": 3}, TypeError, "BehaviorClassifier has no parameter 'foo'"),
        ({"foo__bar": 3}, TypeError, "has no parameter 'foo__bar'"),
        ({"fit__foo": 3}, TypeError, "'fit__foo' is routed nowhere"),
        ({"fit__epochs": 0}, InvalidParameterError, of_parameter("fit__epochs")),
        ({"device": "x"}, ValueError, "device='x'"),
        ({"class_weight": {0: "x", 1: 1}}, ValueError, "class_weight gives the class 0 the wei"),
        ({"freeze": "embeddings"}, ValueError, "freeze='embeddings' leaves layers at their"),
        ({"adapter_rank": 2}, ValueError, "adapter_rank=2 adapts nothing: without init"),
        *invalid("adapter_rank", 0, 1.5, "x", True),
        ({"init": 3}, TypeError, "init must be a fitted BehaviorEmbedder; got int"),
        ({"init": BehaviorEmbedder()}, ValueError, "BehaviorEmbedder of init is not fitted"),
        ({"optimizer": "x"}, ValueError, "optimizer='x' is not an optimizer of Keras"),
        ({"optimizer": 3}, ValueError, "optimizer=3 is not an optimizer of Keras"),
        ({"optimizer__foo": 3}, ValueError, "optimizer__foo is not a parameter of Adam"),
        *(
            ({name: value}, InvalidParameterError, of_parameter(name))
            for name, value in (
                ("optimizer__weight_decay", "x"),
                ("optimizer__weight_decay", -1),
                ("optimizer__clipnorm", -1),
                ("optimizer__clipvalue", 0),
                ("optimizer__global_clipnorm", pd.NA),
                ("optimizer__beta_1", 1),
                ("optimizer__beta_2", None),
                ("optimizer__epsilon", []),
                ("optimizer__amsgrad", "yes"),
                ("optimizer__use_ema", np.zeros(2)),
                ("optimizer__ema_momentum", 2),
                ("optimizer__learning_rate", "x"),
                ("optimizer__learning_rate", np.inf),
                ("optimizer__gradient_accumulation_steps", 1),
                ("optimizer__loss_scale_factor", object),
                ("optimizer__name", 3),
            )
        ),
        (
            {"optimizer__clipnorm": 1.0, "optimizer__clipvalue": 1.0},
            ValueError,
            "optimizer='adam' cannot be made with its parameters.*Only one of",
        ),
        ({"callbacks": 3}, TypeError, "callbacks holds 3, which is not a callback of Keras"),
        ({"callbacks": [object]}, TypeError, "callbacks holds <class 'object'>"),
        ({"callbacks__patience": 3}, ValueError, "callbacks__patience has nothing to act on"),
        *(
            ({"augment": Augmentation(**{name: value})}, InvalidParameterError, of_parameter(name))
            for name, value in (
                ("crop", 1),
                ("crop_from", "middle"),
                ("mask", "x"),
                ("reorder", -1),
                ("substitute", None),
            )
        ),
        ({"augment": Augmentation(substitute={"x": 0.1})}, ValueError, "names the channel 'x'"),
    ),
    *regressor.rows(
        *invalid("loss", "x", None),
        *invalid("quantile", 0, "x"),
        ({"loss": "quantile", "quantile": [0.5, 0.1]}, ValueError, "quantile"),
        ({"loss": "quantile", "quantile": [None]}, ValueError, "quantile"),
        ({"loss": "quantile", "quantile": []}, ValueError, "quantile"),
    ),
    *learning(BehaviorClassifier, [0, 1]).rows(
        *WEIGHTS,
        ({"X": CODES.assign(what=[["a"] * 2] * 2)}, SequenceFrameError, "'what' holds string"),
        ({"X": CODES.assign(what=[[-1, 2]] * 2)}, SequenceFrameError, "Row 0 of channel 'what'"),
        ({"X": CODES.assign(what=[[HUGE, 2]] * 2)}, SequenceFrameError, "a code above 10,000,000"),
        (
            {"X": CODES.assign(what=[[2**63, 2]] * 2)},
            SequenceFrameError,
            "Row 0 .* 9223372036854775808, which does not fit",
        ),
        (
            {"X": CODES.assign(w=[[np.nan, 1.5]] * 2)},
            SequenceFrameError,
            "Row 0 of column 'w' hol",
        ),
        ({"X": CODES.assign(age="x")}, SequenceFrameError, "Ordinary column 'age' holds string"),
        ({"y": None}, ValueError, "y"),
        ({"y": [0]}, ValueError, "inconsistent numbers of samples"),
        ({"y": [0, 0]}, ValueError, "needs samples of at least 2 classes"),
        ({"y": [0, None]}, ValueError, "Row 1 of y holds None, a missing label"),
        ({"y": [0, pd.NA]}, ValueError, "Row 1 of y holds <NA>, a missing label"),
        ({"y": [[0], [pd.NA]]}, ValueError, "Row 1 of y holds <NA>, a missing label"),
        ({"y": [[0], [1, 2]]}, ValueError, "y cannot be read as an array"),
        ({"y": pd.DataFrame()}, ValueError, "y is a table without columns"),
        ({"y": [[0, 1], [2, 0]]}, ValueError, "row 1 of column 0 holds 2"),
        ({"y": [[0, pd.NA], [1, 0]]}, ValueError, "row 0 of column 1 holds <NA>"),
        (
            {"y": pd.DataFrame({"a": [1, pd.NA], "b": [0, 1]})},
            ValueError,
            "row 1 of column 'a' holds <NA>",
        ),
    ),
    *learning(BehaviorRegressor, [0.5, 1.0]).rows(
        *WEIGHTS[:4],
        ({"y": ["a", "b"]}, ValueError, "y must hold finite numbers; row 0 holds 'a'"),
        ({"y": [1, np.inf]}, ValueError, "y must hold finite numbers; row 1 holds inf"),
        ({"y": [1, pd.NA]}, ValueError, "y must hold finite numbers; row 1 holds <NA>"),
        ({"y": [[1], [1, 2]]}, ValueError, "y cannot be read as an array"),
        ({"y": pd.DataFrame()}, ValueError, "y is a table without columns"),
    ),
    *predictor.rows(
        *invalid("n_negatives", 0, "x"),
        *invalid("bypass", "yes"),
        *invalid("encoder", 3, SequenceEncoder),
        ({"n_negatives": 10**9}, ValueError, "n_negatives=1000000000 is more than the 3 ids"),
        ({"target": "x"}, SequenceFrameError, "target 'x' is not a list column"),
        ({"units": HUGE}, MemoryError, "Lower units=1000000000000"),
        ({"network": "lstm", "network__bidirectional": True}, ValueError, "network__bidirection"),
        ({"optimizer__weight_decay": "x"}, InvalidParameterError, "optimizer__weight_decay"),
    ),
    *target(
        "NextBehaviorPredictor.fit(X)",
        lambda X=RAW, **more: NextBehaviorPredictor(**SMALL).fit(X, **more),
        NextBehaviorPredictor.fit,
    ).rows(
        ({"X": 3}, SequenceFrameError, "Expected a sequence frame.*got int"),
        ({"X": [[1], [2]]}, SequenceFrameError, "reads a sequence frame; got list of numbers"),
        ({"X": [["a"], {"b"}]}, SequenceFrameError, "Row 1 of X is a set"),
        ({"y": [1.5] * 6}, ValueError, "Row 0 of y holds 1.5"),
        ({"sample_weight": ["x"] * 6}, ValueError, "sample_weight must hold numbers; row 0"),
        ({"sample_weight": 0}, ValueError, "weight zero|non-zero"),
    ),
    *embedder.rows(
        *invalid("objective", "x"),
        *invalid("mask_share", 0, 1, "x"),
        *invalid("temperature", 0, None),
        ({"objective": "masked"}, ValueError, "objective='masked' predicts masked events"),
        ({"embedding_dim": 2**62}, MemoryError, "or embedding_dim, here 4611"),
        ({"optimizer__clipnorm": "x"}, InvalidParameterError, "optimizer__clipnorm"),
    ),
    *target(
        "BehaviorEmbedder.fit(X)",
        lambda X: BehaviorEmbedder(**SMALL).fit(X),
        BehaviorEmbedder.fit,
    ).rows(
        ({"X": None}, TypeError, f"{NO_DATA} NoneType"),
        ({"X": ARRAY}, SequenceFrameError, "reads a sequence frame; got ndarray of numbers"),
        ({"X": [["a"]]}, ValueError, "objective='next' needs histories of at least 2 events"),
    ),
    *target("set_params", BehaviorClassifier().set_params, BehaviorClassifier.set_params).rows(
        ({"augment__mask": 0.1}, ValueError, "augment__mask has nothing to act on"),
        ({"foo": 3}, ValueError, "Invalid parameter 'foo'"),
    ),
]

# ------------------------------------------------------------------ fitted networks


@cache
def fitted(kind):
    """One small fitted network of each kind."""
    y = {BehaviorClassifier: [0, 1], BehaviorRegressor: [0.5, 1.0]}.get(kind)
    return kind(**SMALL).fit(RAW if y is None else CODES, y)


def of_fitted(kind, name, **given):
    """A method of a fitted network."""
    call = lambda **more: getattr(fitted(kind), name)(**given | more)  # noqa: E731
    return target(f"{kind.__name__}.{name}", call, getattr(kind, name))


OF_FITTED = [
    *of_fitted(BehaviorClassifier, "predict").rows(
        ({"X": None}, TypeError, f"{NO_DATA} NoneType"),
        ({"X": 3}, TypeError, f"{NO_DATA} 3"),
        ({"X": ARRAY}, ValueError, "was fitted on a sequence frame"),
        ({"X": CODES.drop(columns="w")}, SequenceFrameError, "lacks the list column 'w'"),
        ({"X": CODES.assign(new=1)}, SequenceFrameError, "has the ordinary column 'new'"),
        ({"X": CODES.assign(w=[["a"] * 2] * 2)}, SequenceFrameError, "'w' holds string values"),
    ),
    *of_fitted(BehaviorClassifier, "predict_proba").rows(
        ({"X": {}}, TypeError, f"{NO_DATA} dict"),
        ({"X": CODES.assign(what=[[None, 2]] * 2)}, SequenceFrameError, "a missing code"),
    ),
    *of_fitted(BehaviorClassifier, "score", X=CODES).rows(
        ({"X": "x", "y": [0, 1]}, TypeError, f"{NO_DATA} str"),
        ({"y": [0]}, ValueError, "inconsistent numbers of samples"),
    ),
    *of_fitted(NextBehaviorPredictor, "sample_paths", X=RAW).rows(
        ({"steps": 0}, ValueError, "steps must be an integer of at least 1; got 0"),
        ({"steps": HUGE}, ValueError, "steps must be at most 1,000,000"),
        ({"steps": 1, "temperature": -1}, ValueError, "temperature must be a finite number"),
        ({"steps": 1, "temperature": "x"}, ValueError, "temperature must be a finite .*got 'x'"),
        ({"steps": 1, "random_state": -1}, InvalidParameterError, "'random_state' parameter"),
    ),
    *of_fitted(BehaviorEmbedder, "item_vectors").rows(
        ({"channel": "x"}, ValueError, "channel='x' is not a categorical channel"),
        ({"channel": []}, ValueError, r"channel=\[\] is not a categorical channel"),
    ),
    *of_fitted(BehaviorEmbedder, "most_similar", ids=["a"], k=1).rows(
        ({"ids": "a"}, ValueError, "ids must be a list of ids; got 'a'"),
        ({"ids": {}}, ValueError, "ids must be a list of ids; got {}"),
        ({"ids": ["x"]}, ValueError, "The id 'x' of 'page' was never seen"),
        ({"k": HUGE}, ValueError, "k must be an integer of 1 to 2"),
        ({"k": None}, ValueError, "k must be an integer of 1 to 2.*got None"),
        ({"channel": 3}, ValueError, "channel=3 is not a categorical channel"),
    ),
]

ROWS = [*DATA_ROWS, *OF_TRANSFORMERS, *OF_COUNTS, *OF_NETWORKS, *OF_FITTED]


@pytest.mark.parametrize(("target", "given", "error", "match"), ROWS)
def test_bad_input(target, given, error, match):
    check(target, given, error, match)


def test_a_predictor_reads_a_bare_list():
    predictor = NextBehaviorPredictor(**SMALL).fit([["a", "b"], ["b"], ["b", "a"]])
    assert set(predictor.predict([["a"], ["b", "a"]])) <= {"a", "b"}
