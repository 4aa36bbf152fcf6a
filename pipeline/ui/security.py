"""Who may ask the app for what: hosts, origins, tokens, sizes, and what pages may load.

A page of any other site can send requests to a server on loopback. By the rebinding of a
DNS name it could even read the answers. So the app answers only to names that no one else can
own, and acts only on what a page of its own has sent.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Header and field of a form in which an action carries the app's token.
TOKEN_HEADER, TOKEN_FIELD = "X-CSRF-Token", "csrf_token"
#: Most bytes that a request may carry.
MOST_BYTES = 1_000_000

_SAFE_METHODS = ("GET", "HEAD")
_METHODS = (*_SAFE_METHODS, "POST")

# Scripts are files of the app and nothing else. Styles may be inline: the cards of artifacts
# come with a style sheet and draw with style attributes, which no nonce can allow; they are
# this project's own markup, with all text from data escaped, and a style runs no script.
_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
#: For files that a run wrote: nothing of the app's origin is theirs.
SANDBOX_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware that refuses what the app should not answer.

    Parameters
    ----------
    app : ASGI application
    token : str
        What every action must carry, in the header or the form's field for it.
    hosts : iterable of str
        Names, besides ``localhost``, by which the app may be asked.
    any_address : bool
        Whether it may be asked by addresses that are not of loopback. An address is nobody's
        name, and cannot be rebound.
    """

    def __init__(
        self, app: ASGIApp, token: str, hosts: Iterable[str] = (), any_address: bool = False
    ) -> None:
        self._app = app
        self._token = token
        self._hosts = {"localhost", *(name.lower() for name in hosts)}
        self._any_address = any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # the app speaks no WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", _CONTENT_POLICY)
            await send(message)

        headers = Headers(scope=scope)
        problem = self._refusal(scope["method"], headers)
        if problem is None and scope["method"] not in _SAFE_METHODS:
            body = await _body(headers, receive)
            if body is None:
                problem = (413, f"A request may carry {MOST_BYTES:,} bytes.")
            elif not self._carries_token(headers, body):
                problem = (403, "The page is of an earlier start of the app: load it again.")
            else:
                receive = _replay(body, receive)
        if problem is not None:
            await PlainTextResponse(problem[1] + "\n", problem[0])(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)

    def _refusal(self, method: str, headers: Headers) -> tuple[int, str] | None:
        """Return status and text if the request's line and headers already rule it out."""
        if method not in _METHODS:
            return 405, "GET, HEAD and POST are answered."
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return 421, "The app is not known by this name; --host says by which it is."
        origins = headers.getlist("origin")
        if any(origin.lower() != f"http://{hosts[0].lower()}" for origin in origins):
            return 403, "The request comes from a page of another site."
        site = headers.get("sec-fetch-site", "none")
        if method not in _SAFE_METHODS and site not in ("same-origin", "none"):
            return 403, "The request comes from a page of another site."
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name, _ = parts.hostname, parts.port
        except ValueError:
            return False
        if not name or parts.path or parts.query or parts.fragment or "@" in host:
            return False
        if name in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._any_address or address.is_loopback

    def _carries_token(self, headers: Headers, body: bytes) -> bool:
        given = headers.get(TOKEN_HEADER)
        if given is None and headers.get("content-type", "").startswith(
            "application/x-www-form-urlencoded"
        ):
            given = form(body).get(TOKEN_FIELD)
        return given is not None and hmac.compare_digest(given.encode(), self._token.encode())


def form(body: bytes) -> dict[str, str]:
    """Return the fields of a form that was sent; of one that comes twice, the last."""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=1000)
    except ValueError:  # not UTF-8, or too many fields
        return {}
    return {name: values[-1] for name, values in fields.items()}


async def _body(headers: Headers, receive: Receive) -> bytes | None:
    """Return the request's body; None if it is too large, whatever length it announces."""
    announced = headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > MOST_BYTES:
        return None
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            return None
        if not message.get("more_body"):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a channel from which the app reads the body once more."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message
