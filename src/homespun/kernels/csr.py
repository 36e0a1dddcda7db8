"""The three arrays of a sparse matrix as kernels take them: both index arrays of one type, so that signatures are few."""

from __future__ import annotations

import numpy as np


def csr_parts(X):
    """Values, columns and row starts of a CSR matrix (of a CSC one: rows and column starts); int32 unless one needs int64."""
    index = np.int64 if X.indptr.dtype == np.int64 or X.indices.dtype == np.int64 else np.int32
    return X.data, X.indices.astype(index, copy=False), X.indptr.astype(index, copy=False)
