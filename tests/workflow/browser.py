"""Pages in a browser: what a script finds in them, and whether everybody can read them."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

CHROMIUM = shutil.which("chromium")
# The file axe.min.js of the npm package axe-core, by Deque.
AXE = os.environ.get("AXE_CORE")


def in_browser(
    page: Path, probe: str, folder: Path, *, width: int = 1400, fragment: str = ""
) -> str:
    """Return what a script that is added to the page leaves in ``document.body.dataset.found``."""
    # beside the page, so that its links lead where they do
    probed = page.with_name(f"probed_{page.name}")
    text = page.read_text("utf-8").replace("</body>", f"<script>{probe}</script></body>")
    probed.write_text(text, encoding="utf-8")
    try:
        done = subprocess.run(
            [
                *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
                *(f"--user-data-dir={folder / 'chromium'}", "--virtual-time-budget=20000"),
                *(f"--window-size={width},900", probed.as_uri() + fragment),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        probed.unlink()
    found = re.search(r'data-found="([^"]*)"', done.stdout)
    assert found is not None, done.stdout[-2000:]
    return html.unescape(found[1])


def assert_accessible(page: Path, folder: Path, fragment: str = "") -> None:
    """Assert that axe finds no violation on a page; without axe or a browser, nothing."""
    if not (CHROMIUM and AXE):
        return
    probe = Path(AXE).read_text("utf-8") + (
        "; setTimeout(() => axe.run(document).then(result => { document.body.dataset.found = "
        "JSON.stringify({passes: result.passes.length, violations: result.violations.map("
        "v => [v.id, v.nodes.map(n => n.html.slice(0, 200))])}); }), 1500);"
    )
    found = json.loads(in_browser(page, probe, folder, fragment=fragment))
    assert found["violations"] == [], page.name
    assert found["passes"] > 10
