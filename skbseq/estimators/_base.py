"""What all behaviour estimators share on scikit-learn's side: parameters, data, state."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skbseq import _frames
from skbseq._checks import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_is_data,
    check_sample_weight,
    check_y,
    validate_data,
    validate_parameter_constraints,
)
from skbseq._optional import import_tensorflow_quietly
from skbseq._sequences import round_up
from skbseq._state import FillsParameters
from skbseq.estimators._augmentation import Augmentation, changes_of, check_nested
from skbseq.estimators._inputs import InputSchema

_PREFIXES = ("optimizer", "callbacks", "fit")
_HEADS = tuple(f"{prefix}__" for prefix in _PREFIXES)
_FIT_PARAMETERS = ("batch_size", "epochs", "verbose")
_PATIENCE = 5
# Fields of a network's spec that decide the shapes of its weights, as its options do.
_SHAPING = ("embedding_dims", "units", "n_layers", "bidirectional")


def _engine_module():
    """TensorFlow comes in here, at the first fit or prediction, and not before."""
    return import_tensorflow_quietly("skbseq.estimators._keras")


def layer_names_of(spec):
    """Names of the layers with weights of the network of a spec's fields."""
    module = _engine_module()
    return module.layer_names(module.network_spec(spec))


def weight_names_of(spec):
    """Names of the weights of the network of a spec's fields, in their order."""
    module = _engine_module()
    return module.weight_names(module.network_spec(spec))


def output_width_of(spec):
    """Numbers that the network of a spec's fields gives for each sequence."""
    module = _engine_module()
    return module.output_width(module.network_spec(spec))


