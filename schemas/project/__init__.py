"""The project file: what it may say, part by part."""
