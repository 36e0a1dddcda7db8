"""A used-car table as a web site would export it: a known price law under the mess that real tables have.

    log price = log(new price of the model) - rate * age - 0.0035 * mileage / 1000 km
                + fuel + gearbox + 0.05 * extras + 0.02 * (engine - 1.6) + noise        noise ~ N(0, 0.10)

`rate` is the yearly loss of the make (0.085 to 0.16), age is in years at the day of listing. On top of it lies the mess:
text numbers ("186005 km", "£8,000", "2.0 Turbo"), three-state flags (ON, OFF, NotAvailable), four spellings of
"missing", a constant column, an identifier, free text, repeated rows, and one price in 250 with a digit too many or too few.
"""

from __future__ import annotations

import numpy as np

from homespun.base.params import Integer, check_param
from homespun.base.random import generator

# make: (share of the listings, loss per year, models with their new price in pounds). Shares span a factor of 400.
MAKES: dict[str, tuple[float, float, dict[str, int]]] = {
    "Ford": (0.24, 0.135, {"Fiesta": 17000, "Focus": 23000, "Kuga": 31000, "Mondeo": 28000}),
    "Vauxhall": (0.17, 0.150, {"Corsa": 16500, "Astra": 22500, "Insignia": 27000}),
    "Volkswagen": (0.16, 0.115, {"Polo": 19000, "Golf": 26500, "Passat": 32000, "Tiguan": 34000}),
    "BMW": (0.11, 0.125, {"1 Series": 30000, "3 Series": 40000, "X5": 67000}),
    "Toyota": (0.10, 0.095, {"Yaris": 19500, "Corolla": 27000, "RAV4": 37000}),
    "Audi": (0.09, 0.120, {"A3": 29500, "A4": 38000, "Q5": 49000}),
    "Skoda": (0.06, 0.125, {"Fabia": 17500, "Octavia": 25500}),
    "Volvo": (0.035, 0.120, {"V60": 41000, "XC90": 66000}),
    "Dacia": (0.02, 0.110, {"Sandero": 13500, "Duster": 18500}),
    "Lexus": (0.010, 0.100, {"IS": 38000, "RX": 59000}),
    "Porsche": (0.004, 0.085, {"911": 105000}),
    "Lada": (0.0006, 0.160, {"Niva": 12000}),
}
FUEL = {"Petrol": (0.58, 0.0), "Diesel": (0.33, 0.02), "Hybrid": (0.06, 0.10), "Electric": (0.03, 0.14)}
COLOURS = ["Black", "White", "Grey", "Silver", "Blue", "Red", "Green", "Orange"]
FLAGS = {"parking_sensors": 0.55, "heated_seats": 0.30, "navigation": 0.45, "tow_bar": 0.12}
LAST_DAY = np.datetime64("2024-12-31")

_OPENINGS = ["Lovely", "Reliable", "Very clean", "Well looked after", "Great first", "Low insurance", "Stunning"]
_CLAIMS = ["full service history", "one careful owner", "new tyres all round", "drives superb", "no time wasters",
           "MOT until next spring", "two keys", "small scratch on the rear bumper", "cheap to tax", "non smoker"]


