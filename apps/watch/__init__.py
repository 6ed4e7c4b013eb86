"""The watch: a bucket's event messages start runs of the flow that ingests the objects.

``tiltyard watch`` opens it with ``tiltyard.apps.watch.service``, which imports Prefect.
"""
