"""What the Python API does: the steps of the loop, moves of the champion, labels in and out; each seals the ledger.

Belongs here: calls of tasks and flows in their order, and the record of what they did. Does not belong here:
arithmetic, SQL or files, which are in the rooms below, and output, which is the command line's.
"""
