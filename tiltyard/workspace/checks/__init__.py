"""Checks of an open project: the ledger, the registry and the files agree, and what they weigh."""
