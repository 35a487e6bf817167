"""Wrong formulas seen in published code, and the assertions that reject them.

Each test states what must hold, shows that ours passes, writes the wrong formula down and shows
that the very same assertion fails for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from progan.core.slopes import verdict_and_slope
from progan.objectives.adversarial import least_squares_critic, minimax_critic
from progan.objectives.adversarial import non_saturating_generator as non_saturating
from progan.objectives.divergence import DIVERGENCES
from progan.objectives.energy import margin_critic, pulling_away
from progan.objectives.information import categorical_information, uniform_information
from progan.objectives.penalty import gradient_penalty

Critic = Callable[[Tensor], Tensor]
Penalty = Callable[[Critic, Tensor, Tensor], Tensor]


def rejects(check: Callable[..., None], *wrong: object) -> None:
    """The assertion fails for a wrong formula, and not for want of something else."""
    for formula in wrong:
        with pytest.raises(AssertionError):
            check(formula)


# the gradient penalty


def slope_of(critic: Critic, place: Tensor) -> Tensor:
    return verdict_and_slope(critic, place)[1]


def one_norm_for_the_batch(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """WRONG: the slopes of the whole batch are one long vector."""
    place = torch.lerp(real, fake, torch.rand(len(real), 1, 1, 1))
    return (slope_of(critic, place).norm() - 1).square()


def one_point_for_the_batch(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """WRONG: one ε for all pairs."""
    place = torch.lerp(real, fake, torch.rand(()).item())
    return (slope_of(critic, place).flatten(1).norm(dim=1) - 1).square().mean()


def a_point_for_each_pixel(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """WRONG: an ε for each value: the points fill a box, not the lines between the pairs."""
    place = torch.lerp(real, fake, torch.rand_like(real))
    return (slope_of(critic, place).flatten(1).norm(dim=1) - 1).square().mean()


def a_norm_for_each_column(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """WRONG: the norm is taken over the first axis of a picture alone."""
    place = torch.lerp(real, fake, torch.rand(len(real), 1, 1, 1))
    return (slope_of(critic, place).norm(dim=1) - 1).square().mean()


def check_unit_slope_is_free_in_any_batch(penalty: Penalty) -> None:
    """A linear critic of slope 1 keeps the constraint exactly: nothing to pay."""
    weight = torch.full((3, 4, 4), 1 / math.sqrt(48))
    for n in (1, 64):
        real, fake = torch.randn(2, n, 3, 4, 4)
        found = penalty(lambda x: (x * weight).sum((1, 2, 3)), real, fake)
        assert found.item() == pytest.approx(0.0, abs=1e-9), n


def check_points_lie_on_the_lines_each_at_its_own_place(penalty: Penalty) -> None:
    """With x = 0 and x̃ = 1 a point is ε: alike in all values of a picture, not in two pictures."""
    seen = []

    def watch(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.sum((1, 2, 3))

    penalty(watch, torch.zeros(8, 3, 4, 4), torch.ones(8, 3, 4, 4))
    share = seen[0].flatten(1)
    assert torch.equal(share, share[:, :1].expand_as(share))
    assert len(share[:, 0].unique()) == 8


def test_one_norm_for_the_whole_batch_charges_49_where_nothing_is_owed() -> None:
    """Defect 1. 64 slopes of length 1 make one vector of length 8: (8 − 1)² = 49, not 0."""
    check_unit_slope_is_free_in_any_batch(gradient_penalty)
    rejects(check_unit_slope_is_free_in_any_batch, one_norm_for_the_batch)
    real, fake = torch.randn(2, 64, 3, 4, 4)
    wrong = one_norm_for_the_batch(lambda x: x.sum((1, 2, 3)) / math.sqrt(48), real, fake)
    assert wrong.item() == pytest.approx(49.0, rel=1e-3)


def test_one_point_for_the_whole_batch_is_not_one_for_each_pair() -> None:
    """Defect 1, second half. One ε for 8 pairs leaves one place on the line, not 8."""
    check_points_lie_on_the_lines_each_at_its_own_place(gradient_penalty)
    rejects(check_points_lie_on_the_lines_each_at_its_own_place, one_point_for_the_batch)


def test_a_point_for_each_pixel_leaves_the_line_between_real_and_fake() -> None:
    """Defect 2. With an ε for each value, the values of one picture lie at different ε."""
    check_points_lie_on_the_lines_each_at_its_own_place(gradient_penalty)
    rejects(check_points_lie_on_the_lines_each_at_its_own_place, a_point_for_each_pixel)


def test_a_norm_over_one_axis_charges_a_critic_of_slope_1() -> None:
    """Defect 2, second half. Over 3 channels the norm is 1/4: (1/4 − 1)² = 9/16, not 0."""
    check_unit_slope_is_free_in_any_batch(gradient_penalty)
    rejects(check_unit_slope_is_free_in_any_batch, a_norm_for_each_column)
    real, fake = torch.randn(2, 4, 3, 4, 4)
    wrong = a_norm_for_each_column(lambda x: x.sum((1, 2, 3)) / math.sqrt(48), real, fake)
    assert wrong.item() == pytest.approx(9 / 16, rel=1e-5)


# pulling away

Pull = Callable[[Tensor], Tensor]


def without_the_square(codes: Tensor) -> Tensor:
    """WRONG: cosines as they are."""
    unit = codes / codes.norm(dim=1, keepdim=True)
    n = len(codes)
    return ((unit @ unit.T).sum() - n) / (n * (n - 1))


def along_the_batch_with_the_diagonal(codes: Tensor) -> Tensor:
    """WRONG: each feature is normalised over the batch, and each code compared with itself."""
    unit = codes / codes.norm(dim=0, keepdim=True).clamp(min=1e-12)
    n = len(codes)
    return (unit @ unit.T).square().sum() / (n * (n - 1))


def by_one_norm_squared(codes: Tensor) -> Tensor:
    """WRONG: divided by ‖sᵢ‖² instead of ‖sᵢ‖ ‖sⱼ‖."""
    cosines = (codes @ codes.T) / codes.square().sum(dim=1, keepdim=True)
    n = len(codes)
    return (cosines.square().sum() - n) / (n * (n - 1))


def check_opposite_codes_count_as_the_same(pull: Pull) -> None:
    """A code and its opposite are one direction: 1, whatever the signs."""
    code = torch.tensor([3.0, -1.0, 2.0])
    assert pull(torch.stack([code, -code])).item() == pytest.approx(1.0)
    codes = torch.randn(6, 3)
    flipped = codes * torch.tensor([1.0, -1.0, 1.0, -1.0, -1.0, 1.0])[:, None]
    assert pull(flipped).item() == pytest.approx(pull(codes).item(), rel=1e-5)


def check_ends_are_1_and_0(pull: Pull) -> None:
    """One direction for all is 1, orthogonal directions are 0."""
    assert pull(torch.ones(4, 4)).item() == pytest.approx(1.0)
    assert pull(torch.eye(4)).item() == pytest.approx(0.0, abs=1e-6)


def check_lengths_do_not_count(pull: Pull) -> None:
    codes = torch.tensor([[3.0, 4.0], [4.0, 3.0]])
    longer = codes * torch.tensor([[1.0], [10.0]])
    assert pull(longer).item() == pytest.approx(pull(codes).item(), rel=1e-5)


def test_cosines_without_their_square_reward_opposite_codes() -> None:
    """Defect 3. An opposite pair has the cosine −1: the wrong term is −1, its lowest, not 1."""
    check_opposite_codes_count_as_the_same(pulling_away)
    rejects(check_opposite_codes_count_as_the_same, without_the_square)
    pair = torch.tensor([[1.0, 2.0], [-1.0, -2.0]])
    assert without_the_square(pair).item() == pytest.approx(-1.0)


def test_codes_normalised_along_the_batch_give_one_third_where_they_are_orthogonal() -> None:
    """Defect 4, with 4 codes. Identical ones of 3 features: each entry is ½, each product ¾, so
    16 · 9/16 / 12 = 0.75; orthogonal ones: the diagonal alone, 4/12 = 0.33. Should be 1 and 0."""
    check_ends_are_1_and_0(pulling_away)
    rejects(check_ends_are_1_and_0, along_the_batch_with_the_diagonal)
    alike, apart = torch.ones(4, 3), torch.eye(4)
    assert along_the_batch_with_the_diagonal(alike).item() == pytest.approx(0.75)
    assert along_the_batch_with_the_diagonal(apart).item() == pytest.approx(1 / 3)
    assert pulling_away(alike).item() == pytest.approx(1.0)


def test_one_norm_squared_in_the_place_of_two_norms_sees_lengths() -> None:
    """Defect 5. Codes 10 times as long as their partner: cosines times 10 one way, a tenth the
    other; (0.96² · (100 + 0.01)) / 2 = 46.1 where 0.96² = 0.92 should be."""
    check_lengths_do_not_count(pulling_away)
    rejects(check_lengths_do_not_count, by_one_norm_squared)
    codes = torch.tensor([[3.0, 4.0], [40.0, 30.0]])
    assert by_one_norm_squared(codes).item() == pytest.approx(0.96**2 * 100.01 / 2, rel=1e-5)


# labels


def check_perfect_class_logits_cost_nothing(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    label = torch.tensor([0, 2, 1])
    logits = 40.0 * torch.eye(3)[label]
    assert loss(logits, label).item() == pytest.approx(0.0, abs=1e-6)


def test_a_softmax_before_the_cross_entropy_never_lets_the_loss_reach_zero() -> None:
    """Defect 9. The softmax of perfect logits is (1, 0, 0), read as logits: log(1 + 2/e) = 0.551.

    tests/systems/test_progan_objectives.py holds ProGAN's own terms to the same assertion."""
    check_perfect_class_logits_cost_nothing(cross_entropy)

    def wrong(logits: Tensor, label: Tensor) -> Tensor:
        return cross_entropy(logits.softmax(dim=1), label)

    rejects(check_perfect_class_logits_cost_nothing, wrong)
    label = torch.tensor([0, 1, 2])
    found = wrong(40 * torch.eye(3), label).item()
    assert found == pytest.approx(math.log(1 + 2 / math.e), rel=1e-5)


