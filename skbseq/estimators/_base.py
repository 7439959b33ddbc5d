"""Base classes of the estimators that train a network: parameters, data and state."""

import copy
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skbseq import _frames
from skbseq._checks import (
    CallbackSupportMixin,
    check_is_data,
    check_y,
    read_sample_weight,
    validate_parameter_constraints,
    validate_sequence_array,
)
from skbseq._inputs import InputSchema
from skbseq._monitors import best_epoch
from skbseq._parameters import EMPTY, constraints_of
from skbseq._sequences import round_up
from skbseq._state import FillsParameters
from skbseq.estimators._each_event import EachOutputMixin
from skbseq.estimators._sequence_model import (
    Regime,
    SequenceModel,
    Start,
    engine,
    with_sequence_model,
)
from skbseq.exceptions import SequenceFrameError
from skbseq.networks import NETWORKS, NetworkSpec, check_size, find_network
from skbseq.networks._network import FIELDS, SHARED, as_text, hashable
from skbseq.networks._table import network_names
from skbseq.preprocessing._augmentation import Augmentation, augmentation_fields
from skbseq.preprocessing._sequence_encoder import gap_scales_of

_FIT_PARAMETERS = ("batch_size", "epochs", "verbose")
_PATIENCE = 5
# Parameters that some networks do not have: the value that changes nothing, and what is lacking.
_NOT_EVERYWHERE = {
    "n_layers": (1, "has one layer"),
    "bidirectional": (False, "reads in one direction"),
    "recurrent_dropout": (0, "has no recurrent state"),
}


def _of_model(field, doc):
    """A fitted attribute that the estimator's `SequenceModel` holds."""

    def read(self):
        # Without a model the name of the attribute must be in the error, for `hasattr`.
        model = vars(self).get("_sequence_model")
        if model is None or model.weights is None:
            raise AttributeError(f"{type(self).__name__} is not fitted: it has no {field} yet.")
        return getattr(model, field)

    return property(read, doc=doc)


