"""Controls in plain PyTorch: SASRec and GRU4Rec with a full softmax, trained for a time budget.

They are rows of ``python -m benchmarks.next_event --only toys --network --torch``. Both predict
each event from those before it, among all ids; inputs and outputs share one table of embeddings.
A tenth of the histories is held out, and the weights with the best NDCG@10 of their last events
are kept. Dropout 0.5 is what Kang and McAuley (2018) take for sparse logs.
"""

import time

import numpy as np
import pyarrow as pa
import torch
from torch import nn
from torch.nn import functional

from skbseq.metrics import ndcg_at_k, true_ranks

SIZE, DROPOUT, RATE, BATCH = 64, 0.5, 0.001, 128
LONGEST, AT_ONCE, N_JUDGED = 50, 256, 2000


class SASRec(nn.Module):
    """Vectors after each event, by two blocks of causal self-attention over learned positions."""

    def __init__(self, n_ids, n_blocks=2):
        super().__init__()
        self.ids = nn.Embedding(n_ids + 1, SIZE, padding_idx=0)
        self.positions = nn.Embedding(LONGEST, SIZE)
        nn.init.normal_(self.ids.weight, std=SIZE**-0.5)
        nn.init.normal_(self.positions.weight, std=0.1)
        self.norms = nn.ModuleList(nn.LayerNorm(SIZE) for _ in range(2 * n_blocks + 1))
        self.attentions = nn.ModuleList(
            nn.MultiheadAttention(SIZE, 1, DROPOUT, batch_first=True) for _ in range(n_blocks)
        )
        self.feeds = nn.ModuleList(
            nn.Sequential(
                *(nn.Linear(SIZE, SIZE), nn.ReLU(), nn.Dropout(DROPOUT)),
                *(nn.Linear(SIZE, SIZE), nn.Dropout(DROPOUT)),
            )
            for _ in range(n_blocks)
        )
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, codes):
        n = codes.shape[1]
        x = self.dropout(self.ids(codes) * SIZE**0.5 + self.positions.weight[:n])
        later = torch.triu(torch.ones(n, n, dtype=torch.bool), 1)
        for i, (attention, feed) in enumerate(zip(self.attentions, self.feeds, strict=True)):
            query = self.norms[2 * i](x)
            x = query + attention(query, x, x, attn_mask=later, need_weights=False)[0]
            x = self.norms[2 * i + 1](x)
            x = x + feed(x)
        return self.norms[-1](x)


class GRU4Rec(nn.Module):
    """Vectors after each event, by one layer of gated recurrent units."""

    def __init__(self, n_ids):
        super().__init__()
        self.ids = nn.Embedding(n_ids + 1, SIZE, padding_idx=0)
        nn.init.normal_(self.ids.weight, std=SIZE**-0.5)
        self.gru = nn.GRU(SIZE, SIZE, batch_first=True)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, codes):
        return self.dropout(self.gru(self.dropout(self.ids(codes) * SIZE**0.5))[0])


class TorchRecommender:
    """One of the networks as a model that ``ranking_scorer`` takes.

    Parameters
    ----------
    network : type
    seconds : float
        Training ends with the first epoch after so many.
    seed : int
    """

    def __init__(self, network, seconds, seed=0):
        self.network, self.seconds, self.seed = network, seconds, seed
        self.target = None

    def set_params(self, target):
        self.target = target
        return self

    def fit(self, X):
        """Train; the weights with the best held-out lists are kept."""
        begun = time.perf_counter()
        torch.manual_seed(self.seed)
        rng = np.random.default_rng(self.seed)
        self.target_ = self.target
        self.classes_ = np.unique(_values(X, self.target))
        histories = self._read(X)
        self.model = self.network(len(self.classes_))
        optimizer = torch.optim.Adam(self.model.parameters(), RATE)
        order = rng.permutation(len(histories))
        n_held_out = len(order) // 10
        held_out, rest = order[:n_held_out][:N_JUDGED], order[n_held_out:]
        held_out, rest = ([histories[i] for i in part] for part in (held_out, rest))
        best, kept, self.n_epochs_ = -1.0, None, 0
        while time.perf_counter() - begun < self.seconds:
            self._epoch(rest, optimizer, rng)
            self.n_epochs_ += 1
            gain = self._gain(held_out)
            if gain > best:
                best = gain
                kept = {name: x.clone() for name, x in self.model.state_dict().items()}
        if kept is not None:
            self.model.load_state_dict(kept)
        return self

    def true_ranks(self, X, y, exclude_seen):
        """First and last possible rank of each true id."""
        found = np.searchsorted(self.classes_, y)
        known = self.classes_[np.minimum(found, len(self.classes_) - 1)] == y
        return self._ranks(self._read(X), np.where(known, found, -1), exclude_seen)

    def _read(self, X):
        """Codes from 1 on of the latest events that are known, for each history."""
        values, column = _values(X, self.target), X[self.target].combine_chunks()
        place = np.searchsorted(self.classes_, values)
        known = self.classes_[np.minimum(place, len(self.classes_) - 1)] == values
        rows = np.split(np.where(known, place + 1, 0), column.offsets.to_numpy()[1:-1])
        return [row[row > 0][-LONGEST:] for row in rows]

    def _epoch(self, histories, optimizer, rng):
        histories = [row for row in histories if len(row) > 1]
        # Batches of like length, in random order.
        order = np.argsort([len(row) + rng.random() for row in histories])
        batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        self.model.train()
        for i in rng.permutation(len(batches)):
            codes = _pad([histories[row] for row in batches[i]])
            states, following = self.model(codes[:, :-1]), codes[:, 1:]
            real = following > 0
            logits = states[real] @ self.model.ids.weight[1:].T
            loss = functional.cross_entropy(logits, following[real] - 1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def _gain(self, histories):
        asked = [row[:-1] for row in histories if len(row) > 1]
        truth = np.array([row[-1] - 1 for row in histories if len(row) > 1])
        return ndcg_at_k(self._ranks(asked, truth, exclude_seen=True), k=10)

    def _ranks(self, histories, truth, exclude_seen):
        ranks = np.full((len(histories), 2), np.inf)
        self.model.eval()
        for start in range(0, len(histories), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            scores = self._scores(histories[part])
            if exclude_seen:
                for row, seen in zip(scores, histories[part], strict=True):
                    row[seen - 1] = -np.inf
            ranks[part] = true_ranks(scores, truth[part])
        return ranks

    @torch.no_grad()
    def _scores(self, histories):
        codes = _pad([row if len(row) else np.zeros(1, int) for row in histories])
        last = torch.tensor([max(len(row), 1) - 1 for row in histories])
        states = self.model(codes)[torch.arange(len(codes)), last]
        return (states @ self.model.ids.weight[1:].T).numpy()


def _values(X, target):
    return pa.table(X)[target].combine_chunks().values.to_numpy()


def _pad(rows):
    codes = np.zeros((len(rows), max(map(len, rows))), np.int64)
    for code, row in zip(codes, rows, strict=True):
        code[: len(row)] = row
    return torch.from_numpy(codes)
