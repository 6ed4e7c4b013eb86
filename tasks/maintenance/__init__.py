"""Maintenance tasks: seal the ledger, repair the stores."""
