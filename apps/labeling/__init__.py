"""The labeling queue as a web application: pages for experts, an HTTP API, and no way to delete a label.

Belongs here: routes, sessions, tokens, limits, headers, webhooks. The session or token identifies the annotator, never
the body of a request. Does not belong here: SQL (stores), the meaning of labels (labels).

Rooms, each importing only those before it: rendering, api, auth, middleware, service, annotation and leads and
notifications, routes.
"""
