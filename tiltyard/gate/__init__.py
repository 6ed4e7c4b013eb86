"""Gate: whether a challenger becomes champion, and how many more labels the decision needs."""
