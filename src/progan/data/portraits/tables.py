"""Colours and hair cuts: what the ids of `truth` look like."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


def _colours(table: Any) -> NDArray[np.float32]:
    """0xRRGGBB, in any nesting of lists, to red, green, blue in [0, 1] on a last axis."""
    codes = np.asarray(table, np.int64)
    return (np.stack([codes >> 16, codes >> 8 & 255, codes & 255], -1) / 255).astype(np.float32)


# fmt: off
SKIN_COLOURS = _colours(
    [0xFFE3D0, 0xFBD4B6, 0xF2C198, 0xE3A87B, 0xC98D61, 0xA96F48, 0x825236, 0x63402C])
HAIR_COLOURS = _colours(
    [0x2B2428, 0x49301F, 0x734A2B, 0x8E4022, 0xC8622B, 0xB58A4E, 0xE6C27A, 0x9A9AA2, 0xE4E2E2,
     0x3F929C, 0xE27DA3])
IRIS_COLOURS = _colours([0x7A4A26, 0x4A2C1C, 0x5E8C4A, 0x4C8CC8, 0x8494A0])
FRAMES = _colours([0x23222A, 0x5A3420, 0x8C2F39, 0x2F4B7C, 0x3C3C46])
METALS = _colours([0xE8B84A, 0xD8DCE4, 0xF0C060, 0xC86A78])

#   palette     far       near      accent
SCENERY = _colours([
    [0x8EC5E8, 0xE2F1F8, 0xFFFFFF],  # sky
    [0xFFB998, 0xFFE6D4, 0xFFF3C9],  # peach
    [0x93D1B6, 0xDDF3E6, 0xFFF3C4],  # mint
    [0xA99BD8, 0xE4DAF5, 0xFFCFE4],  # lilac
    [0xF6B94C, 0xFFE9AE, 0xFFFBE8],  # sunny
    [0xE58FA4, 0xFBDADD, 0xFFF0D8],  # rose
    [0x3F8894, 0x9CCFCE, 0xF6E6B4],  # teal
    [0x343F6E, 0x8C7FB4, 0xFFB987],  # dusk
    [0xC9AE84, 0xF2E4CC, 0xFFFFFF],  # sand
    [0x567F60, 0xB1CF9F, 0xF8EFB0],  # forest
])

CLOTHS = _colours([
    [0xE85D58, 0x28487A, 0xF7C552, 0xF4F4F6],
    [0x2E6E7E, 0x784670, 0xF8F6F0, 0x3C4864],
    [0xE86E5A, 0x3C506E, 0xF4B848, 0x825A96],
    [0x46548C, 0xF0B450, 0x4E9A9A, 0xF2F0F8],
    [0x306084, 0xC44848, 0x46825E, 0xFAF6EE],
    [0x584060, 0x3C8482, 0xFAF4EC, 0x963248],
    [0xF08C5A, 0xFAF0DC, 0xB83C50, 0x283850],
    [0xE6785F, 0xF0DCBE, 0x5AAAA8, 0xBE96DC],
    [0x486858, 0x964A3C, 0x3C4C70, 0xE8A05E],
    [0xE29646, 0xF2ECE0, 0x82343C, 0x3C465A],
])


class _Cuts(NamedTuple):
    names: tuple[str, ...]
    values: NDArray[np.float32]


# fmt: off
HAIR_SHAPES = _Cuts(
    ("back", "top", "length", "end",                      # behind the head: how much wider, how
     "cap", "rise",                                       # high, straight down to where, round end;
     "line", "slope", "bend", "tuft", "temple", "side",   # before it: how much wider and higher,
     "curl"),                                             # the hairline, and down to where; curls
    np.array([
        [-.30, .30, 0.00, .30, -.30, .30, -.60, .00, .00, .000, .90, -.6, .0],  # bald
        [-.03, .60, 0.00, .40, .035, .69, -.37, .05, .35, .018, .82, .08, .0],  # short
        [-.03, .60, 0.00, .40, .030, .79, -.42, .05, .75, .012, .86, .04, .1],  # quiff
        [.105, .68, 0.14, .44, .055, .71, -.22, .04, .12, .016, .80, .52, .0],  # bob
        [.100, .68, 0.80, .60, .050, .71, -.54, .70, .10, .006, .84, 1.2, .1],  # long
        [-.02, .62, 0.00, .40, .020, .67, -.41, .00, .85, .006, .88, .02, .0],  # bun
        [.230, .80, 0.02, .56, .150, .85, -.36, .00, .60, .020, .86, .50, 1.],  # afro
        [.180, .73, 0.34, .44, .110, .79, -.38, .30, .35, .030, .80, .70, 1.],  # curly
    ], np.float32),
)
# fmt: on
"""Lengths of each hair style; `hair.Hair` turns them into shapes."""
