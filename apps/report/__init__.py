"""The report: one HTML file that tells a project's whole story, and needs nothing but a browser.

Belongs here: what the page says and how it looks. Does not belong here: rules, SQL, or anything that changes a store.
"""
