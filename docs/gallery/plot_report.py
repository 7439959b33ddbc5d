"""
One page about a model
======================

:func:`~skbseq.report.make_report` puts what a decision about a model needs on one page: its data,
checks for leakage, scores with baselines, and reasons for predictions. The user guide explains
each part: :doc:`/user_guide/reports`.
"""

# %%
# Training and test
# -----------------
# The question: who buys within a week? The model learns from two weeks in February, and is tested
# on the week after them.
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skbseq import EventLog, SequenceVectorizer
from skbseq.datasets import make_shop_log

shop = make_shop_log(n_users=1500, random_state=0)
log = EventLog(shop.events, **shop.roles).clean()


def read(cutoffs):
    samples = log.samples(at=cutoffs)
    y = log.label_behavior(samples, behavior="buy", horizon="7D")
    return log.histories(samples), y


X_train, y_train = read(["2026-02-10", "2026-02-17"])
X_test, y_test = read("2026-02-24")

# %%
# Without windows and recency, the features do not depend on the time to the cutoff. So the report
# can also score the beginnings of histories.
vectorizer = SequenceVectorizer(
    ["counts", "ngrams", "last"], categorical=["behavior_type"], numeric=[], windows=(), log=True
)
model = make_pipeline(vectorizer, SimpleImputer(), LogisticRegression(C=0.1, max_iter=1000))
model = model.fit(X_train, y_train)

# %%
# The report
# ----------
# It fits the baselines and measures everything. ``reference`` is the log until the training; it is
# compared with the weeks after it. In a notebook the page is shown as below. ``to_html`` writes it
# as one file.
from skbseq.report import make_report

report = make_report(
    *(model, X_train, y_train, X_test, y_test),
    log=log.clean(earliest="2026-02-03"),
    reference=log.clean(latest="2026-02-03"),
    horizon="7D",
    title="Who buys within a week?",
    purpose="Choose who gets a voucher.",
    random_state=0,
)
report

# %%
# Its numbers
# -----------
# ``to_dict`` returns all numbers of the page. These are the differences between the model and the
# baselines, with their intervals.
import matplotlib.pyplot as plt

rows = report.to_dict()["scores"]["differences"]
figure, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
for i, row in enumerate(rows):
    below, above = row["difference"] - row["low"], row["high"] - row["difference"]
    ax.errorbar(row["difference"], i, xerr=[[below], [above]], fmt="o", capsize=4)
ax.axvline(0, color="grey", linestyle=":")
ax.set_yticks(range(len(rows)), [f"{row['score']}, {row['baseline']}" for row in rows])
ax.set_xlabel("Difference between the model and the baseline")

# %%
# Each difference has its sentence.
print("\n".join(row["sentence"] for row in rows))

# %%
# How early?
# ----------
# The score for the first events of each history, and the time that is left to the cutoff.
print("events seen  ROC AUC  days left")
for row in report.to_dict()["early"]["shares"]:
    days = row["days to the cutoff, median"]
    print(f"{row['events seen']:11.0%}  {row['score']:7.3f}  {days:9.1f}")
