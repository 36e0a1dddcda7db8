"""What docs/tutorials/used_cars.md shows beside its blocks: a picture of its own, its report, and two pictures of that.

All of it is made from the page's table when the pages are assembled: nothing of it is kept, so nothing can be stale.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

ROWS, UNTIL = 3000, "2024-06-01"  # as on the page
BUDGET = 12  # seconds; more than on the page, so that a slow machine has the pictures as well


@functools.cache
def files() -> dict[str, str]:
    """Name → text of each file beside the page."""
    from homespun.datasets import used_cars

    listings = used_cars(ROWS, random_state=0)
    return {"used_cars_prices.svg": prices(listings), **report(listings[listings["listed_on"] < UNTIL])}


def prices(listings) -> str:
    """Predicted against true prices: ridge on the price, and on its logarithm."""
    from sklearn.compose import make_column_transformer
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline

    import homespun as hs
    from homespun.compose import TransformedTargetRegressor
    from homespun.linear_model import Ridge
    from homespun.preprocessing import OneHotEncoder, StandardScaler
    from homespun.tabular import pictures

    cars = hs.read(listings).frame.drop_duplicates(ignore_index=True)
    price = cars["price"].to_numpy(dtype=float)
    age = cars["listed_on"].dt.year + cars["listed_on"].dt.month / 12 - cars["registered"]
    X = cars[["manufacturer", "model", "fuel", "mileage", "engine"]].assign(age=age)
    prepare = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["manufacturer", "model", "fuel"]),
                                      (StandardScaler(), ["mileage", "engine", "age"]))
    line = make_pipeline(prepare, Ridge())
    ways = {"Ridge on the price": line,
            "Ridge on its logarithm": TransformedTargetRegressor(line, func="log", inverse_func="exp")}
    predicted = {name: cross_val_predict(model, X, price, cv=5) for name, model in ways.items()}

    def draw(axes):
        for ax, (name, values) in zip(axes[0], predicted.items()):
            shown = slice(None, None, 3)  # a third of the cars is enough to see it
            true, values = price[shown] / 1e3, values[shown] / 1e3
            below = values < 0
            ax.axhspan(-30, 0, color="#fbe9e7", linewidth=0)
            ax.plot(true[~below], values[~below], ".", color=pictures.ACCENT, markersize=2.5, alpha=0.5)
            ax.plot(true[below], values[below], ".", color=pictures.BAD, markersize=3)
            ax.plot([0, 80], [0, 80], color=pictures.SOFT, linewidth=1)
            ax.set(xlim=(0, 70), ylim=(-27, 70), xlabel="true price, £1000", title=name)
        axes[0, 0].set_ylabel("predicted, £1000")

    return pictures._drawn(draw, 8.2, 3.6, columns=2)


def report(listings) -> dict[str, str]:
    """The page's report, and its leaderboard and dependence as pictures."""
    import homespun as hs
    from homespun.tabular.story import tell

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "old.csv"
        listings.to_csv(data, index=False)
        models = ["baseline", "linear", "lasso", "ridge", "forest", "boosting"]
        project = hs.fit(data, "price", models=models, time="listed_on", folds=3, budget=BUDGET)
        model = project.save(Path(folder) / "old.homespun")
        told = tell(project, {"model": model, "data": data})
        page = told.write(Path(folder) / "old-report.html").read_text()
    drawn = {section.title: block.svg for section in told.sections for block in section.blocks if block.kind == "picture"}
    return {"used_cars_report.html": page, "used_cars_models.svg": drawn["The models"],
            "used_cars_dependence.svg": drawn["What it depends on"]}
