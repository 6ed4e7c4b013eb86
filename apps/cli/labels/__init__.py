"""Label commands: ask, label, import, export, the labeling server and its annotators."""
