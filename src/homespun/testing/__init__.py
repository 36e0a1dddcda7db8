"""Floor 4: proofs that anybody can run. `all_estimators` finds, `certify` checks, `step` walks through, `mutation` doubts."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "Certificate": "certificate", "certify": "certificate", "certify_target": "certificate",
    "all_estimators": "discovery", "example_of": "discovery", "import_all": "discovery",
    "load_class": "user_code", "new_file": "user_code",
    "step": "stepping", "step_target": "stepping",
})
