"""Deployment commands: deploy, automations, and checks of Prefect's files and server."""
