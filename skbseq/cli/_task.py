"""A prediction task (columns, question, features) and the model for it."""

from dataclasses import asdict, dataclass, field, replace

import numpy as np

from skbseq import _frames
from skbseq.cli._models import is_network
from skbseq.cli._process import progress_level
from skbseq.events import EventLog
from skbseq.exceptions import InvalidLogError, ModelFileError
from skbseq.persistence import save

_USES = {
    "string": "categories",
    "integer": "categories",
    "boolean": "categories",
    "float": "numbers",
}
_READERS = {"integer": int, "float": float, "boolean": {"true": True, "false": False}.__getitem__}


@dataclass(frozen=True)
class Task:
    """The question of a model, stored in its file so that it can be applied to another log.

    Parameters
    ----------
    roles : dict of str to str
        Columns by role.
    at : str
        Cutoff of the training samples.
    horizon : str
    predict : list, default=None
        Behaviours to predict; None: any event.
    churn : bool, default=False
        Whether the question is who shows none of them.
    lookback : str, default=None
    time_unit : str, default=None
    time_format : str, default=None
    invalid_times : str, default="raise"
    earliest : str, default=None
        Events before it are dropped.
    uses : dict of str to str
        Use of each column: categories, numbers or times.
    kinds : dict of str to str
        Type of values of each of these columns.
    reading : dict of str to object
        Options of :class:`ReadOptions` that the log was read with.
    """

    roles: dict
    at: str
    horizon: str
    predict: list | None = None
    churn: bool = False
    lookback: str | None = None
    time_unit: str | None = None
    invalid_times: str = "raise"
    time_format: str | None = None
    earliest: str | None = None
    uses: dict = field(default_factory=dict)
    kinds: dict = field(default_factory=dict)
    reading: dict = field(default_factory=dict)

    @property
    def question(self):
        """The question in words."""
        return f"{self._answer} after {self.at}"

    @property
    def _answer(self):
        what = "no event" if self.churn else "any event"
        if self.predict is not None:
            said = " or ".join(str(value) for value in self.predict)
            what = f"{'no ' * self.churn}{self.roles['behavior']} = {said}"
        return f"{what} within {self.horizon}"

    @property
    def purpose(self):
        """The question without the cutoff, as a sentence."""
        return f"Predict {self._answer} after the cutoff."

    @property
    def doing(self):
        """What users with the answer yes do, to follow the word "who" or a number of them."""
        return "leave" if self.churn else "do it"

    @property
    def counted(self):
        """The column of the behaviours, if it may be used; otherwise None."""
        behavior = self.roles["behavior"]
        return behavior if behavior in self.uses else None

    def columns(self, use):
        """Columns of one use: categories, numbers or times."""
        return [name for name, its_use in self.uses.items() if its_use == use]

    def to_metadata(self):
        """As a dict that JSON can represent."""
        return asdict(self)

    @classmethod
    def from_metadata(cls, metadata, path):
        """The task of a model file."""
        try:
            return cls(**metadata["task"])
        except (KeyError, TypeError) as error:
            raise ModelFileError(
                f"{path!r} holds a model but not its task, such as the names of the user and time "
                "columns. Use a file written by `skbseq fit`, or load this one from Python, "
                "with skbseq.load."
            ) from error

    def check_table(self, table, known=None):
        """The table, after a check that each column exists and has the type seen at fit.

        Parameters
        ----------
        table : pyarrow.Table
        known : dict of str to ndarray, default=None
            Categories of the model by column.

        Raises
        ------
        InvalidLogError
        """
        for name in (*self.roles.values(), *self.kinds):
            if name is not None and name not in table.column_names:
                raise InvalidLogError(
                    f"The log has no column {name!r}, which the model uses; it has "
                    f"{', '.join(map(repr, table.column_names))}."
                )
        for name, kind in self.kinds.items():
            found = _kind_of(table, name)
            if kind == found == "string" and _are_other_numbers(
                table[name], (known or {}).get(name)
            ):
                found = "integer"
            if name == self.roles["time"] or _alike(found, kind):
                continue
            written = None
            if _kind_of(table, name) == found:
                written = _frames.as_written(table[name], kind)
            if self.uses.get(name) == "numbers" and written is not None:
                table = table.set_column(table.column_names.index(name), name, written)
            elif written is None:  # the encoder compares other columns with what it has seen
                raise InvalidLogError(
                    f"Column {name!r} holds {found} values; the model was trained on {kind} "
                    "values. Write it as it was (a Parquet file keeps the types of its columns)."
                )
        return table

    def with_options(self, table, given):
        """The task with options of the command line, None where not given, for a log to score."""
        given = {name: value for name, value in given.items() if value is not None}
        if _kind_of(table, self.roles["time"]) == "timestamp":  # it was text at fit
            given = {"time_format": None} | given
        return replace(self, **given)

    def open_log(self, table, *, until=None, latest=None):
        """The cleaned log."""
        for name, use in self.uses.items():
            if use == "numbers":
                _check_finite(table, name)
        roles = {role: name for role, name in self.roles.items() if name is not None}
        names = ("time_unit", "time_format", "invalid_times")
        times = {name: getattr(self, name) for name in names}
        log = EventLog(table, **roles, **times, until=until)
        return log.clean(earliest=self.earliest, latest=latest)

    def label(self, log, samples):
        """The answer for each sample."""
        label = log.label_churn if self.churn else log.label_behavior
        return label(samples, behavior=self.predict, horizon=self.horizon)

    def sequences(self, log, samples, *, with_users=False):
        """Histories of the samples, with the times and the columns that the model uses."""
        frame = log.histories(samples, lookback=self.lookback)
        users = [self.roles["user"]] * with_users
        names = dict.fromkeys([*users, "cutoff", self.roles["time"], *self.uses])
        return _frames.select_columns(frame, list(names))


