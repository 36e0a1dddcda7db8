"""A project in a notebook, and its report: what is shown has sensible digits and is the same each time."""

import pytest

import homespun as hs


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    data = tmp_path_factory.mktemp("shown") / "cars.csv"
    hs.datasets.used_cars(300, random_state=0).to_csv(data, index=False)
    return data, [hs.fit(data, "price", models=["baseline", "linear"], folds=3, budget=600, random_state=0) for _ in range(2)]


def test_no_p_value_is_shown_as_zero(fitted):
    _, (project, _) = fitted
    board = project.leaderboard
    project._board["p_value"] = [float("nan"), *[1e-9] * (len(board) - 1)]
    try:
        shown = project._repr_html_()
    finally:
        project._board["p_value"] = list(board["p_value"])
    assert "<td>&lt; 0.001</td>" in shown or "<td>< 0.001</td>" in shown
    assert "0.0000" not in shown and "<td>–</td>" in shown and "NaN" not in shown and "nan" not in shown
    assert f"<td>{board['score'][0]:.4f}</td>" in shown


def test_a_report_is_the_same_each_time(fitted, tmp_path):
    data, (project, _) = fitted
    model = project.save(tmp_path / "cars.homespun")
    pages = [hs.load(model).report(tmp_path / f"{i}.html", model=model, data=data).read_bytes() for i in range(2)]
    assert pages[0] == pages[1]


def test_the_same_seed_gives_the_same_project(fitted):
    """Only the seconds differ, as long as the budget does not end the search."""
    data, (one, two) = fitted
    clocks = ["fit_seconds", "predict_seconds"]
    assert one.leaderboard.drop(columns=clocks).equals(two.leaderboard.drop(columns=clocks))
    assert (one.predict(data) == two.predict(data)).all()
