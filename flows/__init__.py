"""The loop's flows, one per file, readable by a product owner.

Belongs here: the order of the steps and the few decisions between them. Does not belong here: frames, files,
arithmetic, try/except. A file's name has two words, because Prefect may put this folder first on the import
path, where ``select.py`` would hide Python's own ``select``.
"""
