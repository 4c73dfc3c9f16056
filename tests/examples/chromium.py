"""A browser without a window, steered over its DevTools protocol."""

import base64
import json
import os
import re
import signal
import subprocess
from itertools import count

from websockets.sync.client import connect

from tests.integration.broker import PATIENCE, folder, until

_PLACE = re.compile(r"DevTools listening on (ws://\S+)")


class Chromium:
    """One page. `errors` are what its console complains of. It ends with the test."""

    def __init__(self, case, program, url):
        place = folder(case)
        said = place / "said.txt"
        with said.open("wb") as out:
            process = subprocess.Popen(
                [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 "--no-first-run", "--remote-debugging-port=0", f"--user-data-dir={place / 'profile'}", "about:blank"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip

        def end():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)

        case.addCleanup(end)
        found = until(lambda: _PLACE.search(said.read_text(errors="replace")), "browser")
        self._wire = connect(found[1], max_size=None, proxy=None)
        case.addCleanup(self._wire.close)
        self._numbers = count(1)
        self._session = {}
        self.errors = []
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Runtime", "Log", "Page"):
            self._ask(f"{domain}.enable")
        self._ask("Page.navigate", url=url)

    def _ask(self, method, **params):
        number = next(self._numbers)
        self._wire.send(json.dumps({"id": number, "method": method, "params": params} | self._session))
        while True:
            told = json.loads(self._wire.recv(PATIENCE))
            if told.get("id") == number:
                assert "error" not in told, told
                return told["result"]
            if told.get("method") in {"Runtime.exceptionThrown", "Log.entryAdded"}:
                self.errors.append(json.dumps(told["params"]))

    def value(self, script):
        """What a script gives."""
        told = self._ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def picture(self, width=800, height=700):
        """What can be seen, as PNG."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        return base64.b64decode(self._ask("Page.captureScreenshot")["data"])
