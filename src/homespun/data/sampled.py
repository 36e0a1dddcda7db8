"""Large tables of text: learned from the first rows, and checked on all others while they are converted.

1. The first `SAMPLE` rows become a small table, and `infer.TextColumns` learns a recipe for each column there.
2. `patterns` says in SQL what the rest must look like for all rows to have the same recipe; one pass over the file converts
   all columns, and marks every text that was not foreseen.
3. A column with a mark, and one about which the sample leaves a doubt (a flag of which one state was seen, dates that fit day
   and month), is stored and read by `infer` with all of its rows. The first row that was not foreseen is named.

A text column is left as it is where the sample holds so many texts that are no number (no date) that no further row could
change this: more than `quantities.UNREADABLE` of all rows.

Cost: one pass of DuckDB's parser, which needs no more memory than its buffers, and the columns that come out. Texts of few
kinds come as a code for each row, and every text once.  Not handled: columns that came typed (`recipe`).
"""

from __future__ import annotations

from dataclasses import dataclass

from homespun.base.errors import DataError
from homespun.data import engine
from homespun.data.flags import NOT_STATED, PAIRS, flag_value
from homespun.data.infer import OUTER, TextColumns
from homespun.data.loaded import Loaded
from homespun.data.missing import MISSING
from homespun.data.number_sql import DATEISH, NUMBERISH
from homespun.data.patterns import BAD, date_sql, plain_sql, quantity_sql
from homespun.data.quantities import UNREADABLE
from homespun.data.recipe import Settings, plain_number, split_name
from homespun.data.table import Decision

SAMPLE = 100_000  # rows
LARGE = 400_000  # rows: from here on a sample is worth it
KINDS = 1_000  # texts of a column that are written once each
FLAG_WORDS = NOT_STATED | {word for pair in PAIRS for word in pair}
STRANGE = "TIMESTAMP '1700-01-01 01:01:01.000001'"  # the mark among moments; a real one only costs a second look
COLUMN = "\ue000\uf8ff"  # stands for the column in the SQL of a plan
NUMBER = "\ue001\uf8ff"  # stands for the column as a number, NULL where a cast makes none of it
LONGEST = max(map(len, MISSING))
_listed = engine.texts


@dataclass
class Part:
    """One result of a column's conversion.

    Attributes
    ----------
    name : str
        Of the column made.
    sql : str
        With `COLUMN` for the raw column and `NUMBER` for the number that it is by itself.
    end : {"number", "whole", "moment", "text", "kinds", "rest", "mark"}
        "kinds": one of the texts that the sample knows; "rest": a text that is none of them; "mark": True for a text that was
        not foreseen.
    """

    name: str
    sql: str
    end: str

    def not_foreseen(self) -> str:
        """SQL: whether the sample did not foresee the text."""
        if self.end in ("number", "whole"):
            return f"coalesce(isinf({self.sql}), false)"
        if self.end == "moment":
            return f"coalesce({self.sql} = {STRANGE}, false)"
        if self.end == "rest":
            return f"coalesce({late_sql(self.sql, MISSING)}, false)"
        return self.sql if self.end == "mark" else "false"


@dataclass
class Plan:
    """How one column is converted."""

    recipe: dict
    decisions: list[Decision]
    parts: list[Part]
    kinds: list[str] | None = None  # the texts that a code stands for
    sure: bool = False  # the sample is known to fit


def late_sql(text: str, words) -> str:
    """SQL: a text with blanks around it, or a word for "missing"."""
    return f"strlen({text}) <= {LONGEST} AND lower({text}) IN ({_listed(words)}) OR regexp_matches({text}, {engine.text(OUTER)})"


def on_column(sql: str, column: str) -> str:
    """The SQL of a plan for a column of some table."""
    return sql.replace(NUMBER, f"try_cast({COLUMN} AS DOUBLE)").replace(COLUMN, column)


