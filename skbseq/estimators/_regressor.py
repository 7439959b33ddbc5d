"""Regressors of behaviour: fitting, scaling and predictions, for every network."""

from numbers import Real

import numpy as np
from sklearn.base import RegressorMixin

from skbseq._checks import check_y, fit_context, with_callbacks
from skbseq._labels import check_numbers
from skbseq._parameters import constraints_of
from skbseq._state import all_or_nothing
from skbseq.estimators._base import BaseBehaviorEstimator, weights_of
from skbseq.estimators._documented import documented
from skbseq.estimators._sequence_model import Objective
from skbseq.estimators._transfer import starting_point

# Losses of the estimator as those of the training.
_LOSSES = {
    "squared_error": "squared",
    "squared_log_error": "squared",
    "absolute_error": "absolute",
    "huber": "huber",
    "poisson": "count",
    "quantile": "quantiles",
}
_NEVER_NEGATIVE = ("squared_log_error", "poisson")


class BaseBehaviorRegressor(RegressorMixin, BaseBehaviorEstimator):
    """Base of the regressors; a subclass defines the parameters.

    The network learns targets scaled to mean 0 and standard deviation 1, so the same learning
    rate works for money and for days. With ``loss="poisson"`` it learns the logarithm of their
    ratio to their mean.
    """

    _parameter_constraints = {
        **BaseBehaviorEstimator._parameter_constraints,
        **constraints_of("loss", "quantile"),
    }

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train the network.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Training samples.
        y : array-like of shape (n_samples,)
            Numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; those of weight zero are left out.

        Returns
        -------
        estimator
            The fitted regressor itself.

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
            self._fit(X, y, sample_weight, resume=resume, one_epoch=False)
        return self

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one more epoch on some samples; none are held out.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Training samples. Codes above those of the first call count as unknown.
        y : array-like of shape (n_samples,)
            Numbers. The first call determines their scaling.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples. They are used as given, while ``fit`` scales them to a mean of
            1. Samples of weight zero are left out.

        Returns
        -------
        estimator
            The regressor itself.

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
            resume = self.__sklearn_is_fitted__()
            self._fit(X, y, sample_weight, resume=resume, one_epoch=True)
        return self

    def _fit(self, X, y, sample_weight, *, resume, one_epoch):
        levels = self._levels()
        data = self._read(X, reset=not resume)
        y = self._read_numbers(data, y)
        sample_weight = weights_of(data, sample_weight)
        if not resume:
            self._center, self._scale = self._find_scale(y, sample_weight)
        spec = self._network_spec(n_outputs=max(len(levels), 1))
        if resume:
            self._check_same_loss()
        # Predictions need those of the fit, also after set_params.
        self._loss_fitted = self.loss, levels
        self._one_column = isinstance(self.quantile, Real)
        spec, start = starting_point(self, spec, data, resume=resume)
        if resume:
            self._check_same_weights(spec)
        loss = {"kind": _LOSSES[self.loss], "quantiles": levels}
        samples = data, self._to_network(y), sample_weight
        self._train(samples, Objective(spec, loss), start=start, one_epoch=one_epoch)

    def _levels(self):
        """The quantiles to predict; none for other losses."""
        if self.loss != "quantile":
            return ()
        levels = np.atleast_1d(self.quantile).tolist()
        if not levels or not all(isinstance(q, Real) and 0 < q < 1 for q in levels):
            raise ValueError(
                f"quantile={self.quantile!r} must be a number between 0 and 1, or a list of such."
            )
        if sorted(set(levels)) != levels:
            raise ValueError(f"quantile={self.quantile!r} must ascend, each level once.")
        return tuple(map(float, levels))

    def _read_numbers(self, data, y):
        y = self._read_target(data, y)
        if self.loss in _NEVER_NEGATIVE and (y < 0).any():
            row = int(np.flatnonzero(y < 0)[0])
            raise ValueError(
                f"loss={self.loss!r} takes numbers of zero or more; row {row} of y holds {y[row]}."
            )
        return y

    def _read_target(self, data, y):
        check_numbers(y)
        y = check_y(y, y_numeric=True, estimator=self)
        return super()._read_target(data, y.astype(np.float64))

    def _find_scale(self, y, sample_weight):
        used = sample_weight > 0
        y, weight = y[used], sample_weight[used].astype(np.float64)
        if not len(y):
            raise ValueError("All samples have weight zero; there is nothing to learn from.")
        if self.loss == "poisson":
            mean = float(np.average(y, weights=weight))
            if mean == 0:
                raise ValueError("All numbers of y are zero; loss='poisson' has nothing to learn.")
            return 0.0, mean
        z = np.log1p(y) if self.loss == "squared_log_error" else y
        center = float(np.average(z, weights=weight))
        widest = np.abs(z - center).max() or 1.0  # squares of what is not divided may overflow
        spread = float(widest * np.sqrt(np.average(((z - center) / widest) ** 2, weights=weight)))
        return center, spread or abs(center) or 1.0  # of a constant its own size

    def _to_network(self, y):
        z = np.log1p(y) if self.loss == "squared_log_error" else y
        return ((z - self._center) / self._scale).astype(np.float32)

    def _check_same_loss(self):
        now, then = (self.loss, self._levels()), self._loss_fitted
        if now != then:
            raise ValueError(
                f"loss and quantile were changed since the last fit ({then} then, {now} now). Set "
                "them back, or start over with a sklearn.base.clone of the estimator."
            )

    def predict(self, X):
        """Predict a number, or quantiles, for each sample.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples. The columns of a frame may be in any order.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_quantiles)
            One column per quantile if ``quantile`` is a list. Quantiles never cross.

        Raises
        ------
        SequenceFrameError
            If X lacks a column seen in ``fit``, or holds values of another type.
        ValueError
            If the shape of the array X differs from that in ``fit``.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value.
        """
        return self._numbers(self._outputs(X))

    def predict_each(self, X):
        """Predict after each event, reading every history once.

        Only for networks whose vector of an event depends on no later event: not with
        ``bidirectional=True``. Every way of pooling is allowed.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples. The columns of a frame may be in any order.

        Returns
        -------
        table of shape (n_samples, n_outputs), or ndarray
            For a frame, a table of the same library with a list column "prediction", or one for
            each quantile, such as "0.9". Its lists have one value per event: what :meth:`predict`
            gives for the history up to and including this event. For an array an ndarray of shape
            (n_samples, n_steps) or (n_samples, n_steps, n_quantiles), NaN in the steps of padding.

        Raises
        ------
        SequenceFrameError
            If X lacks a column seen in ``fit``, or holds values of another type.
        ValueError
            If the network reads later events, or gives one vector per history; or if the shape
            of the array X differs from that in ``fit``.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value.

        Notes
        -----
        The events are taken as they are encoded. The features of
        :class:`~skbseq.SequenceEncoder` depend on no later event, so the values are those for the
        truncated raw history. With its ``max_length``, they are so for histories of at most this
        length.
        """
        data, outputs = self._outputs_of_each(X)
        numbers = self._numbers(outputs)
        if numbers.ndim == 1:
            found = self._by_event(X, data, {"prediction": numbers})
            return found[:, :, 0] if isinstance(found, np.ndarray) else found
        names = map(str, self._loss_fitted[1])
        return self._by_event(X, data, dict(zip(names, numbers.T, strict=True)))

    def _answers(self, outputs):
        """What each method predicts from outputs of the network."""
        return {"predict": self._numbers(outputs)}

    def _numbers(self, outputs):
        loss = self._loss_fitted[0]
        if loss == "poisson":
            return self._scale * np.exp(outputs[:, 0])
        values = outputs * self._scale + self._center
        if loss == "squared_log_error":
            return np.maximum(np.expm1(values[:, 0]), 0)
        if loss == "quantile" and not self._one_column:
            return np.sort(values, axis=1)  # Chernozhukov, Fernandez-Val, Galichon (2010)
        return values[:, 0]


