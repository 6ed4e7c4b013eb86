"""Training: recipes, preprocessing, folds, thresholds, versions and checks of stored models."""
