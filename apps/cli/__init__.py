"""The ``tiltyard`` command: one file per group of commands, put together in ``main``.

Modules here import nothing heavy at their top, because every command, ``--help`` among them, imports all of them.
"""