# f-GAN

Form = Callable[[Tensor], Tensor]


def composed(name: str) -> Form:
    """WRONG in floating point: f* of T(v), each as the table prints it."""
    f = DIVERGENCES[name]
    return lambda v: f.conjugate(f.bound(v))


def check_sure_critics_have_finite_terms(form: Form) -> None:
    for value in (-60.0, 60.0):
        v = torch.tensor([value], requires_grad=True)
        result = form(v)
        (slope,) = torch.autograd.grad(result.sum(), v)
        assert result.isfinite().all()
        assert slope.isfinite().all()


@pytest.mark.parametrize("name", ["hellinger", "js", "neyman", "jeffrey"])
def test_a_composed_conjugate_is_infinite_or_nan_where_the_critic_is_sure(name: str) -> None:
    """Defect 12. Hellinger at v = 60: T rounds to 1, and f*(1) = 1/0; as one formula, e³⁰ − 1."""
    check_sure_critics_have_finite_terms(DIVERGENCES[name].conjugate_bound)
    rejects(check_sure_critics_have_finite_terms, composed(name))


def test_the_falling_map_printed_for_neyman_calls_reals_fake() -> None:
    """T(v) = 1 − e^v has the same bound, but falls: the border is passed the wrong way round."""

    def check(bound: Form) -> None:
        real, fake = bound(torch.tensor([2.0])), bound(torch.tensor([-2.0]))
        assert real > fake

    check(DIVERGENCES["neyman"].bound)
    rejects(check, lambda v: -torch.expm1(v))


