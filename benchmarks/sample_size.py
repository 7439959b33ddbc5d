"""How many samples does a network need? The generated shop, trained on 100 to 4,000 users.

    python -m benchmarks.sample_size

Each model predicts who buys within a week, for the same 3,000 other users. A quarter of them do.
The table holds the mean ROC AUC over three shops and samples.
"""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from skbseq import EventLog, LSTMBehaviorClassifier, SequenceEncoder, SequenceVectorizer
from skbseq.datasets import make_shop_log

SIZES = (100, 300, 1000, 4000)
N_TEST = 3000


def models(seed):
    """The models by name; both see the behaviours, times and prices."""
    network = LSTMBehaviorClassifier(units=32, learning_rate=0.01, random_state=seed)
    boosting = HistGradientBoostingClassifier(learning_rate=0.03, random_state=seed)
    return {
        "boosting": make_pipeline(SequenceVectorizer(categorical=["behavior_type"]), boosting),
        "LSTM": make_pipeline(SequenceEncoder(categorical=["behavior_type"]), network),
    }


def scores(seed):
    """One row per training size and model."""
    shop = make_shop_log(n_users=8000, random_state=seed)
    log = EventLog(shop.events, **shop.roles).clean()
    samples = log.samples(at=shop.at)
    X = log.histories(samples, lookback="60D", max_events=100)
    y = log.label_behavior(samples, behavior="buy", horizon="7D")
    order = np.random.default_rng(seed).permutation(len(y))
    test = order[:N_TEST]
    for size in SIZES:
        train = order[N_TEST:][:size]
        for name, model in models(seed).items():
            model.fit(X.iloc[train], y[train])
            auc = roc_auc_score(y[test], model.predict_proba(X.iloc[test])[:, 1])
            yield {"samples": size, "model": name, "AUC": auc}


if __name__ == "__main__":
    rows = pd.DataFrame([row for seed in range(3) for row in scores(seed)])
    print(rows.pivot_table("AUC", "samples", "model").round(2).to_string())
