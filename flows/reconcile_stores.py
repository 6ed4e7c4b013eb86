"""Reconcile: put right what a crash or a lost event left half done."""

from prefect import flow

from flows.ingest_batch import take_in
from tasks.repair_stores import repair_stores
from tasks.seal_ledger import seal_ledger


@flow(name="reconcile", flow_run_name="reconcile {project}")
def reconcile(project: str = ".") -> list[str]:
    """Take in objects whose event never came, repair the alias, close stale runs; what was done, a line each."""
    done = repair_stores(project)
    batches = take_in(project)
    if batches:
        done = [*done, f"took in {len(batches)} objects that no run had checked"]
    seal_ledger(project)
    return done