def test_the_square_ratio_forms_of_both_chi_squares_overflow() -> None:
    """f'(e^v) as it stands: Pearson's C = e^(2v) − 1, Neyman's T = 1 − e^(−2v), e^120 at ±60."""
    check_sure_critics_have_finite_terms(DIVERGENCES["pearson"].conjugate_bound)
    check_sure_critics_have_finite_terms(DIVERGENCES["neyman"].bound)
    rejects(
        check_sure_critics_have_finite_terms,
        lambda v: torch.exp(2 * v) - 1,
        lambda v: 1 - torch.exp(-2 * v),
    )


# logits, reductions


def check_a_sure_critic_has_finite_terms_and_slopes(
    critic: Callable[[Tensor, Tensor], dict[str, Tensor]],
) -> None:
    """Where it is wrong by 200 the cost is 200, and the slope of each score ±1."""
    real = torch.tensor([-200.0], requires_grad=True)
    fake = torch.tensor([200.0], requires_grad=True)
    terms = critic(real, fake)
    assert terms["real"].item() == terms["fake"].item() == pytest.approx(200.0)
    slopes = torch.autograd.grad(terms["real"] + terms["fake"], (real, fake))
    assert [slope.item() for slope in slopes] == [-1.0, 1.0]


def test_the_logarithm_of_a_sigmoid_is_infinite_where_the_critic_errs() -> None:
    """σ(−200) underflows to 0, σ(200) rounds to 1: −log 0 = ∞. With + 1e-8 it stops at 18.4 and
    has no slope."""
    check_a_sure_critic_has_finite_terms_and_slopes(minimax_critic)

    def in_two_steps(extra: float) -> Callable[[Tensor, Tensor], dict[str, Tensor]]:
        return lambda real, fake: {
            "real": -(real.sigmoid() + extra).log().mean(),
            "fake": -(1 - fake.sigmoid() + extra).log().mean(),
        }

    rejects(check_a_sure_critic_has_finite_terms_and_slopes, in_two_steps(0.0), in_two_steps(1e-8))
    capped = in_two_steps(1e-8)(torch.tensor([-200.0]), torch.tensor([200.0]))
    assert capped["real"].item() == pytest.approx(8 * math.log(10), rel=1e-4)