class NetworkMixin(FillsParameters, CallbackSupportMixin):
    """Parameters, training and state of an estimator with a network.

    Subclasses name their parameters in ``__init__``, which passes its ``locals()`` to
    ``_assign``; ``**routed`` holds those of the network, the optimizer, the callbacks and the
    fit. The attribute ``network`` is a parameter, or of the class.
    """

    weights_ = _of_model("weights", "Weights of the network.")
    spec_ = _of_model("spec", "What decided the network's graph.")
    history_ = _of_model("history", "``loss``, and ``val_loss`` if samples were held out.")
    device_ = _of_model("device", "Where the network was trained.")
    padding_ = _of_model("padding", "Share of padding in the last epoch.")

    # -------------------------------------------------------------- parameters

    def _assign(self, given):
        """Set the parameters from the ``locals()`` of ``__init__``."""
        routed = given.pop("routed")
        vars(self).update({n: v for n, v in given.items() if n not in ("self", "__class__")})
        for name in routed:  # nothing may take the place of state or of a method
            if name.startswith("_") or name.endswith("_") or hasattr(type(self), name):
                self._refuse_parameter(name)
        vars(self).update(routed)

    @classmethod
    @cache  # to read 30 parameters from a signature takes 0.1 ms, and a search asks often
    def _get_param_names(cls):
        return super()._get_param_names()

    def get_params(self, deep=True):
        """Get the parameters by name, including routed ones such as ``optimizer__beta_1``.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of parameters that are estimators.

        Returns
        -------
        dict
            Values by name.
        """
        return super().get_params(deep=deep) | self._routed()

    def set_params(self, **params):
        """Set parameters, including routed ones.

        Parameters
        ----------
        **params : dict
            Values by name, such as ``units=64`` or ``optimizer__weight_decay=0.01``.

        Returns
        -------
        estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter does not exist, or a nested one has nothing to act on.
        """
        self._check_augment(params)
        prefixes, given = self._prefixes(), self._routed()
        routed = {
            n: v
            for n, v in params.items()
            if (n.partition("__")[0] in prefixes and "__" in n) or n in given
        }
        super().set_params(**{n: v for n, v in params.items() if n not in routed})
        vars(self).update(routed)
        return self

    def _prefixes(self):
        """What routed parameters begin with, before the two underscores."""
        own = ("network",) if "network" in self._get_param_names() else ()
        return (*own, "optimizer", "callbacks", "fit")

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
        prefixes = self._prefixes()
        for name in self._routed():
            prefix, _, rest = name.partition("__")
            if not rest or prefix not in prefixes:
                self._refuse_parameter(name)
            if prefix == "fit" and rest not in _FIT_PARAMETERS:
                raise TypeError(
                    f"{name!r} is routed nowhere; fit__ takes {', '.join(_FIT_PARAMETERS)}."
                )
        known = {f"fit__{name}": self._parameter_constraints[name] for name in _FIT_PARAMETERS}
        given = {name: value for name, value in self._routed().items() if name in known}
        validate_parameter_constraints(known, given, caller_name=type(self).__name__)

    def _refuse_parameter(self, name):
        prefixes = ", ".join(f"{prefix}__" for prefix in self._prefixes())
        raise TypeError(
            f"{type(self).__name__} has no parameter {name!r}. It takes "
            f"{', '.join(self._get_param_names())}, and routed parameters that begin "
            f"with {prefixes}."
        )

    def _check_augment(self, params):
        nested = [name for name in params if name.startswith("augment__")]
        if nested and params.get("augment", getattr(self, "augment", None)) is None:
            raise ValueError(
                f"{nested[0]} has nothing to act on: augment=None. Give the estimator "
                "augment=Augmentation() first."
            )

    # -------------------------------------------------------------- network

    def _embedding_dims(self, sizes):
        if self.embedding_dim is not None:
            return (int(self.embedding_dim),) * len(sizes)
        # Wider ones learn the noise of small logs: 2 n ** (1/3) is 4 for 8 codes, 32 for 4,096.
        return tuple(min(32, round(2 * size ** (1 / 3))) for size in sizes)

    def _network_spec(self, n_outputs, head=None):
        """The spec of the network of the parameters, for the inputs that were read."""
        self._check_routed()  # first: a parameter of another class is among the routed ones
        network = find_network(self.network)
        arguments = self._network_arguments(network)
        given, schema = self.get_params(deep=False), self._sequence_model.schema
        # Rounded up, so that folds whose vocabularies differ by a few words share one graph.
        seen = schema.vocabulary_sizes.values()
        sizes = tuple(size if size <= 64 else round_up(size) for size in seen)
        fields = () if network.is_function else FIELDS
        ours = (*SHARED, *fields)
        own = {name: value for name, value in arguments.items() if name not in ours}
        spec = NetworkSpec(
            vocabulary_sizes=sizes,
            embedding_dims=self._embedding_dims(sizes),
            n_numbers=len(schema.numbers),
            n_context=len(schema.context),
            n_outputs=n_outputs,
            units=arguments.get("units", self.units),
            n_layers=arguments.get("n_layers", 1),
            bidirectional=arguments.get("bidirectional", False),
            dropout=float(arguments.get("dropout", given.get("dropout")) or 0),
            recurrent_dropout=float(arguments.get("recurrent_dropout") or 0),
            pooling=given.get("pooling", "last"),
            policy="float32",  # until the device is known
            network=self.network,
            embedding_dropout=float(given.get("embedding_dropout", 0)),
            options=tuple((name, hashable(name, value)) for name, value in own.items()),
            head=head,
            gap=self._gap_place(network),
            **{name: bool(arguments.get(name, False)) for name in fields},
        )
        check_size(spec)
        return spec

    def _gap_place(self, network):
        """Place of the first channel of gaps among the numbers, for a network that asks."""
        schema = self._sequence_model.schema
        if not network.wants("gaps"):
            return None
        return next((i for i, n in enumerate(schema.numbers) if n in schema.gap_scales), None)

    def _gap_weights(self, spec):
        """The scale of the gaps, which is a weight: so graphs of several encoders are one."""
        schema = self._sequence_model.schema
        if spec.gap is None:
            return {}
        scale = schema.gap_scales[schema.numbers[spec.gap]]
        return {"gaps/gap_scale": np.array(scale, np.float32)}

    def _network_arguments(self, network):
        """Values of the arguments of the network's function, by name.

        A routed one, ``network__units``, goes before the estimator's own, ``units``, and that
        before the network's default.
        """
        given = self.get_params(deep=False)
        routed = engine().route_arguments(self._routed())
        self._check_network_options(network, given, routed)
        values = {name: value for name, value in routed.items() if name not in network.options}
        for name, option in network.options.items():
            # A user's argument called epochs, say, is not that of the estimator.
            own = given.get(name) if name in SHARED or not network.is_function else None
            # Of a parameter such as n_layers None means: the default of the network.
            values[name] = routed.get(name, option.default if own is None else own)
            if values[name] is EMPTY:
                raise ValueError(
                    f"network={network.label} needs its argument {name!r}, which has no default. "
                    f"Set network__{name}, or give it a default in the function."
                )
        if network.check is not None:
            network.check(values, given.get("pooling", "last"))
        return values

    def _check_network_options(self, network, given, routed):
        """Refuse options that the network does not have, and values that are not valid."""
        for name in routed:
            if not network.takes(name) and (name in SHARED or not network.takes_any):
                others = network_names(lambda other, name=name: other.takes(name))
                have = "have" if ", " in others else "has"
                raise ValueError(
                    f"network={network.label} has no option {name!r}"
                    f"{f' (only {others} {have} it)' if others else ''}: network__{name} would "
                    f"change nothing. It takes {', '.join(network.options) or 'none'}."
                )
        own = {} if network.is_function else given
        for prefix, all_values in (("network__", routed), ("", own)):
            options = {n: o for n, o in network.options.items() if all_values.get(n) is not None}
            known = {f"{prefix}{name}": option.constraint for name, option in options.items()}
            values = {f"{prefix}{name}": all_values[name] for name in options}
            validate_parameter_constraints(known, values, caller_name=type(self).__name__)
        for name, (neutral, reason) in _NOT_EVERYWHERE.items():
            value = given.get(name)
            if value is not None and value != neutral and not network.takes(name):
                able = network_names(lambda other, name=name: other.takes(name))
                lacks = f"has no argument {name!r}" if network.is_function else reason
                raise ValueError(
                    f"network={network.label} {lacks}, so {name}={value!r} would change nothing. "
                    f"Leave it at {neutral}, or use one of {able}."
                )

    def _check_same_weights(self, spec):
        """Refuse to continue from weights that do not fit the network of the parameters."""
        past, present = self.spec_.shaping(), spec.shaping()
        for name in past | present:
            then, now = past.get(name), present.get(name)
            if now != then:
                parameter = "embedding_dim" if name == "embedding_dims" else name
                raise ValueError(
                    f"{parameter} was changed since the last fit ({name} {as_text(then)} then, "
                    f"{as_text(now)} now), which makes another network. Set it back, or start "
                    "over with a sklearn.base.clone of the estimator."
                )

    # -------------------------------------------------------------- training

    def _train(self, samples, objective, *, start=None, one_epoch=False, n_epochs=None):
        """Train on the samples of positive weight and keep the network.

        Parameters
        ----------
        samples : tuple of (Sequences, ndarray, ndarray)
            Data, targets and sample weights.
        objective : Objective
        start : Start, default=None
            None: from initial weights.
        one_epoch : bool, default=False
            As ``partial_fit``: one epoch, nothing held out, histories joined.
        n_epochs : int, default=None
            Train for this many epochs, and hold nothing out.

        Returns
        -------
        ndarray of int
            The samples that were held out.
        """
        regime = self._regime(one_epoch)
        if n_epochs is not None:
            parameters = regime.parameters | {"epochs": n_epochs, "fit__epochs": n_epochs}
            regime = replace(regime, parameters=parameters, validation_split=0.0, watch=None)
        _warn_of_long_histories(objective.spec, samples[0].lengths)
        _warn_of_unknown_gaps(objective.spec, self._sequence_model.schema)
        start = start or Start()
        start = replace(start, weights=self._gap_weights(objective.spec) | start.weights)
        self._sequence_model, held_out = engine().fit_network(
            self._sequence_model, samples, objective, regime, start
        )
        self.n_iter_ = len(self._sequence_model.history["loss"])
        if regime.watch is not None:
            regime.watch[0].call_on_fit_task_end(estimator=self)
        return held_out

    def _regime(self, one_epoch):
        routed = self._routed()
        if isinstance(self.optimizer, (str, type)):
            routed = {"optimizer__learning_rate": self.learning_rate} | routed
        names = ("optimizer", "callbacks", "batch_size", "epochs", "verbose")
        channels = list(self._sequence_model.schema.vocabulary_sizes)
        n_epochs = 1 if one_epoch else getattr(self, "fit__epochs", self.epochs)
        return Regime(
            parameters={**{name: getattr(self, name) for name in names}, **routed},
            seed=int(check_random_state(self.random_state).randint(2**31 - 1)),
            device=self.device,
            precision=self.precision,
            one_epoch=one_epoch,
            validation_split=0 if one_epoch else self.validation_split,
            patience=self._patience(),
            l1=getattr(self, "l1", 0.0),
            l2=getattr(self, "l2", 0.0),
            smoothing=getattr(self, "label_smoothing", 0.0),
            augmentation=augmentation_fields(getattr(self, "augment", None), channels),
            watch=self._begin_callbacks(n_epochs),
            averaging=bool(getattr(self, "average_weights", False)) and not one_epoch,
            keeps_state=bool(getattr(self, "warm_start", False)),
        )

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

    # -------------------------------------------------------------- state

    @property
    def schema_(self):
        """Columns of the input, and the sizes of their vocabularies."""
        if "_sequence_model" not in vars(self):
            raise AttributeError(f"{type(self).__name__} is not fitted: it has no schema yet.")
        return self._sequence_model.schema

    @property
    def best_epoch_(self):
        """Epoch, from 1, whose weights early stopping kept, or the last one."""
        check_is_fitted(self)
        model = self._sequence_model
        if model.best_epoch:
            return model.best_epoch
        # Earlier versions kept the epoch with the best value.
        monitor = getattr(self, "monitor", "loss")
        values = model.history.get(f"val_{monitor}")
        if values is None or self._patience() is None:
            return len(model.history["loss"])
        return best_epoch(values, monitor)

    @property
    def model_(self):
        """The network as a Keras model of its own, for export and inspection."""
        check_is_fitted(self)
        return engine().keras_model(self.spec_, self.weights_)

    def _outputs_of(self, data):
        model = self._sequence_model
        return model.outputs(data, device=self.device, precision=self.precision)

    def __sklearn_is_fitted__(self):
        model = vars(self).get("_sequence_model")
        return model is not None and model.weights is not None

    def __setstate__(self, state):
        super().__setstate__(with_sequence_model(state))


