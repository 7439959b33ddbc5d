"""Fits of a next-event network that continue from other weights, or end too early."""

import warnings
from dataclasses import replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skbseq import _frames
from skbseq._monitors import best_epoch, is_ranking
from skbseq._targets import index_in_classes, present_values
from skbseq.estimators._transfer import find_embedder, starting_point
from skbseq.preprocessing import SequenceEncoder
from skbseq.preprocessing._evidence import code

# What the last epoch must gain for more to be worth a warning: nats of the loss, or of a ranking.
_GAIN, _RANKING_GAIN = 0.01, 0.001
_START_OVER = "Set it back, or start over with a sklearn.base.clone of the estimator."


class ContinuedFitMixin:
    """``warm_start`` and ``init`` of a next-event model with an encoder of its own."""

    def _chosen_encoder(self):
        """The encoder that the parameters ask for."""
        if self.init is not None:
            if self.encoder is not None:
                raise ValueError(
                    "encoder would change nothing, because with init the encoder of its embedder "
                    "is used. Leave encoder out."
                )
            return find_embedder(self.init).encoder_
        if self.encoder is None:
            return SequenceEncoder(time_features=("gap", "hour", "weekday"))
        return self.encoder

    def _starting_point(self, data, resume):
        """The spec, and where training begins."""
        spec, start = starting_point(self, self._spec(), data, resume=resume)
        if resume:
            self._check_same_weights(spec)
            self._check_same_head(spec)
            # As the weights were learned, also in a file of an earlier version.
            head = replace(spec.head, scaled=self.spec_.head.scaled)
            return replace(spec, head=head), start
        return spec, replace(start, weights=self._first_weights(spec) | start.weights)

    def _check_continues(self, target, encoder):
        """Refuse another target or encoder than at the last fit.

        Parameters
        ----------
        target : str
        encoder : SequenceEncoder
            The unfitted encoder of the parameters.
        """
        if self.item_features is not None or self._items is not None:
            raise ValueError(
                "warm_start=True cannot continue with item_features, because a fitted model has "
                "them in its embeddings. Set warm_start=False, or leave item_features out of both "
                "fits."
            )
        asked = {"target": (self.target_, target), "basket": (self._basket, self.basket)}
        asked["encoder"] = code(self.encoder_, {}), code(encoder, {})
        for name, (then, now) in asked.items():
            if then != now:
                raise ValueError(
                    f"{name} was changed since the last fit ({then!r} then, {now!r} now), but "
                    f"warm_start=True keeps its codes. {_START_OVER}"
                )

    def _check_same_head(self, spec):
        """Refuse to continue with weights that do not fit the comparison with the ids."""
        names = {"tied": "tied", "bypass": "bypass", "end": "end", "time": "waits"}
        for name, field in names.items():
            then, now = (bool(getattr(one.head, field)) for one in (self.spec_, spec))
            if then != now:
                raise ValueError(
                    f"{name} was changed since the last fit ({then} then, {now} now), which makes "
                    f"another network. {_START_OVER}"
                )

    def _read_more(self, X, columns):
        """Sequences in the codes of the last fit; ids without a code are reported."""
        self._warn_of_new_ids(columns.lists[self.target_])
        order = np.argsort(self._by_frequency)
        counts = np.bincount(self._seen(X).codes, minlength=len(order))
        self.class_count_ = counts[order]
        return self._sequences(X)

    def _warn_of_new_ids(self, column):
        values, _, _ = present_values(column)
        new = index_in_classes(values, self._catalogue(), self.target_) < 0
        if new.any():
            first = values[_frames.first_row(new)].as_py()
            warnings.warn(
                f"{int(new.sum()):,} events of {self.target_!r} have ids, such as {first!r}, that "
                "the first fit gave no code. They are read as unknown ids and never predicted. "
                "Fit with warm_start=False to learn them.",
                UserWarning,
                stacklevel=2,
            )

    def _warn_of_last_epoch(self):
        """Warn if the limit of epochs ended a fit that was still getting clearly better.

        A limit that is not above the patience leaves early stopping no epoch to act in, so it is
        the number of epochs that the user wants.
        """
        patience, limit = self._patience(), getattr(self, "fit__epochs", self.epochs)
        values = self.history_.get(f"val_{self.monitor}")
        if patience is None or values is None or limit <= patience:
            return
        if not len(values) == limit == best_epoch(values, self.monitor):
            return
        before = values[best_epoch(values[:-1], self.monitor) - 1]
        if abs(values[-1] - before) > (_RANKING_GAIN if is_ranking(self.monitor) else _GAIN):
            warnings.warn(
                f"The last of {limit} epochs had the best val_{self.monitor}, so more would "
                "probably be better. Raise epochs or the learning rate.",
                ConvergenceWarning,
                stacklevel=2,
            )
