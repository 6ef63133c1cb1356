"""Sphinx configuration; `make docs` builds with every warning an error and needs no network."""

from django_snapshots import __version__

project = "django-snapshots"
author = "django-snapshots contributors"
project_copyright = f"2026, {author}"
release = version = __version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"django-snapshots {release}"
html_show_sourcelink = False

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
