"""The ledger's migrations: each adds, none takes away."""
