"""Sphinx's settings for the course's site. build.py puts this file beside what Sphinx reads."""

from myst_nb.core.render import NbElementRenderer

import notebooks

project = "Semantic segmentation with U-Net"
author = "The authors of the course"
project_copyright = "text and drawings CC BY 4.0, code MIT"
extensions = ["myst_nb"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_render_markdown_format = "gfm"  # tables in outputs
exclude_patterns = ["jupyter_execute"]
html_theme = "sphinx_book_theme"
html_title = project
html_favicon = "favicon.svg"
html_context = {"default_mode": "auto"}  # light or dark, as the visitor's system is
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_extra_path = ["files"]
html_show_sphinx = False
html_theme_options = {
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "show_navbar_depth": 1,
    "use_download_button": True,
}

if repository := notebooks.repository_of(notebooks.read(notebooks.lessons()[0])):
    html_theme_options |= {
        "repository_url": repository,
        "repository_branch": "main",
        "use_repository_button": True,
        "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    }


def described(self, data, plain=NbElementRenderer.render_image):
    """Render a picture of an output with the alternative text that the lesson stores."""
    (image,) = plain(self, data)
    image["alt"] = data.output_metadata.get(data.mime_type, {}).get("alt", "")
    return [image]


NbElementRenderer.render_image = described  # MyST-NB takes other renderers from packages alone
