"""The labeling queue as a web application: pages for experts, an API, and nothing that can delete.

Belongs here: routes, sessions, tokens, limits, headers, webhooks. An annotator is whoever the session says, never
what a body says. Does not belong here: SQL (stores), what a label means (rules).
"""
