"""The pictures of a table's report, as SVG text: the same facts give the same bytes, so `verify` can compare them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "homespun", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9, "axes.titlesize": 10,
    "axes.titleweight": "bold", "axes.edgecolor": "#8a94a3", "axes.labelcolor": "#1d2530", "text.color": "#1d2530",
    "xtick.color": "#8a94a3", "ytick.color": "#8a94a3", "axes.spines.top": False, "axes.spines.right": False,
    "text.parse_math": False,  # a column may be called "$x_{$": names are no formulas
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
}
INK, SOFT, ACCENT, PALE, BAD = "#1d2530", "#8a94a3", "#1f5fbf", "#bcd3f5", "#b3261e"


def shortened(text: str, most: int) -> str:
    """A name that fits into a picture."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _drawn(draw: Callable, width: float, height: float, columns: int = 1, rows: int = 1) -> str:
    """An SVG of what `draw(axes)` paints; the same bytes each time."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots(rows, columns, squeeze=False)
        draw(axes)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :].strip()
    if width > 7:  # it would be too small to read on a phone
        svg = svg.replace("<svg", '<svg class="wide"', 1)
    return re.sub(r"\s+<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)


def _amounts(axis) -> None:
    """Ticks as people write amounts; no 1.25 between whole numbers."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:g}"))


def intervals(models: Sequence[tuple[str, float, float, float]], label: str) -> str:
    """The leaderboard, of (name, score, low, high): a dot and its interval for each model."""

    def draw(axes):
        ax = axes[0, 0]
        for i, (_, score, low, high) in enumerate(models):
            ax.plot([low, high], [i, i], color=PALE, linewidth=6, solid_capstyle="round")
            ax.plot([score], [i], "o", color=ACCENT if i == 0 else INK, markersize=6)
        ax.set_yticks(range(len(models)), [name for name, *_ in models])
        ax.set_ylim(len(models) - 0.5, -0.5)
        ax.set_xlabel(label)
        ax.grid(axis="x", color="#e6eaf0")
        ax.set_axisbelow(True)

    return _drawn(draw, 7.2, 0.6 + 0.34 * len(models))


def against_truth(truth: np.ndarray, prediction: np.ndarray, target: str, log: bool) -> str:
    """Predicted against true amounts, as counts of a grid, and the distribution of the errors."""

    def draw(axes):
        from matplotlib.ticker import MaxNLocator

        left, right = axes[0]
        x, y = (np.log10(1.0 + np.maximum(v, 0.0)) if log else v for v in (truth, prediction))
        low, high = (float(np.quantile(np.concatenate([x, y]), q)) for q in (0.002, 0.998))
        high = high if high > low else low + 1.0
        count, xs, ys = np.histogram2d(np.clip(x, low, high), np.clip(y, low, high), bins=44, range=[[low, high]] * 2)
        left.pcolormesh(xs, ys, np.ma.masked_equal(np.log1p(count.T), 0), cmap="Blues", vmin=-0.7, rasterized=False)
        left.plot([low, high], [low, high], color=BAD, linewidth=1)
        left.set_xlabel(f"true {shortened(target, 40)}" + (", log10" if log else ""))
        left.set_ylabel("predicted")
        for axis in (left.xaxis, left.yaxis, right.yaxis):
            _amounts(axis)
        left.set_title("Predicted against true")
        error = y - x
        cut = float(np.quantile(np.abs(error), 0.99)) or 1.0
        right.hist(np.clip(error, -cut, cut), bins=41, color=PALE, edgecolor=ACCENT, linewidth=0.4)
        right.axvline(0.0, color=BAD, linewidth=1)
        right.set_xlabel("predicted - true" + (", log10" if log else ""))
        right.set_ylabel("rows")
        right.xaxis.set_major_locator(MaxNLocator(5))
        _amounts(right.xaxis)
        right.set_title("Errors")

    return _drawn(draw, 8.2, 3.6, columns=2)


