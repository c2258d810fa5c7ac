"""Serves the page on 127.0.0.1, behind a random token, without a log of what is asked for."""

from __future__ import annotations

import logging
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from hcc.errors import HccError
from hcc.review.gate import Gate, new_token

HOST = "127.0.0.1"


def serve(
    results: str | Path,
    *,
    reviewer: str = "",
    port: int = 0,
    ready: Callable[[str], None] | None = None,
    token: str | None = None,
) -> None:
    """Serve the page until the process is stopped. ``port`` 0 takes a free one; ``ready`` is called with the address.

    Raises HccError where nicegui is not installed, ResultsError for an unusable file, HccError for a taken port.
    """
    try:
        import uvicorn
        from fastapi import FastAPI
        from nicegui import app, ui
    except ImportError:
        raise HccError(
            "The review page needs nicegui, which is not installed.", hint="pip install 'hcc-engine[review]'"
        ) from None
    from hcc.review.desk import Desk
    from hcc.review.page import build

    desk = Desk(results)
    listening = _listen(port)
    try:
        number = int(listening.getsockname()[1])
        secret = token or new_token()
        logging.getLogger("nicegui").setLevel(logging.CRITICAL + 1)  # its texts may quote what was on the screen
        app.on_exception(_tell)
        build(desk, reviewer)
        served = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        ui.run_with(
            served, title="Review", language="en-US", tailwind=False, binding_refresh_interval=None,
            reconnect_timeout=60.0, show_welcome_message=False, favicon=_ICON,
            gzip_middleware_factory=None,  # on this machine compressing costs more than it saves
        )  # fmt: skip
        config = uvicorn.Config(
            Gate(served, secret, number), log_config=None, log_level="critical", access_log=False, server_header=False,
            timeout_graceful_shutdown=2,
        )  # fmt: skip
        if ready is not None:
            address = f"http://{HOST}:{number}/{secret}/"
            app.on_startup(lambda: ready(address))  # the socket listens by then: a browser that is early waits
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        listening.close()
        desk.close()


_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1f3a5f"/>'
    '<path d="M4 8.5l2.6 2.6L12 5.6" fill="none" stroke="#fff" stroke-width="2"/></svg>'
)


def _listen(port: int) -> socket.socket:
    """A socket on this machine only."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError:
        listening.close()
        raise HccError(f"Port {port} is taken or not allowed.", hint="Choose another --port, or none.") from None
    return listening


def _tell(error: Exception) -> None:
    """Where an unexpected error happened, never its text: that may quote a member's values."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    print(f"error: {type(error).__name__}{where}; the page goes on.", file=sys.stderr)
