"""Annotation: an answer is submitted, and why the sample was assigned."""
