"""The parts of an exported model: plain NumPy, tested here, and copied as text into the file that `export_python` writes.

A model is a dictionary, its `run` names one of the functions here, and ``run(spec, X)`` is what the fitted estimator did with
X. X is a matrix (n, d) or a table {column: values}. Transformers give a matrix; models give ``{"predict": …}``, classifiers
``"predict_proba"`` too. These files import NumPy, the standard library and each other, nothing else.
"""
