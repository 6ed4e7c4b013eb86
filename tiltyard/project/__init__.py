"""The Python API for notebooks, scripts and the command line: ``tiltyard.open`` gives a :class:`Project`.

Belongs here: one method for each thing that a user does, data frames in and out, display in a notebook. Does not belong
here: a decision of the loop, which is a task's or a capability's, and output on a terminal.
"""
