"""`certify`: an estimator against everything that this house promises, with the smallest data that shows a broken promise.

    certificate = certify(Ridge)         or  certify_target("my_model.py:MyModel")
    print(certificate)                   a table: check, outcome, what was compared or why it failed
    certificate.report("ridge.html")     the same as a page that needs nothing else

When a check fails, rows and then columns are taken away, half, a quarter, …, one at a time, for as long as it keeps
failing in the same way (Zeller & Hildebrandt 2002, "Simplifying and isolating failure-inducing input", ddmin without
complements). What is left is printed as code. The checks themselves are in `checks`.
"""

from __future__ import annotations

import html
import inspect
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from homespun.base.errors import ParameterError, did_you_mean
from homespun.base.progress import progress

PASSED, FAILED, NOT_APPLICABLE = "passed", "failed", "not applicable"


@dataclass
class Result:
    """The outcome of one check.

    Attributes
    ----------
    name, promise : str
        What was checked, and what it promises.
    outcome : {"passed", "failed", "not applicable"}
    reason : str
        What was compared; or what went wrong; or why it does not apply.
    example : str or None
        The smallest data found that shows a failure, as Python source.
    fix : str or None
        What to change, for a failure.
    seconds : float
    """

    name: str
    promise: str
    outcome: str
    reason: str
    example: str | None = None
    fix: str | None = None
    seconds: float = 0.0


