"""Auth: sessions, tokens, CSRF, single sign-on and rate limits."""