class BaseBehaviorEstimator(EachOutputMixin, NetworkMixin, BaseEstimator):
    """An estimator that reads encoded frames, or arrays, and has one output vector per sample."""

    _parameter_constraints = {
        **constraints_of(
            *("units", "n_layers", "bidirectional", "embedding_dim", "dropout"),
            *("embedding_dropout", "recurrent_dropout", "l1", "l2", "pooling", "optimizer"),
            *("learning_rate", "batch_size", "epochs", "validation_split", "early_stopping"),
            *("average_weights", "callbacks", "warm_start", "device", "precision", "verbose"),
            *("init", "freeze", "adapter_rank", "random_state"),
        ),
        "augment": [Augmentation, None],
    }

    def _read(self, X, *, reset):
        """Sequences of X; with reset, learn its schema first."""
        check_is_data(X)
        was_frame = None if reset else self.schema_.array_ndim is None
        if was_frame is False and _frames.is_sequence_frame(X, bare_lists=False):
            self._refuse_kind("a sequence frame")
        columns = None
        if was_frame is not False:
            known = () if reset else self.schema_.channels
            columns = _frames.split_if_sequences(X, bare_lists=was_frame, channels=known)
        if columns is None:
            if was_frame:
                self._refuse_kind("numbers without lists")
            X = validate_sequence_array(self, X, reset=reset, dtype=(np.float32, np.float64))
            if reset:
                self._sequence_model = SequenceModel(InputSchema.of_array(X))
            return self.schema_.read_array(X)
        if reset:
            self._sequence_model = SequenceModel(InputSchema.of_frame(columns))
            self.feature_names_in_ = np.array(_frames.all_names(X), dtype=object)
            self.n_features_in_ = len(self.feature_names_in_)
        return self.schema_.read_frame(columns)

    def _refuse_kind(self, kind):
        raise ValueError(
            f"{type(self).__name__} was fitted on {self.schema_}; got {kind}. Give data of the "
            "kind seen at fit."
        )

    def _read_target(self, data, y):
        y = check_y(y, estimator=self)
        check_consistent_length(data, y)
        return y

    def _outputs(self, X):
        if not self.__sklearn_is_fitted__():  # scikit-learn's own check costs a tenth of a row
            check_is_fitted(self)
        return self._outputs_of(self._read(X, reset=False))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        network = NETWORKS.get(self.network) if isinstance(self.network, str) else None
        kind = tags.classifier_tags or tags.regressor_tags
        if network is not None and network.order_blind and kind is not None:
            # The columns of an array are steps to us, and of steps it sees only the mean.
            kind.poor_score = True
        return tags


