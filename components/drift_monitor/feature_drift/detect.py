"""Placeholder until the package lands: replace this file."""

class Reference: ...
def detect(*args, **kwargs): raise NotImplementedError
