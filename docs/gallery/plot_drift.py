"""
Has behavior changed?
=====================

Two logs always differ a little. :func:`~skbseq.inspection.compare_logs` shows which differences
are larger than chance. The user guide explains how: :doc:`/user_guide/drift`.
"""

# %%
# Two months of one shop
# ----------------------
# Nothing has changed between January and February. Each point lies in the grey range of chance.
from skbseq import EventLog
from skbseq.datasets import make_shop_log
from skbseq.inspection import compare_logs

shop = make_shop_log(n_users=2000, random_state=0)
log = EventLog(shop.events, **shop.roles, until="2026-03-02").clean()
january = log.clean(latest="2026-01-31")
february = log.clean(earliest="2026-01-31")
quiet = compare_logs(january, february, random_state=0).plot()
quiet.frame().round(3)

# %%
# A small log
# -----------
# With 15 users in each log, indices above 0.2 are chance. A fixed limit would raise an alarm.
events = log.to_frame()
users = events["user_id"].drop_duplicates()
few, others = (
    EventLog(events[events["user_id"].isin(group)], **shop.roles, until="2026-03-02")
    for group in (users[:15], users[15:30])
)
small = compare_logs(few, others, random_state=0).plot()
small.ax_.axvline(0.2, color="black", linestyle=":")

# %%
# A broken tracking
# -----------------
# An update of the app renames "remove", and loses every second "cart". The display names what has
# changed most.
events = february.to_frame()
lost = (events["behavior_type"] == "cart") & (events.index % 2 == 0)
events["behavior_type"] = events["behavior_type"].replace({"remove": "removed"})
broken = EventLog(events[~lost], **shop.roles, until="2026-03-02")
drift = compare_logs(january, broken, random_state=0).plot()

# %%
# ``details()`` has the numbers of all cells.
cells = drift.details()
cells[cells["aspect"] == "event mix"].round(3)
