"""Fixtures of the browser tests: one server, one Chromium, a fresh page a test.

A test that takes `page` fails if the page asked for anything outside this machine.
Without Chromium or JupyterLab the tests are skipped, saying so.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.lab import copy_notebook, file_stem, screenshot, write_notebook
from tests.browser.server import Server, serve
from tests.conftest import chromium

TIMEOUT = 60_000  # ms, for one step on a loaded machine

# No sandbox: it does not start as root. The rest keeps Chromium off the network.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab over an empty folder."""
    home = tmp_path_factory.mktemp("jupyter-home")
    folder = tmp_path_factory.mktemp("notebooks")
    with serve(home, folder) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium(), args=list(FLAGS)
        )
        yield running
        running.close()


def outside_requests(context: BrowserContext) -> list[str]:
    """A list that fills with the addresses `context` asks for outside this machine."""
    asked: list[str] = []

    def watch(url: str) -> None:
        parts = urlsplit(url)
        inside = parts.scheme in ("data", "blob", "about", "file")
        if not inside and parts.hostname != "127.0.0.1":
            asked.append(url)

    context.on("request", lambda request: watch(request.url))
    context.on(
        "page", lambda page: page.on("websocket", lambda socket: watch(socket.url))
    )
    return asked


@pytest.fixture
def page(
    browser: Browser, server: Server, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """A new page signed in to the server, of 1280 x 900 CSS pixels.

    A picture of how it looked at the end is left in build/screens.
    """
    viewport = {"width": 1280, "height": 900}
    with browser.new_context(base_url=server.url, viewport=viewport) as context:
        context.set_default_timeout(TIMEOUT)
        asked = outside_requests(context)
        fresh = context.new_page()
        fresh.goto(f"/api/status?token={server.token}")
        yield fresh
        screenshot(fresh, request.node.name)
    assert asked == [], f"requests outside this machine: {asked}"


@pytest.fixture
def notebook(server: Server, request: pytest.FixtureRequest) -> Callable[..., Path]:
    """A function: notebook(*cells) or notebook(path) puts one in the server's folder.

    Its name is the test's; a copy of `path` comes without its stored outputs.
    """
    target = server.folder / f"{file_stem(request.node.name)}.ipynb"

    def add(*cells: str | Path) -> Path:
        match cells:
            case [Path() as source]:
                return copy_notebook(source, target)
            case _:
                return write_notebook(target, *map(str, cells))

    return add
