"""Search: parameter spaces, and the search for the best candidate."""
