"""A JupyterLab server for tests: loopback only, all its files in one folder.

Started once a session (3 s). News, update checks and windowed rendering are off,
so that no request leaves the machine and every cell is in the page.
"""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.tiers import private_home

START_SECONDS = 120

SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running JupyterLab: address, token, the folder it shows, where it keeps files.

    A later server with the same `home` trusts the notebooks that this one saved.
    """

    url: str
    token: str
    folder: Path
    home: Path


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(home: Path) -> dict[str, str]:
    """Environment of the server and its kernels, with all settings in `home`."""
    settings = home / "settings"
    for name, value in SETTINGS.items():
        path = settings / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    return {
        **os.environ,
        **private_home(home),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }


def command(port: int, token: str, folder: Path) -> list[str]:
    """What starts the server."""
    options = {
        "ip": "127.0.0.1",
        "port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder,
        "IdentityProvider.token": token,
        "LabApp.extension_manager": "readonly",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *flags]


@contextmanager
def serve(home: Path, folder: Path) -> Iterator[Server]:
    """A server over `folder` that keeps its own files in `home`, while the block runs.

    Raises RuntimeError with the server's log if it does not start.
    """
    port, token = free_port(), secrets.token_hex(8)
    log, ready = [], threading.Event()

    def read(stream) -> None:
        for line in stream:
            log.append(line)
            if re.search(rf"http://127\.0\.0\.1:{port}/lab", line):
                ready.set()
        ready.set()

    with subprocess.Popen(
        command(port, token, folder),
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        reader = threading.Thread(target=read, args=(process.stdout,), daemon=True)
        reader.start()
        try:
            ready.wait(START_SECONDS)
            if process.poll() is not None or not ready.is_set():
                raise RuntimeError("JupyterLab did not start:\n" + "".join(log))
            yield Server(f"http://127.0.0.1:{port}", token, folder, home)
        finally:
            stop(process)
            reader.join()


def stop(process: subprocess.Popen[str]) -> None:
    """End the server and, with it, its kernels."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
