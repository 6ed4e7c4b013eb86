"""Query: which rows experts label next, and when to stop."""
