"""The pages: one HTML file that tells a verdict's or a project's whole story, and needs nothing but a browser.

Belongs here: what a page says, its drawings and how it looks, gathered from the stores.
Does not belong here: rules, SQL, or anything that changes a store.
"""
