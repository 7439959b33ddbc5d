"""The report next to a model: a table of scores, and a calibration plot."""

import csv
import os
from pathlib import Path

import numpy as np

from skbseq.inspection import expected_calibration_error
from skbseq.inspection._calibration import calibration_points
from skbseq.persistence import check_writable, replacing

_HEADER = ["name", "model", "auc", "log_loss", "saved"]
# A text in the file, by which the next fit knows that it may replace it.
_SOFTWARE = "skbseq fit, calibration plot"
_PNG = b"\x89PNG\r\n\x1a\n"
_N_BINS = 10


class Report:
    """Files next to a model file.

    Parameters
    ----------
    out : str
        The model file: ``buyers.skbseq`` gives ``buyers.scores.csv`` and
        ``buyers.calibration.png``.
    """

    def __init__(self, out):
        stem = str(out).removesuffix(".skbseq")
        self.scores, self.plot = Path(f"{stem}.scores.csv"), Path(f"{stem}.calibration.png")

    def check(self, log):
        """Refuse to overwrite a file that no earlier report wrote.

        Parameters
        ----------
        log : str
            The log, which is never overwritten.

        Raises
        ------
        FileExistsError
        """
        for path, is_ours in ((self.scores, _is_scores), (self.plot, _is_plot)):
            check_writable(path)
            taken = os.path.lexists(path) and not (path.is_file() and is_ours(path))
            if taken or os.path.realpath(path) == os.path.realpath(log):
                raise FileExistsError(
                    f"'{path}' exists and is not the report of an earlier fit, so it is not "
                    "overwritten. Move it, name another --out, or pass --no-report."
                )

    def write(self, name, scored):
        """Write the files.

        Parameters
        ----------
        name : str
            The model that was saved.
        scored : Scored

        Returns
        -------
        list of str
            Lines that say what was written and what was not.
        """
        with replacing(self.scores) as temporary:
            _write_scores(temporary, name, scored.scores)
        said = [f"Wrote {self.scores} with the scores on the {len(scored.y):,} users held out."]
        try:
            figure = _calibration_figure(scored.y, scored.probabilities[name])
        except ImportError as error:
            hint = "matplotlib cannot be imported; install it with: pip install matplotlib"
            return [*said, f"No calibration plot was written: {hint} ({error})."]
        with replacing(self.plot) as temporary:
            figure.savefig(temporary, dpi=150, format="png", metadata={"Software": _SOFTWARE})
        return [*said, f"Wrote {self.plot}: how well {name} is calibrated on these users."]


def _is_scores(path):
    with path.open("rb") as file:
        return file.readline().decode(errors="replace").strip() == ",".join(_HEADER)


def _is_plot(path):
    with path.open("rb") as file:
        beginning = file.read(1024)
    return beginning.startswith(_PNG) and _SOFTWARE.encode() in beginning


def _write_scores(path, name, scores):
    rows = [
        [each["name"], each["model"], each["auc"], each["log_loss"], each["name"] == name]
        for each in scores
    ]
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([_HEADER, *rows])


def _calibration_figure(y, probability):
    """Observed share against mean prediction, by tenths of the users, and a histogram."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 6.5), layout="constrained")
    FigureCanvasAgg(figure)  # works without a screen, independent of the user's backend
    upper, lower = figure.subplots(2, sharex=True, height_ratios=[4, 1])
    predicted, observed, below, above = calibration_points(y, probability)
    upper.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfectly calibrated")
    upper.errorbar(
        predicted, observed, [below, above], marker="o", capsize=3, label="observed, 95% interval"
    )
    ece = expected_calibration_error(y, probability, n_bins=_N_BINS)
    upper.set(
        title=f"{len(y):,} users held out, calibration error {ece:.3f}",
        ylabel="share with the answer yes",
        ylim=(-0.02, 1.02),
    )
    upper.legend(loc="upper left")
    lower.hist(probability, bins=np.linspace(0, 1, 31))
    lower.set(xlabel="predicted probability", ylabel="users")
    return figure
