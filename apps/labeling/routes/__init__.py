"""Routes: the HTTP paths of the labeling server."""
