"""Pure rules: what follows from rows, labels and models.

Belongs here: arithmetic on frames and records, scikit-learn and modAL. Does not belong here: files, networks,
databases, clocks or chance; the time (``now``) and the source of chance (``rng`` or ``seed``) are arguments.
"""
