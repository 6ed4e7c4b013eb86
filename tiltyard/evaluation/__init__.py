"""Evaluation: metrics, paired comparisons, weighted estimates, and explanations of predictions."""
