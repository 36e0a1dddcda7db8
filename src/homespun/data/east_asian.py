"""Which East Asian encoding a text that is no UTF-8 is written in, if it is one: by validity and by common letters.

Each of the encodings allows most pairs of bytes, but a language uses few of them. So the text is decoded strictly, and

    score = share of its letters (no ASCII, no punctuation) that are common in that language

Japanese: kana, and at least a tenth of them.  Korean: the 2,350 syllables of KS X 1001.  Chinese: the frequent characters,
which GB 2312 and Big5 put first (lead bytes B0-D7, A4-C6).  A text of Western Europe has single letters above ASCII, not
runs of them; so a text with less than `ENOUGH` letters, or whose letters mostly stand alone, is none of these.

Our own 60 lines instead of a library: only these five are asked for, the evidence is ours to show, and ``encoding=`` overrides.
Cost: a few decodings of the first megabyte.  Not handled: ISO-2022, Johab, HZ; Japanese without kana is taken for Chinese.
"""

from __future__ import annotations

import codecs

ENOUGH = 6  # letters
COMMON = 0.8  # share of them
_KANA = range(0x3041, 0x30FF)
_SYLLABLES = range(0xAC00, 0xD7A4)


def guess_east_asian(head: bytes) -> tuple[str, str] | None:
    """(codec, evidence) of the beginning of a file, or None.

    >>> guess_east_asian("name,city\\n田中さん,とうきょう\\n".encode("shift_jis"))[0]
    'cp932'
    >>> guess_east_asian("Müller,Köln,Ölmühle,Übergröße\\n".encode("cp1252")) is None
    True
    """
    found = []
    for codec, language in (("cp932", "Japanese"), ("euc_jp", "Japanese"), ("cp949", "Korean"), ("gb18030", "Chinese"),
                            ("big5hkscs", "Chinese")):  # fmt: skip
        try:
            text = codecs.getincrementaldecoder(codec)().decode(head)
        except UnicodeDecodeError:
            continue
        letters = [sign for sign in text if sign > "\x7f" and (sign.isalpha() or "\uff61" <= sign <= "\uff9f")]
        others = sum("\x7f" < sign < "\u0400" or "\ue000" <= sign <= "\uf8ff" for sign in text)
        if len(letters) < ENOUGH or _alone(text) > 0.5 or others > 0.1 * len(letters):
            continue
        share = sum(_common(sign, codec) for sign in letters) / len(letters)
        if codec in ("cp932", "euc_jp"):
            kana = sum(ord(sign) in _KANA for sign in letters) / len(letters)
            share = share if kana >= 0.1 else 0.0
        if share >= (COMMON if codec != "cp949" else 0.9):
            found.append((share + (codec not in ("gb18030", "big5hkscs")), share, codec, language, len(letters)))
    if not found:
        return None
    # syllables and kana are told apart from Chinese with certainty: Chinese text has next to none of their byte pairs
    _, share, codec, language, count = max(found)
    rival = sorted((one for one in found if one[2] != codec), reverse=True)
    against = f"; {rival[0][2]} would be possible ({rival[0][1]:.0%})" if rival else "; no other is possible"
    return codec, f"{share:.0%} of {count:,} letters are common in {language}{against}"


def _common(sign: str, codec: str) -> bool:
    code = ord(sign)
    if codec in ("cp932", "euc_jp"):
        return code in _KANA or 0x4E00 <= code <= 0x9FFF
    try:
        pair = sign.encode("gb2312" if codec == "gb18030" else codec)
    except UnicodeEncodeError:
        return False
    if codec == "cp949":
        return code in _SYLLABLES and len(pair) == 2 and pair[1] >= 0xA1
    lead = pair[0]
    return len(pair) == 2 and (0xB0 <= lead <= 0xD7 if codec == "gb18030" else 0xA4 <= lead <= 0xC6)


def _alone(text: str) -> float:
    """The share of signs above ASCII that have none beside them."""
    high = [sign > "\x7f" for sign in f" {text} "]
    alone = sum(here and not before and not after for before, here, after in zip(high, high[1:], high[2:]))
    return alone / max(sum(high), 1)
