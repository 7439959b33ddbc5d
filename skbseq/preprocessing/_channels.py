"""Encoders of one channel: vocabularies, scales and time features."""

import hashlib
from numbers import Integral

import numpy as np

from skbseq import _frames
from skbseq._sequences import FIRST_CATEGORY, UNKNOWN
from skbseq._time import ticks_per_second
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._place import read_moments, read_numbers

TIME_FEATURES = ("gap", "age", "hour", "weekday")

# Larger than any measurement, but the difference of two such numbers is still finite.
_LARGEST = 1e300


def fingerprint(learned):
    """Short hash of what a channel learned at fit; equal in every process.

    Parameters
    ----------
    learned : list of ndarray, number or str

    Returns
    -------
    str
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in learned:
        array = isinstance(part, np.ndarray)
        content = np.ascontiguousarray(part).tobytes() if array else repr(part).encode()
        # With its length, so that two parts never hash like one longer part.
        digest.update(b"%d " % len(content) + content)
    return digest.hexdigest()


class Vocabulary:
    """Categories in order of frequency, with the codes 2, 3, ...

    Missing values are a category of their own. Equally frequent categories are in ascending
    order, so that the order of the rows does not matter.

    With ``hash_buckets``, values without a code of their own share this many further codes,
    chosen by the hash of the value. Buckets that no value fell into at fit are not used, because
    a model would have learned nothing for their codes.
    """

    def __init__(self, values, *, min_frequency, max_categories, hash_buckets=None):
        codes, distinct = _frames.encode(_frames.nan_to_null(values))
        distinct = _frames.append_null(distinct)
        counts = np.bincount(
            np.where(codes < 0, len(distinct) - 1, codes), minlength=len(distinct)
        )
        least = min_frequency
        if not isinstance(min_frequency, Integral):
            least = min_frequency * len(codes)
        rank, _ = _frames.sorted_rank(distinct)
        order = np.lexsort((rank, -counts))
        order = order[counts[order] > 0]
        n_own = int((counts[order] >= least)[:max_categories].sum())
        self.values = _frames.take(distinct, order[:n_own])
        self._places = _frames.ValueIndex(self.values)
        self.hash_buckets = hash_buckets
        self.buckets = np.zeros(0, np.int64)
        if hash_buckets is not None:
            rest = _frames.hash_values(_frames.take(distinct, order[n_own:]))
            self.buckets = np.unique(rest % np.uint64(hash_buckets)).astype(np.int64)

    def codes(self, values):
        """Codes as int32; 1 for a value that has neither a code of its own nor a bucket."""
        values = _frames.decode_strings(_frames.nan_to_null(values))
        values = _frames.in_kind_of(values, _frames.decode_strings(self.values))
        found = self._places.find(values, match_null=True)
        codes = np.where(found < 0, UNKNOWN, found + FIRST_CATEGORY).astype(np.int32)
        if len(self.buckets):
            rest = np.flatnonzero(found < 0)
            codes[rest] = self._bucket_codes(_frames.take(values, rest))
        return codes

    def _bucket_codes(self, values):
        # Decoded, so that the unused categories of a categorical are not hashed.
        codes, distinct = _frames.encode(_frames.decode_strings(values))
        hashes = _frames.hash_values(_frames.append_null(distinct))
        n_buckets = np.uint64(self.hash_buckets)
        buckets = (hashes % n_buckets).astype(np.int64)
        # The quotient is independent of the bucket, so the values of an unused bucket spread
        # over the others.
        other = (hashes // n_buckets) % np.uint64(len(self.buckets))
        used = np.isin(buckets, self.buckets)
        buckets = np.where(used, buckets, self.buckets[other.astype(np.int64)])
        return (FIRST_CATEGORY + len(self.values) + buckets)[codes]

    def learned(self):
        """Everything that determines the codes."""
        return [_frames.hash_values(self.values), self.hash_buckets, self.buckets]

    def categories(self):
        """The categories as an object array, None for missing."""
        return _frames.to_objects(self.values)

    def __getstate__(self):
        # As bytes in a NumPy array, which a model file can hold.
        state = vars(self) | {"values": _frames.pack_array(self.values)}
        del state["_places"]
        return state

    def __setstate__(self, state):
        vars(self).update(state | {"values": _frames.unpack_array(state["values"])})
        self._places = _frames.ValueIndex(self.values)


class SmoothScale:
    """Robust scaling with logarithmic tails, so that outliers do not dominate.

    With the median :math:`m` and the quartiles :math:`q_1, q_3`,

    .. math:: x' = \\operatorname{arsinh}\\left(2 \\, (x - m) / (q_3 - q_1)\\right)

    which is linear near the median, has a spread of about 1 for normal data, and keeps the
    order of the tails: a million times the distance from median to quartile becomes 14.5. If the
    interquartile range is zero, half the range replaces it.
    """

    def __init__(self, values):
        present = values[~np.isnan(values)].astype(np.float64)
        if present.size == 0:
            present = np.zeros(1)
        present = np.clip(present, -_LARGEST, _LARGEST)
        low, self.center, high = (float(q) for q in np.quantile(present, [0.25, 0.5, 0.75]))
        width = high - low
        if width == 0:  # more than half of the values are equal
            width = float(present.max() - present.min()) / 2
        self.width = width if width > 0 else 1.0

    def learned(self):
        """Everything that determines the scaled values."""
        return [self.center, self.width]

    def __call__(self, values):
        """Scaled values as float64; NaN stays NaN."""
        values = np.clip(np.asarray(values, np.float64), -_LARGEST, _LARGEST)
        with np.errstate(over="ignore"):
            scaled = (values - self.center) / self.width
        return np.arcsinh(2 * np.clip(scaled, -_LARGEST, _LARGEST))


class CategoricalChannel:
    """Encodes a categorical channel as one channel of codes."""

    def __init__(self, name, values, options, place):
        self.name = name
        self.handle_unknown = options["handle_unknown"]
        self.vocabulary = Vocabulary(
            place.cut(values),
            min_frequency=options["min_frequency"],
            max_categories=options["max_categories"],
            hash_buckets=options["hash_buckets"],
        )
        self.names = [name]

    def learned(self):
        """Everything that determines the codes."""
        return self.vocabulary.learned()

    def transform(self, values, place):
        """Codes by output name."""
        values = place.cut(values)
        try:
            codes = self.vocabulary.codes(values)
        except TypeError as error:
            raise SequenceFrameError(
                f"The values of {self.name!r} do not match its vocabulary: {error}. Convert them "
                "to the type used at fit."
            ) from error
        if self.handle_unknown == "error" and (codes == UNKNOWN).any():
            at = _frames.first_row(codes == UNKNOWN)
            raise SequenceFrameError(
                f"Row {place.row_of(at)} of {self.name!r} holds {values[at].as_py()!r}, which is "
                "not in the vocabulary. Fit with it, or pass handle_unknown='encode'."
            )
        return {self.name: codes}


class NumericChannel:
    """Scales a numeric channel, and flags missing values if fit saw any."""

    def __init__(self, name, values, options, place):
        self.name = name
        values = self._read(values, place)
        self.scale = SmoothScale(values)
        self.flagged = bool(np.isnan(values).any())
        self.names = [name, f"{name}_missing"] if self.flagged else [name]

    def _read(self, values, place):
        return read_numbers(place.cut(values), self.name, place)

    def learned(self):
        """Everything that determines the scaled values."""
        return self.scale.learned()

    def transform(self, values, place):
        """Scaled values by output name; a missing value becomes the median and is flagged."""
        values = self._read(values, place)
        missing = np.isnan(values)
        result = {self.name: np.where(missing, 0, self.scale(values)).astype(np.float32)}
        if self.flagged:
            result[f"{self.name}_missing"] = missing.astype(np.float32)
        elif missing.any():
            place.warn_of_missing(self.name, missing, taken_as="the median")
        return result


class TimeChannel:
    """Turns a channel of timestamps into gaps, times to the cutoff, and hour and weekday."""

    def __init__(self, name, values, options, place):
        self.name = name
        features = [f for f in options["time_features"] if f != "age" or place.cutoff is not None]
        self.features = features
        self.names = []
        for feature in features:
            ends = ("_sin", "_cos") if feature in ("hour", "weekday") else ("",)
            self.names += [f"{name}_{feature}{end}" for end in ends]
        moments = read_moments(values, name, place.whole)
        self.zone = moments.type.tz
        self.scales = {f: SmoothScale(v) for f, v in self._spans(moments, place).items()}

    def _spans(self, moments, place):
        """log(1 + seconds) of the gap before each event and of the time to the cutoff."""
        ticks, missing, unit, zone = _frames.time_ticks(moments)
        whole = place.whole
        if missing.any():
            row = whole.row_of(_frames.first_row(missing))
            raise SequenceFrameError(f"Row {row} of {self.name!r} holds a missing time.")
        # Computed over all events: the gap of the first event that `max_length` keeps needs the
        # one before it.
        spans = {}
        if "gap" in self.features:
            gap = np.zeros(len(ticks), np.int64)
            gap[1:] = np.diff(ticks)
            gap[whole.offsets[:-1][whole.offsets[:-1] < len(gap)]] = 0
            self._check(gap, whole, "goes back in time; order the events of a row oldest first")
            spans["gap"] = gap
        # Checked even if the feature is not used: an event after the cutoff is leakage.
        if "age" in self.features or whole.cutoff is not None:
            age = np.repeat(whole.cutoff_ticks(unit, zone), np.diff(whole.offsets)) - ticks
            self._check(age, whole, "holds an event after its cutoff, which leaks the future")
            if "age" in self.features:
                spans["age"] = age
        return {f: np.log1p(place.cut(s) / ticks_per_second(unit)) for f, s in spans.items()}

    def _check(self, span, place, complaint):
        if (span < 0).any():
            row = place.row_of(_frames.first_row(span < 0))
            raise SequenceFrameError(f"Row {row} of {self.name!r} {complaint}.")

    def gap_scales(self):
        """Center and half width of the logarithm of the gap, by output name."""
        scale = self.scales.get("gap")
        return {f"{self.name}_gap": (scale.center, scale.width / 2)} if scale else {}

    def learned(self):
        """Everything that determines the scaled spans, and hour and weekday."""
        spans = (part for name, scale in self.scales.items() for part in (name, *scale.learned()))
        return [str(self.zone), *spans]

    def transform(self, values, place):
        """Scaled spans, and hour and weekday as points on a circle, by output name."""
        moments = read_moments(values, self.name, place.whole)
        if len(moments) and (self.zone is None) != (moments.type.tz is None):
            now, then = ("have no", "one") if self.zone else ("have a", "none")
            raise SequenceFrameError(
                f"The times of {self.name!r} {now} time zone but had {then} at fit. Use a time "
                "zone in both, or in neither."
            )
        result = {}
        for feature, span in self._spans(moments, place).items():
            scaled = self.scales[feature](span)
            result[f"{self.name}_{feature}"] = scaled.astype(np.float32)
        turns = self._turns(place.cut(moments))
        for feature, turn in turns.items():
            angle = 2 * np.pi * (turn % 1.0)
            result[f"{self.name}_{feature}_sin"] = np.sin(angle).astype(np.float32)
            result[f"{self.name}_{feature}_cos"] = np.cos(angle).astype(np.float32)
        return {name: result[name] for name in self.names}

    def _turns(self, moments):
        """Days and weeks since 1970, in the local time of the time zone seen at fit."""
        circles = [f for f in self.features if f in ("hour", "weekday")]
        if not circles:
            return {}
        ticks = _frames.local_ticks(moments, self.zone)
        days = ticks / (86_400 * ticks_per_second(moments.type.unit))
        # 1970-01-01 was a Thursday; adding three days makes weeks begin on Monday.
        turns = {"hour": days, "weekday": (days + 3) / 7}
        return {f: turns[f] for f in circles}
