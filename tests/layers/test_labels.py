from __future__ import annotations

import torch
from torch import nn

from progan.layers.labels import ConditionalBatchNorm2d, LabelledScale, label_rows, with_planes
from progan.layers.spectral import SpectralNorm, with_spectral_norm


def test_classes_are_one_hot_rows_and_rows_of_numbers_stay() -> None:
    assert label_rows(torch.tensor([2, 0]), 3).tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    mixture = torch.tensor([[0.25, 0.75]])
    assert label_rows(mixture, 2) is mixture


def test_planes_are_constant_and_stand_behind_the_features() -> None:
    x, y = torch.randn(2, 3, 4, 5), torch.tensor([[1.0, -2.0], [0.0, 0.5]])
    found = with_planes(x, y)
    assert found.shape == (2, 5, 4, 5)
    assert torch.equal(found[:, :3], x)
    assert torch.equal(found[:, 3:], y[:, :, None, None].expand(-1, -1, 4, 5))


def test_conditional_batch_norm_starts_as_batch_norm_whatever_the_label() -> None:
    x = torch.randn(6, 4, 3, 3)
    norm, plain = ConditionalBatchNorm2d(4, 3), nn.BatchNorm2d(4)
    y = label_rows(torch.tensor([0, 1, 2, 0, 1, 2]), 3)
    torch.testing.assert_close(norm(x, y), plain(x))


def test_each_class_has_a_gain_and_a_bias_of_its_own() -> None:
    norm = ConditionalBatchNorm2d(1, 2)
    with torch.no_grad():
        norm.gain.weight.copy_(torch.tensor([[1.0, -0.5]]))  # gains 1 + 1 and 1 − 0.5
        norm.bias.weight.copy_(torch.tensor([[0.0, 7.0]]))
    x = torch.tensor([-1.0, 1.0, -1.0, 1.0])[:, None, None, None]  # mean 0, variance 1
    found = norm(x, label_rows(torch.tensor([0, 0, 1, 1]), 2)).flatten()
    expected = torch.tensor([-2.0, 2.0, 6.5, 7.5])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)  # eps of 1e-5


def test_a_labels_numbers_move_gain_and_bias_in_proportion() -> None:
    scale = LabelledScale(1, 2)
    x = torch.tensor([3.0, -1.0])[:, None, None, None]
    y = torch.tensor([[0.5, 0.0], [-1.0, 2.0]])
    assert torch.equal(scale(x, y), x)  # at first all labels are treated alike
    with torch.no_grad():
        scale.gain.weight.copy_(torch.tensor([[2.0, 1.0]]))
        scale.bias.weight.copy_(torch.tensor([[0.0, 5.0]]))
    # gains 1 + 2 · 0.5 = 2 and 1 − 2 + 2 = 1; biases 0 and 10
    assert scale(x, y).flatten().tolist() == [6.0, 9.0]


def test_spectral_norm_divides_by_the_largest_singular_value() -> None:
    weight = torch.diag(torch.tensor([3.0, 2.0, 0.5]))
    norm = SpectralNorm(weight)
    for _ in range(60):
        found = norm(weight)
    torch.testing.assert_close(found, weight / 3)


def test_spectral_norm_does_not_move_in_evaluation() -> None:
    norm = SpectralNorm(torch.randn(4, 3, 2, 2)).eval()
    before = norm.u.clone()
    norm(torch.randn(4, 3, 2, 2))
    assert torch.equal(norm.u, before)


def test_the_slope_of_a_divided_weight_is_that_of_the_formula() -> None:
    """d(W/σ) with u, v held: (g − ⟨g, W/σ⟩ u vᵀ)/σ."""
    torch.manual_seed(0)
    norm = SpectralNorm(torch.randn(3, 5)).eval().double()
    weight = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    g = torch.randn(3, 5, dtype=torch.float64)
    out = norm(weight)
    (slope,) = torch.autograd.grad((out * g).sum(), weight)
    v = nn.functional.normalize(weight.detach().T @ norm.u, dim=0)
    u = nn.functional.normalize(weight.detach() @ v, dim=0)
    sigma = u @ weight.detach() @ v
    expected = (g - (g * out.detach()).sum() * torch.outer(u, v)) / sigma
    torch.testing.assert_close(slope, expected)


