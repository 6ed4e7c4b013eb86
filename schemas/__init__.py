"""The contracts: the shape of a project file, a row, a record and an event.

Belongs here: pydantic models, Pandera frames, frozen records, the errors that name a broken contract.
Does not belong here: reading or writing anything, clocks, chance, or an import from our other packages.
"""
