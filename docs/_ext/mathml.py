"""Formulas as MathML: browsers show it without JavaScript and without a network."""

import re
from html import escape
from itertools import cycle

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)

# A large delimiter without a side, which docutils does not know; they come in pairs.
LARGE = re.compile(r"\\([bB]igg?)(?=[|()\[\]\\])")
# In text, docutils shows the backslash of an escaped underscore.
TEXT = re.compile(r"\\text\{[^{}]*\}")


def to_mathml(node, as_block):
    """The MathML of a node's LaTeX; a formula that cannot be converted is a warning."""
    sides = cycle("lr")
    formula = re.sub(r"\\dots\b", r"\\ldots", node.astext())
    formula = TEXT.sub(lambda match: match[0].replace(r"\_", "_"), formula)
    formula = LARGE.sub(lambda match: f"\\{match[1]}{next(sides)}", formula)
    try:
        mathml = tex2mathml(formula, as_block=as_block)
    except MathError as error:
        logger.warning("formula not understood: %s", error, location=node)
        return f"<code>{escape(formula)}</code>"
    # Browsers take a bar for a relation and put space on both sides.
    return mathml.replace(">|</mo>", ' lspace="0" rspace="0">|</mo>')


def visit_math(translator, node):
    translator.body.append(f'<span class="math">{to_mathml(node, False)}</span>')
    raise nodes.SkipNode


def visit_displaymath(translator, node):
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append(to_mathml(node, True))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
