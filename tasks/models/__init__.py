"""Model tasks: train, score, judge, approve, promote, roll back, rebuild, release."""
