"""A text for each thumbnail of an example, for those who do not see it."""

from pathlib import PurePosixPath

from docutils import nodes


def describe(app, doctree, docname):
    """Replace the empty text that sphinx-gallery gives its thumbnails."""
    for image in doctree.findall(nodes.image):
        path = PurePosixPath(image["uri"])
        if path.parent.name == "thumb" and not image.get("alt"):
            example = path.stem.removeprefix("sphx_glr_").removesuffix("_thumb")
            title = app.env.titles.get(f"auto_gallery/{example}")
            image["alt"] = f"Picture of the example: {title.astext() if title else example}"


def setup(app):
    app.connect("doctree-resolved", describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
