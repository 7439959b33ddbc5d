"""The classifier as the peers have it: one embedding of 16, one LSTM, no held-out samples."""

import numpy as np
import pandas as pd
import pyarrow as pa

from skbseq import LSTMBehaviorClassifier


def classifier(**parameters):
    return LSTMBehaviorClassifier(
        embedding_dim=16, validation_split=0, random_state=0, **parameters
    )


def frame(sequences):
    """An encoded sequence frame of one channel, in pandas."""
    return _to_frame(sequences, pa.array(sequences.codes))


def frame_of_four(sequences):
    """Two channels of codes and two of numbers, of the types that SequenceEncoder gives."""
    codes = sequences.codes.astype(np.int32)
    numbers = (codes % 11 / 5 - 1).astype(np.float32)
    columns = {"what": codes, "kind": codes % 7 + 2, "price": numbers, "gap": numbers[::-1]}
    return pd.DataFrame(
        {name: _lists(sequences, pa.array(column)) for name, column in columns.items()}
    )


def text_frame(sequences):
    """The same sequences before they were encoded."""
    names = pa.array([f"product {code}" for code in range(sequences.n_codes)])
    return _to_frame(sequences, names.take(pa.array(sequences.codes)))


def _to_frame(sequences, values):
    return pd.DataFrame({"what": _lists(sequences, values)})


def _lists(sequences, values):
    lists = pa.ListArray.from_arrays(pa.array(sequences.offsets, pa.int32()), values)
    return pd.Series(pd.arrays.ArrowExtensionArray(lists))
