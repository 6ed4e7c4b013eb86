"""The ledger: the append-only record of objects, batches, assignments, annotations, models, verdicts, promotions."""