class BaseBehaviorEstimator(FillsParameters, CallbackSupportMixin, BaseEstimator):
    """Parameters, input and state of an estimator over sequences.

    Subclasses name their parameters in ``__init__``, which ends in ``**routed`` for those of
    the optimizer, the callbacks and the fit and gives them to ``_keep_routed``. They name their
    network, and have the parameters that are of this network alone.
    """

    _network = "lstm"
    _parameter_constraints = {
        "units": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "bidirectional": ["boolean"],
        "embedding_dim": [Interval(Integral, 1, None, closed="left"), None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "embedding_dropout": [Interval(Real, 0, 1, closed="left")],
        "recurrent_dropout": [Interval(Real, 0, 1, closed="left")],
        "l1": [Interval(Real, 0, None, closed="left")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "augment": [Augmentation, None],
        "pooling": [StrOptions({"last", "mean", "max", "attention"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "validation_split": [Interval(Real, 0, 1, closed="left")],
        "early_stopping": ["boolean", Interval(Integral, 1, None, closed="left")],
        "callbacks": "no_validation",
        "optimizer": "no_validation",
        "warm_start": ["boolean"],
        "device": [str],
        "precision": [StrOptions({"auto", "float32", "mixed_float16", "mixed_bfloat16"})],
        "verbose": [Interval(Integral, 0, 2, closed="both"), "boolean"],
        "random_state": ["random_state"],
    }

    # -------------------------------------------------------------- parameters

    def get_params(self, deep=True):
        """Parameters by name, routed ones such as ``optimizer__beta_1`` among them.

        Parameters
        ----------
        deep : bool, default=True
            Whether parameters that are estimators tell theirs.

        Returns
        -------
        dict
            Values by name.
        """
        return super().get_params(deep=deep) | self._routed()

    def set_params(self, **params):
        """Set parameters, routed ones among them.

        Parameters
        ----------
        **params : dict
            Values by name, such as ``units=64`` or ``optimizer__weight_decay=0.01``.

        Returns
        -------
        estimator
            The estimator itself.
        """
        check_nested(self, params)
        routed = {n: v for n, v in params.items() if n.startswith(_HEADS) or n in self._routed()}
        super().set_params(**{n: v for n, v in params.items() if n not in routed})
        vars(self).update(routed)
        return self

    def _keep_routed(self, routed):
        """Assign what ``__init__`` does not name, but nothing in the place of state or methods."""
        for name in routed:
            if name.startswith("_") or name.endswith("_") or hasattr(type(self), name):
                self._refuse_parameter(name)
        vars(self).update(routed)

    def _routed(self):
        """Parameters that ``__init__`` does not name, as they were given."""
        named = set(self._get_param_names())
        return {
            name: value
            for name, value in vars(self).items()
            if name not in named and not name.startswith("_") and not name.endswith("_")
        }

    def _check_routed(self):
        # scikit-learn's checks give __init__ any name and value, so a misspelt one waits for fit.
        for name in self._routed():
            prefix, _, rest = name.partition("__")
            if not rest or prefix not in _PREFIXES:
                self._refuse_parameter(name)
            if prefix == "fit" and rest not in _FIT_PARAMETERS:
                raise TypeError(
                    f"{name!r} is routed nowhere; fit__ takes {', '.join(_FIT_PARAMETERS)}."
                )
        known = {f"fit__{name}": self._parameter_constraints[name] for name in _FIT_PARAMETERS}
        given = {name: value for name, value in self._routed().items() if name in known}
        validate_parameter_constraints(known, given, caller_name=type(self).__name__)

    def _refuse_parameter(self, name):
        raise TypeError(
            f"{type(self).__name__} has no parameter {name!r}. It takes "
            f"{', '.join(self._get_param_names())}, and routed parameters that begin "
            f"with {', '.join(_HEADS)}."
        )

    # -------------------------------------------------------------- data in

    def _read(self, X, *, reset):
        """Sequences of X; with reset, learn its schema first."""
        check_is_data(X)
        was_frame = None if reset else self.schema_.array_ndim is None
        if was_frame is False and _frames.is_sequence_frame(X, bare_lists=False):
            self._refuse_kind("a sequence frame")
        columns = None
        if was_frame is not False:
            known = () if reset else (*self.schema_.vocabulary_sizes, *self.schema_.numbers)
            columns = _frames.split_if_sequences(X, bare_lists=was_frame, channels=known)
        if columns is None:
            if was_frame:
                self._refuse_kind("numbers without lists")
            X = self._validate_array(X, reset=reset)
            if reset:
                self.schema_ = InputSchema.of_array(X)
            return self.schema_.read_array(X)
        if reset:
            self.schema_ = InputSchema.of_frame(columns)
            self.feature_names_in_ = np.array(_frames.all_names(X), dtype=object)
            self.n_features_in_ = len(self.feature_names_in_)
        return self.schema_.read_frame(columns)

    def _refuse_kind(self, kind):
        raise ValueError(
            f"{type(self).__name__} was fitted on {self.schema_}; got {kind}. Give data of the "
            "kind seen at fit."
        )

    def _validate_array(self, X, *, reset):
        X = validate_data(
            self,
            X,
            reset=reset,
            dtype=[np.float32, np.float64],
            allow_nd=True,
            ensure_all_finite="allow-nan",
        )
        if X.ndim > 3:
            raise ValueError(
                f"X has {X.ndim} dimensions; expected (n_samples, n_steps) or "
                "(n_samples, n_steps, n_channels)."
            )
        return X

    def _read_target(self, data, y):
        y = check_y(y, estimator=self)
        check_consistent_length(data, y)
        return y

    def _weights_of(self, data, sample_weight):
        if sample_weight is None:
            return np.ones(len(data), np.float32)
        return check_sample_weight(sample_weight, data, dtype=np.float32, ensure_non_negative=True)

    # -------------------------------------------------------------- network

    def _embedding_dims(self, sizes):
        if self.embedding_dim is not None:
            return (self.embedding_dim,) * len(sizes)
        # Wider ones learn the noise of small logs: 2 n ** (1/3) is 4 for 8 codes, 32 for 4,096.
        return tuple(min(32, round(2 * size ** (1 / 3))) for size in sizes)

    def _network_spec(self, n_outputs):
        self._check_routed()  # first: a parameter of another network stands among the routed ones
        # Rounded up, so that folds whose vocabularies differ by a few words share one graph.
        seen = self.schema_.vocabulary_sizes.values()
        sizes = tuple(size if size <= 64 else round_up(size) for size in seen)
        given = self.get_params(deep=False).get  # not every network takes all that there are
        n_layers, bidirectional = given("n_layers", 1), given("bidirectional", False)
        module = _engine_module()
        module.check_kind(self._network, n_layers=n_layers, bidirectional=bidirectional)
        own = module.kind_of_network(self._network).options
        own = {name: given(name, default) for name, default in own.items()}
        return {
            "vocabulary_sizes": sizes,
            "embedding_dims": self._embedding_dims(sizes),
            "n_numbers": len(self.schema_.numbers),
            "n_context": len(self.schema_.context),
            "n_outputs": n_outputs,
            "units": self.units,
            "n_layers": n_layers,
            "bidirectional": bidirectional,
            "dropout": float(self.dropout),
            "recurrent_dropout": float(given("recurrent_dropout", 0)),
            "pooling": given("pooling", "last"),
            "policy": "float32",  # until the device is known
            "network": self._network,
            "embedding_dropout": float(given("embedding_dropout", 0)),
            "options": tuple(own.items()),
        }

    def _check_same_weights(self, spec):
        """Refuse to go on from weights that do not fit the network of the parameters."""
        past, present = _shaping(self.spec_), _shaping(spec)
        for name, now in present.items():
            if now != (then := past[name]):
                parameter = "embedding_dim" if name == "embedding_dims" else name
                raise ValueError(
                    f"{parameter} was changed since the last fit ({name} {then} then, {now} now), "
                    "and its weights do not fit the new network. Set it back, or begin anew with "
                    "a sklearn.base.clone of the estimator."
                )

    # -------------------------------------------------------------- training

    def _train(self, samples, *, loss, classes, spec, resume, one_epoch, start=None):
        """Run scikeras' engine over the samples of positive weight and keep what it learnt.

        Parameters
        ----------
        samples : tuple of (Sequences, ndarray, ndarray)
            Data, labels or numbers, and sample weights of float32.
        loss : dict
            Fields of the loss.
        classes : ndarray of shape (n_classes,) or None
            None where the targets are numbers.
        spec : dict
            Fields of the network's spec.
        resume : bool
            Go on from the weights of the last fit.
        one_epoch : bool
            As ``partial_fit``: one epoch, nothing held out, histories joined.
        start : dict of str to ndarray, default=None
            Weights to begin with in the place of random ones, by name.
        """
        module = _engine_module()
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        share = 0 if one_epoch else self.validation_split
        rng = np.random.default_rng([seed, 1])
        train, validation = _hold_out(samples, share, rng, stratified=classes is not None)
        if not one_epoch:
            # Of a partial fit's few samples the mean would say nothing of the others.
            train, validation = _with_mean_weight_one(train, validation)
        watch = self._begin_callbacks(1 if one_epoch else self._n_epochs())
        device, loss = module.choose_device(self.device), module.make_loss(loss)
        if not loss.spreads:
            device = device.partition(",")[0]
        spec = spec | {"policy": module.choose_precision(self.precision, device, self.units)}
        task = module.FitTask(
            spec=module.network_spec(spec),
            device=device,
            seed=seed,
            loss=loss,
            classes=classes,
            one_epoch=one_epoch,
            kept=self._left_by_last_fit() if resume else None,
            penalty=(getattr(self, "l1", 0.0), getattr(self, "l2", 0.0)),
            smoothing=getattr(self, "label_smoothing", 0.0),
            changes=changes_of(self),
            patience=self._patience() if validation else None,
            validation=validation,
            watch=watch,
            start=start or {},
        )
        self.spec_, self.device_ = spec, task.device  # callbacks may predict from here on
        engine = module.fit_network(task, *train, parameters=self._engine_parameters())
        self.weights_, self._weight_names = engine.weights_, engine.weight_names_
        self._optimizer_state = engine.optimizer_state_
        self.history_, self.padding_ = dict(engine.history_), engine.padding_
        self.n_iter_ = len(self.history_["loss"])
        if watch is not None:
            watch[0].call_on_fit_task_end(estimator=self)

    def _left_by_last_fit(self):
        return {
            "weights": self.weights_,
            "optimizer_state": self._optimizer_state,
            "history": self.history_,
        }

    def _engine_parameters(self):
        routed = self._routed()
        if isinstance(self.optimizer, (str, type)):
            routed = {"optimizer__learning_rate": self.learning_rate} | routed
        return {
            "optimizer": self.optimizer,
            "callbacks": self.callbacks,
            "batch_size": self.batch_size,
            "epochs": self.epochs,
            "warm_start": getattr(self, "warm_start", False),
            "verbose": int(self.verbose),
            **routed,
        }

    def _n_epochs(self):
        return getattr(self, "fit__epochs", self.epochs)

    def _patience(self):
        if isinstance(self.early_stopping, (bool, np.bool_)):
            return _PATIENCE if self.early_stopping else None
        return int(self.early_stopping)

    def _begin_callbacks(self, n_epochs):
        """Tell scikit-learn's callbacks, from 1.9 on, that a fit begins."""
        if not hasattr(self, "_init_callback_context"):
            return None
        context = self._init_callback_context(max_subtasks=n_epochs)
        context.call_on_fit_task_begin(estimator=self)
        return context, self

    # -------------------------------------------------------------- prediction

    @property
    def model_(self):
        """The network as a Keras model of its own, for export and inspection."""
        check_is_fitted(self)
        module = _engine_module()
        return module.keras_model(module.network_spec(self.spec_), self.weights_)

    def _outputs(self, X):
        if not hasattr(self, "weights_"):  # to ask scikit-learn each time would cost a tenth
            check_is_fitted(self)
        return self._outputs_of(self._read(X, reset=False))

    def _outputs_of(self, data):
        module = _engine_module()
        device = module.choose_device(self.device)
        policy = self.spec_["policy"]
        if self.precision == "auto":  # what serves here may not be where it was trained
            policy = module.choose_precision("auto", device, self.spec_["units"])
        spec = module.network_spec(self.spec_ | {"policy": policy})
        return module.predict(spec, device, self.weights_, data)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "weights_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def without(constraints, *names):
    """The constraints of all parameters but some, for a network that does not take them."""
    return {name: kinds for name, kinds in constraints.items() if name not in names}


def _shaping(spec):
    """What of a spec decides the shapes of its weights, by name."""
    pooling = spec["pooling"] if spec["pooling"] == "attention" else "without weights"
    shaping = {name: spec[name] for name in _SHAPING}
    # A file written before there were other networks has no options.
    return {**shaping, "pooling": pooling, **dict(spec.get("options", ()))}


def _hold_out(samples, share, rng, *, stratified):
    """Samples of positive weight to train on, and a share of them held out, None of share 0."""
    _, y, sample_weight = samples
    rows, held_out = np.flatnonzero(sample_weight > 0), np.zeros(0, int)
    if share:
        train, test = split_rows(y[rows] if stratified else np.zeros(len(rows)), share, rng)
        rows, held_out = rows[train], rows[test]
    return _take(samples, rows), _take(samples, held_out) if held_out.size else None


def _take(samples, rows):
    data, y, sample_weight = samples
    if len(rows) == len(data):  # ascending, they are all there are
        return samples
    return data.take(rows), y[rows], sample_weight[rows]


def _with_mean_weight_one(train, validation):
    """The same samples, so weighted that the unit of weights changes neither step nor penalty."""
    mean = train[2].mean(dtype=np.float64)
    return [
        samples and (*samples[:2], (samples[2] / mean).astype(np.float32))
        for samples in (train, validation)
    ]


def split_rows(y, share, rng):
    """Rows to train on and rows held out, stratified: every class gives its share.

    A class keeps at least one row for training.

    Returns
    -------
    train, held_out : ndarray of int, ascending
    """
    held_out = []
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        held_out.append(rows[: min(round(share * len(rows)), len(rows) - 1)])
    held_out = np.sort(np.concatenate(held_out))
    return np.setdiff1d(np.arange(len(y)), held_out), held_out
