"""Classifiers of behaviour: fitting, labels and probabilities, whatever the network."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from skbseq._checks import fit_context, with_callbacks
from skbseq._state import all_or_nothing
from skbseq.estimators._base import BaseBehaviorEstimator


class BaseBehaviorClassifier(ClassifierMixin, BaseBehaviorEstimator):
    """What classifiers share; a subclass brings its parameters."""

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train the network.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Training samples.
        y : array-like of shape (n_samples,)
            Labels of any kind.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; those of weight zero are left out.

        Returns
        -------
        estimator
            The fitted classifier itself.
        """
        with all_or_nothing(self):
            resume = self.warm_start and hasattr(self, "weights_")
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
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; needed at the first call unless y holds them all.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, taken as they are, while ``fit`` scales them to a mean of 1;
            those of weight zero are left out.

        Returns
        -------
        estimator
            The classifier itself.

        Raises
        ------
        ValueError
            If ``class_weight`` is "balanced", which needs all labels at once, or a parameter that
            shapes the weights was changed since the last call.
        """
        with all_or_nothing(self):
            if isinstance(self.class_weight, str):
                raise ValueError(
                    'class_weight="balanced" asks for the shares of the classes, which '
                    "one call of partial_fit cannot know. Give class_weight as a dict."
                )
            resume = hasattr(self, "weights_")
            self._fit(X, y, classes, sample_weight, resume=resume, one_epoch=True)
        return self

    def _fit(self, X, y, classes, sample_weight, *, resume, one_epoch):
        data = self._read(X, reset=not resume)
        y = self._read_target(data, y)
        check_classification_targets(y)
        weights = self._weights_of(data, sample_weight)
        if self.class_weight is not None:
            weights = self._weigh_classes(y, weights)
        self._set_classes(y[weights > 0], classes, resume=resume)
        spec = self._network_spec(len(self.classes_))
        if resume:
            self._check_same_weights(spec)
        self._train(data, y, weights, spec=spec, resume=resume, one_epoch=one_epoch)

    def _weigh_classes(self, y, weights):
        used = weights > 0
        factors = compute_sample_weight(self.class_weight, y[used])
        weights = weights.copy()  # they may be the caller's own
        weights[used] *= factors
        return weights

    def _set_classes(self, y, classes, *, resume):
        if not resume:
            self.classes_ = np.unique(y if classes is None else classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes={list(classes)} differ from those of the first call, "
                f"{self.classes_.tolist()}."
            )
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes; the labels hold one "
                f"class only: {self.classes_.tolist()}."
            )
        strangers = np.setdiff1d(y, self.classes_)
        if strangers.size:
            raise ValueError(
                f"The labels hold {strangers.tolist()[0]!r}, which is not among the classes "
                f"{self.classes_.tolist()}. Name all classes at the first fit."
            )

    def predict_proba(self, X):
        """Probability of each class.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples; the columns of a frame may stand in any order.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Rows sum to 1; columns in the order of ``classes_``.
        """
        logits = self._logits(X)
        if logits.shape[1] == 1:
            logits = np.column_stack([np.zeros(len(logits)), logits[:, 0]])
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def predict(self, X):
        """The likeliest class.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples; the columns of a frame may stand in any order.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels as in ``classes_``.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]
