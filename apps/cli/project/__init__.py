"""Project commands: init, status, doctor, verify, report."""
