"""User code: the modules and libraries behind a project's own estimators, metrics and schemas."""