def save_model(model, path, metadata):
    """Save a model, with progress output of a network switched off."""
    if is_network(model):
        model[-1].set_params(verbose=0)
    save(model, path, metadata=metadata)


def read_log(path, roles, kinds=None, *, options=None, quiet=False):
    """The table in the files of a log, with the ids of users and products as they are written.

    Parameters
    ----------
    path : str
    roles : dict of str to str
    kinds : dict of str to str, default=None
        Types of the columns at fit. What was text is read as text, and products that were numbers
        are read as numbers.
    options : ReadOptions, default=None
    quiet : bool, default=False
        Whether not to print that reading takes long.
    """
    ids = {roles["user"], roles["product"]} - {None}
    kinds = kinds or {}
    if kinds.get(roles["product"], "string") != "string":
        ids.remove(roles["product"])
    text = {name for name, kind in kinds.items() if kind == "string"}
    with progress_level("WARNING" if quiet else "INFO"):
        return _frames.read_table(path, ids=ids, text=text, options=options)[0]


def choose_columns(table, roles, *, numeric=(), exclude=()):
    """The use and type of each column, and reasons for columns that are left out.

    Behaviours and products are categories, even if they are written as decimal numbers.

    Returns
    -------
    uses, kinds, left_out : dict of str to str
    """
    _check_names(table, roles, numeric, exclude)
    uses, kinds, left_out = {}, {}, {}
    for name in table.column_names:
        kind = _kind_of(table, name)
        if name == roles["user"]:
            continue
        if name in exclude:
            left_out[name] = "by --exclude"
        elif name == roles["time"]:
            uses[name], kinds[name] = "times", "timestamp"
        elif kind not in _USES:
            left_out[name] = f"holds {kind} values"
        else:
            uses[name] = "numbers" if name in numeric else _USES[kind]
            if name in (roles["behavior"], roles["product"]):
                uses[name] = "categories"
            kinds[name] = kind
    if not uses:
        raise InvalidLogError("No column is left to learn from. Remove one from --exclude.")
    return uses, kinds, left_out


def read_values(table, column, texts):
    """Values of a column that were given on the command line."""
    kind = _kind_of(table, column)
    read = _READERS.get(kind, str)
    for text in texts:
        try:
            read(text)
        except (ValueError, KeyError) as error:
            raise InvalidLogError(
                f"Column {column!r} holds {kind} values, but {text!r} is not one."
            ) from error
    return [read(text) for text in texts]


def _check_names(table, roles, numeric, exclude):
    has = f"it has {', '.join(map(repr, table.column_names))}"
    role_of = {}
    for role, name in roles.items():
        if name is None:
            continue
        if name not in table.column_names:
            raise InvalidLogError(f"The log has no column {name!r} for --{role}; {has}.")
        if name in role_of:
            raise InvalidLogError(
                f"--{role_of[name]} and --{role} both name {name!r}. A column has only one role."
            )
        role_of[name] = role
    for name in (*numeric, *exclude):
        if name not in table.column_names:
            raise InvalidLogError(f"The log has no column {name!r}; {has}.")
    for name in numeric:
        if name in role_of:
            raise InvalidLogError(
                f"--numeric {name}: this is the column of --{role_of[name]}, not a quantity."
            )
        if _kind_of(table, name) not in ("integer", "float"):
            raise InvalidLogError(
                f"--numeric {name}: the column holds {_kind_of(table, name)} values."
            )
    if roles["user"] == "probability":
        raise InvalidLogError(
            "The user column is named 'probability', like the column of the scores. Rename it."
        )


def _check_finite(table, name):
    infinite = np.isinf(_frames.numbers(_frames.decode_strings(table[name])))
    if infinite.any():
        raise InvalidLogError(
            f"Row {_frames.first_row(infinite)} of column {name!r} holds an infinite value. "
            "Replace it by a number, or by nothing if it is unknown."
        )


def _are_other_numbers(column, known):
    """Whether a column of text holds only integers, and its known categories none."""
    words = [category for category in ([] if known is None else known) if category is not None]
    if not words or any(word.lstrip("-").isdigit() for word in words):
        return False
    missing = _frames.is_missing(column).all()
    return not missing and _frames.as_written(column, "integer") is not None


def _kind_of(table, name):
    return _frames.kind_of(_frames.decode_strings(table[name]).type)


def _alike(found, kind):
    """Whether a column of one type can be read as another.

    Integers and floats can, because integers with missing values are often stored as floats.
    """
    return found in (kind, "null") or {found, kind} == {"integer", "float"}
