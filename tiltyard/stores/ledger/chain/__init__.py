"""Chain: segments, their heads, replay and integrity checks of the ledger."""
