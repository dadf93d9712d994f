# SPDX-License-Identifier: BSD-3-Clause
"""Chromium, told by tests/browser/driver.mjs what to do."""

import json
import pathlib
import selectors
import shutil
import subprocess

import cachemand
from cachemand import ROOT

DRIVER = ROOT / "tests/browser/driver.mjs"
PLAYWRIGHT = ROOT / "build/browser/node_modules/playwright-core/index.mjs"
ANSWER_S = 2 * cachemand.DEADLINE_S


def what_is_missing():
    """None, or what script/bootstrap would have installed."""
    for program in ("node", "chromium"):
        if shutil.which(program) is None:
            return program
    return None if PLAYWRIGHT.exists() else "playwright-core"


class Browser:
    """One page at a time; each command waits for its end, and for what it answers."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["node", str(DRIVER), str(PLAYWRIGHT), shutil.which("chromium")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.readable = selectors.DefaultSelector()
        self.readable.register(self.process.stdout, selectors.EVENT_READ)

    def tell(self, command, **given):
        self.process.stdin.write(json.dumps({"command": command, **given}) + "\n")
        self.process.stdin.flush()
        if not self.readable.select(ANSWER_S):
            raise TimeoutError(f"waited {ANSWER_S} s for the browser to {command}")
        line = self.process.stdout.readline()
        assert line, f"the browser ended: {self.process.wait(10)}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def open(self, url, **how):
        assert self.tell("open", url=url, **how) == 200

    def eval(self, code):
        return self.tell("eval", code=code)

    def press(self, *keys):
        for key in keys:
            self.tell("press", key=key)

    def text(self, selector):
        """What is to be read there; None: there is nothing like it, or it is hidden."""
        return self.eval(f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
                         " return e && e.checkVisibility() ? e.innerText : null; })()")

    def wait_for(self, code, what):
        return cachemand.wait_until(lambda: self.eval(code), what, ANSWER_S)

    def wait_for_text(self, selector, text):
        def look():
            seen = self.text(selector) or ""
            return seen if text in seen else None

        try:
            return cachemand.wait_until(look, "", ANSWER_S)
        except TimeoutError:
            raise AssertionError(f"{selector} has no {text!r}: {self.text(selector)!r}") from None

    def check_said(self, *origins):
        """Nothing was complained of, and nothing asked for but from there."""
        said = self.tell("said")
        assert said["errors"] == []
        assert said["console"] == []
        strange = [url for url in said["requests"]
                   if not url.startswith(tuple(f"{origin}/" for origin in origins))]
        assert strange == []

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(cachemand.DEADLINE_S)
        finally:
            self.process.kill()
            self.process.wait()


def shots():
    """Where pictures go, for people to look at."""
    folder = ROOT / "build/shots"
    folder.mkdir(parents=True, exist_ok=True)
    return pathlib.Path(folder)
