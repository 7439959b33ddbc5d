"""The models that can be trained, by name: pipelines over a sequence frame."""

import difflib
from dataclasses import dataclass

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbseq.estimators import BehaviorClassifier, LSTMBehaviorClassifier
from skbseq.networks import NETWORKS
from skbseq.preprocessing import SequenceEncoder, SequenceVectorizer

AUTO = "auto"
DEFAULT = "lstm"
# Rarer categories describe single users more than behaviour.
_MIN_FREQUENCY = 5
# With a few thousand users, larger networks and higher learning rates overfit.
_NETWORK = {"embedding_dim": 8, "dropout": 0.2, "learning_rate": 0.001}
# The feature table is dense: with 100 categories per column, a million users need 10 GB.
_MOST_COUNTED = 20


@dataclass(frozen=True)
class Settings:
    """Options of the models.

    Parameters
    ----------
    max_events : int
        Latest events that a network reads.
    max_categories : int
    units, epochs : int
    seed : int
    quiet : bool, default=True
        Whether networks print no progress.
    """

    max_events: int
    max_categories: int
    units: int
    epochs: int
    seed: int
    quiet: bool = True


def model_names():
    """All names that ``--model`` takes, "auto" first, then rivals from simple to complex."""
    return [AUTO, *_RIVALS, *NETWORKS]


def titles():
    """What each name stands for, in the tables."""
    return {name: title for name, (title, _) in _RIVALS.items()} | {
        name: _network_title(network) for name, network in NETWORKS.items()
    }


def _network_title(network):
    prefix = network.name.upper() if network.texts is None else network.texts.prefix
    prefix = network.title or prefix
    how = ", blind to their order" if network.order_blind else ""
    return f"{prefix} over the events{how}"


def candidates(name, task, settings):
    """The models to train for a choice: itself, and the cheap ones that it is compared with.

    Parameters
    ----------
    name : str
        One of `model_names`.
    task : Task
    settings : Settings

    Returns
    -------
    dict of str to Pipeline
        From simple to complex.

    Raises
    ------
    ValueError
        If the task lacks a column that the chosen model needs.
    """
    if name in _RIVALS and (needed := _lacking(name, task)):
        raise ValueError(f"--model {name} {needed}.")
    rivals = [rival for rival in _RIVALS if not _lacking(rival, task)]
    networks = [DEFAULT] if name == AUTO else [name] if name in NETWORKS else []
    return {each: make_model(each, task, settings) for each in [*rivals, *networks]}


def make_model(name, task, settings):
    """The pipeline of a name other than "auto", unfitted."""
    if name in _RIVALS:
        return _RIVALS[name][1](task, settings)
    return _network(name, task, settings)


# Parameters with an option of their own, or of the command itself.
_OPTIONS = {
    **{"units": "--units", "epochs": "--epochs", "random_state": "--seed", "verbose": "--quiet"},
    "network": "--model",
}


def set_parameters(model, given, name):
    """Set parameters of the last step of a model.

    Parameters
    ----------
    model : Pipeline
    given : dict of str to object
    name : str
        The model's name on the command line.

    Raises
    ------
    ValueError
        If the last step has no parameter of a name, or it has an option of its own.
    """
    step = model[-1]
    known = set(step.get_params())
    if is_network(model):
        known |= {f"network__{option}" for option in NETWORKS[name].own_options}
    for parameter in given:
        if parameter in _OPTIONS and (is_network(model) or parameter == "random_state"):
            own = _OPTIONS[parameter]
            raise ValueError(f"--set {parameter}=... has an option of its own: give {own}.")
        if parameter not in known and not parameter.startswith("optimizer__"):
            near = difflib.get_close_matches(parameter, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueError(
                f"--set {parameter}=...: --model {name} has no parameter of this name.{hint} It "
                f"takes {', '.join(sorted(known - set(_OPTIONS)))}."
            )
    step.set_params(**given)


def is_network(model):
    """Whether the last step of a pipeline is a network."""
    return hasattr(model[-1], "epochs")


def _network(name, task, settings):
    # Files of the LSTM have the class that they always had.
    kind = LSTMBehaviorClassifier if name == DEFAULT else BehaviorClassifier
    chosen = {} if name == DEFAULT else {"network": name}
    return make_pipeline(
        SequenceEncoder(
            categorical=task.columns("categories"),
            numeric=task.columns("numbers"),
            time=task.columns("times"),
            max_length=settings.max_events,
            max_categories=settings.max_categories,
            min_frequency=_MIN_FREQUENCY,
        ),
        kind(
            **chosen,
            units=settings.units,
            epochs=settings.epochs,
            **_NETWORK,
            random_state=settings.seed,
            verbose=0 if settings.quiet else 2,
        ),
    )


# ------------------------------------------------------------------ models without a network


def _aggregates(task, settings):
    vectorizer = SequenceVectorizer(
        ["recency", "frequency", "tenure"],
        categorical=[],
        numeric=[],
        time=task.roles["time"],
        windows=[],
    )
    return make_pipeline(vectorizer, _boosting(settings, max_leaf_nodes=8))


def _counts(task, settings):
    return _linear(task, settings, ["counts"])


def _markov(task, settings):
    # Of two Markov chains, one of the users who do it and one of the others, the log-likelihood
    # ratio is linear in the numbers of transitions. Logistic regression fits its weights directly.
    return _linear(task, settings, ["counts", "ngrams", "last"])


def _features(task, settings):
    categories, numbers = task.columns("categories"), task.columns("numbers")
    times = task.columns("times")
    groups = ["recency", "frequency", "tenure", "gaps"] if times else []
    groups += ["counts", "ngrams", "last"] if categories else []
    groups += ["monetary"] if numbers else []
    vectorizer = SequenceVectorizer(
        groups,
        categorical=categories,
        numeric=numbers,
        time=task.roles["time"],
        behavior=task.counted,
        windows=("7D", "30D", "90D") if times else (),
        max_ngrams=settings.max_categories,
        min_frequency=_MIN_FREQUENCY,
        max_categories=min(settings.max_categories, _MOST_COUNTED),
        sparse_output=False,
    )
    # Few leaves and few features per split: with its defaults boosting overfits small tables.
    return make_pipeline(vectorizer, _boosting(settings, max_leaf_nodes=6, max_features=0.2))


def _linear(task, settings, groups):
    vectorizer = SequenceVectorizer(
        groups,
        categorical=[task.counted],
        numeric=[],
        time=task.roles["time"],
        windows=(),
        max_ngrams=settings.max_categories,
        max_categories=settings.max_categories,
        log=True,
        fill_value=0.0,
        sparse_output=False,
    )
    return make_pipeline(vectorizer, StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))


def _boosting(settings, **options):
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=200,
        early_stopping=True,
        random_state=settings.seed,
        **options,
    )


# Title and maker of each model without a network, from simple to complex.
_RIVALS = {
    "aggregates": ("count, recency, tenure + gradient boosting", _aggregates),
    "counts": ("counts of each behaviour + logistic regression", _counts),
    "markov": ("transitions of behaviours + logistic regression", _markov),
    "boosting": ("features of the history + gradient boosting", _features),
}


def _lacking(name, task):
    """What the task lacks for a model without a network; empty if nothing."""
    if name in ("counts", "markov") and task.counted is None:
        return "needs --behavior, the column whose values it counts, and not in --exclude"
    if name == "aggregates" and not task.columns("times"):
        return f"reads the times, so {task.roles['time']} must not be in --exclude"
    return ""
