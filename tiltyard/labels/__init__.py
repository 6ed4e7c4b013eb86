"""Labels: annotations are admitted, resolved to effective labels, and annotators are rated."""
