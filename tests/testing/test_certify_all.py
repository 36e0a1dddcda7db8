"""Every estimator of the house keeps every promise; scikit-learn's checks have a test of their own, test_check_estimator."""

import os

import pytest

from homespun.testing import checks
from homespun.testing.certificate import certify
from homespun.testing.discovery import all_estimators

PROMISES = [check.name for check in checks.CHECKS if check.name != "scikit-learn"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name, cls", all_estimators(), ids=[name for name, _ in all_estimators()])
def test_certificate(name, cls):
    certificate = certify(cls, only=PROMISES, show=False)
    assert certificate.passed, str(certificate)


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="about compiled code")
def test_promises_are_not_all_waived():
    """Each promise applies to some estimator."""
    applying = set()
    for name, cls in all_estimators():
        if name in ("LogisticRegression", "StandardScaler", "RandomForestRegressor"):
            applying |= {one.name for one in certify(cls, only=PROMISES, show=False).checks if one.outcome == "passed"}
    assert applying == set(PROMISES)
