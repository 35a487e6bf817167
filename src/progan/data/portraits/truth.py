"""Who is in the picture: every attribute of every person, from a hash of (seed, person, name)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Reals = NDArray[np.floating[Any]]

SKINS = ("porcelain", "fair", "light", "tan", "olive", "brown", "dark brown", "deep brown")
HAIRS = (
    "black",
    "dark brown",
    "brown",
    "auburn",
    "red",
    "dark blond",
    "blond",
    "grey",
    "white",
    "teal",
    "pink",
)
HAIR_STYLES = ("bald", "short", "quiff", "bob", "long", "bun", "afro", "curly")
SHAPES = ("oval", "round", "square", "heart", "long")
IRISES = ("brown", "dark brown", "green", "blue", "grey")
PALETTES = (
    "sky",
    "peach",
    "mint",
    "lilac",
    "sunny",
    "rose",
    "teal",
    "dusk",
    "sand",
    "forest",
)
SCENES = ("plain", "gradient", "bokeh", "horizon")
GARMENTS = ("t-shirt", "v-neck", "shirt", "turtleneck")
GLASSES = ("no glasses", "round glasses", "square glasses")
BEARDS = ("no beard", "stubble", "goatee", "full beard")
HATS = ("no hat", "beanie", "cap", "brimmed hat")
EARRINGS = ("no ear-rings", "stud ear-rings", "hoop ear-rings")
NO_YES = ("no", "yes")

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "skin": SKINS,
    "hair": HAIRS,
    "style": HAIR_STYLES,
    "shape": SHAPES,
    "iris": IRISES,
    "palette": PALETTES,
    "scene": SCENES,
    "garment": GARMENTS,
    "glasses": GLASSES,
    "beard": BEARDS,
    "hat": HATS,
    "earrings": EARRINGS,
    "moustache": NO_YES,
    "scarf": NO_YES,
    "freckles": NO_YES,
    "smiling": NO_YES,
    "mouth_open": NO_YES,
    "old": NO_YES,
}
"""Every attribute with a name for each of its ids."""


@dataclass(frozen=True)
class Portraits:
    """n people, one array of n per attribute.

    The first group holds ids into the tuples above, the second real numbers. Lengths are in units
    of half a picture, y points down, and the origin is the middle of the head. To edit a person use
    `dataclasses.replace`, for example `replace(p, glasses=np.ones_like(p.glasses))`.
    """

    skin: Ids
    hair: Ids
    style: Ids
    shape: Ids
    iris: Ids
    palette: Ids
    scene: Ids
    garment: Ids
    glasses: Ids
    beard: Ids
    hat: Ids
    earrings: Ids
    moustache: Ids
    scarf: Ids
    freckles: Ids
    cloth: Ids
    """Which of the palette's four cloth colours."""

    strength: Reals
    """0 a soft face to 1 a strong one: brows, jaw, lashes and lips follow it."""
    age: Reals
    """0 young to 1 old: lines, and sometimes grey hair."""
    width: Reals
    height: Reals
    taper: Reals
    jaw: Reals
    eye_x: Reals
    eye_y: Reals
    eye_size: Reals
    eye_open: Reals
    gaze: Reals
    brow_tilt: Reals
    brow_size: Reals
    nose: Reals
    """From the eyes down to the tip."""
    nose_width: Reals
    lip: Reals
    mouth_width: Reals
    smile: Reals
    """How far the corners of the mouth are raised above its middle."""
    mouth_open: Reals
    part: Reals
    wave: Reals
    """Phase of strands, locks and blobs."""
    blush: Reals
    stripes: Reals
    turn: Reals
    """Tangent of half the angle by which the head leans."""
    dx: Reals
    dy: Reals
    scale: Reals
    light: Reals
    """-1 light from the left to 1 from the right."""

    def __len__(self) -> int:
        return len(self.skin)

    def __getitem__(self, chosen: slice | NDArray[Any]) -> Portraits:
        """Some of the people, chosen as numpy chooses."""
        return Portraits(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})

    @property
    def nose_y(self) -> Reals:
        """Where the tip of the nose is."""
        return self.eye_y + self.nose

    @property
    def mouth_y(self) -> Reals:
        """Where the line between the lips crosses the middle of the face."""
        return self.nose_y + np.float32(0.135) + np.float32(0.35) * self.smile


