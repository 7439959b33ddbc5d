"""Labels that fit: shortened names, fonts that have their characters, sizes that fit the axes."""

import textwrap
import unicodedata
import warnings

import numpy as np

WIDEST_LABEL = 22  # in half-width characters
# Axes of a figure of matplotlib's default size, in inches.
_USUAL = (4.9, 3.6)
_SMALLEST = 0.55  # of the usual size of text
_WIDTH_OF_CHARACTER = 0.58  # of the size of the font
# Fonts with Chinese, Japanese and Korean characters on Linux, Windows and macOS.
_WIDE_FONTS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC"),
    *("Microsoft YaHei", "PingFang SC", "Hiragino Sans GB", "SimHei", "WenQuanYi Micro Hei"),
    *("WenQuanYi Zen Hei", "Droid Sans Fallback", "Arial Unicode MS"),
)


def labels_of(names, widest=WIDEST_LABEL, warned=None):
    """Names as labels that fit, and the font for them.

    Long names lose their middle, because names often share their beginning. Labels of different
    names that become equal are numbered.

    Parameters
    ----------
    names : list of str
    widest : int, default=22
        In characters; Chinese ones count twice.
    warned : set of str, default=None
        Characters that a warning has named already; it is extended.

    Returns
    -------
    labels : list of str
    font : dict
        Keywords for matplotlib's texts.
    """
    seen, label_of = {}, {}
    for name in dict.fromkeys(map(str, names)):
        label = _shorten(" ".join(name.split()) or "(empty)", widest)
        seen[label] = seen.get(label, 0) + 1
        label_of[name] = label if seen[label] == 1 else f"{label} #{seen[label]}"
    labels = [label_of[str(name)] for name in names]
    # matplotlib would read what stands between two dollars as a formula.
    return [label.replace("$", r"\$") for label in labels], font_for(labels, warned)


