"""The start of an estimator (`new_file`) and the way a user's class comes in (`load_class`)."""

import pickle
import sys

import numpy as np
import pytest

from homespun.errors import DataError, ParameterError
from homespun.testing.user_code import load_class, load_module, new_file


def test_a_new_file_holds_a_class_named_after_it_that_works(tmp_path):
    path = new_file(tmp_path / "price_model.py")
    cls = load_class(f"{path}:PriceModel")
    X = np.array([[0.0], [1.0], [2.0]])
    model = cls(alpha=0.0).fit(X, [1.0, 3.0, 5.0])
    np.testing.assert_allclose(model.predict(X), [1.0, 3.0, 5.0])
    assert 30 <= len(path.read_text().splitlines()) <= 50
    assert "homespun certify price_model.py:PriceModel" in path.read_text()
    assert "$" not in path.read_text()


def test_an_existing_file_is_left_as_it_is(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("precious = 1\n")
    with pytest.raises(ParameterError, match=r"mine\.py' exists already"):
        new_file(path)
    assert path.read_text() == "precious = 1\n"


@pytest.mark.parametrize("name, suggestion", [("my-model.py", "my_model.py"), ("my_model", "my_model.py")])
def test_a_name_that_python_cannot_import(tmp_path, name, suggestion):
    with pytest.raises(ParameterError) as caught:
        new_file(tmp_path / name)
    assert name in str(caught.value) and caught.value.suggestion == suggestion
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["class.py", "2fast.py"])
def test_a_keyword_or_number_is_no_name(tmp_path, name):
    with pytest.raises(ParameterError, match=name) as caught:
        new_file(tmp_path / name)
    assert new_file(tmp_path / caught.value.suggestion).exists()  # a suggestion fits


def test_a_missing_folder(tmp_path):
    with pytest.raises(ParameterError, match="no folder"):
        new_file(tmp_path / "nowhere" / "model.py")


def test_the_only_class_needs_no_name(tmp_path):
    path = new_file(tmp_path / "solo.py")
    assert load_class(str(path)).__name__ == "Solo"


def test_imported_classes_are_not_the_files_own(tmp_path):
    path = tmp_path / "borrows.py"
    path.write_text("from sklearn.linear_model import Ridge\n")
    with pytest.raises(ParameterError, match=r"defines no class 'Ridge'.*it defines: none"):
        load_class(f"{path}:Ridge")


def test_a_missing_file_suggests_a_near_one(tmp_path):
    new_file(tmp_path / "my_model.py")
    with pytest.raises(ParameterError) as caught:
        load_class(f"{tmp_path / 'my_mode.py'}:MyModel")
    assert "my_mode.py" in str(caught.value) and "my_model.py" in caught.value.suggestion


def test_a_missing_class_suggests_a_near_one(tmp_path):
    path = new_file(tmp_path / "my_model.py")
    with pytest.raises(ParameterError) as caught:
        load_class(f"{path}:MyMode")
    assert caught.value.suggestion == "did you mean 'MyModel'?"


def test_several_classes_need_a_name(tmp_path):
    path = tmp_path / "two.py"
    path.write_text("class A:\n    def fit(self): pass\nclass B:\n    def fit(self): pass\n")
    with pytest.raises(ParameterError, match=r"2 classes with a fit method \(A, B\)"):
        load_class(str(path))


def test_a_syntax_error_names_its_line(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("x = 1\ndef f(:\n")
    with pytest.raises(DataError) as caught:
        load_class(f"{path}:F")
    assert "broken.py, line 2" in str(caught.value) and caught.value.where.endswith(":2")


def test_an_error_while_importing_names_its_line_and_leaves_no_module(tmp_path):
    path = tmp_path / "fails.py"
    path.write_text("x = 1\n\ny = x / 0\n")
    before = set(sys.modules)
    with pytest.raises(DataError, match=r"fails\.py, line 3: ZeroDivisionError: division by zero"):
        load_class(f"{path}:F")
    assert not [name for name in set(sys.modules) - before if "fails" in name]


def test_a_script_that_exits_ends_in_words(tmp_path):
    path = tmp_path / "script.py"
    path.write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(DataError, match=r"script.py, line 2: SystemExit: 3") as caught:
        load_class(str(path))
    assert caught.value.where == f"{path}:2" and not [name for name in sys.modules if name.startswith("homespun_code_script_")]


def test_not_a_python_file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n")
    with pytest.raises(ParameterError, match=r"must end in \.py"):
        load_module(path)


def test_instances_can_be_pickled_and_a_changed_file_is_loaded_anew(tmp_path):
    path = new_file(tmp_path / "again.py")
    first = load_class(str(path))
    assert load_class(str(path)) is first
    assert pickle.loads(pickle.dumps(first(alpha=2.0))).alpha == 2.0
    path.write_text(path.read_text().replace("alpha=1.0", "alpha=9.0"))
    assert load_class(str(path))().alpha == 9.0
