"""Edits of kernels that change no result, each with the reason: (file, part of the line, edits, reason).

A place may also say so itself, in a comment at the end of its line (see `homespun.testing.mutation`). What stands here must
be *equal*, not merely unnoticed: an edit that some data could tell is a survivor, and wants an example.
"""

import linecache

AGAIN = "a block does the next one's rows too, with the same result"
PADDING = "more groups than rows only pad"
SYMMETRIC = "the matrix is symmetric"
STOP = "more sweeps than needed change nothing"
TIE = "both sides of the comparison give the same where they are equal"
ITSELF = "the first is compared with itself"
BEYOND = "a step beyond the end is not taken"
PREFETCH = "it only asks the memory system"
TWICE = "the same cuts once more gain no more"

EQUAL = [
    ("kernels/binning.py", "min(X.shape[0], (block + 1) * size)", "1 → 2", AGAIN),
    ("kernels/distances.py", "min(scores.size, (block + 1) * PACK_BLOCK * columns)", "1 → 2", AGAIN),
    ("kernels/distances.py", "if i < n else 0.0", "0.0 → 1.0", "a padding row has an infinite score, whatever it holds"),
    ("kernels/distances.py", "tiles_in_cache = max(1,", "max → min; // → *; 1 → 2", "it says how long a panel stays in cache"),
    ("kernels/distances.py", "groups = (last - first + ROWS - 1) // ROWS", "- → +; // → *; 1 → 0", PADDING),
    ("kernels/distances.py", "if stored[i * columns + j] < heap_scores[r, 0]", "< → <=", "the proof decides about a tie"),
    ("kernels/distances.py", "min(queries.size, (block + 1) * QUERY_BLOCK)", "1 → 2", AGAIN),
    ("kernels/distances.py", "min(Q.shape[0], (block + 1) * QUERY_BLOCK)", "1 → 2", AGAIN),
    ("kernels/distances.py", "if p == 1.0:", "1.0 → 0", "the general power gives the same for p = 1, and p = 0 is refused"),
    ("kernels/distances.py", "if p != 1.0 and p != np.inf", "1.0 → 0", "the first root changes nothing, and p = 0 is refused"),
    ("kernels/distances.py", "g, i = (r - first) // ROWS, (r - first) % ROWS", "- → +", "first is a multiple of ROWS"),
    ("kernels/matmul.py", "(i - first) % ROWS", "- → +", "first is a multiple of ROWS"),
    ("kernels/matmul.py", "panels[at + j] = 0.0", "0.0 → 1.0", "what padding columns yield is not stored"),
    ("kernels/matmul.py", "flat = C.reshape(-1)", "1 → 2", "NumPy takes any negative size as the rest"),
    ("kernels/matmul.py", "groups = (last - first + ROWS - 1) // ROWS", "- → +; // → *; 1 → 0", PADDING),
    ("kernels/matmul.py", "if i0 + ROWS <= last and j0 + columns <= N", "<= → <; <= → >",
     "the way for edges stores whole tiles, too"),
    ("linear_model/centred_operators.py", "range(bounds[part], bounds[part + 1])", "+ → -",
     "index -1 is the last bound: part 0 does all rows, and the others, whose bounds ascend, none"),
    ("linear_model/dense_products.py", "while i + 4 <= stop", "<= → <; 4 → 5; <= → >",
     "the loop over single rows does what this one leaves"),
    ("linear_model/designs.py", "min(X.shape[0], (block + 1) * GATHER_ROWS)", "1 → 2", AGAIN),
    ("linear_model/moments.py", "height = min(height, -(-j1 // ROWS) * ROWS)", "// → *",
     "rows below the diagonal are packed, not read"),
    ("linear_model/logistic/proximal.py", "gradient[m] += H[j, m] * move", "[j, m] → [m, j]", SYMMETRIC),
    ("linear_model/logistic/proximal.py", "worst = 0.0", "0.0 → 1.0", STOP),
    ("linear_model/logistic/proximal.py", "if worst <= tol", "<= → <", STOP),
    ("linear_model/logistic/proximal.py", "break", "break → continue", STOP),
    ("linear_model/logistic/proximal.py", "there = target - threshold if target > threshold", "> → >=; < → <=", TIE),
    ("linear_model/working_set.py", "if z > l1", "> → >=", TIE),
    ("linear_model/working_set.py", "elif z < -l1 and not positive", "< → <=", TIE),
    ("linear_model/working_set.py", "q[i] -= step * G[j, i]", "[j, i] → [i, j]", SYMMETRIC),
    ("linear_model/working_set.py", "if largest > tol", "> → >=", STOP),
    ("tree/grow.py", "if (mean_left - mean_right) * signs[f] > 0", "* → /", "the sign is 1 or -1"),
    ("tree/grow.py", "first_side, sides, drawn = 0, 2 if missing > 0 else 1", "1 → 2; 2 → 3; > → >=", TWICE),
    ("tree/grow.py", "centre, rest = y[first, o] if pure", "y[first, o]: first → i", "all y are equal there"),
    ("tree/grow.py", "weight, slack = about[q, A_WEIGHT]", "about[q, A_WEIGHT]: A_WEIGHT → C_GAIN", "both constants are 0"),
    ("ensemble/forest_grow.py", "end = roots[t + 1] if t + 1", "+ → -; 1 → 0; 1 → 2", PREFETCH),
    ("ensemble/forest_grow.py", "if m * 64 > end - roots[t]", "> → <=; > → >=; * → /; - → +; 64 → 65", PREFETCH),
    ("ensemble/forest_grow.py", "for node in range(roots[t], end, 8)", "8 → 9", PREFETCH),
    ("tree/grow.py", "middle = 0.0", "0.0 → 1.0", "the middle is read only where the feature is monotone"),
    ("tree/structure.py", "while left[node] >= 0", ">= → >; 0 → 1", "no child is node 0, the root, and 1 is the first one"),
    ("ensemble/forest_grow.py", "n_nodes, min_weight, whole_weight = 1, 1, 0.0, 0.0", "0.0 → 1.0", "set at the root before use"),
    ("ensemble/forest_grow.py", "i = guide[(at * parts) >> 32]", "32 → 33", "from an earlier row the search takes longer"),
    ("ensemble/forest_grow.py", "else spread(part, 1.0)", "1.0 → 2.0", "what is linear in the weights cancels in a gain"),
    ("ensemble/forest_grow.py", "for side in range(2 if missing > 0 else 1)", "1 → 2; 2 → 3; > → >=", TWICE),
    ("ensemble/forest_grow.py", "if end - begin <= SMALL", "<= → <; - → +", "both ways of counting give the same"),
    ("vision/sampling.py", "min(max(y, -1.0), height)", "1.0 → 2.0", "beyond the border all is fill, one pixel or two"),
]


def is_equal(file: str, line: int, edit: str) -> bool:
    """Whether the edit of that line of that file is listed above."""
    text = linecache.getline(file, line)
    return any(file.endswith(where) and part in text and edit in edits.split("; ") for where, part, edits, _ in EQUAL)
