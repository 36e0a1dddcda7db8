"""The dated record of whole commands in docs/test_all.md."""

import sys

import long_form
import pytest


@pytest.fixture
def records(tmp_path, monkeypatch):
    monkeypatch.setattr(long_form, "RECORDS", tmp_path / "records.json")
    monkeypatch.setattr(long_form, "commit", lambda: "abc1234")


def test_a_command_is_run_shown_and_noted(records, capfd):
    import json

    said = "print('== 10 passed, 1 skipped in 3.1s =='); print('== 1 failed, 2 passed in 1.0s =='); raise SystemExit(3)"
    assert long_form.record("make test", [sys.executable, "-c", said]) == 3
    assert "10 passed" in capfd.readouterr().out
    (one,) = json.loads(long_form.RECORDS.read_text())
    assert (one["name"], one["status"], one["passed"], one["failed"], one["commit"]) == ("make test", 3, 12, 1, "abc1234")
    long_form.record("make test", [sys.executable, "-c", "print('9 passed')"])
    known = json.loads(long_form.RECORDS.read_text())
    assert len(known) == 2 and one["date"] in long_form.recorded(known)[2]
    lines = long_form.recorded(known)  # the last run of each command
    assert len(lines) == 3 and "| well | 9 | 0 |" in lines[2] and long_form.recorded([]) == ["Not recorded yet."]
    assert "| with status 3 | 12 | 1 |" in long_form.recorded(known[:1])[2]
