"""The library under the flows: pure rules and the stores they are applied to. It runs without Prefect."""
