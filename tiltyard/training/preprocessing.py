"""From the columns of a project to the numbers that an estimator takes, as one scikit-learn transformer.

What an estimator says about itself (scikit-learn's input tags) decides the form it gets: one that takes missing
values (trees) gets unscaled numbers and categories as codes; any other gets scaled numbers and one column per
frequent category. Missing numbers are imputed for all, with a column that says so: trees of scikit-learn
fail on a column that is all missing, and on missing values in a sparse matrix.
"""

from typing import Any, Final

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.utils import get_tags

from tiltyard.samples.numeric_bounds import Bounded
from tiltyard.samples.tokens import TOKEN
from tiltyard.schemas.project import Project
from tiltyard.training.tfidf import CompactTfidfVectorizer

RARE: Final = 5
"""A category seen fewer times than this is folded into one with the other rare ones, and with unseen ones."""

DENSE_WORDS: Final = 300
"""Words kept per text column for an estimator that takes no sparse matrix."""

Step = tuple[str, Any, Any]


def preprocessing(project: Project, estimator: Any) -> ColumnTransformer:
    """The unfitted transformer from a project's feature frame to the matrix that this estimator takes."""
    tags = get_tags(estimator).input_tags
    steps = _for_trees(project) if tags.allow_nan else _for_distances(project)
    steps += [(f"text {name}", _words(tags.sparse), name) for name in columns_of(project, "text")]
    kept = [step for step in steps if step[2]]
    return ColumnTransformer(kept, sparse_threshold=0.3 if tags.sparse else 0.0)


def columns_of(project: Project, *kinds: str) -> list[str]:
    """The feature columns of some kinds, by name: the order in the project file does not count for its hash."""
    return sorted(name for name, column in project.columns.features.items() if column.kind in kinds)


def only_text(project: Project) -> bool:
    """Whether models of this project learn from text columns alone."""
    return all(column.kind == "text" for column in project.columns.features.values())


def _numbers(project: Project) -> list[str]:
    """The columns that arrive as float64."""
    return columns_of(project, "number", "integer", "boolean", "timestamp")


def _for_trees(project: Project) -> list[Step]:
    """Numbers imputed; categories as codes, unseen ones as -1."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=RARE)
    return [("numbers", _imputed(), _numbers(project)), ("categories", codes, columns_of(project, "category"))]


def _for_distances(project: Project) -> list[Step]:
    """Numbers imputed and scaled; a column per frequent category."""
    # A column with almost no variance makes a large number out of a usual one.
    scaled = Pipeline([("impute", _imputed()), ("scale", StandardScaler()), ("bound", Bounded())])
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RARE)
    return [("numbers", scaled, _numbers(project)), ("categories", one_hot, columns_of(project, "category"))]


def _imputed() -> SimpleImputer:
    """The median in place of a missing number, 0 where all are missing, and a column that marks it."""
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


def _words(sparse: bool) -> Any:
    """TF-IDF of words and pairs with parts of words; the commonest words alone where the matrix is dense."""
    if not sparse:
        return CompactTfidfVectorizer(max_features=DENSE_WORDS, sublinear_tf=True, token_pattern=TOKEN)
    words = CompactTfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=TOKEN)
    parts = CompactTfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, max_features=50_000)
    return FeatureUnion([("words", words), ("parts", parts)])