class OwnEncoderMixin:
    """An estimator of raw frames, which encodes them itself. Stands before `NetworkMixin`."""

    def _fit_encoder(self, encoder, X, settled=()):
        """Fit a clone of the encoder; the encoded frame, which the sequence model reads.

        Of the ``settled`` channels the encoder does not warn.
        """
        check_is_data(X)
        if not _frames.is_sequence_frame(X):
            raise SequenceFrameError(
                f"{type(self).__name__} reads a sequence frame; got {type(X).__name__} of "
                "numbers, which its encoder takes for an array. Give a table with a list "
                "column, such as pandas.DataFrame({'what': list(X)})."
            )
        self.encoder_ = clone(encoder)
        if settled:
            self.encoder_._settled = settled
        self.encoder_.fit(X)
        encoded = self.encoder_.transform(X)
        self._sequence_model = SequenceModel.of_frame(encoded)
        # Known also where the frame cannot say it, as one of polars.
        self._sequence_model.schema.gap_scales = gap_scales_of(self.encoder_)
        vars(self).pop("feature_names_in_", None)
        if hasattr(self.encoder_, "feature_names_in_"):  # a bare list has no names
            self.feature_names_in_ = self.encoder_.feature_names_in_
        self.n_features_in_ = self.encoder_.n_features_in_
        return encoded

    def _take_encoder(self, embedder, X):
        """Use the encoder of a fitted embedder; the encoded frame, as of `_fit_encoder`."""
        check_is_data(X)
        encoder = self.encoder_ = embedder.encoder_
        encoded = encoder.transform(X)
        # Not that of the frame, which may not show all codes that the encoder has.
        self._sequence_model = SequenceModel(copy.copy(embedder.schema_))
        vars(self).pop("feature_names_in_", None)
        if hasattr(encoder, "feature_names_in_"):
            self.feature_names_in_ = encoder.feature_names_in_
        self.n_features_in_ = encoder.n_features_in_
        return encoded

    def _sequences(self, X):
        """Sequences of a raw frame."""
        return self._sequence_model.read(self.encoder_.transform(X))


