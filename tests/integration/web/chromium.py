"""Chromium without a screen, driven by its own protocol for developers."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

# The host name of a page of others, which its owner makes point to this computer.
REBOUND = "evil.test"
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # its sandbox is not for root
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1",
    "--window-size=1000,700",
    "--remote-debugging-port=0",
    "about:blank",
)


class Tab:
    """What the wizard drew in a tab is its `screen`; its `questions` are all answered Yes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Condition()
        self._saying_yes: set[asyncio.Task[dict[str, Any]]] = set()
        self.screen = b""
        self.questions: list[str] = []

    async def listen(self) -> None:
        async for message in self._socket:
            told = message.json()
            if answer := self._answers.pop(told.get("id", 0), None):
                answer.set_result(told)
            elif told["method"] == "Network.webSocketFrameReceived":
                frame = told["params"]["response"]
                if frame["opcode"] == 2:
                    self.screen += base64.b64decode(frame["payloadData"])
            elif told["method"] == "Page.javascriptDialogOpening":
                self.questions.append(told["params"]["type"])
                yes = self.call("Page.handleJavaScriptDialog", accept=True)
                self._saying_yes.add(asyncio.create_task(yes))
            async with self._news:
                self._news.notify_all()

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        told = await asyncio.wait_for(answer, 60)
        assert "result" in told, told
        return dict(told["result"])

    async def open(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def evaluate(self, script: str) -> Any:
        """What a script says; a promise is waited for."""
        told = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def press(self, key: str, code: str, number: int) -> None:
        of_key = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **of_key)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **of_key)

    async def until_drawn(self, words: str) -> None:
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: words.encode() in self.screen)

    async def picture(self) -> bytes:
        """What is to be seen, as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])


class Chromium:
    def __init__(self, client: aiohttp.ClientSession, address: str) -> None:
        self._client = client
        self._address = address
        self._listening: set[asyncio.Task[None]] = set()

    async def tab(self) -> Tab:
        async with self._client.put(f"{self._address}/json/new?about:blank") as answer:
            told = await answer.json(content_type=None)
        socket = await self._client.ws_connect(told["webSocketDebuggerUrl"], max_msg_size=0)
        tab = Tab(socket)
        self._listening.add(asyncio.create_task(tab.listen()))
        await tab.call("Network.enable")
        await tab.call("Page.enable")
        return tab

    async def close(self) -> None:
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Chromium]:
    """A browser with a profile of its own in a folder."""
    options = [*_OPTIONS[:-1], f"--user-data-dir={folder}", _OPTIONS[-1]]
    process = await asyncio.create_subprocess_exec(
        "chromium", *options, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    assert process.stderr is not None
    try:
        async with aiohttp.ClientSession() as client:
            browser = Chromium(client, await _address(process.stderr))
            drained = asyncio.create_task(process.stderr.read())
            yield browser
            await browser.close()
            drained.cancel()
    finally:
        process.terminate()
        await process.wait()


async def _address(errors: asyncio.StreamReader) -> str:
    """Where it is driven from, which it tells at its start."""
    async with asyncio.timeout(60):
        async for line in errors:
            if b"DevTools listening on ws://" in line:
                return "http://" + line.decode().split("ws://")[1].split("/")[0]
    raise AssertionError("Chromium did not start")
