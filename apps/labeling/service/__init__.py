"""Service: the projects that are served, who may do what, and the one writer of each ledger."""
