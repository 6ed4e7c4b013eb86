"""The stores: the only place that reads or writes files, databases, buckets and MLflow.

Belongs here: landing, reading, Parquet files, the ledger's SQL, the registry, and the workspace that opens them.
Does not belong here: deciding anything; a store keeps what it is given, once, and hands it back.
"""
