"""Chromium without a window, driven by the DevTools protocol through a pipe. Standard library only."""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tidegate-browser-", ignore_cleanup_errors=True)
        ours, theirs = os.pipe(), os.pipe()  # to it, from it: its file descriptors 3 and 4
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
                 f"--user-data-dir={self.folder.name}", "--remote-debugging-pipe", "about:blank"]
        self.process = subprocess.Popen(["bash", "-c", f'exec "$@" 3<&{ours[0]} 4>&{theirs[1]}', "chromium", CHROMIUM, *flags],
                                        pass_fds=(ours[0], theirs[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(ours[0])
        os.close(theirs[1])
        self.to, self.source = ours[1], theirs[0]
        self.number, self.answers, self.events = 0, {}, []
        self.arrived = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        rest = b""
        while chunk := os.read(self.source, 1 << 20):
            *whole, rest = (rest + chunk).split(b"\0")
            with self.arrived:
                for one in map(json.loads, whole):
                    if "id" in one:
                        self.answers[one["id"]] = one
                    else:
                        self.events.append(one)
                self.arrived.notify_all()

    def call(self, method, session=None, seconds=30, **parameters):
        with self.arrived:
            self.number += 1
            number = self.number
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        with self.arrived:
            assert self.arrived.wait_for(lambda: number in self.answers, seconds), f"the browser does not answer {method}"
            answer = self.answers.pop(number)
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def tab(self):
        return Tab(self)

    def stop(self):
        self.process.kill()
        self.process.wait()
        os.close(self.to)
        self.folder.cleanup()


class Tab:
    """One page. What it asked for, printed and threw is kept."""

    def __init__(self, browser):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def of(self, *methods):
        with self.browser.arrived:
            return [one["params"] for one in self.browser.events if one.get("sessionId") == self.session and one["method"] in methods]

    def screen(self, width, height, dark=False, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        before = len(self.of("Page.loadEventFired"))
        self.call("Page.navigate", url=url)
        self.wait(lambda: len(self.of("Page.loadEventFired")) > before, f"{url} is loaded")

    def value(self, expression):
        """What a JavaScript expression gives."""
        out = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in out, (expression, out["exceptionDetails"])
        return out["result"].get("value")

    def wait(self, fact, what, seconds=20):
        end = time.monotonic() + seconds
        while True:
            value = fact() if callable(fact) else self.value(fact)
            if value:
                return value
            assert time.monotonic() < end, f"not within {seconds} s: {what}"
            time.sleep(0.05)

    def key(self, key, code=0, text=""):
        more = {"text": text} if text else {}
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **(more if kind == "keyDown" else {}))

    def press_tab(self):
        self.key("Tab", 9)

    def press_enter(self):
        self.key("Enter", 13, "\r")

    def type(self, text):
        self.call("Input.insertText", text=text)

    def complaints(self):
        """What it printed as errors or warnings, threw, or was refused."""
        out = [one["exceptionDetails"].get("text", "") + str(one["exceptionDetails"].get("exception", {}).get("description", ""))
               for one in self.of("Runtime.exceptionThrown")]
        out += [str(one["args"]) for one in self.of("Runtime.consoleAPICalled") if one["type"] in ("error", "warning", "assert")]
        return out + [one["entry"]["text"] + " " + one["entry"].get("url", "") for one in self.of("Log.entryAdded")
                      if one["entry"]["level"] in ("error", "warning")]

    def requests(self):
        return [one["request"]["url"] for one in self.of("Network.requestWillBeSent")]

    def picture(self, name):
        """A file of the whole page, where TIDEGATE_SCREENSHOTS names a folder."""
        folder = os.environ.get("TIDEGATE_SCREENSHOTS")
        if folder:
            data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
            (pathlib.Path(folder) / f"{name}.png").write_bytes(base64.b64decode(data))
