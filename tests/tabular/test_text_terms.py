"""The words of a column that go with the target: which they are, their weights, and what `fit` makes of them."""

import numpy as np
import pandas as pd
import pytest

from homespun.persist import load
from homespun.tabular import fit
from homespun.tabular.text_terms import TextTerms

SAUCES = ["salsa", "cheese", "corn", "beans", "rice", "cream", "fajita", "lettuce"]


def bowls(n=400, seed=0):
    """Texts of many kinds; the price rests on guacamole and on the number of tacos, and on nothing else."""
    rng = np.random.default_rng(seed)
    texts, price = [], []
    for _ in range(n):
        words = sorted(rng.choice(SAUCES[:6], rng.integers(2, 4), replace=False))  # of some seventy kinds
        guacamole = rng.random() < 0.4
        texts.append("[" + ", ".join(words + ["Guacamole"] * guacamole) + "]")
        price.append(8.5 + 2.0 * guacamole + rng.normal(scale=0.1))
    return pd.DataFrame({"choice": texts, "size": rng.integers(1, 3, n), "price": np.round(price, 2)})


def test_weights_are_those_of_tfidf():
    """Against the vectorizer of the same definition, without its norm."""
    from homespun.feature_extraction.text import TfidfVectorizer

    table = bowls()
    made = TextTerms().fit(table[["choice"]], table["price"].to_numpy())
    assert made.terms_ == ["guacamole"]
    whole = TfidfVectorizer(norm=None).fit(table["choice"])
    texts = ["beans guacamole Guacamole", "rice", ""]
    place = whole.vocabulary_["guacamole"]
    np.testing.assert_allclose(made.transform(pd.DataFrame({"choice": texts}))[:, 0], whole.transform(texts).toarray()[:, place])
    assert made.get_feature_names_out(["choice"]).tolist() == ["choice: guacamole"]


def test_words_of_classes_and_the_strongest_first():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, 300)
    hint = ["", " hint"]
    texts = [f"{['red', 'green', 'blue'][k]} {rng.choice(SAUCES)}{hint[int(k == 2 and rng.random() < 0.5)]}" for k in y]
    X = np.array(texts, dtype=object)[:, None]
    assert TextTerms().fit(X, y).terms_ == ["blue", "green", "hint", "red"]
    assert "hint" not in TextTerms(most=3).fit(X, y).terms_


@pytest.mark.parametrize("texts", [[None] * 40, ["--- !"] * 40, ["a b c"] * 40, [f"w{i} v{i}" for i in range(40)]])
def test_texts_without_such_words(texts):
    X = np.array(texts, dtype=object)[:, None]
    made = TextTerms().fit(X, np.arange(40.0))
    assert made.terms_ == [] and made.transform(X).shape == (40, 0)


def test_chance_is_no_reason():
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(40):
        texts = [" ".join(rng.choice([f"w{i}" for i in range(60)], 5)) for _ in range(200)]
        found += len(TextTerms().fit(np.array(texts, dtype=object)[:, None], rng.normal(size=200)).terms_)
    assert found <= 3  # 40 trials of one in a hundred


@pytest.mark.parametrize("models", [["ridge"], ["boosting"]])
def test_fit_uses_the_words_of_wordy_categories(models, tmp_path):
    table = bowls()
    made = fit(table, "price", models=models, folds=3, out=tmp_path / "bowls.homespun", budget=20, task="regression")
    said = next(d for d in made.decisions if d.kind == "words")
    assert said.column == "choice" and said.value == "TF-IDF" and "training rows" in said.evidence
    assert made.leaderboard["score"][0] > 0.97
    fresh = bowls(60, seed=9)
    fresh.loc[3, "choice"] = None
    np.testing.assert_array_equal(load(tmp_path / "bowls.homespun").predict(fresh), made.predict(fresh))
    known = fresh["choice"].notna()
    off = made.predict(fresh)[known] - fresh["price"][known]
    assert np.abs(off).mean() < 0.2


def test_exported(tmp_path):
    import subprocess
    import sys

    from homespun.persist import export_python

    made = fit(bowls(), "price", models=["ridge"], folds=2, task="regression")
    assert any(d.kind == "words" for d in made.decisions)
    export_python(made, tmp_path / "model.py")
    fresh = bowls(30, seed=4)
    fresh.to_csv(tmp_path / "fresh.csv", index=False)
    ran = subprocess.run([sys.executable, "model.py", "fresh.csv"], cwd=tmp_path, capture_output=True, text=True, check=True)
    told = [float(line.split(",")[0]) for line in ran.stdout.splitlines()[1:]]
    np.testing.assert_allclose(told, made.predict(fresh), rtol=1e-9)
