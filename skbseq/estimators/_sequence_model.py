"""A trained network as data, and what training it needs; TensorFlow is loaded when it runs."""

import re
from dataclasses import dataclass, field, replace

import numpy as np

from skbseq import _frames
from skbseq._inputs import InputSchema
from skbseq._optional import quiet_tensorflow
from skbseq._processes import check_process
from skbseq.networks import NetworkSpec

# Attributes that estimators of version 0.1 kept themselves, by the field that has them now.
_EARLIER = {
    "spec": "spec_",
    "weights": "weights_",
    "weight_names": "_weight_names",
    "optimizer_state": "_optimizer_state",
    "history": "history_",
    "padding": "padding_",
    "device": "device_",
}
# Layers of version 0.1 by their names of today.
_RENAMED_LAYERS = (
    (r"^joined/", "context_dense/"),
    (r"^told/", "numeric_head/"),
    (r"^codes_(\d+)/", r"output_embedding_\1/"),
    (r"^sought_(\d+)/", r"query_projection_\1/"),
    (r"^enter/", "input_projection/"),
    (r"^waves/", "time2vec/"),
    (r"^joined_heads_(\d+)/", r"attention_output_\1/"),
    (r"^back_(\d+)/", r"feed_forward_output_\1/"),
)


def engine():
    """The module that runs Keras; its import is where TensorFlow is loaded."""
    check_process()  # before the import, whose lock a thread of the parent may have held
    with quiet_tensorflow():
        from skbseq.estimators import _keras
    return _keras


@dataclass(frozen=True)
class Objective:
    """What a network learns.

    Parameters
    ----------
    spec : NetworkSpec
        Its policy is chosen when the device is known.
    loss : dict
        Fields of the loss; ``kind`` names it.
    classes : ndarray of shape (n_classes,), default=None
        All labels, ascending. None: the targets are numbers.
    """

    spec: NetworkSpec
    loss: dict
    classes: np.ndarray | None = None


@dataclass(frozen=True)
class Start:
    """Where training begins.

    Parameters
    ----------
    model : SequenceModel, default=None
        Continue from its weights, optimizer state and history. None: from initial weights.
    weights : dict of str to ndarray, default={}
        Initial weights that are taken over, by name, in place of random ones.
    """

    model: "SequenceModel | None" = None
    weights: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Regime:
    """How a network is trained: the estimator's parameters of training.

    Parameters
    ----------
    parameters : dict
        ``optimizer``, ``callbacks``, ``batch_size``, ``epochs``, ``verbose``, and routed ones.
    seed : int
    device, precision : str
        As the user gave them.
    one_epoch : bool
        One epoch more, as in ``partial_fit``: nothing is held out and weights are not scaled.
    validation_split : float
    patience : int or None
        Epochs without a better validation loss before training stops.
    l1, l2, smoothing : float
    augmentation : dict
        Fields of the augmentation of training histories; empty: none.
    watch : tuple of (context, estimator) or None
        The callback context of scikit-learn 1.9, and the estimator that it belongs to.
    averaging : bool
        Whether weights are averaged over the later part of training.
    keeps_state : bool
        Whether the state of the optimizer is kept, to continue from, for a loss of events too.
    """

    parameters: dict
    seed: int
    device: str
    precision: str
    one_epoch: bool
    validation_split: float
    patience: int | None
    l1: float
    l2: float
    smoothing: float
    augmentation: dict
    watch: tuple | None
    averaging: bool = False
    keeps_state: bool = False

    def setting(self, name):
        """``batch_size``, ``epochs`` or ``verbose``; the one routed by ``fit__`` goes first."""
        return self.parameters.get(f"fit__{name}", self.parameters[name])


