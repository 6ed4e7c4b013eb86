"""The faces of the loop: the command line, and applications over a workspace.

Belongs here: what people and programs see and say. Does not belong here: rules, files, SQL, or any decision that
a flow should take as well.
"""
