"""Ours against theirs: one table (`jobs`), measured by `python -m benchmarks.run`, published as RESULTS.md."""
