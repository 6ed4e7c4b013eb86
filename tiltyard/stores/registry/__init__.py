"""Registry: model versions and runs in MLflow, and how models are serialized."""
