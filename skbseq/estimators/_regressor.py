"""Regressors of behaviour: fitting, scales and predictions, whatever the network."""

import math
from decimal import Decimal
from numbers import Real

import numpy as np
from sklearn.base import RegressorMixin

from skbseq._checks import Interval, StrOptions, check_y, fit_context, with_callbacks
from skbseq._state import all_or_nothing
from skbseq.estimators._base import BaseBehaviorEstimator, layer_names_of
from skbseq.estimators._transfer import take_over

_KINDS = {
    "squared_error": "squared",
    "squared_log_error": "squared",
    "absolute_error": "absolute",
    "huber": "huber",
    "poisson": "count",
    "quantile": "quantiles",
}
_NEVER_NEGATIVE = ("squared_log_error", "poisson")


class BaseBehaviorRegressor(RegressorMixin, BaseBehaviorEstimator):
    """What regressors share; a subclass brings its parameters.

    The network learns targets of a mean of 0 and a spread of 1, so that its learning rate serves
    money and days alike; with ``loss="poisson"`` it learns the logarithm of their ratio to their
    mean.
    """

    _parameter_constraints = {
        **BaseBehaviorEstimator._parameter_constraints,
        "loss": [StrOptions(set(_KINDS))],
        "quantile": [Interval(Real, 0, 1, closed="neither"), list, tuple],
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
        """
        with all_or_nothing(self):
            resume = self.warm_start and hasattr(self, "weights_")
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
            Numbers. The first call sets the scale on which the network learns them.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, taken as they are, while ``fit`` scales them to a mean of 1;
            those of weight zero are left out.

        Returns
        -------
        estimator
            The regressor itself.
        """
        with all_or_nothing(self):
            resume = hasattr(self, "weights_")
            self._fit(X, y, sample_weight, resume=resume, one_epoch=True)
        return self

    def _fit(self, X, y, sample_weight, *, resume, one_epoch):
        levels = self._levels()
        data = self._read(X, reset=not resume)
        y = self._read_numbers(data, y)
        sample_weight = self._weights_of(data, sample_weight)
        if not resume:
            self._center, self._scale = self._find_scale(y, sample_weight)
        spec = self._network_spec(n_outputs=max(len(levels), 1))
        if resume:
            self._check_same_weights(spec)
            self._check_same_loss()
        self._loss_fitted = self.loss, levels
        self._one_column = isinstance(self.quantile, Real)
        spec, start = take_over(self, spec, layer_names_of)
        self._train(
            (data, self._to_network(y), sample_weight),
            loss={"kind": _KINDS[self.loss], "quantiles": levels},
            classes=None,
            spec=spec,
            resume=resume,
            one_epoch=one_epoch,
            start=start,
        )

    def _levels(self):
        """The quantiles to predict, none of another loss."""
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
        spread = float(np.sqrt(np.average((z - center) ** 2, weights=weight)))
        return center, spread or abs(center) or 1.0  # of a constant its own size

    def _to_network(self, y):
        z = np.log1p(y) if self.loss == "squared_log_error" else y
        return ((z - self._center) / self._scale).astype(np.float32)

    def _check_same_loss(self):
        now, then = (self.loss, self._levels()), self._loss_fitted
        if now != then:
            raise ValueError(
                f"loss and quantile were changed since the last fit ({then} then, {now} now). Set "
                "them back, or begin anew with a sklearn.base.clone of the estimator."
            )

    def predict(self, X):
        """The number to expect of each sample.

        Parameters
        ----------
        X : encoded sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples; the columns of a frame may stand in any order.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_quantiles)
            A column for each quantile where ``quantile`` is a list; they never cross.
        """
        outputs, loss = self._outputs(X), self._loss_fitted[0]
        if loss == "poisson":
            return self._scale * np.exp(outputs[:, 0])
        values = outputs * self._scale + self._center
        if loss == "squared_log_error":
            return np.maximum(np.expm1(values[:, 0]), 0)
        if loss == "quantile" and not self._one_column:
            return np.sort(values, axis=1)  # Chernozhukov, Fernandez-Val, Galichon (2010)
        return values[:, 0]


def check_numbers(y):
    """Refuse targets that are no finite numbers, naming the first.

    NumPy would make counts of days of dates and numbers of strings of digits, without a word.

    Raises
    ------
    ValueError
        If y holds strings, times, or missing or infinite values.
    """
    values = np.asarray(y)
    if values.ndim == 0 or values.dtype.kind not in "fOSUMm":
        return
    if values.dtype.kind == "f":
        bad = ~np.isfinite(values)
    else:
        bad = np.array([not _is_finite(value) for value in values.ravel()], dtype=bool)
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        _refuse_number(values.ravel()[at], row=np.unravel_index(at, values.shape)[0])


def _is_finite(value):
    # A timedelta64 is one of NumPy's integers.
    is_number = isinstance(value, (Real, Decimal)) and not isinstance(value, np.timedelta64)
    return is_number and math.isfinite(value)


def _refuse_number(value, *, row):
    value = value.item() if isinstance(value, (np.floating, np.str_)) else value
    advice = "Give every sample a number, or drop the rows without."
    if isinstance(value, float) and math.isinf(value):
        advice = (
            "Where nothing happened within the horizon, clip y to the horizon's length, or train "
            "on the samples with whom something did."
        )
    raise ValueError(f"y must hold finite numbers; row {row} holds {value!r}. {advice}")
