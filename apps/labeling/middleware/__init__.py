"""Middleware: body limits, headers, origins and the proxy in front."""
