"""Label files: CSV, JSON Lines and the formats of other labeling tools, read and written."""
