"""The page that `certify` writes, opened in a real browser: it stands by itself, and shows what the certificate says."""

import html
import shutil
import subprocess

import pytest

from homespun.linear_model import Ridge
from homespun.testing import certify

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Chromium asks its makers' servers for this and that at every start; a test talks to nobody.
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND"]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here; .ci/run installs it")
def test_the_page_in_a_browser(tmp_path):
    certificate = certify(Ridge())
    page = tmp_path / "ridge.html"
    certificate.report(page)
    command = [BROWSER, *QUIET, f"--user-data-dir={tmp_path / 'profile'}"]
    seen = subprocess.run([*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=90).stdout
    text = html.unescape(seen)
    for check in certificate.checks:
        assert check.name in text, check.name
    assert "http://" not in seen.replace("http://www.w3.org", "") and "<script src" not in seen  # nothing is fetched
    picture = tmp_path / "ridge.png"
    subprocess.run([*command, f"--screenshot={picture}", "--window-size=1100,1400", page.as_uri()], capture_output=True,
                   timeout=90, check=True)
    assert picture.stat().st_size > 20_000  # a blank page is 5 kB
