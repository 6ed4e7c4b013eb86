"""Files: pool, landing zone, label files and caches, on a local disk."""
