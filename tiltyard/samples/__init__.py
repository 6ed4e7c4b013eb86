"""Samples: what makes two rows the same sample, their features, and which of them are evaluation rows."""