def two_classes(truth: np.ndarray, probability: np.ndarray, curves: dict) -> str:
    """ROC curve, precision against recall, calibration."""

    def draw(axes):
        roc, pr, cal = axes[0]
        roc.plot(curves["false_positive"], curves["true_positive"], color=ACCENT)
        roc.plot([0, 1], [0, 1], color=SOFT, linewidth=0.8, linestyle=":")
        roc.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC")
        pr.plot(curves["recall"], curves["precision"], color=ACCENT)
        pr.axhline(float(truth.mean()), color=SOFT, linewidth=0.8, linestyle=":")
        pr.set(xlabel="recall", ylabel="precision", title="Precision and recall", ylim=(0, 1.03))
        cal.plot([0, 1], [0, 1], color=SOFT, linewidth=0.8, linestyle=":")
        cal.plot(curves["said"], curves["seen"], "o-", color=ACCENT, markersize=4)
        cal.set(xlabel="said", ylabel="happened", title="Calibration")

    return _drawn(draw, 9.0, 3.0, columns=3)


def confusion(matrix: np.ndarray, names: Sequence[str]) -> str:
    """True classes in rows, predicted ones in columns; colours are shares of the row."""

    def draw(axes):
        ax = axes[0, 0]
        share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
        ax.imshow(share, cmap="Blues", vmin=0, vmax=1.2)
        for i in range(len(names)):
            for j in range(len(names)):
                colour = INK if share[i, j] < 0.65 else "white"
                ax.text(j, i, f"{matrix[i, j]:,}", ha="center", va="center", color=colour, fontsize=8)
        short = [shortened(name, 24) for name in names]
        turn = {"rotation": 30, "ha": "right"} if max(map(len, short)) > 6 else {}
        ax.set_xticks(range(len(names)), short, **turn)
        ax.set_yticks(range(len(names)), short)
        ax.set(xlabel="predicted", ylabel="true")
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)

    size = 1.6 + 0.55 * len(names)
    return _drawn(draw, max(size + 0.8, 3.6), max(size, 2.8))


def dependence(curves: Sequence[tuple[str, Sequence, Sequence[float]]], label: str) -> str:
    """Mean prediction as one feature moves: a line for numbers, bars for words."""

    def draw(axes):
        from matplotlib.ticker import MaxNLocator

        for ax, (name, places, values) in zip(axes.flat, curves):
            if len(places) and isinstance(places[0], str):
                ax.barh(range(len(places)), values, color=PALE, edgecolor=ACCENT, linewidth=0.5)
                ax.set_yticks(range(len(places)), [shortened(place, 18) for place in places])
                ax.invert_yaxis()
                ax.set_xlabel(label)
                ax.xaxis.set_major_locator(MaxNLocator(5))
                _amounts(ax.xaxis)
                low, high = min(values), max(values)
                ax.set_xlim(low - 0.25 * (high - low or 1.0), high + 0.05 * (high - low or 1.0))
            else:
                ax.plot(places, values, color=ACCENT)
                ax.plot(places, [min(values)] * len(places), "|", color=SOFT, markersize=6)
                ax.set_ylabel(label)
                ax.xaxis.set_major_locator(MaxNLocator(6, integer=all(place == int(place) for place in places)))
                _amounts(ax.xaxis)
                _amounts(ax.yaxis)
            ax.set_title(shortened(name, 34))
        for ax in axes.flat[len(curves) :]:
            ax.set_visible(False)

    rows = (len(curves) + 1) // 2
    return _drawn(draw, 8.2, 2.5 * rows, columns=2, rows=rows)


def over_time(starts: Sequence[str], score: Sequence[float], label: str) -> str:
    """The score of each stretch of time."""

    def draw(axes):
        ax = axes[0, 0]
        ax.plot(range(len(starts)), score, "o-", color=ACCENT, markersize=5)
        ax.set_xticks(range(len(starts)), starts)
        ax.set_ylabel(label)
        ax.grid(axis="y", color="#e6eaf0")
        ax.set_axisbelow(True)

    return _drawn(draw, 7.2, 2.6)