def test_every_dense_and_convolutional_layer_gets_spectral_norm() -> None:
    network = with_spectral_norm(
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(16, 8, bias=False))
    )
    for _ in range(80):
        network(torch.randn(2, 1, 4, 4))
    for layer in (network[0], network[2]):
        largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), ord=2)
        assert abs(float(largest) - 1) < 1e-3


def test_after_fifty_passes_no_layer_stretches_more_than_once() -> None:
    torch.manual_seed(0)
    network = with_spectral_norm(
        nn.Sequential(nn.Conv2d(3, 16, 3), nn.Flatten(), nn.Linear(64, 8), nn.Linear(8, 8))
    )
    for _ in range(50):
        network(torch.randn(1, 3, 4, 4))
    for layer in (network[0], network[2], network[3]):
        largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), ord=2)
        assert abs(float(largest) - 1) < 0.02


def test_a_table_of_vectors_is_divided_too_and_what_is_spared_is_not() -> None:
    table, spared = nn.Embedding(5, 3), nn.Sequential(nn.Linear(3, 3))
    kept = spared[0].weight.detach().clone()
    with_spectral_norm(nn.ModuleList([table, spared]), but=[spared])
    for _ in range(80):
        table(torch.tensor([0, 4]))
    assert abs(float(torch.linalg.matrix_norm(table.weight.detach(), ord=2)) - 1) < 1e-3
    assert torch.equal(spared[0].weight, kept)


def test_a_divided_network_comes_back_from_its_state_to_the_bit() -> None:
    def make(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return with_spectral_norm(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)))

    one, other, x = make(0), make(1), torch.randn(3, 4)
    one(x)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.eval()(x), other.eval()(x))
    assert torch.equal(one.train()(x), other.train()(x))


def test_nothing_is_divided_by_less_than_eps() -> None:
    weight = torch.diag(torch.tensor([1e-6, 1e-7]))
    found = SpectralNorm(weight, eps=1e-3)(weight)
    torch.testing.assert_close(found, weight / 1e-3)


def test_without_common_numbers_vectors_of_zeros_leave_plain_batch_norm() -> None:
    """Only the vectors are learned: no more numbers than two for each channel and class."""
    norm, plain, x = (
        ConditionalBatchNorm2d(4, 3, common=False, eps=1e-3),
        nn.BatchNorm2d(4, eps=1e-3, affine=False),
        torch.randn(6, 4, 3, 3),
    )
    y = label_rows(torch.tensor([0, 1, 2, 0, 1, 2]), 3)
    torch.testing.assert_close(norm(x, y), plain(x))
    assert sum(p.numel() for p in norm.parameters()) == 2 * 4 * 3
    with torch.no_grad():
        norm.gain.weight[:, 1], norm.bias.weight[:, 1] = 0.5, -2.0
    torch.testing.assert_close(norm(x, y)[1], 1.5 * plain(x)[1] - 2)
    torch.testing.assert_close(norm(x, y)[0], plain(x)[0])


def test_spectral_norm_of_a_layer_that_rests_does_not_move_if_asked() -> None:
    weight = torch.nn.Parameter(torch.randn(4, 6))
    for own_turn in (False, True):
        norm = SpectralNorm(weight, own_turn=own_turn)
        for learns in (True, False, True):
            weight.requires_grad_(learns)
            before = norm.u.clone()
            divided = norm(weight).detach()
            moved = not torch.equal(before, norm.u)
            assert moved is (learns or not own_turn)
            if not moved:
                assert torch.equal(divided, norm(weight))
