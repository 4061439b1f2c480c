"""The admin API without HTTP: one package per group of endpoints.

`models` are the bodies of requests and answers, `handlers` are functions of a request and of a
small protocol that the session fulfils. A request that is refused raises `AdminError`, whose status
and body are the answer. Nothing is applied unless the whole request is valid. What is left for the
HTTP layer: routes, tokens, rate limits, audit, JSON.
"""

from mmbot.api.errors import AdminError

__all__ = ["AdminError"]