def used_cars(n: int = 5000, random_state=0, *, mess: bool = True):
    """A table of used cars for sale, generated: the project's demonstration data.

    Parameters
    ----------
    n : int, default=5000
        Number of rows; about 2 % of them repeat another row exactly.
    random_state : int, Generator or None, default=0
    mess : bool, default=True
        False: the same cars as typed columns (numbers, dates, booleans), nothing missing, repeated or mistyped, and a
        column ``turbo`` more. `homespun.datasets.messy` adds any mess to it, with its truth.

    Returns
    -------
    pandas.DataFrame of shape (n, 20), or (n, 21) without mess
        The target is ``price``: text such as "£8,000", or whole pounds.

    Examples
    --------
    >>> from homespun.datasets import used_cars
    >>> used_cars(3).loc[0, ["manufacturer", "mileage", "price"]].tolist()
    ['BMW', '167543 km', '£4,150']
    """
    import pandas as pd

    check_param("used_cars", "n", n, Integer(low=1))
    rng = generator(random_state)

    shares = np.array([make[0] for make in MAKES.values()])
    make_of = rng.choice(len(MAKES), size=n, p=shares / shares.sum())
    makes = list(MAKES)
    model = np.empty(n, dtype=object)
    new_price = np.empty(n)
    for code, (_, _, models) in enumerate(MAKES.values()):
        rows = np.flatnonzero(make_of == code)
        pick = rng.integers(len(models), size=rows.size)
        model[rows] = np.array(list(models), dtype=object)[pick]
        new_price[rows] = np.array(list(models.values()), dtype=np.float64)[pick]
    rate = np.array([make[1] for make in MAKES.values()])[make_of]

    listed = LAST_DAY - rng.integers(0, 730, size=n).astype("timedelta64[D]")
    age = np.minimum(rng.gamma(2.2, 3.0, size=n), 25.0)  # years
    registered = listed - np.round(age * 365.25).astype("timedelta64[D]")
    fuel_of = rng.choice(len(FUEL), size=n, p=[share for share, _ in FUEL.values()])
    diesel = fuel_of == 1
    per_year = rng.lognormal(np.log(12500.0), 0.35, size=n) * np.where(diesel, 1.35, 1.0)  # km
    mileage = np.round(age * per_year + rng.integers(5, 500, size=n)).astype(np.int64)
    litres = np.round(np.clip(1.1 + new_price / 30000.0 + rng.normal(0, 0.25, size=n), 0.9, 5.0), 1)
    turbo = rng.random(n) < np.where(diesel, 0.7, 0.25)
    automatic = rng.random(n) < np.clip(new_price / 80000.0, 0.1, 0.95)
    states = {name: rng.choice(3, size=n, p=[0.9 * share, 0.9 * (1 - share), 0.1]) for name, share in FLAGS.items()}
    leather = rng.random(n) < np.clip(new_price / 90000.0, 0.05, 0.9)
    extras = sum((state == 0).astype(np.float64) for state in states.values()) + leather

    log_price = (
        np.log(new_price) - rate * age - 0.0035 * mileage / 1000.0
        + np.array([effect for _, effect in FUEL.values()])[fuel_of]
        + 0.05 * automatic + 0.05 * extras + 0.02 * (litres - 1.6) + rng.normal(0, 0.10, size=n)
    )
    price = np.maximum(np.round(np.exp(log_price) / 50.0) * 50.0, 200.0)
    true_price = price.copy()
    mistyped = rng.random(n) < 0.004
    price[mistyped] *= np.where(rng.random(mistyped.sum()) < 0.5, 0.1, 10.0)

    engine = np.array([f"{size:.1f} Turbo" if boosted else f"{size:.1f}" for size, boosted in zip(litres, turbo)], dtype=object)
    power = np.round(litres * 62.0 * np.where(turbo, 1.25, 1.0) + rng.normal(0, 8, size=n)).astype(np.int64)
    levy = np.round(100.0 + 55.0 * litres + 140.0 * diesel).astype(np.int64)
    state_words = np.array(["ON", "OFF", "NotAvailable"], dtype=object)
    openings, claims = rng.integers(len(_OPENINGS), size=n), rng.integers(len(_CLAIMS), size=(n, 2))
    described = [f"{_OPENINGS[o]} {makes[m]} {name}, {_CLAIMS[a]}, {_CLAIMS[b]}. {km // 1000}k on the clock, call {call}"
                 for o, m, name, (a, b), km, call in
                 zip(openings, make_of, model, claims, mileage, rng.integers(7_000_000, 8_000_000, size=n))]

    frame = pd.DataFrame({
        "listing_id": 45_000_000 + rng.permutation(n),
        "listed_on": np.datetime_as_string(listed, unit="D").astype(object),
        "manufacturer": np.array(makes, dtype=object)[make_of],
        "model": model,
        "registered": registered.astype("datetime64[Y]").astype(np.int64) + 1970,
        "mileage": np.array([f"{km} km" for km in mileage], dtype=object),
        "engine": engine,
        "power": power.astype(str).astype(object),
        "fuel": np.array(list(FUEL), dtype=object)[fuel_of],
        "gearbox": np.where(automatic, "Automatic", "Manual").astype(object),
        "colour": np.array(COLOURS, dtype=object)[rng.choice(len(COLOURS), size=n, p=[.22, .2, .18, .14, .13, .08, .04, .01])],
        "leather": np.where(leather, "Yes", "No").astype(object),
        **{name: state_words[state] for name, state in states.items()},
        "levy": levy.astype(str).astype(object),
        "country": np.full(n, "United Kingdom", dtype=object),
        "description": np.array(described, dtype=object),
        "price": np.array([f"£{pounds:,.0f}" for pounds in price], dtype=object),
    })
    if not mess:
        known = {"listed_on": listed, "mileage": mileage, "engine": litres, "turbo": turbo, "power": power, "leather": leather,
                 "levy": levy, "price": true_price.astype(np.int64)}
        order = [*frame.columns[: frame.columns.get_loc("engine") + 1], "turbo", *frame.columns[frame.columns.get_loc("power"):]]
        return frame.assign(**known)[order].infer_objects()
    # Missing in four spellings; power is missing more often for old cars, so the gaps carry information.
    frame.loc[rng.random(n) < 0.28, "levy"] = "-"
    frame.loc[rng.random(n) < 0.03 + 0.01 * np.minimum(age, 12), "power"] = "n/a"
    frame.loc[rng.random(n) < 0.05, "colour"] = None
    frame.loc[rng.random(n) < 0.03, "gearbox"] = "?"
    repeats = np.flatnonzero(rng.random(n) < 0.02)
    originals = np.setdiff1d(np.arange(n), repeats)
    if originals.size and repeats.size:
        frame.iloc[repeats] = frame.iloc[rng.choice(originals, size=repeats.size)].to_numpy()
    return frame.infer_objects()
