"""Whether a user's own network keeps to what every network must, tried on real histories."""

import numpy as np

from skbseq._training._batches import pad_batch

_N_ROWS, _N_MORE_STEPS = 8, 3
# Rounding of other shapes and batches stays below, what a network should not see far above. Half
# precision rounds at 0.004.
_TOLERANCE, _HALF_TOLERANCE = 1e-3, 5e-2


def check_function(model, data, *, name, causal, begin, half=False):
    """Refuse a network that sees padding, or later events where it must not.

    Parameters
    ----------
    model : keras.Model
    data : Sequences
    name : str
        Of the function, for messages.
    causal : bool
        Whether the outputs at an event must not depend on later events.
    begin : bool
        Whether an event of zeros stands before the first.
    half : bool, default=False
        Whether layers compute in half precision.

    Raises
    ------
    ValueError
        If it does either.
    """
    rows = np.flatnonzero(data.lengths > 1)[:_N_ROWS]
    if not len(rows):
        return
    # With as many rows as steps, Keras takes what a row adds to its steps, of shape (rows, 1, 1),
    # for a bias of the steps. Graphs of estimators, whose sizes are open, add it correctly.
    if len(rows) in data.lengths[rows].max() + begin + np.array([0, _N_MORE_STEPS]):
        rows = rows[np.argsort(-data.lengths[rows], kind="stable")[:-1]]
        if not len(rows):
            return
    tolerance = _HALF_TOLERANCE if half else _TOLERANCE
    batch = pad_batch(data, rows)
    expected = _outputs(model, batch)
    steps = np.arange(batch["codes"].shape[1] + begin)
    real = steps < (batch["lengths"] + begin)[:, None]
    _check_alone(model, batch, expected, name, real, tolerance)
    if causal:  # before padding, which is a later event too
        _check_causal(model, batch, expected, name, begin, tolerance)
    for found, output in zip(_outputs(model, _padded(batch)), expected, strict=True):
        found = found if output.ndim == 2 else found[:, : output.shape[1]][real]
        if _differ(found, output if output.ndim == 2 else output[real], tolerance):
            raise ValueError(
                f"network={name} gives other results for the same history when more padding "
                "follows it. Use `lengths`, or an argument `mask`, wherever steps meet, as in "
                "a mean or a backward pass: steps at or after `lengths` are padding."
            )


def _check_alone(model, batch, expected, name, real, tolerance):
    """Refuse a network whose vectors of a history depend on the others of its batch."""
    alone = _outputs(model, {key: values[:1] for key, values in batch.items()})
    for found, output in zip(alone, expected, strict=True):
        one = output[:1]
        if one.ndim == 3:
            found, one = found[real[:1]], one[real[:1]]
        if _differ(found, one, tolerance):
            raise ValueError(
                f"network={name} mixes the histories of a batch: it gives other results for a "
                "history alone than among others. Compute each row from itself; the first axis of "
                "`events` and `lengths` is that of the histories."
            )


def _check_causal(model, batch, expected, name, begin, tolerance):
    rng = np.random.default_rng(0)
    for share in (0.25, 0.5, 0.99):
        # At least one event before the change, and one in it.
        first = np.clip((share * batch["lengths"]).astype(int), 1, batch["lengths"] - 1)
        seen = np.arange(batch["codes"].shape[1] + begin) < (first + begin)[:, None]
        changed = _outputs(model, _with_other_events(batch, first, rng))
        # How many events follow is a thing of the future too.
        shortened = _outputs(model, batch | {"lengths": first.astype(batch["lengths"].dtype)})
        # The first output is the vector of the whole history, which sees everything.
        pairs = [*zip(changed, expected, strict=True)][1:]
        pairs += [*zip(shortened, expected, strict=True)][1:]
        for found, output in pairs:
            if _differ(found[seen], output[seen], tolerance):
                raise ValueError(
                    f"network={name} sees later events: its vector of an event changes with the "
                    "events after it or with their number, so it could copy what it is to "
                    "predict. Make it causal, as keras.layers.Conv1D(..., padding='causal') is, "
                    "or a recurrence, or attention with use_causal_mask=True."
                )


def _outputs(model, batch):
    found = model(batch, training=False)
    return [np.asarray(part) for part in (found if isinstance(found, list) else [found])]


def _padded(batch):
    """The same histories with more steps of padding."""
    more = [(0, 0), (0, _N_MORE_STEPS), (0, 0)]
    return batch | {name: np.pad(batch[name], more) for name in ("codes", "numbers")}


def _with_other_events(batch, first, rng):
    """The same histories with other events from a position of each on."""
    later = (np.arange(batch["codes"].shape[1]) >= first[:, None])[:, :, None]
    codes, numbers = batch["codes"], batch["numbers"]
    others = rng.integers(1, codes.max(initial=1) + 1, codes.shape).astype(codes.dtype)
    # Codes of another channel may be too large for this one.
    others = np.minimum(others, codes.max(axis=(0, 1), initial=1))
    noise = rng.normal(size=numbers.shape).astype(numbers.dtype)
    return batch | {
        "codes": np.where(later, others, codes),
        "numbers": np.where(later, numbers + noise, numbers),
    }


def _differ(found, expected, tolerance):
    scale = np.abs(expected).max(initial=0) + 1e-6
    return bool((np.abs(found - expected) > tolerance * scale).any())