@dataclass
class Certificate:
    """What `certify` found. True in a condition if everything that applies passed."""

    name: str
    kind: str
    checks: list[Result] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Every check that applies passed, and at least one did."""
        return all(one.outcome != FAILED for one in self.checks) and any(one.outcome == PASSED for one in self.checks)

    def __bool__(self):
        return self.passed

    def __str__(self):
        width = max([len(one.name) for one in self.checks], default=0)
        marks = {PASSED: "ok", FAILED: "FAILED", NOT_APPLICABLE: "–"}
        lines = [f"{self.name} ({self.kind}): {self.summary()}"]
        for one in self.checks:
            lines.append(f"  {one.name:<{width}}  {marks[one.outcome]:<6}  {one.reason}")
            if one.outcome == FAILED:
                lines.append(f"  {'':<{width}}          promise: {one.promise}")
                lines.append(f"  {'':<{width}}          to fix:  {one.fix}")
                if one.example:
                    lines.append(f"  {'':<{width}}          smallest data found:")
                    lines += [f"  {'':<{width}}            {line}" for line in one.example.splitlines()]
        return "\n".join(lines)

    def summary(self) -> str:
        count = {outcome: sum(one.outcome == outcome for one in self.checks) for outcome in (PASSED, FAILED, NOT_APPLICABLE)}
        parts = [f"{count[outcome]} {outcome}" for outcome in (PASSED, FAILED, NOT_APPLICABLE) if count[outcome]]
        return ("certified, " if self.passed else "not certified, ") + ", ".join(parts)

    def report(self, path) -> Path:
        """Write the certificate as one HTML page that needs nothing else; returns its path."""
        rows = "\n".join(_row(one) for one in self.checks)
        page = PAGE.replace("$name", html.escape(self.name)).replace("$kind", html.escape(self.kind)) \
                   .replace("$summary", html.escape(self.summary())).replace("$rows", rows) \
                   .replace("$state", "good" if self.passed else "bad")
        Path(path).write_text(page, encoding="utf-8")
        return Path(path)


def certify(subject, *, only=None, random_state: int = 0, shrink_seconds: float = 5.0, show: bool | None = None) -> Certificate:
    """Check an estimator against everything that this house promises.

    Parameters
    ----------
    subject : class or instance
        A class is made with its defaults (the quick ones of `testing.example_of` for our own).
    only : list of str, optional
        Names of the checks to run; all by default.
    random_state : int
        Seed of the data.
    shrink_seconds : float
        Time for making the data of each failure smaller.
    show : bool, optional
        A progress bar on stderr; by default after two seconds.

    Returns
    -------
    Certificate

    Raises
    ------
    ParameterError
        `subject` is no estimator, cannot be made without arguments, or `only` names an unknown check.

    Examples
    --------
    >>> from homespun.testing import certify
    >>> from homespun.linear_model import Ridge
    >>> certify(Ridge, only=["row order"]).passed
    True
    """
    from homespun.testing import checks

    chosen = _chosen(checks.CHECKS, only)
    estimator = _instance(subject)
    certificate = Certificate(type(estimator).__name__, checks.kind_of(estimator))
    try:
        case = checks.case_for(estimator, random_state)
    except checks.NotApplicable as reason:
        certificate.checks = [Result(one.name, one.promise, NOT_APPLICABLE, str(reason)) for one in chosen]
        return certificate
    for one in progress(chosen, label=f"certify {certificate.name}", show=show):
        certificate.checks.append(_run(one, case, shrink_seconds))
    return certificate


def certify_target(target: str, report=None, **options) -> Certificate:
    """`certify` for ``"my_model.py:MyModel"`` or the name of one of our estimators; writes a page to `report` if given."""
    from homespun.testing.discovery import all_estimators
    from homespun.testing.user_code import load_class

    if ".py" in target:
        subject = load_class(target)
    else:
        known = dict(all_estimators())
        if target not in known:
            near = did_you_mean(target, known)
            raise ParameterError(f"certify: {target!r} is neither FILE.py:CLASS nor one of our estimators"
                                 + (f"; {near}" if near else ""), operation="certify", operands={"target": target},
                                 rule="FILE.py:CLASS or an estimator", suggestion=near)
        subject = known[target]
    certificate = certify(subject, **options)
    if report is not None:
        certificate.report(report)
    return certificate


def _chosen(known, only):
    if only is None:
        return known
    names = [one.name for one in known]
    for name in only:
        if name not in names:
            near = did_you_mean(name, names)
            raise ParameterError(f"certify: there is no check {name!r}; " + (near or f"there are: {', '.join(names)}"),
                                 operation="certify", operands={"only": name}, rule="the name of a check", suggestion=near)
    return [one for one in known if one.name in only]


def _instance(subject):
    from homespun.testing.discovery import example_of

    if not callable(getattr(subject, "fit", None)) or not callable(getattr(subject, "get_params", None)):
        raise ParameterError(f"certify: {subject!r} is no estimator: it needs fit and get_params (inherit "
                             f"homespun.base.estimator.Estimator)", operation="certify", operands={"subject": subject},
                             rule="an estimator")
    if not inspect.isclass(subject):
        return subject
    try:
        return example_of(subject)
    except (Exception, SystemExit) as error:
        why = error if isinstance(error, TypeError) else f"{type(error).__name__}: {error}"
        raise ParameterError(f"certify: {subject.__name__} cannot be made without arguments ({why}); "
                             f"pass an instance", operation="certify", operands={"subject": subject.__name__},
                             rule="a class with defaults, or an instance") from None


def _run(one, case, shrink_seconds) -> Result:
    from homespun.testing.checks import NotApplicable

    start = time.perf_counter()
    try:
        reason = one.run(case)
        result = Result(one.name, one.promise, PASSED, reason)
    except NotApplicable as why:
        result = Result(one.name, one.promise, NOT_APPLICABLE, str(why))
    except (Exception, SystemExit) as error:  # a class under trial may not end the trial
        small = _shrink(one, case, type(error), time.perf_counter() + shrink_seconds) if one.shrinks else None
        result = Result(one.name, one.promise, FAILED, _words(error), None if small is None else small.text(), one.fix)
    result.seconds = time.perf_counter() - start
    return result


def _words(error) -> str:
    from homespun.testing.checks import Broken

    if isinstance(error, SystemExit):
        return f"it ends the whole program: SystemExit({error.code!r})"
    return str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {str(error).strip()[:300]}"


def _shrink(one, case, kind, until):
    """The smallest case found on which the check still fails with an error of the same `kind`."""

    def fails(candidate):
        if time.perf_counter() > until:
            return False
        try:
            one.run(candidate)
        except (Exception, SystemExit) as error:
            return type(error) is kind
        return False

    for size, pick in ((lambda c: len(c.X), lambda c, keep: c.rows(keep)),
                       (lambda c: c.X.shape[1], lambda c, keep: c.columns(keep))):
        chunk = size(case) // 2
        while chunk:
            start = 0
            while start < size(case) and size(case) > 1:
                keep = np.delete(np.arange(size(case)), slice(start, start + chunk))
                candidate = pick(case, keep) if len(keep) else None
                if candidate is not None and fails(candidate):
                    case = candidate
                else:
                    start += chunk
            chunk //= 2
    return _rounded(case, fails)


def _rounded(case, fails):
    """The same case with shorter numbers, if it still fails."""
    for digits in (0, 1, 2):
        candidate = replace(case, X=np.round(case.X, digits))
        if case.y is not None and case.y.dtype.kind == "f":
            candidate = replace(candidate, y=np.round(case.y, digits))
        if fails(candidate):
            return candidate
    return case


def _row(one: Result) -> str:
    more = ""
    if one.outcome == FAILED:
        more = f"<p>To fix: {html.escape(one.fix or '')}.</p>"
        if one.example:
            more += f"<p>The smallest data found that shows it:</p><pre>{html.escape(one.example)}</pre>"
    css = {PASSED: "good", FAILED: "bad", NOT_APPLICABLE: "none"}[one.outcome]
    return (f'<tr class="{css}"><th scope="row">{html.escape(one.name)}<p>{html.escape(one.promise)}</p></th>'
            f"<td>{one.outcome}</td><td>{html.escape(one.reason)}{more}</td><td>{one.seconds:.2f} s</td></tr>")


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Certificate of $name</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .5rem; }
td:last-child, th:last-child { white-space: nowrap; }
tr { border-top: 1px solid #8886; } th p { font-weight: normal; font-size: .85rem; margin: 0; opacity: .75; }
pre { overflow-x: auto; padding: .5rem; background: #8882; }
.good td:nth-child(2), h1.good span { color: #1a7f37; } .bad td:nth-child(2), h1.bad span { color: #cf222e; }
.none { opacity: .65; }
</style></head><body>
<h1 class="$state">$name <span>$summary</span></h1>
<p>A $kind, checked by homespun: each row is one promise.</p>
<table><thead><tr><th>promise</th><th>outcome</th><th>what was seen</th><th>time</th></tr></thead><tbody>
$rows
</tbody></table></body></html>
"""