_M1, _M2, _STEP = (
    np.uint64(k) for k in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0x9E3779B97F4A7C15)
)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finisher of splitmix64, a bijection of 64-bit numbers (Steele, Lea and Flood 2014)."""
    x = x + _STEP
    x = (x ^ (x >> np.uint64(30))) * _M1
    x = (x ^ (x >> np.uint64(27))) * _M2
    return x ^ (x >> np.uint64(31))


class _Dice:
    """Uniform numbers that are a function of (seed, person, name) and of nothing else."""

    def __init__(self, seed: int, indices: NDArray[np.integer[Any]]) -> None:
        key = _mix(np.array([seed & (2**64 - 1)], np.uint64))
        self.person = _mix(key + np.asarray(indices).astype(np.uint64))

    def uniform(self, name: str) -> Reals:
        salt = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
        return (_mix(self.person ^ np.uint64(salt)) >> np.uint64(11)) * 2.0**-53

    def between(self, name: str, low: float, high: float) -> Reals:
        return (low + (high - low) * self.uniform(name)).astype(np.float32)

    def middle(self, name: str, low: float, high: float) -> Reals:
        """Like `between`, but the middle is likelier: the mean of two."""
        both = self.uniform(name) + self.uniform(name + " again")
        return (low + (high - low) * 0.5 * both).astype(np.float32)

    def chance(self, name: str, p: Any) -> Ids:
        return (self.uniform(name) < p).astype(np.int64)

    def choice(self, name: str, weights: Any) -> Ids:
        """One id a person; `weights` is (k,) for all or (n, k), one row a person."""
        rows = np.cumsum(np.atleast_2d(np.asarray(weights, np.float64)), axis=1)
        u = self.uniform(name)[:, None] * rows[:, -1:]
        return np.minimum((u >= rows).sum(1), rows.shape[1] - 1).astype(np.int64)


# fmt: off
_HAIR_OF_LIGHT_SKIN = (.12, .17, .17, .11, .12, .10, .14, .0, .0, .03, .04)
_HAIR_OF_DARK_SKIN =  (.50, .24, .10, .05, .02, .01, .02, .0, .0, .03, .03)
_STYLES_OF_SOFT =   (.01, .07, .05, .22, .27, .15, .08, .15)
_STYLES_OF_STRONG = (.13, .36, .28, .01, .05, .04, .08, .05)
#         oval, round, square, heart, long
_WIDTH =  (.495, .530, .515, .515, .470)
_HEIGHT = (.640, .610, .630, .630, .670)
_TAPER =  (.200, .110, .080, .300, .180)
_JAW =    (.050, .150, .420, .000, .200)
# fmt: on


def people(seed: int, indices: NDArray[np.integer[Any]] | Sequence[int]) -> Portraits:
    """The people with those numbers; each costs the same, whatever its number below 2**63."""
    at = np.asarray(indices).reshape(-1)
    dice = _Dice(seed, at if at.size else at.astype(np.int64))
    u, mid = dice.between, dice.middle
    strength = u("strength", 0, 1)
    soft, strong = strength < 0.5, strength >= 0.5
    age = u("age", 0, 1) ** 2

    skin = dice.choice("skin", (0.12, 0.18, 0.17, 0.14, 0.12, 0.11, 0.09, 0.07))
    hair = dice.choice(
        "hair", np.where((skin >= 4)[:, None], _HAIR_OF_DARK_SKIN, _HAIR_OF_LIGHT_SKIN)
    )
    grey = dice.chance("grey", np.clip(1.7 * (age - 0.45), 0, 0.9)) == 1
    hair = np.where(grey, np.where(u("white", 0, 1) < age - 0.2, 8, 7), hair)
    style = dice.choice("style", np.where(soft[:, None], _STYLES_OF_SOFT, _STYLES_OF_STRONG))
    shape = dice.choice("shape", (0.3, 0.2, 0.18, 0.18, 0.14))
    beard = dice.choice("beard", (0.42, 0.18, 0.16, 0.24)) * strong * (strength > 0.55)
    smile = mid("smile", -0.015, 0.11)
    mouth_open = np.maximum(u("mouth open", -0.07, 0.055), 0) * (smile > 0.015)
    hat = dice.choice("hat", (0.87, 0.05, 0.04, 0.04)) * ~np.isin(style, (5, 6))
    earrings = dice.choice(
        "ear-rings", np.where(soft[:, None], (0.5, 0.25, 0.25), (0.93, 0.05, 0.02))
    )

    def of_shape(table: tuple[float, ...], name: str, spread: float) -> Reals:
        return np.asarray(table, np.float32)[shape] + mid(name, -spread, spread)

    return Portraits(
        skin=skin,
        hair=hair,
        style=style,
        shape=shape,
        iris=dice.choice(
            "iris",
            np.where(
                (skin >= 4)[:, None], (0.4, 0.5, 0.05, 0, 0.05), (0.25, 0.15, 0.22, 0.25, 0.13)
            ),
        ),
        palette=dice.choice("palette", np.ones(len(PALETTES))),
        scene=dice.choice("scene", (0.2, 0.35, 0.27, 0.18)),
        garment=dice.choice("garment", (0.36, 0.22, 0.24, 0.18)),
        glasses=dice.choice("glasses", (0.78, 0.13, 0.09)),
        beard=beard,
        hat=hat,
        earrings=earrings,
        moustache=((beard >= 2) | (dice.chance("moustache", 0.12 * (strength > 0.6)) == 1)).astype(
            np.int64
        ),
        scarf=dice.chance("scarf", 0.09),
        freckles=dice.chance("freckles", np.where(skin < 4, 0.12, 0.02)),
        cloth=dice.choice("cloth", np.ones(4)),
        strength=strength,
        age=age,
        width=of_shape(_WIDTH, "width", 0.025),
        height=of_shape(_HEIGHT, "height", 0.02),
        taper=of_shape(_TAPER, "taper", 0.05) - 0.08 * (strength - 0.5),
        jaw=of_shape(_JAW, "jaw", 0.05) + 0.16 * strength,
        eye_x=mid("eye x", 0.19, 0.225),
        eye_y=mid("eye y", 0.0, 0.06),
        eye_size=mid("eye size", 0.105, 0.135) - 0.012 * strength,
        eye_open=mid("eye open", 0.58, 0.86) - 0.08 * age,
        gaze=mid("gaze", -0.22, 0.22),
        brow_tilt=mid("brow tilt", -0.30, 0.16),
        brow_size=mid("brow size", 0.013, 0.021) + 0.010 * strength,
        nose=mid("nose", 0.215, 0.265),
        nose_width=mid("nose width", 0.065, 0.1) + 0.012 * strength,
        lip=mid("lip", 0.03, 0.05) - 0.014 * strength,
        mouth_width=mid("mouth width", 0.13, 0.18) + 0.35 * np.maximum(smile, 0),
        smile=smile,
        mouth_open=mouth_open,
        part=u("part side", -1, 1) * np.float32(0.26),
        wave=u("wave", 0, 8),
        blush=u("blush", 0.1, 1),
        stripes=dice.chance("stripes", 0.22).astype(np.float32),
        turn=mid("turn", -0.06, 0.06),
        dx=mid("dx", -0.06, 0.06),
        dy=mid("dy", -0.03, 0.03),
        scale=mid("scale", 1.04, 1.15)
        - np.where((hat > 0) | np.isin(style, (5, 6)), np.float32(0.07), np.float32(0)),
        light=np.where(u("light", -1, 1) < 0, -1, 1).astype(np.float32) * u("light size", 0.35, 1),
    )


def attributes(portraits: Portraits) -> dict[str, Ids]:
    """The attribute table: for each name of `ATTRIBUTES` the id of every person, (n,)."""
    p = portraits
    derived = {
        "smiling": (p.smile > 0.05).astype(np.int64),
        "mouth_open": (p.mouth_open > 0.012).astype(np.int64),
        "old": (p.age > 0.6).astype(np.int64),
    }
    return {name: derived[name] if name in derived else getattr(p, name) for name in ATTRIBUTES}


def captions(portraits: Portraits) -> list[str]:
    """One English sentence a person, saying only what can be seen."""
    table = attributes(portraits)
    return [
        _caption({k: ATTRIBUTES[k][v[i]] for k, v in table.items()}) for i in range(len(portraits))
    ]


def _caption(a: Mapping[str, str]) -> str:
    who = f"a{'n old' if a['old'] == 'yes' else ''} person with {a['skin']} skin"
    hair = "a bald head" if a["style"] == "bald" else _hair(a["style"], a["hair"])
    has = [hair]
    if a["beard"] != "no beard":
        has.append(a["beard"] if a["beard"] == "stubble" else f"a {a['beard']}")
    elif a["moustache"] == "yes":
        has.append("a moustache")
    has += [a[k] for k in ("glasses", "earrings") if not a[k].startswith("no ")]
    has += ["freckles"] if a["freckles"] == "yes" else []
    wears = f"wearing a {a['garment']}"
    wears += f", a {a['hat']}" if a["hat"] != "no hat" else ""
    wears += " and a scarf" if a["scarf"] == "yes" else ""
    smiling = "smiling, " if a["smiling"] == "yes" else ""
    return f"{who}, {', '.join(has)}, {smiling}{wears}, {_WHERE[a['scene']].format(a['palette'])}"


def _hair(style: str, colour: str) -> str:
    nouns = {"quiff": "a {} quiff", "bob": "a {} bob", "bun": "a {} bun", "afro": "a {} afro"}
    return nouns.get(style, style + " {} hair").format(colour).replace("a auburn", "an auburn")


_WHERE = {
    "plain": "before a plain {} wall",
    "gradient": "before a soft {} background",
    "bokeh": "before blurred {} lights",
    "horizon": "before a {} landscape",
}