@documented()
class BehaviorRegressor(BaseBehaviorRegressor):
    """Predict numbers from sequences with a built-in network or your own.

    Use it for amounts, counts and times. Each event is represented by the embeddings of its
    categorical channels and the values of its numeric channels. The network reads the events and
    returns a vector of the history. This vector and the context give the prediction: a mean, a
    median or quantiles, depending on ``loss``. Histories may be empty.

    `LSTMBehaviorRegressor` and the other classes named after a network are the same estimator for
    that network, with its options as parameters.

    See Also
    --------
    BehaviorClassifier : Predicts classes.

    Notes
    -----
    The losses are those of :class:`LSTMBehaviorRegressor`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import BehaviorRegressor, SequenceEncoder
    >>> X = pd.DataFrame({"what": [["cart", "remove"], ["remove", "cart"]] * 20})
    >>> spend = [10.0, 200.0] * 20
    >>> regressor = BehaviorRegressor("gru", learning_rate=0.03, batch_size=8, random_state=0)
    >>> model = make_pipeline(SequenceEncoder(), regressor).fit(X, spend)
    >>> model.score(X, spend) > 0.9
    True
    """

    _parameter_constraints = {
        **BaseBehaviorRegressor._parameter_constraints,
        **constraints_of("network"),
    }

    def __init__(
        self,
        network="lstm",
        *,
        loss="squared_error",
        quantile=0.5,
        units=32,
        n_layers=None,
        bidirectional=False,
        embedding_dim=None,
        dropout=None,
        embedding_dropout=0.0,
        recurrent_dropout=0.0,
        l1=0.0,
        l2=0.0,
        augment=None,
        pooling="last",
        optimizer="adam",
        learning_rate=0.003,
        batch_size=64,
        epochs=20,
        validation_split=0.1,
        early_stopping=True,
        average_weights=True,
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
