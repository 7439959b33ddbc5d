"""A table of how an encoder uses each column, for `describe` and for its HTML view."""

import html

import numpy as np

from skbseq import _frames
from skbseq.preprocessing._channels import (
    CategoricalChannel,
    NumericChannel,
    TimeChannel,
)
from skbseq.preprocessing._choice import BY_TYPE, CHANNEL_TYPES
from skbseq.preprocessing._context import ContextColumn
from skbseq.preprocessing._text import TextChannel
from skbseq.preprocessing._vector import VectorChannel

_USES = {
    CategoricalChannel: "categorical",
    NumericChannel: "numeric",
    TimeChannel: "time",
    TextChannel: "text",
    VectorChannel: "vector",
    ContextColumn: "context",
}
_FIELDS = ("column", "type", "use", "chosen_by", "outputs", "values", "missing", "unknown")
_STYLE = "margin-top:.5em;border-collapse:collapse;font-size:90%"


class DescribesColumns:
    """An encoder that tells how it uses each column. List it before scikit-learn's classes."""

    _library, _columns = "pandas", ()  # of an encoder in a file that has none

    def _note_columns(self, columns, facts, place, library):
        """Remember, after a fit on a frame, what the columns held and how they are used."""
        used = {(isinstance(c, ContextColumn), c.name): c for c in self.channels_}
        noted = []
        for name in (*columns.lists, *columns.ordinary):
            listed = name in columns.lists
            channel = used.get((not listed, name))
            noted.append(_note(self, name, columns, channel, facts, place))
        self._columns, self._library = noted, library

    def describe(self):
        """How each column is used, and what was seen in it at fit.

        Returns
        -------
        table of shape (n_columns, 8)
            Of the library of the frame given to fit. ``column``; ``type`` of its values; ``use``:
            "categorical", "numeric", "time", "text", "vector", "context", "cutoff" or "not used";
            ``chosen_by``: the parameter that decides this, or "type"; ``outputs``: number of
            output columns; ``values``: number of distinct values; ``missing``: their share;
            ``unknown``: share of values that have code 1. Null where it does not apply, and
            where the encoder was fitted on an array or by an earlier version.
        """
        rows = self._described()
        columns = {field: _frames.make_array([row[field] for row in rows]) for field in _FIELDS}
        return _frames.frame_from_columns(columns, like=self._library)

    def _described(self):
        names = self.get_feature_names_out()
        if not hasattr(self, "channels_"):
            scales = [f"x{i}" for i in range(len(self.steps_scale_))]
            if self.array_ndim_ == 2:
                return [_row(str(n), "float", "numeric", "type", 1) for n in names]
            return [_row(n, "float", "numeric", "type", 1) for n in scales]
        if self._columns:
            return [_row(*noted) for noted in self._columns]
        return [_row(c.name, None, _USES[type(c)], None, len(c.names)) for c in self.channels_]

    def _repr_html_inner(self):
        return super()._repr_html_inner() + self._columns_html()

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        if "text/html" in bundle:
            bundle["text/html"] += self._columns_html()
        return bundle

    def _columns_html(self):
        if not self.__sklearn_is_fitted__():
            return ""
        head = "".join(f"<th>{field.replace('_', ' ')}</th>" for field in _FIELDS)
        body = "".join(
            f"<tr>{''.join(f'<td>{_cell(row[field])}</td>' for field in _FIELDS)}</tr>"
            for row in self._described()
        )
        return (
            f'<table class="skbseq-columns" style="{_STYLE}"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )


def _note(encoder, name, columns, channel, facts, place):
    """Name, type, use, parameter, outputs, values, missing and unknown of one column."""
    listed = name in columns.lists
    values = columns.lists[name].values if listed else columns.ordinary[name]
    kind = _frames.kind_of(values.type)
    kind = f"list of {_frames.kind_of(values.type.value_type)}" if kind == "list" else kind
    if channel is None:
        return (name, kind, *_why_unused(encoder, name, kind, columns), 0)
    use = _USES[type(channel)]
    named = [p for p in (*CHANNEL_TYPES, "context") if name in (getattr(encoder, p) or ())]
    by = f"{named[0]}=" if named else "type"
    found = _statistics(name, use, channel, facts, values, place if listed else None)
    return (name, kind, use, by, len(channel.names), *found)


def _why_unused(encoder, name, kind, columns):
    """What a column without output is used for, and the parameter that says so."""
    if name in columns.lists:
        use = "vector" if kind.startswith("list") else BY_TYPE.get(kind)
        return "not used", f"{use}=" if use else "type"
    if name == encoder.cutoff:
        reads = any(isinstance(c, TimeChannel) for c in encoder.channels_)
        return ("cutoff" if reads else "not used"), "cutoff="
    return "not used", "context="


def _statistics(name, use, channel, facts, values, place):
    """Number of distinct values, share of missing ones, and share of those without a code."""
    if use in ("time", "vector"):
        missing = _frames.is_missing(place.cut(values))
        return None, _share(int(missing.sum()), len(missing)), None
    found = facts(name)
    total = found.n_events + found.n_missing
    unknown = None
    inner = channel.values if use == "context" else channel
    if isinstance(inner, CategoricalChannel):
        codes = inner.vocabulary.codes(_frames.append_null(found.distinct))
        counts = np.append(found.counts, found.n_missing)
        unknown = _share(int(counts[codes == 1].sum()), total)
    return len(found.distinct), _share(found.n_missing, total), unknown


def _share(part, whole):
    return part / whole if whole else None


def _row(*values):
    return dict(zip(_FIELDS, (*values, *[None] * (len(_FIELDS) - len(values))), strict=True))


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{100 * value:.1f}%"
    return html.escape(f"{value:,}" if isinstance(value, int) else str(value))
