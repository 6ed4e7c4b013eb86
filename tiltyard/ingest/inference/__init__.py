"""Inference: a project file is proposed from a first data file, and project files are parsed within limits."""
