"""Classifiers of behaviour: fitting, labels and probabilities, for every network."""

import numpy as np
from scipy.special import expit
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length

from skbseq._checks import fit_context, with_callbacks
from skbseq._labels import check_class_weight, read_label_table, read_labels
from skbseq._parameters import constraints_of
from skbseq._state import all_or_nothing
from skbseq.estimators._base import BaseBehaviorEstimator, weights_of
from skbseq.estimators._documented import documented
from skbseq.estimators._sequence_model import Objective
from skbseq.estimators._transfer import starting_point

_SIGNS = np.array([-1.0, 1.0])


class BaseBehaviorClassifier(ClassifierMixin, BaseBehaviorEstimator):
    """Base of the classifiers; a subclass defines the parameters."""

    _parameter_constraints = {
        **BaseBehaviorEstimator._parameter_constraints,
        **constraints_of("label_smoothing", "class_weight"),
    }

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train the network.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Training samples.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels of any type. For several labels that may occur together, such as behaviours
            within the horizon, one column of 0 and 1 each.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; those of weight zero are left out.

        Returns
        -------
        estimator
            The fitted classifier itself.

        Raises
        ------
        SequenceFrameError
            If X is a sequence frame without channels, or a column does not fit or cannot be read.
        ValueError
            If a parameter, y or ``sample_weight`` holds an invalid value, or they do not fit X.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value; or if a
            parameter is routed nowhere.
        MemoryError
            If the memory cannot hold a network of this size.
        """
        with all_or_nothing(self):
            resume = self.warm_start and self.__sklearn_is_fitted__()
            self._fit(X, y, None, sample_weight, resume=resume, one_epoch=False)
        return self

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one more epoch on some samples; none are held out.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Training samples. Codes above those of the first call count as unknown.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that may occur in any call. Required at the first call, unless y holds them
            all.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples. They are used as given, while ``fit`` scales them to a mean of
            1. Samples of weight zero are left out.

        Returns
        -------
        estimator
            The classifier itself.

        Raises
        ------
        ValueError
            If ``class_weight`` is "balanced", which needs all labels at once, or a parameter that
            shapes the weights was changed since the last call.
        SequenceFrameError
            If X is a sequence frame without channels, or a column does not fit or cannot be read.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value; or if a
            parameter is routed nowhere.
        MemoryError
            If the memory cannot hold a network of this size.
        """
        with all_or_nothing(self):
            if isinstance(self.class_weight, str):
                raise ValueError(
                    'class_weight="balanced" asks for the shares of the classes, which '
                    "one call of partial_fit cannot know. Give class_weight as a dict."
                )
            resume = self.__sklearn_is_fitted__()
            self._fit(X, y, classes, sample_weight, resume=resume, one_epoch=True)
        return self

    def _fit(self, X, y, classes, sample_weight, *, resume, one_epoch):
        data = self._read(X, reset=not resume)
        sample_weight = weights_of(data, sample_weight)
        several = read_label_table(y)
        if several is None:
            task = self._read_classes(data, y, classes, sample_weight, resume=resume)
        else:
            task = self._read_several(data, *several, classes, sample_weight, resume=resume)
        y, sample_weight, n_outputs = task
        spec = self._network_spec(n_outputs=n_outputs)
        spec, start = starting_point(self, spec, data, resume=resume)
        if resume:
            self._check_same_weights(spec)
        loss = {"kind": "labels" if self.multilabel_ else "classes"}
        classes = None if self.multilabel_ else self.classes_
        objective = Objective(spec, loss, classes)
        self._train((data, y, sample_weight), objective, start=start, one_epoch=one_epoch)

    def _read_classes(self, data, y, classes, sample_weight, *, resume):
        """Single-label targets, weights, and the number of outputs."""
        y = self._read_target(data, read_labels(y))
        check_classification_targets(y)
        if self.class_weight is not None:
            sample_weight = self._weigh_classes(y, sample_weight)
        self._set_multilabel(False, resume=resume)
        self._set_classes(y[sample_weight > 0], classes, resume=resume)
        n_classes = len(self.classes_)
        return y, sample_weight, 1 if n_classes == 2 else n_classes

    def _read_several(self, data, y, names, classes, sample_weight, *, resume):
        """Multi-label targets, weights, and the number of outputs."""
        check_consistent_length(data, y)
        if self.class_weight is not None:
            raise ValueError(
                f"class_weight={self.class_weight!r} serves labels of which a sample has one; y "
                f"has {y.shape[1]} columns. Give sample_weight."
            )
        self._set_multilabel(True, resume=resume)
        known = self.classes_ if resume else names
        if known is None:
            known = np.arange(y.shape[1])
        self.classes_ = known
        for given in (names, classes):  # an array has no names
            self._check_label_names(given)
        if y.shape[1] != len(known):
            raise ValueError(
                f"y has {y.shape[1]} columns; expected {len(known)}, for the labels "
                f"{known.tolist()}."
            )
        return y, sample_weight, y.shape[1]

    def _set_multilabel(self, several, *, resume):
        if resume and several != self.multilabel_:
            raise ValueError(
                "y has one column where it had several at the last fit, or the other way round. "
                "Start over with a sklearn.base.clone of the estimator."
            )
        self.multilabel_ = several

    def _weigh_classes(self, y, sample_weight):
        check_class_weight(self.class_weight)
        used = sample_weight > 0
        factors = compute_sample_weight(self.class_weight, y[used])
        sample_weight = sample_weight.copy()  # it may be the caller's own
        sample_weight[used] *= factors
        return sample_weight

    def _set_classes(self, y, classes, *, resume):
        if classes is not None:
            classes = np.unique(read_labels(classes, name="classes"))
        if not resume:
            self.classes_ = np.unique(y) if classes is None else classes
        elif classes is not None and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"classes={classes.tolist()} differ from those of the first call, "
                f"{self.classes_.tolist()}."
            )
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes; the labels hold one "
                f"class only: {self.classes_.tolist()}."
            )
        unseen = np.setdiff1d(y, self.classes_)
        if unseen.size:
            raise ValueError(
                f"The labels hold {unseen.tolist()[0]!r}, which is not among the classes "
                f"{self.classes_.tolist()}. Name all classes at the first fit."
            )

    # Classifiers of files of version 0.1 have none.
    multilabel_ = False

    def predict_proba(self, X):
        """Predict the probability of each class.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples. The columns of a frame may be in any order.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``. Rows sum to 1, unless y had several columns:
            then each label has its own probability.

        Raises
        ------
        SequenceFrameError
            If X lacks a column seen in ``fit``, or holds values of another type.
        ValueError
            If the shape of the array X differs from that in ``fit``.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value.
        """
        return self._probabilities(self._outputs(X))

    def predict_proba_each(self, X):
        """Predict the probability of each class after each event, reading every history once.

        Only for networks whose vector of an event depends on no later event: not with
        ``bidirectional=True``. Every way of pooling is allowed.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples. The columns of a frame may be in any order.

        Returns
        -------
        table of shape (n_samples, n_classes), or ndarray of shape (n_samples, n_steps, n_classes)
            For a frame, a table of the same library with a list column per class, named by
            ``str`` of the class. Its lists have one value per event: what :meth:`predict_proba`
            gives for the history up to and including this event. For an array the same as an
            array, NaN in the steps of padding.

        Raises
        ------
        SequenceFrameError
            If X lacks a column seen in ``fit``, or holds values of another type.
        ValueError
            If the network reads later events, or gives one vector per history; if two classes
            have the same name; or if the shape of the array X differs from that in ``fit``.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value.

        Notes
        -----
        The events are taken as they are encoded. The features of
        :class:`~skbseq.SequenceEncoder` depend on no later event, so the values are those for the
        truncated raw history. With its ``max_length``, they are so for histories of at most this
        length.
        """
        data, logits = self._outputs_of_each(X)
        names = list(map(str, self.classes_))
        if len(set(names)) < len(names):
            raise ValueError(f"Two classes have the same name as a column: {names}.")
        return self._by_event(
            X, data, dict(zip(names, self._probabilities(logits).T, strict=True))
        )

    def _probabilities(self, logits):
        if self.multilabel_:
            return expit(logits)
        if logits.shape[1] == 1:  # of two classes the network gives the second
            return expit(logits * _SIGNS)
        # In three steps, as scipy's takes a tenth of the time of a prediction of one row.
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples. The columns of a frame may be in any order.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            Labels from ``classes_``. If y had several columns: 0 or 1 for each label.

        Raises
        ------
        SequenceFrameError
            If X lacks a column seen in ``fit``, or holds values of another type.
        ValueError
            If the shape of the array X differs from that in ``fit``.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value.
        """
        return self._labels_of(self.predict_proba(X))

    def _labels_of(self, probability):
        if self.multilabel_:
            return (probability > 0.5).astype(int)
        return self.classes_[probability.argmax(axis=1)]

    def _answers(self, outputs):
        """What each method predicts from outputs of the network."""
        probability = self._probabilities(outputs)
        answers = {"predict_proba": probability, "predict": self._labels_of(probability)}
        return answers | ({"decision_function": outputs} if self.multilabel_ else {})

    def score(self, X, y, sample_weight=None):
        """Accuracy: the share of samples whose label, or all labels, are predicted correctly.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            True labels. The columns of a table must have the same names as in ``fit``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        float
            Between 0 and 1.

        Raises
        ------
        ValueError
            If the columns of y differ from those in ``fit``, or are in another order.
        SequenceFrameError
            If X lacks a column seen in ``fit``, or holds values of another type.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value.
        """
        if self.multilabel_ and (several := read_label_table(y)) is not None:
            self._check_label_names(several[1])
        return super().score(X, y, sample_weight)

    def _check_label_names(self, names):
        if names is not None and not np.array_equal(names, self.classes_):
            raise ValueError(
                f"The labels are {list(names)}; expected {self.classes_.tolist()}, a column each."
            )

    @available_if(lambda self: self.multilabel_)
    def decision_function(self, X):
        """Logits of each label; available only if y had several columns.

        scikit-learn's scorers mistake the ``predict_proba`` of two labels for that of two
        classes, but handle these logits correctly.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples. The columns of a frame may be in any order.

        Returns
        -------
        ndarray of shape (n_samples, n_labels)
            Columns in the order of ``classes_``. Positive if the probability of a label is above
            0.5.

        Raises
        ------
        SequenceFrameError
            If X lacks a column seen in ``fit``, or holds values of another type.
        ValueError
            If the shape of the array X differs from that in ``fit``.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value.
        """
        return self._outputs(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@documented()
class BehaviorClassifier(BaseBehaviorClassifier):
    """Classify sequences with a built-in network or your own.

    Each event is represented by the embeddings of its categorical channels and the values of its
    numeric channels. The network reads the events and returns a vector of the history. This
    vector and the context give the logits. Histories may be empty. A single `GridSearchCV` can
    compare networks and their options.

    `LSTMBehaviorClassifier` and the other classes named after a network are the same estimator
    for that network, with its options as parameters.

    See Also
    --------
    BehaviorRegressor : Predicts numbers.

    Notes
    -----
    The user guide has the equations of the networks, and a page on custom networks.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import BehaviorClassifier, SequenceEncoder
    >>> X = pd.DataFrame({"what": [["cart", "remove"], ["remove", "cart"]] * 20})
    >>> y = ["leaves", "buys"] * 20
    >>> classifier = BehaviorClassifier(epochs=20, learning_rate=0.05, random_state=0)
    >>> grid = [{"network": ["bag"]}, {"network": ["cnn"], "network__kernel_size": [2]}]
    >>> X = SequenceEncoder().fit_transform(X)
    >>> search = GridSearchCV(classifier, grid, cv=2).fit(X, y)
    >>> search.best_params_
    {'network': 'cnn', 'network__kernel_size': 2}
    """

    _parameter_constraints = {
        **BaseBehaviorClassifier._parameter_constraints,
        **constraints_of("network"),
    }

    def __init__(
        self,
        network="lstm",
        *,
        units=32,
        n_layers=None,
        bidirectional=False,
        embedding_dim=None,
        dropout=None,
        embedding_dropout=0.0,
        recurrent_dropout=0.0,
        l1=0.0,
        l2=0.0,
        label_smoothing=0.0,
        augment=None,
        pooling="last",
        optimizer="adam",
        learning_rate=0.003,
        batch_size=64,
        epochs=20,
        validation_split=0.1,
        early_stopping=True,
        average_weights=True,
        class_weight=None,
        callbacks=None,
        warm_start=False,
        device="auto",
        precision="auto",
        verbose=0,
        init=None,
        freeze=None,
        adapter_rank=None,
        random_state=None,
        **routed,
    ):
        self._assign(locals())
