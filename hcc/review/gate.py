"""Who may see the page: only who has the random token of the URL, only on this machine, only from this page."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Everything comes from this server; Vue compiles its templates in the browser and therefore needs eval.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self' {socket}; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def new_token() -> str:
    """192 random bits for the URL."""
    return secrets.token_urlsafe(24)


class Gate:
    """An ASGI app before another one: ``/<token>/…`` is served, anything else is 403, websockets included.

    The token is a part of the path, so that neither a cookie nor a header carries it elsewhere. The name of the host
    and the origin of a websocket are checked, too: a page of another site cannot reach this one by a name of its own.
    """

    def __init__(self, app: App, token: str, port: int) -> None:
        self._app = app
        self._prefix = f"/{token}"
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._policy = _POLICY.format(socket=" ".join(f"ws://{host}" for host in sorted(self._hosts)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif not self._welcome(scope):
            await _refuse(scope, receive, send)
        else:
            kept = [(name, value) for name, value in scope["headers"] if not name.startswith(b"x-forwarded")]
            await self._app({**scope, "root_path": self._prefix, "headers": kept}, receive, self._guarded(scope, send))

    def _welcome(self, scope: Scope) -> bool:
        start = str(scope["path"])[: len(self._prefix) + 1]
        if not secrets.compare_digest(start.encode(), f"{self._prefix}/".encode()):
            return False
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get(b"host", "") not in self._hosts:
            return False
        origin = headers.get(b"origin")
        return origin in self._origins if scope["type"] == "websocket" else origin is None or origin in self._origins

    def _guarded(self, scope: Scope, send: Send) -> Send:
        own = "/_nicegui/" in str(scope["path"])  # the library's files hold nothing of a member and may be cached

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = {
                    b"content-security-policy": self._policy.encode(),
                    b"referrer-policy": b"no-referrer",
                    b"x-content-type-options": b"nosniff",
                    b"x-frame-options": b"DENY",
                    b"cross-origin-resource-policy": b"same-origin",
                    b"cross-origin-opener-policy": b"same-origin",
                }
                if not own:
                    added[b"cache-control"] = b"no-store"
                headers = [(name, value) for name, value in message["headers"] if name.lower() not in added]
                message["headers"] = [*headers, *added.items()]
            await send(message)

        return guarded


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4403})  # before it was accepted: the server answers 403
        return
    body = b"403: open the page with the whole address that 'hcc review' printed.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
