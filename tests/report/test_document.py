"""Reports: facts are shown by their keys, text from outside stays text, and an altered page is caught wherever it was altered."""

import json
import re

import pytest

import homespun.report.verification as verification
from homespun.errors import DataError
from homespun.report import Callout, Code, Details, Fact, Grid, Picture, Report, Section, Words, verify
from homespun.report.document import literal, show

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><circle r="{}"/></svg>'


def made(files, **changes):
    """A small report of a file that holds one number."""
    number = float(files["data"].read_text())
    facts = {"half": number / 2, "rows": 1234567, "none": None, "a <b>": 0.25} | changes
    grid = Grid(["what", "value"], [["<i>half</i>", Fact("half", ".3f")], ["odd", Fact("a <b>", ".0%")]], bar=1)
    blocks = [Words("half is {half:.2f} of {rows:,} & {none:.1f}"), Callout("look", "mind < this"), grid,
              Details("{rows} rows", [Code("homespun predict <x>")]), Picture(SVG.format(number), "r is {half:.1f}")]
    sections = [Section("In short", blocks)]
    return Report("test", "Report of {rows:,}", "all of it", facts, sections,
                  {"data": {"name": files["data"].name, "sha256": digest(files["data"])}}, {}, {"homespun": "1"})


def digest(path):
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def written(tmp_path, monkeypatch):
    """(path of the report, path of the data); the maker is this module."""
    monkeypatch.setitem(verification.MAKERS, "test", __name__)
    data = tmp_path / "number.txt"
    data.write_text("3.0")
    return made({"data": data}).write(tmp_path / "report.html"), data


def remake(files, settings, *, allow_code=None):
    return made(files)


def test_facts_are_shown_with_their_keys_and_outside_text_is_escaped(written):
    page = written[0].read_text()
    assert '<data class="n" data-key="half" value="1.5" title="half">1.50</data>' in page
    assert ">1,234,567</data>" in page and ">–</data>" in page and ">25%</data>" in page
    assert "&lt;i&gt;half&lt;/i&gt;" in page and "<i>half" not in page and "mind &lt; this" in page
    assert "predict &lt;x&gt;" in page and 'data-key="a &lt;b&gt;"' in page


def test_the_embedded_facts_are_json_that_cannot_end_their_script(tmp_path, monkeypatch):
    data = tmp_path / "n"
    data.write_text("1")
    page = made({"data": data}, name="</script><script>alert(1)</script>").html()
    assert page.count("</script>") == 1
    assert json.loads(re.search(r'id="facts">(.*?)</script>', page, re.DOTALL)[1])["facts"]["name"].startswith("</script>")


def test_an_unaltered_report_is_confirmed(written):
    found = verify(written[0])
    assert found and (found.numbers, found.facts, found.pictures) == (8, 4, 1)
    assert "nothing was altered" in str(found)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"half": 1.5', '"half": 1.6', "half: 1.6 in the file, 1.5 comes out"),
        ('"half": 1.5, ', "", "half: missing in the file"),
        ('"half": 1.5', '"more": 1, "half": 1.5', "more: 1 in the file, but no such fact"),
        ('"rows": 1234567', '"rows": 1234567.0', "rows: 1234567.0 in the file"),
        ('value="1.5"', 'value="9.5"', "half: the page shows 9.5"),
        (">1.50<", ">1.60<", "half: the page shows 1.60, 1.50 comes out"),
        (">1,234,567<", ">1,234,568<", "rows: the page shows 1,234,568"),
        ('data-key="half"', 'data-key="rows"', "added, removed or moved"),
        ("mind &lt; this", "mind that", "the page says"),
        ("predict &lt;x&gt;", "predict evil", "the page says"),
        ('<circle r="3.0"/>', '<circle r="3.1"/>', "picture 1 is not"),
        (SVG.format(3.0), "", "0 pictures, but 1"),
        ("<footer>", "<p>100 % accurate</p>\n<footer>", "comes out"),
    ],
)
def test_an_alteration_is_caught_wherever_it_is(written, old, new, says):
    path, _ = written
    page = path.read_text()
    assert old in page
    path.write_text(page.replace(old, new, 1))
    found = verify(path)
    assert not found and any(says in line for line in found.altered), found.altered


