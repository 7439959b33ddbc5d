"""``skbseq demo``: the whole workflow on a generated shop."""

import json
import shlex
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from skbseq import _frames
from skbseq.cli import _arguments as arguments
from skbseq.cli._job import prepare, speaker, train_and_score
from skbseq.cli._models import DEFAULT, Settings, candidates, titles
from skbseq.cli._process import command_name, heartbeat
from skbseq.cli._task import Task, choose_columns, save_model
from skbseq.cli._verdict import describe_rivals
from skbseq.datasets import make_shop_log
from skbseq.persistence import check_writable, replacing

_DESCRIPTION = """\
Run the whole workflow on a generated shop; nothing is downloaded.

Customers search, view, fill a basket and buy. The question is who buys within 7 days. The next
event depends on the order of the previous ones by a known law, so the true probability of every
customer is known. It is the best that any model can reach. The scores show how close the LSTM
comes to it, and how much worse counts of events are. It takes about a minute.

Files in the folder:
  events.parquet       the log, one row per event
  scores.csv           user, cutoff, probability, outcome, and the true probability
  scores.json          the comparison with the baselines
  learning_curves.png  loss by epoch
  model.skbseq         the model, for `skbseq predict`
"""
_EPILOG = """\
example:
  skbseq demo --out /tmp/shop --users 5000
"""
_FILES = (
    "events.parquet",
    "scores.csv",
    "scores.json",
    "learning_curves.png",
    "model.skbseq",
)
_HORIZON = "7D"
_HOLDOUT = 0.25
_LATER = np.timedelta64(6, "D")


def add_command(commands):
    """Add ``demo`` to the parser."""
    parser = arguments.add_command(
        commands,
        "demo",
        run=run,
        summary="the whole workflow on a generated shop",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        default="skbseq-demo",
        help="folder to write into; it is created if needed (default: %(default)s)",
    )
    parser.add_argument(
        "--users",
        metavar="N",
        type=arguments.count,
        default=20_000,
        help="customers of the shop (default: %(default)s)",
    )
    arguments.add_seed(parser)


def run(args):
    """Generate a shop, train, compare and write the files."""
    with _folder(Path(args.out)) as folder:
        _run(args, folder)


def _run(args, folder):
    began = time.perf_counter()
    say = speaker(quiet=False)
    say(f"Generating a shop with {args.users:,} users.")
    shop = make_shop_log(args.users, horizon=_HORIZON, random_state=args.seed)
    table = _frames.to_arrow(shop.events)
    task, left_out = _make_task(shop, table)
    samples, X, y = prepare(
        task.open_log(table), table, task, say, left_out=left_out, advice="Give more --users."
    )
    settings = Settings(
        max_events=100, max_categories=100, units=32, epochs=25, seed=args.seed, quiet=False
    )
    with heartbeat(say):
        scored = train_and_score(
            candidates(DEFAULT, task, settings),
            X,
            y,
            say,
            holdout=_HOLDOUT,
            seed=args.seed,
            titles=titles(),
            truth=shop.probability,
        )
    say(describe_rivals(DEFAULT, scored.losses, titles())[0])
    model, test = scored.models[DEFAULT], scored.test
    probability = scored.probabilities[DEFAULT]

    users = {name: _frames.take(samples[name], test) for name in samples.column_names}
    outcome = {"label": y[test], "true_probability": shop.probability[test]}
    comparison = {"question": task.question, "base_rate": float(y.mean()), "model": DEFAULT}
    comparison["scores"] = scored.scores
    _write_table(folder / "events.parquet", shop.events)
    _write_table(
        folder / "scores.csv",
        _frames.frame_from_columns(users | {"probability": probability} | outcome, like="pyarrow"),
    )
    _write_json(folder / "scores.json", comparison | {"users": len(y), "held_out": len(test)})
    _write_curves(folder / "learning_curves.png", model[-1])
    save_model(model, folder / "model.skbseq", {"task": task.to_metadata()} | comparison)
    say(_farewell(folder, task, str(shop.at + _LATER), time.perf_counter() - began))


@contextmanager
def _folder(folder):
    """The folder to write into; after an error, folders made for it are removed again."""
    there = [name for name in _FILES if (folder / name).exists()]
    if 0 < len(there) < len(_FILES):
        raise FileExistsError(
            f"'{folder}' holds {', '.join(there)}, which the demonstration would overwrite, but "
            "is not the folder of an earlier one. Pass another folder as --out."
        )
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_writable(folder / _FILES[-1])
        yield folder
    except BaseException:
        for path in made:
            with suppress(OSError):  # not empty
                path.rmdir()
        raise


def _make_task(shop, table):
    uses, kinds, left_out = choose_columns(table, shop.roles)
    task = Task(
        roles=shop.roles,
        at=str(shop.at.astype("datetime64[D]")),
        horizon=_HORIZON,
        predict=["buy"],
        uses=uses,
        kinds=kinds,
    )
    return task, left_out


def _write_table(path, table):
    with replacing(path) as temporary:
        _frames.write_frame(table, temporary)


def _write_json(path, content):
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _write_curves(path, network):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)  # works without a screen, independent of the user's backend
    axes = figure.add_subplot()
    for name, label in (("loss", "training"), ("val_loss", "validation")):
        values = network.history_.get(name, [])
        axes.plot(range(1, len(values) + 1), values, marker="o", markersize=4, label=label)
    axes.axvline(network.best_epoch_, color="grey", linestyle=":", label="weights kept")
    axes.set(title="Learning curves", xlabel="epoch", ylabel="log loss per user")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    axes.legend()
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=150)


def _farewell(folder, task, later, seconds):
    skbseq = command_name()
    files = [
        folder / name for name in ("model.skbseq", "events.parquet", "later.csv", "back.skbseq")
    ]
    model, events, later_scores, back = (shlex.quote(str(path)) for path in files)
    return f"""
Wrote {", ".join(_FILES[:-1])} and {_FILES[-1]}
into {folder} after {seconds:.0f} s. Try next:

  Score all users some days later:
    {skbseq} predict {model} {events} \\
        --at {later[:10]} --out {later_scores}
  Ask another question, who comes back within a day:
    {skbseq} fit {events} --user user_id --time timestamp \\
        --behavior behavior_type --product product_id --at {task.at} --horizon 1D \\
        --out {back}
  Train on your own log:
    {skbseq} fit --help
  The same from Python:
    from skbseq import load; model = load({str(files[0])!r})"""
