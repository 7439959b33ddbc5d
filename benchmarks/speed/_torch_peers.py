"""The same network in PyTorch, behind skorch and in a loop written by hand."""

import numpy as np
import torch
from skorch import NeuralNetBinaryClassifier
from torch import nn

from benchmarks.speed._data import batches_of_like_length, padded


class Network(nn.Module):
    """Embedding, LSTM and one logit, from the state after the last real event."""

    def __init__(self, n_codes, units=32, dropout=0.0):
        super().__init__()
        self.embedding = nn.Embedding(n_codes, 16)
        self.lstm = nn.LSTM(16, units, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(units, 1)

    def forward(self, codes, lengths=None):
        states, (last, _) = self.lstm(self.dropout(self.embedding(codes)))
        if lengths is None:
            last = last[-1]
        else:  # half the cost of a packed sequence, where batches are of like length
            last = states[torch.arange(len(codes)), lengths - 1]
        return self.out(self.dropout(last)).squeeze(-1)


def skorch_classifier(n_codes, *, units=32, epochs, batch_size):
    torch.manual_seed(0)
    return NeuralNetBinaryClassifier(
        Network,
        module__n_codes=n_codes,
        module__units=units,
        module__dropout=0.0,
        optimizer=torch.optim.Adam,
        lr=0.003,
        max_epochs=epochs,
        batch_size=batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )


class GRUNetwork(nn.Module):
    """Embedding, GRU and one logit, from the state after the last real event."""

    def __init__(self, n_codes, units):
        super().__init__()
        self.embedding = nn.Embedding(n_codes, 16)
        self.gru = nn.GRU(16, units, batch_first=True)
        self.out = nn.Linear(units, 1)

    def forward(self, codes, lengths):
        states, _ = self.gru(self.embedding(codes))
        return self.out(states[torch.arange(len(codes)), lengths - 1]).squeeze(-1)


class Block(nn.Module):
    """Attention of four heads and a feed-forward layer, each normalised before.

    `nn.TransformerEncoderLayer` takes 1.5 times as long: it also drops attention weights.
    """

    def __init__(self, units):
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(units) for _ in range(2)])
        self.project, self.merge = nn.Linear(units, 3 * units), nn.Linear(units, units)
        self.widen, self.narrow = nn.Linear(units, 2 * units), nn.Linear(2 * units, units)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        parts = self.project(self.norms[0](x)).unflatten(2, (3, 4, -1)).permute(2, 0, 3, 1, 4)
        attended = nn.functional.scaled_dot_product_attention(*parts, is_causal=True)
        x = x + self.drop(self.merge(attended.transpose(1, 2).flatten(2)))
        return x + self.drop(self.narrow(self.widen(self.norms[1](x)).relu()))


class TransformerNetwork(nn.Module):
    """Two blocks over embedded events with sinusoidal positions; causal."""

    def __init__(self, n_codes, units):
        super().__init__()
        self.embedding = nn.Embedding(n_codes, 16)
        self.enter, self.norm = nn.Linear(16, units), nn.LayerNorm(units)
        self.blocks = nn.Sequential(Block(units), Block(units))
        self.drop, self.out = nn.Dropout(0.1), nn.Linear(units, 1)
        place = torch.arange(256)[:, None] * 10_000 ** (-torch.arange(0, units, 2) / units)
        self.register_buffer("waves", torch.cat([place.sin(), place.cos()], 1))

    def forward(self, codes, lengths):
        x = self.enter(self.embedding(codes)) + self.waves[: codes.shape[1]]
        states = self.norm(self.blocks(x))
        last = states[torch.arange(len(codes)), lengths - 1]
        return self.out(self.drop(last)).squeeze(-1)


class BucketedTraining:
    """A loop by hand over batches of like length, padded to the longest of each."""

    def __init__(self, sequences, units, batch_size, network=Network):
        torch.manual_seed(0)
        self._sequences, self._size = sequences, batch_size
        self._rng = np.random.default_rng(0)
        self._network = network(sequences.n_codes, units)
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=0.003)
        self._loss = nn.BCEWithLogitsLoss()

    def epoch(self):
        lengths = self._sequences.lengths
        for rows in batches_of_like_length(lengths, self._size, self._rng):
            codes = torch.from_numpy(padded(self._sequences, rows))
            labels = torch.from_numpy(self._sequences.labels[rows].astype(np.float32))
            self._optimizer.zero_grad()
            logits = self._network(codes, torch.from_numpy(lengths[rows]))
            self._loss(logits, labels).backward()
            self._optimizer.step()
