"""Validation of a loaded model before its first prediction.

Compiled code follows the indices of a tree without checks: a child index without a node, or a feature index beyond the
columns, reads foreign memory or loops endlessly. Here it raises an error with a reason.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ENSEMBLES: Final = ("sklearn.ensemble._forest", "sklearn.ensemble._gb")
"""Where a whole checks the rows once, and its trees are asked without another look."""
PLAIN: Final = (str, int, float, bytes, bytearray, complex, type(None), np.generic, type)

NO_TABLE: Final = "it asks for a table that is not there"
NO_ROWS: Final = "it names rows that are not there"
NO_NODES: Final = "it has other nodes than it says"


def refuse_unsound(model: Any) -> None:
    """Raise ValueError where a tree or a search tree in a model points beyond itself.

    Looked at are scikit-learn's decision trees, those of its histogram gradient boosting, and its ball and k-d trees,
    wherever they are in the model.
    """
    for part, features, owner in _parts(model):
        kind = type(part).__name__
        if kind == "Tree" and type(part).__module__ == "sklearn.tree._tree":
            _refuse_tree(part, features)
        elif kind == "TreePredictor":
            _refuse_predictor(part, features, owner)
        elif kind.startswith(("KDTree", "BallTree")):
            _refuse_search_tree(part)


def _parts(model: Any) -> Iterator[tuple[Any, int | None, Any]]:
    """Every object in a model, with the number of columns of the object that calls it, and that object."""
    seen: set[int] = set()
    waiting: list[tuple[Any, int | None, Any]] = [(model, None, None)]
    while waiting:
        part, features, owner = waiting.pop()
        if id(part) in seen or isinstance(part, PLAIN):
            continue
        seen.add(id(part))
        inner = list(_inner(part))
        own = getattr(part, "n_features_in_", None)
        if isinstance(own, int | np.integer) and not type(owner).__module__.startswith(ENSEMBLES):
            features, owner = int(own), part
        yield part, features, owner
        waiting += [(one, features, owner) for one in inner]


def _inner(part: Any) -> Iterator[Any]:
    """What an object holds, where that may be or hold an object of interest."""
    if isinstance(part, np.ndarray):
        return iter(part.ravel().tolist() if part.dtype == object else ())
    if isinstance(part, dict):
        # A vocabulary has tens of thousands of words.
        return (one for one in chain(part.keys(), part.values()) if not isinstance(one, PLAIN))
    if isinstance(part, list | tuple | set | frozenset):
        return iter(part)
    return iter(vars(part).values() if hasattr(part, "__dict__") else ())


def _refuse_tree(tree: Any, features: int | None) -> None:
    """Raise where one of scikit-learn's decision trees is not sound."""
    # First of all: the arrays below are as long as the tree says it is.
    _demand(0 < tree.node_count <= tree.capacity, NO_NODES)
    _demand(features is None or tree.n_features == features, "it is of other columns")
    left, right = np.asarray(tree.children_left), np.asarray(tree.children_right)
    inner = left != -1
    _demand(bool((right[~inner] == -1).all()), "it has a leaf with a child")
    _refuse_children(left, right, inner)
    _refuse_columns(np.asarray(tree.feature)[inner], tree.n_features)


def _refuse_predictor(predictor: Any, features: int | None, owner: Any) -> None:
    """Raise where a tree of histogram gradient boosting is not sound."""
    nodes = predictor.nodes
    _demand(isinstance(nodes, np.ndarray) and nodes.ndim == 1 and len(nodes) > 0, "it has no nodes")
    inner = nodes["is_leaf"] == 0
    _refuse_children(nodes["left"].astype(np.int64), nodes["right"].astype(np.int64), inner)
    _demand(features is not None, "nobody says how many columns it takes")
    _refuse_columns(nodes["feature_idx"][inner], features or 0)
    by_category = inner & (nodes["is_categorical"] != 0)
    if by_category.any():
        tables, mapper = predictor.raw_left_cat_bitsets, getattr(owner, "_bin_mapper", None)
        sound = tables.ndim == 2 and tables.shape[1] == 8 and nodes["bitset_idx"][by_category].max() < len(tables)
        _demand(sound and len(getattr(mapper, "is_categorical_", ())) == features, NO_TABLE)


def _refuse_search_tree(tree: Any) -> None:
    """Raise where a ball tree or a k-d tree is not sound."""
    rows, order, nodes, bounds = (np.asarray(part) for part in tree.get_arrays())
    _demand(len(order) == len(rows) and bool(((order >= 0) & (order < len(rows))).all()), NO_ROWS)
    starts, ends = nodes["idx_start"], nodes["idx_end"]
    _demand(bool(((starts >= 0) & (starts <= ends) & (ends <= len(rows))).all()), NO_ROWS)
    levels, count = tree.__getstate__()[5:7]
    _demand(count == len(nodes) == bounds.shape[1] == 2**levels - 1, NO_NODES)
    place = np.arange(len(nodes))
    leaf = nodes["is_leaf"] != 0
    _demand(bool((leaf | (2 * place + 2 < len(nodes))).all()), "it has a child index without a node")


def _refuse_children(left: NDArray[np.int64], right: NDArray[np.int64], inner: NDArray[np.bool_]) -> None:
    """Raise if an inner node's child is missing or does not come after it: a row would then loop."""
    place = np.arange(len(left))[inner]
    for children in (left[inner], right[inner]):
        _demand(bool(((children > place) & (children < len(left))).all()), "it has a child index without a later node")


def _refuse_columns(asked: NDArray[Any], features: int) -> None:
    """Raise where a node asks for a column that no row has."""
    _demand(bool(((asked >= 0) & (asked < features)).all()), "it asks for a column that is not there")


def _demand(sound: bool, otherwise: str) -> None:
    """Raise unless something holds."""
    if not sound:
        raise ValueError(f"a tree in the model is damaged: {otherwise}")
