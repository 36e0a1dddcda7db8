"""East Asian encodings are told by their letters; Western ones are never taken for them; tar and zstd archives."""

import importlib.util
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.data import read
from homespun.data.east_asian import guess_east_asian
from homespun.errors import DataError

JAPANESE = "名前,都市,備考,値\n田中さくら,とうきょう,よい車です,5\n鈴木一郎,大阪,エンジンが壊れています,7\n"
KOREAN = "이름,도시,비고,값\n김철수,서울,좋은 차입니다,5\n이영희,부산,엔진이 고장났습니다,7\n"
CHINESE = "姓名,城市,备注,值\n王小明,北京,这是一辆很好的汽车,5\n李华,上海,发动机坏了需要修理,7\n"
TAIWANESE = "姓名,城市,備註,值\n王小明,臺北,這是一輛很好的汽車,5\n李華,高雄,引擎壞了需要修理,7\n"
WESTERN = [
    ("Zürich,Köln,Größe\nMünchen,Öl,Straße\nTübingen,für,schöner\n", "cp1252"),
    ("Événement,été,à,où,çà\nFrançois,Noël,garçon\nélève,très,créée\n", "cp1252"),
    ("niño,año,mañana,¿qué?\ncorazón,más,él,inglés\n", "cp1252"),
    ("£8,000\n€5\n£12,000\n", "cp1252"),
    ("Москва,цена,хорошая машина\nСанкт-Петербург,двигатель\n", "cp1251"),
    ("Москва,цена,хорошая машина\nСанкт-Петербург,двигатель\n", "koi8_r"),
    ("Αθήνα,τιμή,καλό αυτοκίνητο\n", "cp1253"),
    ("Łódź,Kraków,źródło,żółć,gęślą jaźń\n", "cp1250"),
    ("ภาษาไทย,ราคา,กรุงเทพ\n", "cp874"),
    ("القاهرة,السعر,سيارة جيدة\n", "cp1256"),
]


@pytest.mark.parametrize(
    "text, encoding, found",
    [
        (JAPANESE, "shift_jis", "cp932"),
        (JAPANESE, "euc_jp", "euc_jp"),
        (KOREAN, "euc_kr", "cp949"),
        (CHINESE, "gb2312", "gb18030"),
        (CHINESE, "gb18030", "gb18030"),
        (TAIWANESE, "big5", "big5hkscs"),
    ],
)
def test_east_asian_encodings(text, encoding, found):
    table = read(text.encode(encoding))
    decision = next(d for d in table.decisions if d.kind == "encoding")
    assert decision.value == found and "letters are common in" in decision.evidence
    lines = [line.split(",") for line in text.splitlines()]
    assert list(table.frame) == lines[0] and table.frame.iloc[1].astype(str).tolist() == lines[2]
    asked = read(text.encode(encoding), encoding=encoding)
    assert asked.frame.equals(table.frame)


@pytest.mark.parametrize("text, encoding", WESTERN)
def test_other_encodings_are_not_taken_for_them(text, encoding):
    assert guess_east_asian(text.encode(encoding)) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("abcdefghijklmnop ,äöüßéèàçñÄÖÜ£€§°", min_size=1, max_size=12), min_size=3, max_size=40))
def test_no_western_text_is_east_asian(words):
    assert guess_east_asian("\n".join(words).encode("cp1252")) is None or any(
        sum(sign > "\x7f" for sign in word) >= 4 for word in words
    )


@pytest.mark.parametrize("inner", ["", "gz"])
def test_tar(tmp_path, inner):
    def pack(path, names):
        with tarfile.open(path, "w:" + inner) as archive:
            for name in names:
                member = tarfile.TarInfo(name)
                member.size = 8
                archive.addfile(member, io.BytesIO(b"a,b\n1,2\n"))

    pack(tmp_path / "one.tar", ["data.csv"])
    table = read(tmp_path / "one.tar")
    assert table.frame.to_dict("list") == {"a": [1], "b": [2]}
    assert next(d for d in table.decisions if d.kind == "archive").value == "data.csv"
    pack(tmp_path / "two.tar", ["a.csv", "b.csv"])
    with pytest.raises(DataError, match=r"holds 2 files: 'a\.csv', 'b\.csv'") as caught:
        read(tmp_path / "two.tar")
    assert caught.value.suggestion == "unpack it, and read the folder"


def test_zstd(tmp_path):
    import duckdb

    path = tmp_path / "t.csv.zst"
    duckdb.execute(f"COPY (SELECT 1 AS a, 2 AS b) TO '{path}' (FORMAT csv, HEADER, COMPRESSION zstd)")
    if any(_there(module) for module in ("compression.zstd", "backports.zstd", "zstandard")):
        assert read(path).frame.to_dict("list") == {"a": [1], "b": [2]}
    else:
        with pytest.raises(DataError, match="zstd archive") as caught:
            read(path)
        assert "pip install zstandard" in caught.value.suggestion


def _there(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
