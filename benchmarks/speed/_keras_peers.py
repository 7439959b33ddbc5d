"""The same network as plain Keras has it, alone and behind scikeras."""

import keras
import numpy as np
from scikeras.wrappers import KerasClassifier

from benchmarks.speed._data import batches_of_like_length, padded


def network(n_codes, units=32, dropout=0.0, l2=0.0, mask=False):
    """Embedding, LSTM and one sigmoid, not compiled."""
    noise = [keras.layers.Dropout(dropout)] if dropout else []
    penalty = keras.regularizers.L2(l2) if l2 else None
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(n_codes, 16, mask_zero=mask),
            *noise,
            keras.layers.LSTM(units, kernel_regularizer=penalty, recurrent_regularizer=penalty),
            *noise,
            keras.layers.Dense(1, activation="sigmoid", kernel_regularizer=penalty),
        ]
    )


def compiled(*args, **kwargs):
    model = network(*args, **kwargs)
    model.compile(keras.optimizers.Adam(0.003), loss="binary_crossentropy")
    return model


def scikeras_classifier(n_codes, **parameters):
    return KerasClassifier(
        model=network,
        model__n_codes=n_codes,
        model__units=parameters.pop("units", 32),
        model__dropout=0.0,
        model__l2=0.0,
        optimizer="adam",
        optimizer__learning_rate=0.003,
        loss="binary_crossentropy",
        verbose=0,
        random_state=0,
        **parameters,
    )


class Buckets(keras.utils.PyDataset):
    """Batches of like length, padded to the longest of each, formed anew after each epoch."""

    def __init__(self, sequences, batch_size):
        super().__init__()
        self._sequences, self._size = sequences, batch_size
        self._rng = np.random.default_rng(0)
        self.on_epoch_end()

    def __len__(self):
        return len(self._batches)

    def __getitem__(self, i):
        rows = self._batches[i]
        return padded(self._sequences, rows), self._sequences.labels[rows]

    def on_epoch_end(self):
        lengths = self._sequences.lengths
        batches = batches_of_like_length(lengths, self._size, self._rng)
        # Keras reads the shape of all from the first two: those must not be of one length.
        batches.insert(0, batches.pop(int(np.argmax([lengths[rows].max() for rows in batches]))))
        self._batches = batches
