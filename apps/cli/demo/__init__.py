"""The demo: the whole loop on the digits."""
