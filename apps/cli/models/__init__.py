"""Model commands: run, train, judge, promote, show, diff, explain."""
