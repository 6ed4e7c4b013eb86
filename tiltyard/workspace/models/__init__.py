"""Models of an open project: training, scores, cards, comparisons, and where they came from."""