def _warn_of_long_histories(spec, lengths):
    """Warn if a network tells fewer positions apart than there are."""
    option = find_network(spec.network).positions
    if option is None:
        return
    begin = 0 if spec.head is None else int(spec.head.begin)
    most, longest = spec.option(option), int(lengths.max(initial=0)) + begin
    if longest > most:
        long, known = np.count_nonzero(lengths + begin > most), most - begin
        shorter = f", or keep the latest events with SequenceEncoder(max_length={known})"
        warnings.warn(
            f"{long:,} of {len(lengths):,} histories have more than {known:,} events, and "
            f"network={spec.network!r} knows {most:,} positions, so all later ones are the same "
            f"to it. Set network__{option}={longest}{shorter if known else ''}.",
            UserWarning,
            stacklevel=2,
        )


def _warn_of_unknown_gaps(spec, schema):
    """Warn of gaps whose scale a frame does not tell, if the network asks for them."""
    gaps = [name for name in schema.numbers if name.endswith("_gap")]
    if gaps and spec.gap is None and find_network(spec.network).wants("gaps"):
        warnings.warn(
            f"The frame does not tell the scale of {gaps[0]!r}, as those of polars never do, so "
            f"network={find_network(spec.network).label} reads no times between events. Call "
            "set_output(transform='pandas') on the encoder, whose frames then tell it.",
            UserWarning,
            stacklevel=2,
        )


def weights_of(data, sample_weight):
    """Sample weights as float32, ones if there are none."""
    return read_sample_weight(sample_weight, len(data))
