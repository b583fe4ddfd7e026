"""A headless Chromium that a test talks to: opens a page, asks it things, takes pictures of it.

Speaks the DevTools protocol over the pipe that `--remote-debugging-pipe` opens (file descriptors 3
and 4, messages that end in a NUL), so no library and no port is needed.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE = 60.0


class Page:
    """One tab. Everything the page says or asks the network for is kept."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a method of the protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._from], [], [], _PATIENCE)
            assert ready, "the browser does not answer"
            self._unread += os.read(self._from, 1 << 20)
        message, _, self._unread = self._unread.partition(b"\0")
        parsed: dict[str, Any] = json.loads(message)
        return parsed

    def screen(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Be so large, and say which colours the system prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, place: Path | str, until: str, *, fragment: str = "") -> None:
        """Open a file or an address at a fragment (#…) and wait until an expression of the page is
        true."""
        address = place.resolve().as_uri() if isinstance(place, Path) else place
        self.call("Page.navigate", url="about:blank")  # else another fragment would not load it
        self.events.clear()
        self.call("Page.navigate", url=address + fragment)
        self.wait(until)

    def wait(self, until: str) -> None:
        """Wait until an expression of the page is true."""
        self.until(lambda: self.ask(f"Boolean({until})"), until)

    def until(self, is_true: Callable[[], object], what: str = "it") -> None:
        """Wait until a function returns something true."""
        deadline = time.monotonic() + _PATIENCE
        while not is_true():
            assert time.monotonic() < deadline, f"{what} did not come true"
            time.sleep(0.05)

    def point(self, x: float, y: float) -> None:
        """Move the mouse to a place of the window."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def ask(self, expression: str) -> Any:
        """The value of an expression of the page."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def complaints(self) -> list[str]:
        """Errors and warnings that the page wrote, and exceptions that it did not catch."""
        found = []
        for event in self.events:
            parameters = event.get("params", {})
            match event.get("method"):
                case "Runtime.exceptionThrown":
                    found.append(json.dumps(parameters["exceptionDetails"]))
                case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning"):
                    found.append(json.dumps(parameters["args"]))
                case "Log.entryAdded" if parameters["entry"]["level"] in ("error", "warning"):
                    found.append(json.dumps(parameters["entry"]))
        return found

    def requests(self) -> list[str]:
        """The addresses that were asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def picture(self, file: Path, clip: dict[str, float] | None = None) -> None:
        """A PNG of the whole page, or of a part of it."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        whole = {"x": 0, "y": 0, "width": size["width"], "height": size["height"]}
        answer = self.call(
            "Page.captureScreenshot",
            captureBeyondViewport=True,
            clip={**(clip or whole), "scale": 1},
        )
        file.write_bytes(base64.b64decode(answer["data"]))

    def printed(self, file: Path) -> None:
        """A PDF of the page as it prints on A4."""
        answer = self.call(
            "Page.printToPDF", printBackground=False, paperWidth=8.27, paperHeight=11.69
        )
        file.write_bytes(base64.b64decode(answer["data"]))


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """A page of a new browser, with its files in `profile`."""
    program = next(found for name in NAMES if (found := shutil.which(name)))
    reads, to_browser = os.pipe()
    from_browser, writes = os.pipe()
    # The child's descriptors 3 and 4 may be any of the four now: copied away first, then placed.
    wiring = f'exec 8<&{reads} 9>&{writes} 3<&8 4>&9 8<&- 9>&-; exec "$@"'
    process = subprocess.Popen(
        [
            "/bin/bash",
            "-c",
            wiring,
            "browser",
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
            "--remote-debugging-pipe",
        ],
        pass_fds=(reads, writes),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(reads)
    os.close(writes)
    try:
        yield Page(to_browser, from_browser)
    finally:
        process.terminate()
        process.wait(timeout=60)
        os.close(to_browser)
        os.close(from_browser)
