"""Console: output, help, options and errors that all commands share."""
