"""``python -m tiltyard``: the same as the ``tiltyard`` command."""

from tiltyard.apps.cli.main import main

if __name__ == "__main__":
    main()
