"""Communities of the gradient graph and their labels."""

import numpy as np
import pytest

from g2is.arrays.unit import unit
from g2is.graph.communities import EDGES, Communities, find_communities, label_communities
from g2is.graph.edges import aligned_edges
from g2is.graph.neighbors import exact_neighbors


def cliques(sizes: list[int], dim: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Rows in groups around axes of their own, and each one's group, mixed up."""
    random = np.random.default_rng(0)
    groups = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return unit(np.eye(dim)[groups] + 0.05 * random.standard_normal((len(groups), dim))), groups


def test_groups_that_point_apart_are_the_communities_the_largest_first():
    rows, groups = cliques([30, 50, 20])
    valid = np.ones(100, bool)
    valid[[2, 60]] = False
    lists = exact_neighbors(rows, valid, neighbors=12, conflicts=1)
    membership = find_communities(lists.neighbors, lists.cosines, valid)
    assert membership.dtype == np.int32 and (membership[~valid] == -1).all()
    assert (np.diff(np.bincount(membership[valid])) <= 0).all()
    for number, group in enumerate((1, 0, 2)):
        assert set(membership[(groups == group) & valid]) == {number}


def modularity(edges: np.ndarray, weights: np.ndarray, membership: np.ndarray) -> float:
    """As Newman defines it."""
    inside = weights[membership[edges[:, 0]] == membership[edges[:, 1]]].sum() / weights.sum()
    strength = np.zeros(membership.max() + 1)
    for end in edges.T:
        np.add.at(strength, membership[end], weights)
    return inside - np.sum((strength / strength.sum()) ** 2)


def test_no_move_of_one_sample_raises_the_modularity():
    rows = unit(np.random.default_rng(1).standard_normal((60, 6)))
    valid = np.ones(60, bool)
    lists = exact_neighbors(rows, valid, neighbors=6, conflicts=1)
    membership = find_communities(lists.neighbors, lists.cosines, valid)
    edges, weights = aligned_edges(lists.neighbors, lists.cosines, valid)
    best = modularity(edges, weights, membership)
    for sample in range(60):
        for number in range(membership.max() + 1):
            moved = membership.copy()
            moved[sample] = number
            assert modularity(edges, weights, moved) <= best + 1e-9


def test_a_higher_resolution_gives_more_communities_and_a_seed_the_same():
    rows = unit(np.random.default_rng(2).standard_normal((200, 5)))
    valid = np.ones(200, bool)
    lists = exact_neighbors(rows, valid, neighbors=8, conflicts=1)
    few, many = (
        find_communities(lists.neighbors, lists.cosines, valid, resolution=resolution)
        for resolution in (0.5, 4)
    )
    assert few.max() < many.max()
    np.testing.assert_array_equal(many, find_communities(lists.neighbors, lists.cosines, valid, resolution=4))


def test_labels_are_the_words_that_mark_a_community_out():
    membership = np.array([0, 0, 0, 1, 1, 2, -1], np.int32)
    texts = [
        "Please sort apples",
        "Please sort pears",
        "Please sort 17 figs",
        "Please перевести слово",
        "Please перевести фразу",
        "1 + 1 = 2",
        "nothing valid",
    ]
    labels = label_communities(membership, lambda rows: [texts[row] for row in rows])
    assert labels[0].split(", ")[0] == "sort" and labels[1].split(", ")[0] == "перевести"
    assert labels[2] == "community 2" and "nothing" not in " ".join(labels)
    assert all(len(label.split(", ")) <= 4 for label in labels)


@pytest.mark.parametrize("texts", [["1", "2"], ["", ""], ["the of", "and"]])
def test_communities_without_words_have_numbers(texts):
    assert label_communities(np.array([0, 1], np.int32), lambda rows: [texts[row] for row in rows]) == (
        "community 0",
        "community 1",
    )


def test_sizes_are_counted():
    found = Communities.of(np.array([0, -1, 1, 0], np.int32), ("a", "b"))
    assert found.sizes.tolist() == [2, 1] and len(found) == 2
    assert label_communities(np.full(3, -1, np.int32), list) == ()


def test_only_the_nearest_neighbours_count_in_whatever_order_they_are_listed():
    rows = unit(np.random.default_rng(3).standard_normal((120, 5)))
    valid = np.ones(120, bool)
    lists = exact_neighbors(rows, valid, neighbors=40, conflicts=1)
    nearest = find_communities(lists.neighbors[:, :EDGES], lists.cosines[:, :EDGES], valid)
    shuffled = np.random.default_rng(0).permutation(40)
    for order in (np.arange(40), shuffled):
        found = find_communities(lists.neighbors[:, order], lists.cosines[:, order], valid)
        np.testing.assert_array_equal(found, nearest)
