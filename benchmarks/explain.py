"""Are explanations true? A generated shop where the effect of dropping an event is known exactly.

    python -m benchmarks.explain

On ``make_shop_log`` the probability of buying is known for every history, so it is known too for
a history without one of its events: the true effect. An LSTM is fitted on four fifths of the
users; of the others, histories of at least two events are explained by all methods.

Printed for each method: the correlation (Pearson) of contributions with true effects over all
events; of the histories with a decisive event (a true effect of at least 0.5), the share whose
largest contribution is at the event of the largest true effect; the gap of reversed and chosen
deletion area, in log-odds, with that of random orders and of shuffled contributions; the largest
error of the sums; the channels' shares of the gradients; and the time for 1,000 histories of 20
events, the best of some rounds.
"""

import argparse
import time

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skbseq import EventLog, LSTMBehaviorClassifier, SequenceEncoder
from skbseq.datasets import _shop, make_shop_log
from skbseq.inspection import channel_importance, deletion_insertion, explain_events

_DAY = np.timedelta64(1, "D")
_N_SPEED, _LENGTH = 1000, 20
# Log-odds. In the other histories the largest effects are near 0 and near each other.
_DECISIVE = 0.5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=8000)
    parser.add_argument("--histories", type=int, default=400, help="explained (default 400)")
    parser.add_argument("--seed", type=int, default=0, help="of shop and fit")
    parser.add_argument("--rounds", type=int, default=3, help="of the timing")
    arguments = parser.parse_args()
    shop = make_shop_log(n_users=arguments.users, random_state=arguments.seed)
    log = EventLog(shop.events, **shop.roles).clean()
    X = log.histories(shop.samples, max_events=100)
    y = log.label_behavior(shop.samples, behavior="buy", horizon=shop.horizon)
    train, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=0, stratify=y)
    model = make_pipeline(
        SequenceEncoder(), LSTMBehaviorClassifier(units=32, random_state=arguments.seed)
    ).fit(X.iloc[train], y[train])
    lengths = X["behavior_type"].list.len().to_numpy()
    some = X.iloc[[row for row in test if lengths[row] > 1][: arguments.histories]]
    effects = true_effects(some, shop.horizon)
    for method in ("removal", "gradients", "shapley"):
        report(model, some, effects, method)
    importance = channel_importance(
        model, X.iloc[test], y[test], scoring="roc_auc", random_state=0
    )
    print(importance.frame().round(4).to_string(index=False))
    speed(model, log.histories(shop.samples, max_events=_LENGTH), arguments.rounds)


def true_effects(X, horizon):
    """Log-odds that each event adds to the true probability, by row."""
    answers = [_log_odds(_probability(*history, horizon)) for history in _histories(X)]
    return [answer[0] - answer[1:] for answer in answers]


def _histories(X):
    """Steps of the chain, days before the cutoff; of each row."""
    columns = (X[name] for name in ("behavior_type", "price", "timestamp", "cutoff"))
    numbers = {"search": 0, "cart": 3, "remove": 4, "buy": 5}
    for behaviors, prices, times, cutoff in zip(*columns, strict=True):
        expensive = np.array([p is not None and p >= _shop._EXPENSIVE_FROM for p in prices])
        steps = [numbers.get(b, 1 + int(e)) for b, e in zip(behaviors, expensive, strict=True)]
        ages = (np.datetime64(cutoff) - np.array(times, "datetime64[us]")) / _DAY
        yield np.array(steps), ages


def _probability(steps, ages, horizon):
    """True probability of the whole history, then of that without each of its events."""
    whole = np.arange(len(steps))
    variants = [whole, *(np.delete(whole, i) for i in whole)]
    states = np.array([_state(steps[variant]) for variant in variants])
    elapsed = np.array([ages[variant[-1]] for variant in variants])
    return _shop._buy_probability(states, elapsed, horizon / _DAY)


def _state(steps):
    follow = _shop._make_chain().next_state
    state = np.ravel_multi_index((_shop._NEW, _shop._EMPTY), _shop._STATE_SHAPE)
    for step in steps:
        state = follow[state, step]
    return state


def _log_odds(probability):
    return np.log(probability) - np.log1p(-probability)


def report(model, X, effects, method):
    explanation = explain_events(model, X, method=method, random_state=0)
    rows = np.split(explanation.flat, np.cumsum(explanation.lengths)[:-1])
    decisive = np.array([np.abs(effect).max() >= _DECISIVE for effect in effects])
    pairs = zip(rows, effects, strict=True)
    first = np.array([np.abs(c).argmax() == np.abs(e).argmax() for c, e in pairs])
    correlation = np.corrcoef(explanation.flat, np.concatenate(effects))[0, 1]
    faithful = deletion_insertion(model, X, explanation, random_state=0)
    rng = np.random.default_rng(0)
    shuffled = [rng.permutation(row).tolist() for row in rows]
    against = deletion_insertion(model, X, shuffled, random_state=0)
    print(
        f"{method}: correlation {correlation:.3f}, decisive event first "
        f"{first[decisive].mean():.3f} of {decisive.sum()} histories with one (all: "
        f"{first.mean():.3f} of {len(first)})\n  gap {faithful.gap:.2f}, of histories with a "
        f"decisive event {faithful.gaps[decisive].mean():.2f} (random "
        f"{faithful.random_gap:.2f}, shuffled {against.gap:.2f}); faithful: "
        f"{faithful.is_faithful}, shuffled: {against.is_faithful}",
        flush=True,
    )
    if method != "removal":
        change = explanation.values - explanation.baselines
        sums = np.array([row.sum() for row in rows])
        error = np.abs(sums - change) / np.maximum(np.abs(change), 0.1)
        print(f"  largest error of a sum: {error.max():.1e} of the difference")
    if method == "gradients":
        sizes = {n: np.abs(values).sum() for n, values in explanation.by_channel.items()}
        total = sum(sizes.values())
        print("  shares:", ", ".join(f"{n} {size / total:.1%}" for n, size in sizes.items()))


def speed(model, X, n_rounds):
    whole = X["behavior_type"].list.len().to_numpy() == _LENGTH
    X = X[whole].iloc[:_N_SPEED]
    for method in ("removal", "gradients"):
        seconds, cpu = [], []
        for _ in range(n_rounds + 1):  # the first compiles
            begin, begin_cpu = time.perf_counter(), time.process_time()
            explain_events(model, X, method=method)
            seconds.append(time.perf_counter() - begin)
            cpu.append(time.process_time() - begin_cpu)
        print(
            f"{method} of {len(X):,} histories of {_LENGTH} events: {min(seconds[1:]):.2f} s "
            f"({min(cpu[1:]):.2f} s of CPU), the first call {seconds[0]:.1f} s"
        )


if __name__ == "__main__":
    main()
