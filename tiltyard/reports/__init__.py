"""Reports: verdicts, label value and the next step, as text and tables."""