def width_of(text):
    """Width in half-width characters."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _shorten(text, widest):
    if width_of(text) <= widest:
        return text
    head = _cut(text, (2 * widest) // 3 - 1)
    return f"{head}…{_cut(text[::-1], widest - width_of(head) - 1)[::-1]}"


def _cut(text, width):
    while width_of(text) > width:
        text = text[: max(width, 1)] if len(text) > width else text[:-1]
    return text


def font_for(texts, warned=None):
    """Keywords for matplotlib's texts, so that each character is in one of their fonts.

    Warns
    -----
    UserWarning
        If no installed font has some of the characters, and they are not among ``warned``.
    """
    from matplotlib import font_manager, rcParams

    wanted = {c for text in texts for c in text if ord(c) > 0x7F}
    families = list(rcParams["font.family"])
    lacking = _without_glyph(wanted, families)
    if not lacking:
        return {}
    installed = {font.name for font in font_manager.fontManager.ttflist}
    marks = ("CJK", "Unicode", "Fallback")
    wide = [name for name in _WIDE_FONTS if name in installed]
    wide += sorted(n for n in installed - set(wide) if any(mark in n for mark in marks))
    for name in wide:
        left = _without_glyph(lacking, [name])
        if len(left) < len(lacking):
            families, lacking = [*families, name], left
        if not lacking:
            break
    warned = set() if warned is None else warned
    if lacking - warned:
        warned |= lacking
        some = "".join(sorted(lacking)[:10])
        warnings.warn(
            f"No installed font has the characters {some!r}, so the plot shows boxes. Install one "
            "that has them, such as Noto Sans CJK for Chinese, Japanese and Korean (Debian: "
            "fonts-noto-cjk), and restart Python. For a font file, call "
            "matplotlib.font_manager.fontManager.addfont(path) and set "
            "matplotlib.rcParams['font.family'] to its name.",
            UserWarning,
            stacklevel=6,
        )
    return {"fontfamily": families}


def _without_glyph(characters, families):
    """The characters that are in none of the fonts."""
    from matplotlib import font_manager

    for family in families if characters else ():
        properties = font_manager.FontProperties(family=[family])
        try:
            path = font_manager.findfont(properties, fallback_to_default=False)
        except ValueError:  # this family is not installed
            continue
        font = font_manager.get_font(path)
        characters = {c for c in characters if not font.get_char_index(ord(c))}
    return characters


def legend_font(font):
    """The same font for a legend, which takes other keywords."""
    return {"prop": {"family": font["fontfamily"]}} if font else {}


def legend_right(ax, font, **options):
    """A legend outside of the axes, where it hides nothing."""
    place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "frameon": False}
    return ax.legend(**place | legend_font(font) | options)


class Room:
    """How large text can be in axes, so that it does not overlap.

    Text has its usual size in a figure of its own and in axes of the usual size or larger. In
    smaller ones, such as those of a grid, text is smaller, names are shorter and ticks fewer.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    is_given : bool, default=True
        Whether they are axes of the user. Figures of a display's own have room for its text.
    """

    def __init__(self, ax, *, is_given=True):
        box = ax.get_position()
        figure = ax.figure.bbox.size / ax.figure.dpi
        self.width, self.height = float(box.width * figure[0]), float(box.height * figure[1])
        small = np.sqrt(min(self.width / _USUAL[0], 1) * min(self.height / _USUAL[1], 1))
        self.scale = float(np.clip(small, _SMALLEST, 1)) if is_given else 1.0
        self._warned = set()

    @property
    def is_small(self):
        """Whether text has less than its usual size."""
        return self.scale < 0.95

    def size(self, relative="medium"):
        """Size of text in points."""
        from matplotlib import rcParams
        from matplotlib.font_manager import font_scalings

        return rcParams["font.size"] * font_scalings[relative] * self.scale

    def n_characters(self, inches, relative="medium"):
        """Number of half-width characters on a line of a length."""
        return int(72 * inches / (_WIDTH_OF_CHARACTER * self.size(relative)))

    def labels(self, names, widest=WIDEST_LABEL, share=0.4):
        """Names as labels that fit, and the font for them; see :func:`labels_of`.

        In small axes they are no wider than a share of the axes.
        """
        if self.is_small:
            widest = max(8, min(widest, self.n_characters(share * self.width)))
        return labels_of(names, widest, self._warned)

    def font_for(self, texts):
        """Keywords for matplotlib's texts; see :func:`font_for`."""
        return font_for(texts, self._warned)

    def every(self, n_labels, inches):
        """Of how many labels below each other one has room."""
        return max(1, int(np.ceil(n_labels * 1.25 * self.size("small") / (72 * inches))))

    def dress(self, *axes):
        """Make ticks, titles and names of small axes fit them."""
        from matplotlib.ticker import AutoLocator, MaxNLocator

        for ax in axes if self.is_small else ():
            ax.tick_params(labelsize=self.size("medium"))
            ax.title.set_size(self.size("large"))
            for axis, inches in ((ax.xaxis, self.width), (ax.yaxis, self.height)):
                axis.label.set_size(self.size("medium"))
                axis.get_offset_text().set_size(self.size("small"))
                axis.label.set_text(self.wrap(axis.label.get_text(), 0.95 * inches))
                if isinstance(axis.get_major_locator(), AutoLocator):
                    axis.set_major_locator(MaxNLocator(max(2, int(1.8 * inches))))

    def wrap(self, text, inches, relative="medium"):
        """A text on lines of a length."""
        width = max(8, self.n_characters(inches, relative))
        return textwrap.fill(" ".join(text.split()), width, break_long_words=False)

    def legend(self, ax, font=None, **options):
        """A legend inside of the axes."""
        legend = ax.legend(**legend_font(font or {}) | options)
        return self._fit(legend)

    def legend_right(self, ax, font, **options):
        """A legend outside of the axes, where it hides nothing."""
        return self._fit(legend_right(ax, font, **options))

    def _fit(self, legend):
        if self.is_small:
            for text in legend.get_texts():
                text.set_size(self.size("small"))
            legend.set_in_layout(True)
        return legend
