from __future__ import annotations

import torch

from progan.objectives.matching import feature_distance, feature_matching


def test_distances_are_means_of_each_layer_weighted() -> None:
    found = [torch.full((2, 1, 2, 2), 3.0), torch.full((2, 5), 1.0)]
    wanted = [torch.full((2, 1, 2, 2), 1.0), torch.full((2, 5), 5.0)]
    # 0.5 · |3 − 1| + 2 · |1 − 5|
    assert float(feature_distance(found, wanted, (0.5, 2.0))) == 9.0


def test_nothing_flows_into_what_is_wanted() -> None:
    found, wanted = (torch.randn(2, 3, requires_grad=True) for _ in range(2))
    feature_distance([found], [wanted], [1.0]).backward()  # type: ignore[no-untyped-call]
    assert found.grad is not None
    assert wanted.grad is None


def test_scores_do_not_match_and_scales_are_averaged() -> None:
    def scale(value: float, score: float) -> list[torch.Tensor]:
        return [torch.full((1, 1), float(v)) for v in (value, 2 * value, score)]

    found, wanted = [scale(1, 7), scale(2, 7)], [scale(0, -7), scale(0, -7)]
    # scales: 1 + 2 and 2 + 4; scores, which differ by 14, are left out
    assert float(feature_matching(found, wanted)) == (3 + 6) / 2
