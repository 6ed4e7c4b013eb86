"""The stores: the only place that reads or writes files, databases, buckets and MLflow."""
