"""The table of jobs: every estimator is in it or excused, and on tiny data ours agrees with every peer of its row."""

import importlib.util
import warnings

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from benchmarks import data, jobs
from homespun.testing import all_estimators

# One outcome by one formula: here the outcomes themselves must agree, not only their quality.
SAME_OUTCOME = {"least squares": 1e-8, "ridge": 1e-6, "ridge, sparse text": 1e-2, "nearest neighbours": 0}
CASES = [pytest.param(job, peer, id=f"{job.name}-{peer.name}".replace(" ", "_")) for job in jobs.JOBS for peer in job.peers]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Tiny data on a busy machine: OpenMP threads of several libraries would wait for each other most of the time."""
    monkeypatch.setattr(jobs, "THREADS", 1)


def outcome_of(job, side, made):
    if side is job.ours:
        return side.outcome(side.fit(made), made)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # what a peer warns of is the peer's affair
        return side.outcome(side.fit(made), made)


@pytest.fixture(scope="module")
def ours():
    """Data, outcome and quality of our side of each job, once."""
    known = {}

    def get(job):
        if job.name not in known:
            made = job.make(**job.tiny)
            outcome = outcome_of(job, job.ours, made)
            known[job.name] = made, outcome, job.quality.measure(outcome, made)
        return known[job.name]

    return get


@pytest.mark.parametrize(("job", "peer"), CASES)
def test_ours_is_as_good_as_the_peer(job, peer, ours):
    if importlib.util.find_spec(peer.needs) is None:
        pytest.skip(f"{peer.needs} is not installed")
    made, outcome, quality = ours(job)
    try:
        theirs = outcome_of(job, peer, made)
    except ModuleNotFoundError as error:  # what the peer needs beside itself
        pytest.skip(f"{error.name} is not installed")
    assert outcome.shape == theirs.shape
    # tiny data: small forests and boosted models differ by chance more than on the size that is measured
    slack = 0.03 if job.make is data.interactions else 0
    their_quality = job.quality.measure(theirs, made)
    better = max if job.quality.higher else min
    assert job.quality.as_good(quality + slack, better(their_quality, quality)), (quality, their_quality)
    if job.quality.higher:
        assert quality > 0.6
    if job.name in SAME_OUTCOME:
        np.testing.assert_allclose(outcome, theirs, rtol=SAME_OUTCOME[job.name], atol=SAME_OUTCOME[job.name])


def test_every_estimator_is_measured_or_excused():
    names = {name for name, _ in all_estimators()}
    measured = {name for job in jobs.JOBS for name in job.estimators}
    assert names - measured - set(jobs.EXCLUDED) == set(), "add a job, or a reason to benchmarks.jobs.EXCLUDED"
    assert measured & set(jobs.EXCLUDED) == set()
    assert (measured | set(jobs.EXCLUDED)) - names == set(), "these no longer exist"
    assert all(len(reason) > 20 for reason in jobs.EXCLUDED.values())


def test_the_audit_notices_a_new_estimator(monkeypatch):
    monkeypatch.setitem(jobs.EXCLUDED, "Nobody", "an estimator that does not exist at all")
    with pytest.raises(AssertionError):
        test_every_estimator_is_measured_or_excused()


def test_goals_name_steps_that_are_measured():
    for job in jobs.JOBS:
        for peer in job.peers:
            assert set(peer.goals) <= set(job.steps), (job.name, peer.name)
    assert len({job.name for job in jobs.JOBS}) == len(jobs.JOBS)


def test_quality_judges_by_its_direction():
    score = jobs.Quality("AUC", jobs.area_under_curve, within=0.01)
    assert score.as_good(0.795, 0.80) and not score.as_good(0.78, 0.80)
    objective = jobs.Quality("objective", jobs.ridge_objective, higher=False, within=0.01)
    assert objective.as_good(101, 100.5) and not objective.as_good(102, 100)


@pytest.mark.parametrize("job", jobs.JOBS, ids=lambda job: job.name.replace(" ", "_"))
def test_data_is_the_same_every_time(job):
    first, second = job.make(**job.tiny), job.make(**job.tiny)
    for name, values in first.items():
        left, right = (part.toarray() if hasattr(part, "toarray") else part for part in (values, second[name]))
        np.testing.assert_array_equal(left, right)


def test_texts_are_sparse_rows_of_length_one():
    X = data.texts(200, 1_000)["X"]
    assert X.nnz < 0.15 * 200 * 1_000
    np.testing.assert_allclose(np.asarray(X.multiply(X).sum(axis=1)).ravel(), 1)
