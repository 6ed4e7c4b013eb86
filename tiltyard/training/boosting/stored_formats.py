"""Validation of stored boosting models before their library reads them.

The libraries trust a model file: a child index without a node, or a feature index beyond the columns, crashes the
process or reads foreign memory. Here it raises an error with a reason.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

END: Final = "\nend of trees"
NODES: Final = ("split_indices", "split_conditions", "default_left", "base_weights", "sum_hessian", "loss_changes")
WHOLE: Final = ("split_feature", "left_child", "right_child", "decision_type")


def refuse_unsound_lightgbm(content: bytes, features: int, classes: int) -> None:
    """Raise ValueError where a LightGBM text is not one that its library can read and ask safely.

    ``features`` and ``classes`` are those of the model that it is in. Nothing is executed.
    """
    head, *trees = content.decode("utf-8").partition(END)[0].split("\nTree=")
    facts = _facts(head)
    sizes = [int(size) for size in facts.get("tree_sizes", "").split()]
    outputs = 1 if classes == 2 else classes
    _demand(END in content.decode("utf-8"), "it ends before its trees do")
    _demand(facts.get("num_class") == str(outputs), "it is of other classes")
    _demand(facts.get("num_tree_per_iteration") == str(outputs), "it has other trees a round")
    _demand(facts.get("max_feature_idx") == str(features - 1), "it is of other columns")
    _demand(len(trees) == len(sizes) and len(trees) % outputs == 0, "trees are missing")
    for number, (tree, size) in enumerate(zip(trees, sizes, strict=True)):
        _demand(tree.startswith(f"{number}\n"), f"tree {number} is not where it should be")
        # The library goes from tree to tree by these sizes; each block ends with the line break before the next.
        _demand(len(f"Tree={tree}\n".encode()) == size, f"tree {number} is not as long as it says")
        _refuse_unsound_tree(_facts(tree), features, number)


def refuse_unsound_xgboost(content: bytes, features: int, classes: int) -> None:
    """The same for XGBoost's JSON; ``dart`` and ``gbtree`` alike. A linear booster has no nodes."""
    learner = json.loads(content)["learner"]
    shape = learner["learner_model_param"]
    _demand(int(shape["num_feature"]) == features, "it is of other columns")
    _demand(int(shape["num_class"]) == (0 if classes == 2 else classes), "it is of other classes")
    booster = learner["gradient_booster"]
    model = booster.get("model") or booster.get("gbtree", {}).get("model") or {"trees": []}
    if "trees" not in model:  # gblinear
        return
    outputs = 1 if classes == 2 else classes
    _demand(all(0 <= int(group) < outputs for group in model.get("tree_info", [])), "it has other trees a round")
    for number, tree in enumerate(model["trees"]):
        left, right = tree["left_children"], tree["right_children"]
        nodes, shape = len(left), tree["tree_param"]
        _demand(
            nodes > 0 and len(right) == nodes == int(shape["num_nodes"]), f"tree {number} has other nodes than it says"
        )
        _demand(int(shape["num_feature"]) == features, f"tree {number} is of other columns")
        _demand(all(len(tree[part]) == nodes for part in NODES), f"tree {number} is cut short")
        plain = int(shape.get("size_leaf_vector", "1")) <= 1 and not any(tree.get("split_type", []))
        _demand(plain, f"tree {number} has leaves for several classes or splits by category, which are not stored")
        _refuse_strays(left, right, number)
        split = [tree["split_indices"][place] for place in range(nodes) if left[place] != -1]
        _demand(all(0 <= one < features for one in split), f"tree {number} asks for a column that is not there")


def _refuse_strays(left: Sequence[int], right: Sequence[int], number: int) -> None:
    """Raise where a node's child is none, or is its own ancestor: every node but the first has one parent."""
    nodes = len(left)
    inner = [place for place in range(nodes) if left[place] != -1 or right[place] != -1]
    children = [child for place in inner for child in (left[place], right[place])]
    _demand(all(0 < child < nodes for child in children), f"tree {number} has a child index without a node")
    _demand(len(set(children)) == len(children), f"tree {number} has a node with two parents")
    reached, waiting = 0, [0]
    while waiting:
        place = waiting.pop()
        reached += 1
        waiting += [left[place], right[place]] if left[place] != -1 else []
    _demand(reached == len(children) + 1, f"tree {number} goes in circles")


def _refuse_unsound_tree(facts: Mapping[str, str], features: int, number: int) -> None:
    """Raise where one of LightGBM's trees points beyond its nodes, leaves or columns."""
    leaves = int(facts["num_leaves"])
    nodes = leaves - 1
    _demand(leaves >= 1 and facts.get("is_linear", "0") == "0", f"tree {number} is a linear tree, which is not stored")
    _demand(len(facts.get("leaf_value", "").split()) == leaves, f"tree {number} is cut short")
    if not nodes:
        return
    feature, left, right, kinds = ([int(one) for one in facts.get(part, "").split()] for part in WHOLE)
    whole = all(len(part) == nodes for part in (feature, left, right, kinds, facts.get("threshold", "").split()))
    _demand(whole, f"tree {number} is cut short")
    _demand(all(0 <= one < features for one in feature), f"tree {number} asks for a column that is not there")
    # Nodes are numbered as they were split, so a child that is a node comes later: no tree goes in circles.
    for place, child in [*enumerate(left), *enumerate(right)]:
        sound = place < child < nodes if child >= 0 else ~child < leaves
        _demand(sound, f"tree {number} has a child index without a node")
    _refuse_unsound_categories(facts, [place for place, kind in enumerate(kinds) if kind & 1], number)


def _refuse_unsound_categories(facts: Mapping[str, str], nodes: Sequence[int], number: int) -> None:
    """Raise where a split by categories points beyond its table."""
    tables = int(facts.get("num_cat", "0"))
    bounds = [int(one) for one in facts.get("cat_boundaries", "").split()]
    words = len(facts.get("cat_threshold", "").split())
    thresholds = [float(one) for one in facts.get("threshold", "").split()]
    sound = tables == 0 or (len(bounds) == tables + 1 and bounds == sorted(bounds) and bounds[0] == 0)
    _demand(sound and (not tables or bounds[-1] == words), f"tree {number} has a table of categories that is cut short")
    asked = [thresholds[place] for place in nodes]
    _demand(all(0 <= one < tables for one in asked), f"tree {number} asks for a table that is not there")


def _facts(block: str) -> dict[str, str]:
    """The ``name=value`` lines of a block."""
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _demand(sound: Any, otherwise: str) -> None:
    """Raise unless something holds."""
    if not sound:
        raise ValueError(f"the stored trees are damaged: {otherwise}")
