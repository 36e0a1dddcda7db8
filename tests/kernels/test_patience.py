"""A parallel region that had to wait is followed by ones that run alone, on this thread only, with the same result."""

import numba
import numpy as np
import pytest

from homespun.ensemble import HistGradientBoostingClassifier
from homespun.ensemble.hist_gradient_boosting import partition, splitting
from homespun.kernels import patience
from homespun.kernels.kernel import Kernel
from homespun.kernels.patience import LATE, LEAST, LONGEST, MOST, Patience

compiled = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="kernels are plain Python: no pool, nothing to wait for")


class Region:
    """Stands for a parallel kernel: takes the time it is told to, and notes how many threads it may use."""

    overloads = {"compiled": True}

    def __init__(self, monkeypatch):
        self.now, self.takes, self.threads = 0.0, 0.0, []
        monkeypatch.setattr(patience.time, "perf_counter", lambda: self.now)

    def __call__(self, takes):
        self.threads.append(numba.get_num_threads())
        self.now += takes


@pytest.fixture
def two_threads():
    before = numba.get_num_threads()
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("one processor")
    numba.set_num_threads(2)
    yield
    numba.set_num_threads(before)


@compiled
def test_after_a_wait_regions_run_alone_until_the_debt_is_paid(monkeypatch, two_threads):
    region, patience_ = Region(monkeypatch), Patience()
    run = lambda takes: patience_.run(lambda: 0.05, region, takes)  # noqa: E731 - one thread takes 50 ms
    run(0.05 + LATE / 2)
    assert patience_.debt == 0.0
    run(0.09)  # 40 ms too long
    assert patience_.debt == pytest.approx(LEAST * 0.04)
    for _ in range(3):
        run(0.03)
    assert region.threads == [2, 2, 1, 1, 1] and numba.get_num_threads() == 2
    run(0.09)  # waits again: four times as patient
    assert region.threads[-1] == 2 and patience_.debt == pytest.approx(4 * LEAST * 0.04)
    for _ in range(5):
        patience_.debt = 0.0
        run(0.09)
    assert patience_.debt == pytest.approx(MOST * 0.04)
    patience_.debt = 0.0
    for _ in range(9):
        run(0.01)
    assert patience_.factor == LEAST and region.threads[-9:] == [2] * 9


@compiled
def test_a_process_that_was_stopped_is_soon_itself_again(monkeypatch):
    region, patience_ = Region(monkeypatch), Patience()
    patience_.run(lambda: 0.0, region, 3600.0)
    assert patience_.debt == pytest.approx(LEAST * LONGEST)


@compiled
def test_compiling_is_not_waiting(monkeypatch):
    region, patience_ = Region(monkeypatch), Patience()
    region.overloads = {}
    patience_.run(lambda: 0.0, region, 2.0)
    assert patience_.debt == 0.0


@compiled
def test_threads_come_back_after_an_error(two_threads):
    def fails():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        patience.alone(fails)
    assert numba.get_num_threads() == 2


def test_plain_python_knows_no_pool(monkeypatch):
    monkeypatch.setattr(Kernel, "plain", True)
    region, patience_ = Region(monkeypatch), Patience()
    patience_.debt = 1.0
    patience_.run(lambda: 0.0, region, 5.0)
    assert patience_.debt == 1.0


@pytest.mark.parametrize("rows", (2000, 70_000))  # exact sums in one shard; packed ones in four
def test_boosting_alone_or_together_is_the_same(monkeypatch, rows):
    if numba.config.DISABLE_JIT and rows > 2000:
        pytest.skip("takes minutes as plain Python")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 12))
    y = X[:, 0] + X[:, 1] * X[:, 2] > rng.normal(size=rows)
    answers, left = [], []
    pool = splitting._Pool()
    pool.at_hand = True
    monkeypatch.setattr(splitting, "_POOL", pool)
    for debt in (0.0, np.inf):
        mine = Patience()
        mine.debt = debt
        for module in (splitting, partition):
            monkeypatch.setattr(module, "PATIENCE", mine)
        answers.append(HistGradientBoostingClassifier(max_iter=3, early_stopping=False).fit(X, y).predict_proba(X))
        left.append(mine.debt)
    np.testing.assert_array_equal(*answers)
    assert left[1] == np.inf
