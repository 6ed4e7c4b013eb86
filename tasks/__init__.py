"""The loop's steps, one a file: read from a store, apply a rule, write to a store; ids in, ids out.

Belongs here: Prefect tasks of 8-30 lines. Does not belong here: arithmetic (that is a rule), SQL or files (that
is a store), or a second layer beneath. Every step may be repeated: it finds what it did before.
"""
