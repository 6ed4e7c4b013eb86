"""Auth: access tokens and grants, signed sessions, CSRF tokens, OpenID login, the server's secret and rate limits.

Belongs here: who somebody is and how they prove it. Does not belong here: what a role may do (service).
"""

from tiltyard.apps.labeling.auth.csrf import Csrf, Nonce
from tiltyard.apps.labeling.auth.grants import grant_access, revoke_access
from tiltyard.apps.labeling.auth.secret import create_secret, load_secret
from tiltyard.apps.labeling.auth.tokens import new_token, token_hash

__all__ = [
    "Csrf",
    "Nonce",
    "create_secret",
    "grant_access",
    "load_secret",
    "new_token",
    "revoke_access",
    "token_hash",
]
