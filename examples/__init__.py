"""Example projects on real data, and how their data arrives.

Each folder holds one learning problem: `project.yaml`, where needed a Pandera model (`pandera_schema.py`),
and a dealer (`dealer.py`) that hands the source's rows out as dated objects and keeps the answers for a
scripted expert. `catalogue.py` names them all. What belongs here: data and stories. What does not: anything
the loop itself needs; the examples use Tiltyard as a user would.
"""
