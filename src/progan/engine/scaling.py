"""Losses made larger before they are differentiated in float16, and gradients smaller again.

    gradient = ∂(S · loss)/∂w / S

float16 tells numbers from zero down to 6·10⁻⁸, and is whole only from 6·10⁻⁵ on: what flows back
through a network is often below. S is a power of two, so multiplying and dividing round nothing.

Source: Micikevicius et al. 2018 (Mixed precision training), section 3.2; growing and halving as
        torch.amp.GradScaler does it. That the penalty's slope needs a factor too, as in ProGAN's
        TensorFlow code.
"""

from __future__ import annotations

__all__ = ["LossScale", "slope_factor"]

FIRST = 2.0**16
LARGEST = 2.0**24
PATIENCE = 2000
"""Turns in a row that must go well before S doubles."""


class LossScale:
    """S, as it was found to be bearable.

    A turn with a gradient that is not finite moved nobody; it is played again at S/2, with the
    same pictures and the same draws, so that a scale too large costs time and not a step. Where
    not even S = 1 helps, the scale is not to blame, and is again what it was.
    """

    def __init__(self) -> None:
        self.value = FIRST
        self.good = 0
        """Turns that went well since S changed."""
        self._before: float | None = None

    def again(self, finite: bool) -> bool:
        """Learn how a turn went; whether to play it again."""
        if finite:
            self._before = None
            self.good += 1
            if self.good >= PATIENCE:
                self.value, self.good = min(2 * self.value, LARGEST), 0
            return False
        self.good = 0
        if self.value > 1:
            self._before = self._before or self.value
            self.value /= 2
            return True
        self.value, self._before = self._before or self.value, None
        return False

    def plain(self) -> list[float]:
        """As JSON holds it."""
        return [self.value, self.good]

    def load(self, plain: list[float]) -> None:
        """Go on from what `plain` gave."""
        self.value, self.good, self._before = float(plain[0]), int(plain[1]), None


def slope_factor(scale: float) -> float:
    """By how much scores are multiplied before their slope is taken: about √S, a power of two.

    A penalty's gradient is a product of two flows: the slope's own, which goes back from scores
    to images and carries this factor c, and what the penalty sends forward again through the same
    layers, which carries S / c. With c ≈ √S both are lifted equally far, and both fall back when
    S does.
    """
    exponent = max(0, round(scale).bit_length() - 1)
    return 2.0 ** (exponent // 2)
