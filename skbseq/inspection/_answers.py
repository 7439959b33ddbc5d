"""What a model says of a history as one number: log-odds of a class, or a predicted number."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skbseq._checks import is_several, shown

# Forests give probabilities of exactly 0 and 1, whose log-odds are infinite.
_LEAST = 1e-9
# Probabilities of classes, even in half precision, add up to 1 within this.
_ROUNDING = 0.01


class Answers:
    """A fitted model that gives one number per history.

    Parameters
    ----------
    model : estimator
        Fitted. It has ``predict_proba``, ``decision_function`` or ``predict``.
    X : sequence frame of n_samples
        The histories that are explained; their predictions decide what ``target=None`` means.
    target : object, default=None
        A class for all rows, or one for each; the column of several numbers.
    duel : bool, default=False
        Whether a class is compared with the best other one, not with all others together, so that
        the sign says whether it is predicted; None then is the predicted class, also of two.

    Attributes
    ----------
    unit : {"log-odds", "decision", "match", "prediction"}
    targets : ndarray of shape (n_samples,) or None
        Class of each row, or the column; None for a regressor of one number.
    places : ndarray of int64 of shape (n_samples,) or None
        Place of each target among the outputs.
    values : ndarray of float64 of shape (n_samples,)
        The answers for X.
    n_outputs : int
        Numbers that the model gives per history.
    """

    def __init__(self, model, X, target=None, *, duel=False):
        if not hasattr(model, "fit") or isinstance(model, type):
            raise TypeError(f"model must be a fitted estimator; got {shown(model)}.")
        self._model, self._method, self._duel = model, _method_of(model), duel
        outputs = self._call(X)  # before classes_ is read: it says if the model is not fitted
        self._labels = self._method == "predict_proba" and _are_labels(model, outputs)
        self._read_outputs, self.unit = self._kind(outputs)
        self.places, self.targets = self._read_target(target, outputs)
        self.n_outputs = 1 if outputs.ndim == 1 else outputs.shape[1]
        self.values = self._of(outputs, np.arange(len(outputs)))

    def __call__(self, frame, rows):
        """Answers for a frame whose rows are variants of the given rows of X."""
        return self._of(self._call(frame), rows)

    def of_variants(self, subsets, rows, kept_of):
        """Answers for histories with some events left out.

        Parameters
        ----------
        subsets : Subsets
        rows : ndarray of int64 of shape (n_variants,)
        kept_of : callable
            From a slice of the variants to ``kept`` of :meth:`Subsets.frame`.

        Returns
        -------
        ndarray of float64 of shape (n_variants,)
        """
        found = [np.zeros(0)]
        for part in subsets.batches(rows, self.n_outputs):
            frame = subsets.frame(rows[part], kept_of(part))
            try:
                found.append(self(frame, rows[part]))
            except ValueError as error:
                raise ValueError(
                    f"{type(self._model).__name__} predicts for X, but not if events are left out "
                    f"of its histories, some of which are then empty: {error}\nExplanations need "
                    "a model that takes every history. Behind SequenceVectorizer, for example, "
                    "put a sklearn.impute.SimpleImputer(keep_empty_features=True)."
                ) from error
        return np.concatenate(found)

    def of_nothing(self, subsets):
        """Answers for the histories without their events."""

        def kept_of(part):
            return np.zeros(int(subsets.lengths[part].sum()), bool)

        return self.of_variants(subsets, np.arange(len(subsets)), kept_of)

    def _call(self, frame):
        outputs = getattr(self._model, self._method)(frame)
        if isinstance(outputs, list):
            raise ValueError(
                f"{type(self._model).__name__} predicts several outputs of classes, each with "
                "probabilities of its own. Explain a model of one output."
            )
        outputs = np.asarray(outputs)
        classes = getattr(self._model, "classes_", None)
        if outputs.ndim == 2 and classes is not None and len(classes) != outputs.shape[1] > 1:
            raise ValueError(
                f"{self._method} of {type(self._model).__name__} gives {outputs.shape[1]} numbers "
                f"for {len(classes)} classes. Explain a model with one for each, such as "
                "SVC(decision_function_shape='ovr')."
            )
        one = outputs.ndim == 2 and outputs.shape[1] == 1
        return outputs[:, 0] if one else outputs

    def _of(self, outputs, rows):
        places = None if self.places is None else self.places[rows]
        return self._read_outputs(outputs, places)

    def _kind(self, outputs):
        """How outputs become answers, and the unit of these."""
        flat = outputs.ndim == 1
        if self._method == "predict_proba":
            if self._labels:
                return _log_odds_of_labels, "log-odds"
            return (_log_odds_to_best if self._duel else _log_odds), "log-odds"
        if self._method == "decision_function":
            several = _lead if self._duel else _column
            return (_signed if flat else several), "decision"
        if _holds_labels(self._model, outputs):
            return self._match, "match"
        return (_itself if flat else _column), "prediction"

    def _match(self, outputs, places):
        classes = self._classes(outputs)
        return (outputs == classes[places]).astype(np.float64)

    def _classes(self, outputs):
        """What a target may be, in the order of the outputs; None for one number."""
        classes = getattr(self._model, "classes_", None)
        if classes is not None and not isinstance(classes, list):
            return np.asarray(classes)
        if self.unit == "match":
            return np.unique(outputs)
        return None if outputs.ndim == 1 else np.arange(outputs.shape[1])

    def _read_target(self, target, outputs):
        classes, n_rows = self._classes(outputs), len(outputs)
        if self.unit == "prediction":
            classes = None if outputs.ndim == 1 else np.arange(outputs.shape[1])
        if classes is None:
            if target is not None:
                raise ValueError(
                    f"target={shown(target)}: {type(self._model).__name__} predicts one number, "
                    "so there is nothing to choose. Leave target at None."
                )
            return None, None
        places = (
            self._default(outputs, classes)
            if target is None
            else _places_of(target, classes, n_rows)
        )
        return places, classes[places]

    def _default(self, outputs, classes):
        """Two classes: the second. Several: the one that is predicted."""
        if self.unit == "prediction" or self._labels:
            raise ValueError(
                f"{type(self._model).__name__} predicts {len(classes)} "
                f"{'labels' if self._labels else 'numbers'} per history, so target must say "
                f"which to explain: one of {_list(classes)}."
            )
        if self.unit == "match":
            return np.searchsorted(classes, outputs)
        if self._duel and outputs.ndim == 1:
            return (outputs > 0).astype(np.int64)
        if not self._duel and len(classes) == 2:
            return np.ones(len(outputs), np.int64)
        return outputs.argmax(axis=1)


def last_step(model):
    """What predicts: the last step of a pipeline, the best model of a search."""
    while True:
        if isinstance(model, Pipeline):
            model = model.steps[-1][1]
        elif isinstance(model, FrozenEstimator):
            model = model.estimator
        elif hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        else:
            return model


def _are_labels(model, probability):
    """Whether a model answers for each label, whose probabilities need not add up to 1."""
    if getattr(last_step(model), "multilabel_", False):
        return True
    return probability.ndim == 2 and bool((np.abs(probability.sum(axis=1) - 1) > _ROUNDING).any())


def _method_of(model):
    for name in ("predict_proba", "decision_function", "predict"):
        if hasattr(model, name):
            return name
    raise TypeError(
        f"{type(model).__name__} has none of predict_proba, decision_function and predict, so it "
        "makes no prediction to explain. Give a fitted classifier, regressor or next-event model."
    )


def _holds_labels(model, outputs):
    return is_classifier(model) or outputs.dtype.kind not in "fiu"


def _places_of(target, classes, n_rows):
    """Place of the target of each row among the classes."""
    each = is_several(target)
    wanted = _as_list(target) if each else [target.item() if hasattr(target, "item") else target]
    if each and len(wanted) != n_rows:
        raise ValueError(
            f"target has {len(wanted):,} values for the {n_rows:,} rows of X; give one class, or "
            "one for each row."
        )
    place_of = {value: place for place, value in enumerate(classes.tolist())}
    places = np.array([_look_up(place_of, value) for value in wanted])
    if (places < 0).any():
        row = int(np.argmin(places))
        where = f" (row {row})" if each else ""
        raise ValueError(
            f"target={shown(wanted[row])}{where} is not one of what the model predicts: "
            f"{_list(classes)}."
        )
    return places if each else np.repeat(places, n_rows)


def _as_list(values):
    """Python values of an array, a column of any library, or a list of mixed types."""
    for name in ("tolist", "to_list", "to_pylist"):
        if hasattr(values, name):
            return getattr(values, name)()
    return [value.item() if hasattr(value, "item") else value for value in values]


def _look_up(place_of, value):
    try:
        return place_of.get(value, -1)
    except TypeError:  # what cannot be hashed is no class
        return -1


def _list(classes):
    names = ", ".join(map(repr, classes.tolist()[:10]))
    return names + (f" and {len(classes) - 10:,} more" if len(classes) > 10 else "")


def _log_odds(probability, places):
    chosen = np.take_along_axis(probability, places[:, None], axis=1)[:, 0]
    # Their sum, and not one less the chosen, which loses digits near 1.
    others = probability.sum(axis=1, where=np.arange(probability.shape[1]) != places[:, None])
    return _log_ratio(chosen, others)


def _log_odds_to_best(probability, places):
    chosen, others = _against(probability, places)
    return _log_ratio(chosen, others)


def _lead(outputs, places):
    chosen, others = _against(outputs, places)
    return (chosen - others).astype(np.float64)


def _against(outputs, places):
    """The chosen column of each row, and the largest of the others."""
    chosen = np.take_along_axis(outputs, places[:, None], axis=1)[:, 0]
    others = np.arange(outputs.shape[1]) != places[:, None]
    return chosen, outputs.max(axis=1, where=others, initial=-np.inf)


def _log_odds_of_labels(probability, places):
    if probability.ndim == 1:
        return _log_ratio(probability, 1 - probability)
    chosen = np.take_along_axis(probability, places[:, None], axis=1)[:, 0]
    return _log_ratio(chosen, 1 - chosen)


def _log_ratio(chosen, others):
    chosen, others = chosen.astype(np.float64), others.astype(np.float64)
    return np.log(np.maximum(chosen, _LEAST)) - np.log(np.maximum(others, _LEAST))


def _signed(outputs, places):
    """A decision function of two classes: positive for the second."""
    return np.where(places == 1, outputs, -outputs).astype(np.float64)


def _column(outputs, places):
    return np.take_along_axis(outputs, places[:, None], axis=1)[:, 0].astype(np.float64)


def _itself(outputs, places):
    return outputs.astype(np.float64)
