"""NIST's certified regressions (Statistical Reference Datasets, www.itl.nist.gov/div898/strd/lls): digits that are right.

Longley 1967 (6 columns that nearly depend on each other), Wampler 1970 (polynomials of degree 5 in 0 … 20, data by formula).
The certified weights of Wampler1 and 3-5 are all 1, those of Wampler2 are 10^-k. Ridge with alpha = 0 poses the same problem.
"""

import numpy as np
import pytest

from homespun.linear_model import LinearRegression, Ridge

LONGLEY = np.array([  # employed; deflator, GNP, unemployed, armed forces, population, year
    [60323, 83.0, 234289, 2356, 1590, 107608, 1947], [61122, 88.5, 259426, 2325, 1456, 108632, 1948],
    [60171, 88.2, 258054, 3682, 1616, 109773, 1949], [61187, 89.5, 284599, 3351, 1650, 110929, 1950],
    [63221, 96.2, 328975, 2099, 3099, 112075, 1951], [63639, 98.1, 346999, 1932, 3594, 113270, 1952],
    [64989, 99.0, 365385, 1870, 3547, 115094, 1953], [63761, 100.0, 363112, 3578, 3350, 116219, 1954],
    [66019, 101.2, 397469, 2904, 3048, 117388, 1955], [67857, 104.6, 419180, 2822, 2857, 118734, 1956],
    [68169, 108.4, 442769, 2936, 2798, 120445, 1957], [66513, 110.8, 444546, 4681, 2637, 121950, 1958],
    [68655, 112.6, 482704, 3813, 2552, 123366, 1959], [69564, 114.2, 502601, 3931, 2514, 125368, 1960],
    [69331, 115.7, 518173, 4806, 2572, 127852, 1961], [70551, 116.9, 554894, 4007, 2827, 130081, 1962]])
CERTIFIED_LONGLEY = [-3482258.63459582, 15.0618722713733, -0.358191792925910e-01, -2.02022980381683, -1.03322686717359,
                     -0.511041056535807e-01, 1829.15146461355]
NOISE = np.array([759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048, 2048, -2048, 1838, -2048, 2048, -2048, 2523,
                  -2048, 2048, -2048, 759.0])  # of Wampler3; 100 and 10,000 times as much in 4 and 5


def wampler(number):
    """Columns x, x^2, … x^5, the target, and the certified weights, the intercept first."""
    x = np.arange(21.0)
    weights = 10.0 ** -np.arange(6) if number == 2 else np.ones(6)
    powers = x[:, None] ** np.arange(6)
    noise = {1: 0.0, 2: 0.0, 3: 1.0, 4: 100.0, 5: 10_000.0}[number] * NOISE
    return powers[:, 1:], powers @ weights + noise, weights


def digits(found, certified):
    """The smallest number of right digits: -log10 of the relative error, at most 15."""
    error = np.abs(np.asarray(found) - certified) / np.abs(certified)
    return float(-np.log10(np.maximum(error, 1e-15)).max(initial=0.0)), float(-np.log10(max(error.max(), 1e-15)))


@pytest.mark.parametrize("model", [LinearRegression(), Ridge(alpha=0, solver="svd")], ids=["least squares", "ridge, alpha = 0"])
def test_longley(model):
    model.fit(LONGLEY[:, 1:], LONGLEY[:, 0])
    assert digits(np.r_[model.intercept_, model.coef_], CERTIFIED_LONGLEY)[1] > 8.5


@pytest.mark.parametrize(("number", "least"), [(1, 7), (2, 7), (3, 7), (4, 6), (5, 5)])
def test_wampler(number, least):
    X, y, certified = wampler(number)
    assert digits(np.r_[(model := LinearRegression(tol=1e-14).fit(X, y)).intercept_, model.coef_], certified)[1] > least


def test_wamplers_noise_is_orthogonal_to_the_powers():
    """So the certified weights stay; a slip in a typed number would show."""
    powers = np.linspace(-1, 1, 21)[:, None] ** np.arange(6)
    assert np.abs(powers.T @ NOISE).max() < 1e-8 * np.abs(NOISE).sum()
