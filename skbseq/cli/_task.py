"""A prediction task: whose events, which question, which columns; and the model for it."""

from dataclasses import asdict, dataclass, field

from sklearn.pipeline import make_pipeline

from skbseq import _frames
from skbseq.estimators import LSTMBehaviorClassifier
from skbseq.events import EventLog
from skbseq.exceptions import InvalidLogError, ModelFileError
from skbseq.persistence import save
from skbseq.preprocessing import SequenceEncoder

_USES = {
    "string": "categories",
    "integer": "categories",
    "boolean": "categories",
    "float": "numbers",
}
_READERS = {"integer": int, "float": float, "boolean": {"true": True, "false": False}.__getitem__}
# Rarer categories say more about single users than about what users do.
_MIN_FREQUENCY = 5
# With some thousands of users, larger networks and faster learning learn them by heart.
_NETWORK = {"embedding_dim": 8, "dropout": 0.2, "learning_rate": 0.001}


@dataclass(frozen=True)
class Task:
    """What a model file says of its question, so that it can be asked of another log.

    Parameters
    ----------
    roles : dict of str to str
        Columns by role.
    at : str
        Cutoff of the training samples.
    horizon : str
    predict : list, default=None
        Behaviours in question; None: any event.
    lookback : str, default=None
    time_unit : str, default=None
    uses : dict of str to str
        What each column is used as: categories, numbers or times.
    kinds : dict of str to str
        What each of these columns holds.
    """

    roles: dict
    at: str
    horizon: str
    predict: list | None = None
    lookback: str | None = None
    time_unit: str | None = None
    uses: dict = field(default_factory=dict)
    kinds: dict = field(default_factory=dict)

    @property
    def question(self):
        """The question in words."""
        what = "any event"
        if self.predict is not None:
            said = " or ".join(str(value) for value in self.predict)
            what = f"{self.roles['behavior']} = {said}"
        return f"{what} within {self.horizon} after {self.at}"

    def to_metadata(self):
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def from_metadata(cls, metadata, path):
        """The task of a model file."""
        try:
            return cls(**metadata["task"])
        except (KeyError, TypeError) as error:
            raise ModelFileError(
                f"{path!r} holds a model but not its task: it does not say which columns are the "
                "user and the time. Files that `skbseq fit` wrote do; use this one from Python, "
                "with skbseq.load."
            ) from error

    def check_table(self, table):
        """Raise an `InvalidLogError` if a column is missing, or holds what it did not at fit."""
        for name, kind in self.kinds.items():
            if name not in table.column_names:
                raise InvalidLogError(
                    f"The log has no column {name!r}, which the model uses; it has "
                    f"{', '.join(map(repr, table.column_names))}."
                )
            found = _kind_of(table, name)
            if name != self.roles["time"] and not _alike(found, kind):
                raise InvalidLogError(
                    f"Column {name!r} holds {found} values; the model was trained on {kind} "
                    "values. Write it as it was (a Parquet file keeps the types of its columns)."
                )

    def open_log(self, table, until=None):
        """The cleaned log."""
        roles = {role: name for role, name in self.roles.items() if name is not None}
        return EventLog(table, **roles, time_unit=self.time_unit, until=until).clean()

    def sequences(self, log, samples):
        """Histories of the samples, with the times and the columns that the model uses."""
        frame = log.histories(samples, lookback=self.lookback)
        names = dict.fromkeys(["cutoff", self.roles["time"], *self.uses])
        return _frames.select_columns(frame, list(names))

    def make_model(self, *, max_events, max_categories, units, epochs, seed, quiet):
        """The pipeline to train."""
        named = {use: [n for n, u in self.uses.items() if u == use] for use in self.uses.values()}
        return make_pipeline(
            SequenceEncoder(
                categorical=named.get("categories", []),
                numeric=named.get("numbers", []),
                time=named.get("times", []),
                max_length=max_events,
                max_categories=max_categories,
                min_frequency=_MIN_FREQUENCY,
            ),
            LSTMBehaviorClassifier(
                units=units,
                epochs=epochs,
                **_NETWORK,
                random_state=seed,
                verbose=0 if quiet else 2,
            ),
        )


def save_model(model, path, metadata):
    """Write a model that will not go on printing its progress."""
    save(model.set_params(lstmbehaviorclassifier__verbose=0), path, metadata=metadata)


def choose_columns(table, roles, *, numeric=(), exclude=()):
    """What to use each column as, what it holds, and why others are left out.

    Returns
    -------
    uses, kinds, left_out : dict of str to str
    """
    _check_names(table, roles, (*numeric, *exclude))
    uses, kinds, left_out = {}, {}, {}
    for name in table.column_names:
        kind = _kind_of(table, name)
        if name == roles["user"]:
            continue
        if name in numeric and kind not in ("integer", "float"):
            raise InvalidLogError(f"--numeric {name}: the column holds {kind} values.")
        if name in exclude:
            left_out[name] = "as told"
        elif name == roles["time"]:
            uses[name], kinds[name] = "times", "timestamp"
        elif kind not in _USES:
            left_out[name] = f"holds {kind} values"
        else:
            uses[name], kinds[name] = "numbers" if name in numeric else _USES[kind], kind
    return uses, kinds, left_out


def read_values(table, column, texts):
    """Values of a column that were written on the command line."""
    kind = _kind_of(table, column)
    read = _READERS.get(kind, str)
    for text in texts:
        try:
            read(text)
        except (ValueError, KeyError) as error:
            raise InvalidLogError(
                f"Column {column!r} holds {kind} values, and {text!r} is none."
            ) from error
    return [read(text) for text in texts]


def _check_names(table, roles, names):
    for name in names:
        if name not in table.column_names:
            raise InvalidLogError(
                f"The log has no column {name!r}; it has "
                f"{', '.join(map(repr, table.column_names))}."
            )
    if roles["user"] == "probability":
        raise InvalidLogError(
            "The user column is named 'probability', as the scores will be. Rename it."
        )


def _kind_of(table, name):
    return _frames.kind_of(_frames.decode_strings(table[name]).type)


def _alike(found, kind):
    """Whether a column of one kind can be read as another; whole numbers may have lost a type."""
    return found in (kind, "null") or {found, kind} == {"integer", "float"}