def test_other_versions_leave_last_digits_free_but_not_the_numbers(written, monkeypatch):
    path, _ = written
    page = path.read_text().replace('{"homespun": "1"}', '{"homespun": "0"}').replace("homespun 1.", "homespun 0.")
    path.write_text(page.replace('"half": 1.5', '"half": 1.5000000001').replace('value="1.5"', 'value="1.5000000001"'))
    found = verify(path)
    assert found and "made with homespun 0" in found.notes[0]
    path.write_text(page.replace(">1.50<", ">1.52<", 1))
    assert not verify(path)


def test_other_data_is_not_taken(written, tmp_path):
    path, data = written
    data.write_text("4.0")
    with pytest.raises(DataError, match="not the data that the report was made from") as caught:
        verify(path)
    assert caught.value.operands == {"data": str(data)}
    data.unlink()
    with pytest.raises(DataError, match=r"neither beside the report nor here.*--data PATH"):
        verify(path)
    kept = tmp_path / "elsewhere" / "n.txt"
    kept.parent.mkdir()
    kept.write_text("3.0")
    assert verify(path, data=kept).altered == []  # the name is the report's, the content is what counts


def test_a_report_does_not_choose_files_elsewhere(written, tmp_path):
    path, data = written
    outside = tmp_path.parent / "number.txt"
    path.write_text(path.read_text().replace('"name": "number.txt"', f'"name": "../../{outside.name}"'))
    data.unlink()
    outside.write_text("3.0")
    try:
        with pytest.raises(DataError, match="neither beside"):
            verify(path)
    finally:
        outside.unlink()


@pytest.mark.parametrize(
    ("content", "says"),
    [("<html></html>", "no report of homespun"), ('<script type="application/json" id="facts">{"a"', "no report of homespun"),
     ('<script type="application/json" id="facts">{"a"</script>', "cannot be read"),
     ('<script type="application/json" id="facts">[]</script>', "cannot be read"),
     ('<script type="application/json" id="facts">{"format": 9, "maker": "table", "sources": {}, "facts": {}, "settings": {}, '
      '"versions": {}}</script>', "format 9"),
     ('<script type="application/json" id="facts">{"format": 1, "maker": "os", "sources": {}, "facts": {}, "settings": {}, '
      '"versions": {}}</script>', "altered")],
)
def test_what_is_no_report(tmp_path, content, says):
    path = tmp_path / "page.html"
    path.write_text(content)
    with pytest.raises(DataError, match=says):
        verify(path)


def test_no_such_report_names_a_near_one(written):
    with pytest.raises(DataError, match=r"did you mean 'report.html'"):
        verify(written[0].with_name("rapport.html"))
    written[0].write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="no text"):
        verify(written[0])


def test_a_failed_write_leaves_the_old_report(written, monkeypatch):
    path, data = written
    before = path.read_text()

    def full(*arguments, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match=r"report\.html"):
        made({"data": data}).write(path)
    assert path.read_text() == before and [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == []


def test_code_in_words_and_no_bar_below_zero(tmp_path):
    data = tmp_path / "n"
    data.write_text("1")
    report = made({"data": data}, low=-0.5, high=2.0)
    grid = Grid(["what", "value"], [["high", Fact("high")], ["low", Fact("low")]], bar=1)
    report.sections.append(Section("More", [Words("ask `homespun <b>` for {rows}, `open"), grid]))
    page = report.html()
    assert "ask <code>homespun &lt;b&gt;</code> for" in page and ", `open" in page
    assert page.count('<i style="width:100.0%">') == 2 and '<i style="width:0.0%">' in page


def test_numbers_as_a_reader_sees_them():
    amounts = {12345.6: "12,346", 0.0123456: "0.01235", 12.344: "12.34", 7: "7", 12345: "12,345"}
    assert {value: show(value, "amount") for value in amounts} == amounts
    assert show(float("nan"), ".2f") == "–" and show("word") == "word"
    assert [show(value, "p") for value in (0.0, 0.00099, 0.001, 0.5)] == ["< 0.001", "< 0.001", "0.001", "0.500"]
    assert show(2012, "year") == show(2012.0, "year") == "2012" and show(2012.5, "year") == "2012.5"
    assert literal("a {b}") == "a (b)"
