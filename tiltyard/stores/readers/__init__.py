"""Reading objects: a child process with limits parses, the parent takes over rows that nothing was guessed of.

Belongs here: one file a family of formats, all registered in ``formats.READERS``. Does not belong here: casting,
checking or judging values. The child imports nothing heavier than pyarrow, so that it starts fast.
"""
