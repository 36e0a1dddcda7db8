"""How good a clustering is: against known classes, or by the distances alone. Names and signatures are scikit-learn's."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "adjusted_mutual_info_score": "mutual_information",
    "adjusted_rand_score": "pairs_of_rows",
    "calinski_harabasz_score": "dispersion",
    "completeness_score": "mutual_information",
    "consensus_score": "biclusters",
    "contingency_matrix": "contingency",
    "davies_bouldin_score": "dispersion",
    "entropy": "mutual_information",
    "expected_mutual_information": "expected_information",
    "fowlkes_mallows_score": "pairs_of_rows",
    "homogeneity_completeness_v_measure": "mutual_information",
    "homogeneity_score": "mutual_information",
    "mutual_info_score": "mutual_information",
    "normalized_mutual_info_score": "mutual_information",
    "pair_confusion_matrix": "pairs_of_rows",
    "rand_score": "pairs_of_rows",
    "silhouette_samples": "silhouette",
    "silhouette_score": "silhouette",
    "v_measure_score": "mutual_information",
})
