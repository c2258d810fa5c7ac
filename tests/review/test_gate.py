"""Who gets in: only with the token in the path, by this machine's names, from this page."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hcc.review.gate import Gate, new_token
from hcc.review.markup import cells, joined, tag, text

HOST = (b"host", b"127.0.0.1:8123")


def ask(
    path: str, *headers: tuple[bytes, bytes], kind: str = "http"
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the gate sends, and the scopes that reached the app behind it."""
    reached: list[dict[str, Any]] = []
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(dict(scope))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Cache-Control", b"public")]})
        await send({"type": "http.response.body", "body": b"hello"})

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "path": path, "headers": list(headers)}
    # In a thread of its own: the browser tests of the same session keep a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, Gate(app, "secret", 8123)(scope, receive, send)).result()
    return sent, reached


def test_with_the_token() -> None:
    sent, reached = ask("/secret/member", HOST, (b"x-forwarded-prefix", b"/evil"))
    assert sent[0]["status"] == 200
    (scope,) = reached
    assert scope["root_path"] == "/secret"
    assert scope["headers"] == [HOST]
    headers = dict(sent[0]["headers"])
    assert headers[b"cache-control"] == b"no-store", "no member on disk"
    assert headers[b"referrer-policy"] == b"no-referrer"
    policy = headers[b"content-security-policy"].decode()
    assert "default-src 'none'" in policy
    assert "http" not in policy.replace("ws://127.0.0.1:8123", "").replace("ws://localhost:8123", "")


def test_files_of_the_library_may_be_cached() -> None:
    sent, _ = ask("/secret/_nicegui/3/static/x.js", HOST)
    assert (b"Cache-Control", b"public") in sent[0]["headers"]


@pytest.mark.parametrize(
    "path", ["/", "/secre/", "/secretx/", "/secret", "/_nicegui/3/static/x.js", "/x/secret/", "//secret/"]
)
def test_without_the_token(path: str) -> None:
    sent, reached = ask(path, HOST)
    assert sent[0]["status"] == 403
    assert reached == []
    assert b"secret" not in sent[1]["body"]


@pytest.mark.parametrize("host", [b"evil.example", b"127.0.0.1:1", b"127.0.0.1", b""])
def test_under_another_name(host: bytes) -> None:
    sent, reached = ask("/secret/", (b"host", host))
    assert sent[0]["status"] == 403
    assert reached == []


@pytest.mark.parametrize("path", ["/_nicegui_ws/", "/secretx/_nicegui_ws/"])
def test_websocket_without_the_token(path: str) -> None:
    sent, reached = ask(path, HOST, (b"origin", b"http://127.0.0.1:8123"), kind="websocket")
    assert [message["type"] for message in sent] == ["websocket.close"]
    assert reached == []


@pytest.mark.parametrize(
    ("origin", "welcome"),
    [(b"http://127.0.0.1:8123", True), (b"http://evil.example", False), (b"http://127.0.0.1:9", False), (None, False)],
)
def test_websocket_of_another_page(origin: bytes | None, welcome: bool) -> None:
    headers = [HOST, *([(b"origin", origin)] if origin else [])]
    _, reached = ask("/secret/_nicegui_ws/", *headers, kind="websocket")
    assert bool(reached) == welcome


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 32


def test_values_are_escaped() -> None:
    evil = "<script>alert(1)</script>\"'"
    assert "<script" not in text(evil)
    written = tag("a", evil, title=evil)
    assert "<script" not in written
    assert '"' not in written.split('title="')[1].split('">')[0]
    assert cells(tag("b", "x"), "<i>") == "<tr><td><b>x</b></td><td>&lt;i&gt;</td></tr>"
    assert joined(["<", "b"], " & ") == "&lt; &amp; b"
    assert tag("p", None, hidden=None) == "<p></p>"
