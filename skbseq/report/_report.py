"""Report: the result of make_report, as a dict and as one HTML file."""

import base64
import copy
import html
import io
import math
import os
from pathlib import Path

from skbseq._optional import import_optional
from skbseq.persistence import replacing
from skbseq.report._page import PAGE

_SIZES = {"drift": (9, 4), "calibration": (5, 4), "lift": (5, 4), "early": (6, 4)}


def load_jinja2():
    """The library that writes the page.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    return import_optional("jinja2", extra="report", purpose="to write a report as HTML")


class Report:
    """What :func:`make_report` measured.

    Parameters
    ----------
    content : dict
        All sections as texts, numbers, lists and dicts.
    pictures : dict of str to callable
        For each picture a function that draws it on axes of matplotlib.

    See Also
    --------
    make_report : Makes a report.

    Examples
    --------
    >>> from skbseq.report import Report
    >>> Report({"title": "Empty", "notes": []}, {}).to_dict()
    {'title': 'Empty', 'notes': []}
    """

    def __init__(self, content, pictures):
        self.content, self.pictures = content, pictures

    def __repr__(self):
        return f"<Report {self.content.get('title')!r}>"

    def to_dict(self):
        """The report as data, for example for ``json.dumps``.

        Returns
        -------
        dict of str to object
            Sections of texts, numbers, booleans, lists and dicts; a copy.
        """
        return copy.deepcopy(self.content)

    def to_html(self, path):
        """Write the report as one HTML file that needs no other file and no network.

        The same report gives the same bytes with the same versions of the libraries.

        Parameters
        ----------
        path : str or path-like
            The file. An existing one is replaced.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        ImportError
            If jinja2 is not installed.
        TypeError
            If path is not a path.
        """
        load_jinja2()
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"path must be a path, such as 'report.html'; got {path!r}.")
        with replacing(Path(path)) as temporary:
            Path(temporary).write_bytes(self._page().encode("utf-8", "replace"))
        return Path(path)

    def _page(self):
        jinja2 = load_jinja2()
        # Names and ids are text of others: everything is escaped.
        environment = jinja2.Environment(
            autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        environment.filters["number"] = _number
        pictures = {name: _as_uri(name, draw) for name, draw in self.pictures.items()}
        return environment.from_string(PAGE).render(**self.content, pictures=pictures)

    def _repr_html_(self):
        """The page in a frame of its own, for notebooks; None without jinja2."""
        try:
            page = self._page()
        except ImportError:
            return None
        title = html.escape(self.content["title"])
        return (
            f'<iframe title="{title}" srcdoc="{html.escape(page)}" loading="lazy" '
            'sandbox="" style="width: 100%; height: 40rem; border: 1px solid #ccc"></iframe>'
        )


def _number(value):
    """A number as a short text; other values as they are."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "not measured"
    # Adding zero turns -0.0 into 0.0.
    return f"{round(value, 3) + 0.0:.3f}" if abs(value) < 1000 else f"{value:,.0f}"


def _as_uri(name, draw):
    """A picture as SVG in a data URI, always of the same bytes."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # Ids in the file are hashes of this text; without it they are random.
    with rc_context({"svg.hashsalt": "skbseq", "svg.fonttype": "path"}):
        figure = Figure(figsize=_SIZES.get(name), layout="constrained")
        FigureCanvasSVG(figure)
        ax = figure.add_subplot()
        draw(ax)
        if name not in _SIZES:  # a strip: as wide as it has bars
            figure.set_size_inches(1.5 + 0.3 * max(len(ax.patches), 6), 3.6)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None}, bbox_inches="tight")
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode()