@dataclass(frozen=True)
class SequenceModel:
    """A network's inputs, spec and weights, and how it was trained. Files keep it.

    Parameters
    ----------
    schema : InputSchema
    spec : NetworkSpec
    weights : list of ndarray
    weight_names : list of str
    optimizer_state : dict
        ``kind`` and ``values``, to continue from. None where nothing continues.
    history : dict of str to list of float
    best_epoch : int
        Epoch, from 1, whose weights early stopping kept; 0 in files of earlier versions.
    padding : float
        Share of the steps of the last epoch's batches that were padding.
    device : str
        Where it was trained.
    """

    schema: InputSchema
    spec: NetworkSpec | None = None
    weights: list | None = None
    weight_names: list | None = None
    optimizer_state: dict | None = None
    history: dict = field(default_factory=dict)
    best_epoch: int = 0
    padding: float = 0.0
    device: str = ""

    @classmethod
    def of_frame(cls, frame):
        """An untrained model that reads frames like this one."""
        return cls(InputSchema.of_frame(_frames.split_if_sequences(frame, bare_lists=False)))

    def read(self, frame):
        """Sequences of a frame."""
        channels = self.schema.channels
        columns = _frames.split_if_sequences(frame, bare_lists=False, channels=channels)
        return self.schema.read_frame(columns)

    def outputs(self, data, *, device, precision):
        """Outputs for sequences.

        Parameters
        ----------
        data : Sequences of n_samples
        device, precision : str
            As the user gave them.

        Returns
        -------
        ndarray of float64 of shape (n_samples, n_outputs)
        """
        device, spec = self._place(device, precision)
        return engine().predict(spec, device, self.weights, data)

    def outputs_of_each(self, data, *, device, precision):
        """Outputs after each event of sequences.

        Parameters
        ----------
        data : Sequences of n_samples
            At least one.
        device, precision : str
            As the user gave them.

        Returns
        -------
        ndarray of float32 of shape (n_steps, n_outputs) or None
            The steps of all sequences end to end; with a head that begins with an event of zeros,
            one more for each sequence. None if the network gives one vector per history only.
        """
        device, spec = self._place(device, precision)
        return engine().predict_each(spec, device, self.weights, data)

    def _place(self, device, precision):
        """The device, and the spec with the precision for it."""
        run = engine()
        device, spec = run.choose_device(device), self.spec
        if precision == "auto":  # the device may differ from that of training
            policy = run.choose_precision("auto", device, spec.units)
            if policy != spec.policy:  # a copy costs a fiftieth of a row's prediction
                spec = replace(spec, policy=policy)
        return device, spec

    def weight(self, name):
        """A weight by its name."""
        return self.weights[self.weight_names.index(name)]

    def weights_below_heads(self):
        """Weights of what reads the events, by name."""
        heads = engine().head_weight_names(self.spec)
        named = zip(self.weight_names, self.weights, strict=True)
        return {name: weight for name, weight in named if name not in heads}

    def with_spec(self, spec):
        """The same weights under a spec that needs only some of them, as without a head."""
        names = engine().weight_names(spec)
        kept = dict(zip(self.weight_names, self.weights, strict=True))
        return replace(self, spec=spec, weight_names=names, weights=[kept[name] for name in names])

    @classmethod
    def of_earlier_state(cls, state):
        """The model that an estimator of version 0.1 kept in attributes of its own."""
        found = {name: state[key] for name, key in _EARLIER.items() if key in state}
        spec = NetworkSpec.of_fields(found.pop("spec"))
        names = found.pop("weight_names", None)
        if names is not None:
            names = [_new_name(name) for name in names]
        return cls(state["schema_"], spec, weight_names=names, **found)


def with_sequence_model(state):
    """State of an estimator with a `SequenceModel`, also where it is of version 0.1."""
    if "weights_" not in state:
        return state
    earlier = {*_EARLIER.values(), "schema_"}
    kept = {name: value for name, value in state.items() if name not in earlier}
    return kept | {"_sequence_model": SequenceModel.of_earlier_state(state)}


def _new_name(name):
    for pattern, new in _RENAMED_LAYERS:
        name = re.sub(pattern, new, name)
    return name
