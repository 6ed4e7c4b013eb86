"""Database: engine, tables, immutability triggers, locks and roles of the ledger."""
