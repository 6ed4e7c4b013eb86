"""Rendering: HTML pages from templates, guidelines from Markdown, and pictures of samples.

Belongs here: everything that becomes HTML or image bytes. Does not belong here: who may see it (service, routes).
"""

from tiltyard.apps.labeling.rendering.markdown import render_guidelines
from tiltyard.apps.labeling.rendering.pictures import read_picture
from tiltyard.apps.labeling.rendering.templates import FOLDER, render_page

__all__ = ["FOLDER", "read_picture", "render_guidelines", "render_page"]
