"""Chromium without a window, spoken to by its DevTools protocol over a pair of pipes."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_LONGEST = 60  # seconds that an answer may take


class Browser:
    """A running browser; see `browser`."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._numbers = itertools.count(1)
        self._unread = b""
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Call a method and return its result; what happens in the meantime is kept in `events`."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _message(self) -> dict[str, Any]:
        until = time.monotonic() + _LONGEST
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._read], [], [], max(0, until - time.monotonic()))
            assert ready, "chromium does not answer"
            part = os.read(self._read, 1 << 20)
            assert part, "chromium ended"
            self._unread += part
        message, _, self._unread = self._unread.partition(b"\0")
        parsed: dict[str, Any] = json.loads(message)
        return parsed

    def traced(self) -> list[dict[str, Any]]:
        """Return the events of a trace that was ended, once they are all there."""
        while not any(event["method"] == "Tracing.tracingComplete" for event in self.events):
            self.events.append(self._message())
        collected = [event["params"] for event in self.events if event["method"] == "Tracing.dataCollected"]
        self.events = [event for event in self.events if not event["method"].startswith("Tracing.")]
        return [each for params in collected for each in params["value"]]

    def open(self, file: Path, width: int, scheme: str = "light", height: int = 900) -> Page:
        """Open a file in a tab of this size."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, target, session)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.send(f"{domain}.enable")
        page.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        page.send("Page.navigate", url=file.as_uri())
        page.evaluate(
            "new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))"
        )
        return page


class Page:
    """A tab."""

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser, self._target, self._session = browser, target, session

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.send(method, self._session, **params)

    def evaluate(self, expression: str) -> Any:
        """Return the JSON value of an expression, once it is there."""
        found = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def point_at(self, selector: str) -> tuple[float, float]:
        """Move the pointer to the middle of an element, and return where that is."""
        x, y = self.evaluate(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{block: 'center'}});
            const box = element.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        return x, y

    def click(self, selector: str) -> None:
        """Click an element as a person does."""
        x, y = self.point_at(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def change(self, selector: str, value: str) -> None:
        """Give a field another value."""
        self.evaluate(f"""{{
            const field = document.querySelector({json.dumps(selector)});
            field.value = {json.dumps(value)};
            field.dispatchEvent(new Event(field.tagName === 'SELECT' ? 'change' : 'input'));
        }}""")

    def complaints(self) -> list[str]:
        """Return console messages, errors, and requests for anything but the file."""
        said = []
        for event in self._browser.events:
            if event.get("sessionId") != self._session:
                continue
            match event["method"], event["params"]:
                case (("Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded"), params):
                    said.append(json.dumps(params))
                case "Network.requestWillBeSent", params if not params["request"]["url"].startswith("file:"):
                    said.append(params["request"]["url"])
        return said

    def screenshot(self, file: Path) -> None:
        """Write the whole page as a PNG."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True, optimizeForSpeed=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self) -> bytes:
        """Print the page."""
        return base64.b64decode(self.send("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])

    def longest_task(self, expression: str) -> float:
        """Return the milliseconds of processor time of the longest task while an expression is computed.

        A task holds up whatever else the page does; time that other programs took of the processor does not count.
        """
        categories = ["toplevel", "devtools.timeline"]
        trace = {"includedCategories": categories}
        self._browser.send("Tracing.start", transferMode="ReportEvents", traceConfig=trace)
        self.evaluate(expression)
        self._browser.send("Tracing.end")
        traced = self._browser.traced()
        pages = {event["pid"] for event in traced if event["name"] == "Layout"}
        tasks = [event for event in traced if event["pid"] in pages and "RunTask" in event["name"]]
        return max(float(event.get("tdur", 0)) for event in tasks) / 1000

    def close(self) -> None:
        self._browser.send("Target.closeTarget", targetId=self._target)


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start a browser with a profile of its own; skip where none is installed."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("needs chromium: apt-get install chromium")
    to_child, ours = os.pipe()
    theirs, from_child = os.pipe()
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
               f"--user-data-dir={profile}"]  # fmt: skip
    process = subprocess.Popen(
        ["bash", "-c", f'exec "$0" "$@" 3<&{to_child} 4>&{from_child}', program, *options],
        pass_fds=(to_child, from_child),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_child)
    os.close(from_child)
    try:
        yield Browser(ours, theirs)
    finally:
        os.close(ours)
        os.close(theirs)
        process.terminate()
        process.wait(30)
