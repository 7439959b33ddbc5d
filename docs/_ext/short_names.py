"""Links to a public name by its last part, wherever the page stands.

``:class:`SequenceEncoder``` is a link on every page, and so is the name with the module that
defines it, ``:class:`skbseq.preprocessing.SequenceEncoder```, if only one public name ends so.
"""

import re

from sphinx import addnodes
from sphinx.util.nodes import make_refnode

ROLES = {"class", "exc", "func", "meth"}
DEFINED_IN = re.compile(r"^skbseq\.(?:[a-z_]+\.)?")


def resolve(app, env, node, contnode):
    """The only documented name that ends with the target, if there is one."""
    if node.get("refdomain") != "py" or node.get("reftype") not in ROLES:
        return None
    objects = env.domains.python_domain.objects
    ending = f".{DEFINED_IN.sub('', node['reftarget'])}"
    found = [
        name for name, entry in objects.items() if name.endswith(ending) and not entry.aliased
    ]
    if len(found) != 1:
        return None
    entry = objects[found[0]]
    docname = node.get("refdoc", env.docname)
    return make_refnode(app.builder, docname, entry.docname, entry.node_id, contnode, found[0])


def add_short_anchors(app, doctree):
    """An anchor without the module, which viewcode's links back to the documentation expect.

    It keeps one module for all names of a file, although `skbseq.save` and
    `skbseq.persistence.read_metadata` are defined in the same.
    """
    for signature in doctree.findall(addnodes.desc_signature):
        short = f"skbseq.{signature.get('fullname')}"
        if signature["ids"] and short not in signature["ids"]:
            signature["ids"].append(short)


def setup(app):
    app.connect("doctree-read", add_short_anchors)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
