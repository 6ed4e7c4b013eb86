"""API: request and response models, bodies and errors."""
