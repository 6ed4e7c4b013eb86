"""Routes: the paths of the labeling server, one module per group; each has a ``router``.

Belongs here: parameters, status codes and which page or model is returned. Does not belong here: what is stored.
"""
