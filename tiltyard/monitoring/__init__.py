"""Monitoring: drift of data and predictions, and champions whose performance drops."""
