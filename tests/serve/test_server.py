"""The server as a process: it starts, is asked by a thousand clients, shows its form in a browser, and stops when told."""

import asyncio
import html
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from conftest import example_row

from homespun.errors import DataError, ModelFileError, ParameterError
from homespun.serve import Contract, serve, write_docker

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Chromium asks its makers' servers for this and that at every start; a test talks to nobody but the server.
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost"]


class Served:
    """``homespun serve`` in a process of its own."""

    def __init__(self, path, *arguments):
        self.process = subprocess.Popen([sys.executable, "-m", "homespun.cli", "serve", str(path), "--port", "0", *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert "http://" in line, line + self.process.stderr.read()
        self.address = re.search(r"http://\S+", line)[0]
        self.port = int(self.address.rpartition(":")[2])

    def ask(self, path, body=None):
        request = urllib.request.Request(self.address + path, None if body is None else json.dumps(body).encode(),
                                         {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def stop(self, sign=signal.SIGTERM):
        self.process.send_signal(sign)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture(scope="module")
def served(cars_file):
    running = Served(cars_file)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def row(cars):
    return example_row(Contract.of(cars))


def test_a_thousand_clients_at_once(served, cars, row):
    body = json.dumps({"rows": [row]}).encode()
    head = (f"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n"
            f"content-length: {len(body)}\r\n\r\n").encode()

    async def client():
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(head + body)
        await writer.drain()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    async def thousand():
        return await asyncio.gather(*(client() for _ in range(1000)))

    answers = asyncio.run(asyncio.wait_for(thousand(), 120))
    assert {answer.partition(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 200 OK"}
    expected = json.loads(served.ask("/predict", {"rows": [row]}))
    assert all(json.loads(answer.partition(b"\r\n\r\n")[2]) == expected for answer in answers)


def keep_asking(port, head, body, clients, times):
    """`clients` connections that each ask `times` times; all answers, in order for each."""
    async def client():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        found = []
        for _ in range(times):
            writer.write(head + body)
            await writer.drain()
            said = await reader.readuntil(b"\r\n\r\n")
            size = int(re.search(rb"content-length: (\d+)", said)[1])
            found.append((said.partition(b"\r\n")[0], await reader.readexactly(size)))
        writer.close()
        await writer.wait_closed()
        return found

    async def all_of_them():
        return await asyncio.gather(*(client() for _ in range(clients)))

    return [one for found in asyncio.run(asyncio.wait_for(all_of_them(), 300)) for one in found]


@pytest.mark.parametrize(("clients", "times"), [(50, 4), pytest.param(1000, 10, marks=pytest.mark.slow)])
def test_connections_that_stay_open_lose_nothing(served, row, clients, times):
    body = json.dumps({"rows": [row, row]}).encode()
    head = f"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    answers = keep_asking(served.port, head, body, clients, times)
    expected = json.loads(served.ask("/predict", {"rows": [row, row]}))
    assert len(answers) == clients * times
    assert {status for status, _ in answers} == {b"HTTP/1.1 200 OK"} and all(json.loads(one) == expected for _, one in answers)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here; .ci/run installs it")
def test_the_form_in_a_browser(served, row, tmp_path):
    """The page is opened, its form is sent as a person would, and the prediction stands on the page."""
    page = served.ask("/")
    press = "<script>addEventListener('load', () => document.querySelector('button[type=submit]').click())</script>"
    copy = tmp_path / "form.html"
    copy.write_text(page.replace('fetch("predict"', f'fetch("{served.address}/predict"').replace("</body>", press + "</body>"))
    command = [BROWSER, *QUIET, "--disable-web-security", f"--user-data-dir={tmp_path / 'profile'}"]
    shown = subprocess.run([*command, "--virtual-time-budget=8000", "--dump-dom", copy.as_uri()], capture_output=True, text=True,
                           timeout=90).stdout
    predicted = json.loads(served.ask("/predict", {"rows": [row]}))["predictions"][0]
    value = re.search(r'class="value">([^<]+)<', shown)
    assert value, shown[-2000:]
    assert float(value[1].replace(",", "")) == pytest.approx(predicted, rel=1e-5)
    assert "mileage" in html.unescape(shown)
    picture = tmp_path / "form.png"
    command += [f"--screenshot={picture}", "--window-size=1100,900", served.address]
    subprocess.run(command, capture_output=True, timeout=90, check=True)
    assert picture.stat().st_size > 20_000  # a blank page is 5 kB


def test_stopping_answers_the_request_in_hand(cars_file, row):
    running = Served(cars_file)
    body = json.dumps({"rows": [row] * 5000}).encode()
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as client:
        client.sendall((f"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
                        f"content-length: {len(body)}\r\n\r\n").encode() + body[:-1])
        time.sleep(0.3)
        running.process.send_signal(signal.SIGTERM)
        client.sendall(body[-1:])
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    running.process.communicate(timeout=30)
    assert running.process.returncode in (0, -signal.SIGTERM)
    assert answer.startswith(b"HTTP/1.1 200") and len(json.loads(answer.partition(b"\r\n\r\n")[2])["predictions"]) == 5000


def test_ctrl_c_ends_without_a_traceback(cars_file):
    status, _, err = Served(cars_file).stop(signal.SIGINT)
    assert status == 0 and "Traceback" not in err


def test_a_port_in_use_is_said_and_a_free_one_is_named(cars_file, served):
    with pytest.raises(ParameterError, match=r"port \d+ of 127.0.0.1 cannot be opened: .*; --port \d+ is free") as caught:
        serve(cars_file, port=served.port)
    assert caught.value.operands["port"] == served.port
    free = int(re.search(r"--port (\d+)", caught.value.suggestion)[1])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", free))


def test_no_model_and_no_such_port(tmp_path):
    with pytest.raises(ModelFileError, match="no such file"):
        serve(tmp_path / "none.homespun", port=0)
    with pytest.raises(ParameterError, match="70000"):
        serve(tmp_path / "none.homespun", port=70_000)


# ---------------------------------------------------------------------------------------------------------------------
# The folder for docker

def test_the_folder_holds_all_that_its_dockerfile_copies(cars_file, tmp_path):
    wheel = tmp_path / "homespun-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    folder = write_docker(cars_file, tmp_path / "service", wheel=wheel)
    told = (folder / "Dockerfile").read_text()
    copied = [name for line in told.splitlines() if line.startswith("COPY") and "--from" not in line
              for name in line.split()[1:-1] if not name.startswith("--")]
    assert sorted(copied) == ["homespun-0.1.0-py3-none-any.whl", "model.homespun", "requirements.txt"]
    assert all((folder / name).is_file() for name in copied)
    assert (folder / "model.homespun").read_bytes() == cars_file.read_bytes()
    assert "USER model" in told and "HEALTHCHECK" in told and "{" not in told.replace("{", "", 0).split("CMD")[0]
    assert any(line.startswith("numpy==") for line in (folder / "requirements.txt").read_text().splitlines())


def test_the_dockerfiles_command_serves(cars_file, tmp_path):
    """The CMD of the image, run here: the same arguments, another port."""
    folder = write_docker(cars_file, tmp_path / "service")
    told = (folder / "Dockerfile").read_text()
    command = json.loads(told.strip().splitlines()[-1].removeprefix("CMD "))
    assert command[:3] == ["homespun", "serve", "model.homespun"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command[command.index("--port") + 1] = str(port)
    process = subprocess.Popen([sys.executable, "-m", "homespun.cli", *command[1:]], cwd=folder, stdout=subprocess.PIPE,
                               env=os.environ | {"HOMESPUN_PROGRESS": "0"}, text=True)
    try:
        assert "http://" in process.stdout.readline()
        check = re.search(r'CMD (\["python", "-c".*\])', told)[1]
        probe = json.loads(check)[2].replace("8000", str(port))
        subprocess.run([sys.executable, "-c", probe], check=True, timeout=30)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_folder_with_other_things_in_it_is_left_alone(cars_file, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(DataError, match=r"holds 'thesis.tex'"):
        write_docker(cars_file, folder)
    assert [one.name for one in folder.iterdir()] == ["thesis.tex"]
    write_docker(cars_file, tmp_path / "new")
    write_docker(cars_file, tmp_path / "new")  # again into its own folder


def test_a_wheel_that_is_none(cars_file, tmp_path):
    with pytest.raises(ParameterError, match=r"numpy\.whl"):
        write_docker(cars_file, tmp_path / "x", wheel=tmp_path / "numpy.whl")