def test_the_log_trick_keeps_its_slope_where_1e_minus_8_takes_it_away() -> None:
    """At s = −30 the slope of −log(σ + 1e-8) is σ/(σ + 1e-8) = 9.4e-6, of −log σ it is 1."""

    def check(loss: Callable[[Tensor], Tensor]) -> None:
        fake = torch.tensor([-30.0], requires_grad=True)
        assert torch.autograd.grad(loss(fake), fake)[0].item() == pytest.approx(-1.0, rel=1e-6)

    check(lambda fake: non_saturating(fake)["adversarial"])
    rejects(check, lambda fake: -(fake.sigmoid() + 1e-8).log().mean())


def test_a_sum_over_the_batch_makes_the_loss_grow_with_it() -> None:
    def check(critic: Callable[[Tensor, Tensor], dict[str, Tensor]]) -> None:
        """Two batches of the same scores cost what one does."""
        real, fake = torch.tensor([0.5, 2.0]), torch.tensor([-1.0, 0.3])
        once, twice = critic(real, fake), critic(real.repeat(2), fake.repeat(2))
        assert once["real"].item() == pytest.approx(twice["real"].item())

    check(least_squares_critic)
    rejects(check, lambda real, fake: {"real": (real - 1).square().sum() / 2})


def test_a_margin_on_the_mean_energy_forgives_fakes_that_are_below_it() -> None:
    """Energies 0 and 20 against a margin of 10: each for itself (10 + 0)/2; their mean, 10, 0."""

    def check(hinge: Callable[[Tensor], Tensor]) -> None:
        assert hinge(torch.tensor([0.0, 20.0])).item() == pytest.approx(5.0)

    check(lambda energy: margin_critic(torch.zeros(2), energy, 10.0)["fake"])
    rejects(check, lambda energy: torch.relu(10.0 - energy.mean()))


# information

Bound = Callable[[Tensor, Tensor], Tensor]


def test_a_sum_made_by_a_tensors_constructor_teaches_nobody() -> None:
    """Defect 6. torch.tensor([…]) copies numbers: what they were made of is forgotten.

    tests/systems/test_infogan.py holds the system's own terms to reaching G and Q."""
    logits, code = torch.randn(4, 3), torch.tensor([0, 2, 1, 1])

    def check(gather: Callable[[list[Tensor]], Tensor]) -> None:
        given = logits.clone().requires_grad_()
        total = gather([categorical_information(given, code), given.square().mean()])
        assert total.requires_grad
        assert torch.autograd.grad(total, given)[0].abs().max() > 0

    check(lambda terms: torch.stack(terms).sum())
    rejects(check, lambda terms: torch.tensor([float(term.detach()) for term in terms]).sum())


def test_codes_that_are_the_labels_are_told_not_found() -> None:
    """Defect 7. Codes must be drawn: with the labels in their place, they are the labels.

    tests/systems/test_infogan.py holds the system to asking for no labels, and its first loss to
    the logarithm, not the square."""
    label = torch.arange(1000) % 8

    def check(draw: Callable[[], Tensor]) -> None:
        share = (draw() == label).float().mean()
        assert abs(float(share) - 1 / 8) < 0.05  # chance, within 5 sigma

    check(lambda: torch.randint(8, (1000,), generator=torch.Generator().manual_seed(0)))
    rejects(check, lambda: label)


def test_a_normals_entropy_claims_information_where_there_is_none() -> None:
    """Defect 8. A uniform code, pictures that tell nothing of it, Q's mean 0: with the entropy
    of N(0, 1), 1.419, and σ = 1 the "bound" is 1.419 − 0.919 − 1/6 = ⅓. Ours, with log 2: −0.393;
    with the best σ² = ⅓ log 2 − 0.870 = −0.176."""
    code = (2 * (torch.arange(4000) + 0.5) / 4000 - 1)[:, None]
    nothing = torch.zeros_like(code)

    def check(bound: Bound) -> None:
        assert bound(nothing, code) <= 0  # I(c; x) = 0

    check(lambda mean, code: uniform_information(mean, torch.zeros_like(mean), code))
    best = torch.full_like(code, math.log(1 / 3))
    check(lambda mean, code: uniform_information(mean, best, code))

    def wrong(mean: Tensor, code: Tensor) -> Tensor:
        entropy = 0.5 * math.log(2 * math.pi * math.e)
        return entropy - 0.5 * (math.log(2 * math.pi) + (code - mean).square().mean())

    rejects(check, wrong)
    assert wrong(nothing, code).item() == pytest.approx(1 / 3, abs=1e-3)
    assert uniform_information(nothing, best, code).item() == pytest.approx(-0.1765, abs=1e-3)