class Sampled:
    """The text columns of a large table, as its first rows tell them.

    Parameters
    ----------
    loaded : Loaded
    wanted : dict
        Column → kind that the user asked for.
    settings : Settings
        What the user knows already.

    Attributes
    ----------
    rows : int
        Of the sample.
    plans : dict
        Column → `Plan`.
    left : list of str
        Columns of which all rows are needed.
    """

    def __init__(self, loaded: Loaded, wanted: dict[str, str], settings: Settings):
        self.loaded, self.settings = loaded, settings
        self.rows = min(SAMPLE, loaded.rows)
        names = [name for name in loaded.columns if name not in loaded.typed]
        table, columns = loaded.stored(names, "sample", SAMPLE)
        if loaded.unchecked is not None:  # there may be less
            self.rows = loaded.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        self.sample = TextColumns(loaded.connection, columns, self.rows, settings, loaded.name, table)
        self.plans: dict[str, Plan] = {}
        self.left: list[str] = []
        for name in names:
            # words for "missing" that the user named may be numbers: every row is asked for them
            plan = self._plan(name, wanted.get(name)) if settings.missing is None else None
            if plan is not None and (plan.sure or self._fits_sample(name, plan)):
                self.plans[name] = plan
            else:
                self.left.append(name)

    def decisions(self, name: str) -> list[Decision]:
        """Those of the sample, with what they hold for."""
        return [
            Decision(
                note.column,
                note.kind,
                note.value,
                f"{note.evidence}, in the first {self.rows:,} rows; all {self.loaded.rows:,} rows fit",
            )
            for note in self.plans[name].decisions
        ]

    def _plan(self, name: str, kind: str | None) -> Plan | None:
        """How to convert the column as its sample says; None if the sample is not enough to say it."""
        sample = self.sample
        try:
            recipe, decisions = sample.learn(name, kind)
        except DataError:
            return None  # what does not fit may be rare in all rows
        if any(note.kind == "text" and note.value != "code" for note in decisions):
            return None  # it came close to something else
        text = f"trim({COLUMN})" if sample.counts[name][2] else COLUMN
        gone = sample.in_words(text, [*recipe.get("missing", ()), *recipe.get("words", ())])
        if recipe["kind"] == "empty":
            parts = [Part(name, f"CASE WHEN {text} IS NULL OR {gone} THEN NULL ELSE {BAD} END", "number")]
            return Plan(recipe, decisions, parts)
        if recipe["kind"] == "flag":
            return Plan(recipe, decisions, [Part(name, self._flag(name, recipe, text, gone), "whole")])
        if recipe["kind"] == "date":
            shapes = [shape for shape, *_ in self._shapes(name, recipe)]
            moment = date_sql(text, recipe["format"], shapes, gone, STRANGE) if shapes else None
            return Plan(recipe, decisions, [Part(name, moment, "moment")]) if moment else None
        if recipe["kind"] == "text":
            return self._text(name, kind, recipe, decisions, text)
        return self._number(name, recipe, decisions, text, gone)

    def _flag(self, name, recipe, text, gone) -> str:
        cases = ""
        for value, _ in self.sample.values(name, "false", 100):
            number = flag_value(value, recipe) if value not in recipe["missing"] else None
            if number is not None:
                cases += f" WHEN {engine.text(value)} THEN {'NULL' if number != number else number}"
        return f"CAST(CASE {text}{cases} ELSE CASE WHEN {text} IS NULL OR {gone} THEN NULL ELSE {BAD} END END AS DOUBLE)"

    def _number(self, name, recipe, decisions, text, gone) -> Plan | None:
        words = set(recipe["words"])
        usual = plain_number()
        if all(recipe[key] == usual[key] for key in ("decimal", "currency", "unit", "suffix", "split")):
            value = NUMBER if text == COLUMN else f"try_cast({text} AS DOUBLE)"
            pending = self.loaded.unchecked
            number = plain_sql(text, value, gone, pending is None or pending.underscores)
            plan = Plan(recipe, decisions, [Part(name, number, "whole")])
            if self._fits_sample(name, plan):
                plan.sure = True
                return plan
        examples = [example for *_, example in self._shapes(name, recipe) if example not in words]
        found = quantity_sql(text, recipe, examples, gone, self.settings.decimal is not None) if examples else None
        if found is None:
            return None
        parts = [Part(name, found[0], "whole")]
        if recipe["split"]:
            parts.append(Part(split_name(name, recipe), found[1], "number"))
        return Plan(recipe, decisions, parts)

    def _text(self, name, kind, recipe, decisions, text) -> Plan | None:
        sample = self.sample
        own = sample.text(name)
        gone = sample.in_words(own, recipe["missing"])
        number, date = (f"regexp_matches({own}, {engine.text(form)})" for form in (f"^({NUMBERISH})$", DATEISH))
        no_number, words, no_date, no_flag, kinds, kept = sample.query(
            f"SELECT coalesce(count_if(NOT {number}), 0), "
            f"count(DISTINCT lower({own})) FILTER (NOT {number} AND lower({own}) NOT IN ({_listed(NOT_STATED)})), "
            f"coalesce(count_if(NOT {date}), 0), coalesce(count_if(lower({own}) NOT IN ({_listed(FLAG_WORDS)})), 0), "
            f"approx_count_distinct({own}), count(*) FROM {sample.table} WHERE {own} IS NOT NULL AND NOT {gone}"
        ).fetchone()
        few = 2 * UNREADABLE * self.loaded.rows  # twice, to be sure
        code = any(note.value == "code" for note in decisions)
        if kind is None and not (no_flag and no_date > few and (code or (no_number > few and words > 1))):
            return None
        missing = [word for word in recipe["missing"] if word]
        if 0 < kinds <= KINDS and kept >= 10 * kinds:
            known = [value for value, _ in sample.values(name, gone)]
            type_name = f"kinds{len(self.plans)}"
            sample.query(f"CREATE TYPE {type_name} AS ENUM ({', '.join(map(engine.text, known))})")
            code_of = f"try_cast({text} AS {type_name})"
            other = f"{code_of} IS NULL AND {text} IS NOT NULL AND NOT {sample.in_words(text, missing)}"
            rest = f"CASE WHEN {other} THEN {text} END"
            return Plan(recipe, decisions, [Part(name, code_of, "kinds"), Part(name, rest, "rest")], known)
        present = f"CASE WHEN {sample.in_words(text, missing)} THEN NULL ELSE {text} END"
        mark = late_sql(text, MISSING - {word.lower() for word in missing} - {""})
        return Plan(recipe, decisions, [Part(name, present, "text"), Part(name, f"coalesce({mark}, false)", "mark")])

    def _shapes(self, name: str, recipe: dict) -> list:
        gone = self.sample.in_words(self.sample.text(name), [*recipe.get("missing", ()), *recipe.get("words", ())])
        return self.sample.shapes(name, gone) or []

    def _fits_sample(self, name: str, plan: Plan) -> bool:
        """Whether every row of the sample is foreseen, as it must be."""
        marks = on_column(" OR ".join(part.not_foreseen() for part in plan.parts), self.sample.columns[name])
        return not self.sample.query(f"SELECT coalesce(count_if({marks}), 0) FROM {self.sample.table}").fetchone()[0]
