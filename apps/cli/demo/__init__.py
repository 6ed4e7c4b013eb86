"""The demo: runs the whole loop on handwritten digits and checks Tiltyard's guarantees on the result."""

from tiltyard.apps.cli.demo.command import demo

__all__ = ["demo"]
