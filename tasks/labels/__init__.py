"""Label tasks: select rows, assign them, exchange labels, take snapshots."""
