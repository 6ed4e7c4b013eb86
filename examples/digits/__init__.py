"""The demo: which digit was written? 1,797 real scans that scikit-learn brings along, no download."""
