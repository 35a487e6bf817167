"""Head, beard, nose, mouth and eyes."""

from __future__ import annotations

import numpy as np

from progan.data.portraits.hair import Hair
from progan.data.portraits.look import Look, rgb, wash_of
from progan.data.portraits.scene import Array, Canvas, bump, ellipse, step, wave
from progan.data.portraits.tables import IRIS_COLOURS

WHITE = (0.985, 0.98, 0.97)
LASH = (0.10, 0.07, 0.08)


def _skull(x: Array, y: Array, k: Look) -> tuple[Array, Array, Array, Array]:
    """Signed distance to the face, and across, down and radius where the face is a unit circle."""
    v = y / k.height
    inside = 1 / (k.width * (1 - k.taper * np.square(np.maximum(v, 0))))
    u = x * inside
    u2, v2 = np.square(u), np.square(v)
    square = np.where(v > 0, k.jaw, np.float32(0.12))
    r = np.sqrt(np.maximum(u2 + v2 - square * u2 * v2, 1e-6))
    slope = np.sqrt(u2 * np.square(inside) + v2 / np.square(k.height) + 1e-6)
    return r * (r - 1) / slope, u, v, r


def head(c: Canvas, k: Look, hair: Hair) -> None:
    """The face with its light, the shadow of the hair, cheeks and freckles."""
    w = c.window(-0.64, 0.64, -0.76, 0.82)
    x, y = w.x, w.y
    d, u, v, r = _skull(x, y, k)
    if not w.shaded:
        w.fill(d, k.skin, "skin")
        return
    bulge = np.sqrt(np.maximum(1 - r * r, 0))
    tone = 0.36 + 0.40 * bulge + 0.26 * k.light * u - 0.10 * v
    under = hair.has * (1 - step(w.cut(hair.below), 0.0, 0.13)) * (w.cut(hair.outer) < 0.05)
    tone -= 0.42 * np.maximum(under, (k.hat > 0) * (1 - step(y, -0.30, -0.12)))
    tone += 0.10 * bump((np.square(x - 0.1 * k.light) + np.square(y + 0.25)) * 16)
    w.fill(d, k.skin_light, "skin", dark=k.skin_dark, tone=tone)

    w = c.window(-0.5, 0.5, 0.0, 0.45)
    x, y = np.abs(w.x), w.y
    rosy = k.skin * np.array([1.0, 0.60, 0.58], np.float32)[:, None, None, None] + 0.03
    cheek = bump(np.square((x - 0.29) / 0.19) + np.square((y - 0.25) / 0.15))
    w.glaze(cheek * (0.12 + 0.34 * k.blush * (1 - 0.5 * k.strength)), rosy)
    for part in w.only(k.p.freckles == 1):
        x, y = part.x, part.y
        spot = wave(x * 7.3 + 0.9 * y) * wave(y * 8.1 + 0.31 * wave(x * 3.3) - 0.7 * x)
        area = bump(np.square(x / 0.48) + np.square((y - 0.2) / 0.2))
        part.glaze(
            0.55 * step(spot, 0.62, 0.9) * step(area, 0.05, 0.5), k.skin_dark[:, k.p.freckles == 1]
        )


def age_lines(c: Canvas, k: Look) -> None:
    """Lines from the nose to the mouth and across the forehead, deeper with age."""
    chosen = k.p.age > 0.4
    for w in c.window(-0.4, 0.4, -0.36, 0.56).only(chosen):
        k = k.of(chosen)
        x, y = np.abs(w.x), w.y
        deep = np.clip(1.5 * k.age - 0.5, 0, 0.75)
        cheek = x - k.nose_width - 0.04 - 0.38 * np.maximum(y - k.nose_y, 0)
        fold = np.maximum(np.abs(cheek) - 0.0065, np.abs(y - k.nose_y - 0.055) - 0.085)
        w.glaze(deep * w.cover(fold), k.skin_dark * 0.92)
        for height in (0.235, 0.305):
            line = np.abs(y - k.eye_y + height - 0.35 * np.square(x)) - 0.0055
            w.glaze(0.7 * deep * w.cover(np.maximum(line, x - 0.17)), k.skin_dark * 0.92)


def beard(c: Canvas, k: Look, hair: Hair) -> None:
    """Stubble, goatee, full beard and moustache."""
    chosen = (k.p.beard > 0) | (k.p.moustache > 0)
    for w in c.window(-0.64, 0.64, 0.08, 0.80).only(chosen):
        k = k.of(chosen)
        x, y, texture = w.x, w.y, w.cut(hair.texture)
        face = _skull(x, y, k)[0]
        u = np.square(x / k.width)
        corner = bump(np.square((np.abs(x) - 0.22) / 0.16))
        hem = k.mouth_y - 0.075 - 0.50 * u * u + 0.10 * corner
        jaw = np.maximum(face - 0.022 * k.has("beard", 3) - 0.006 * texture, hem - y)
        chin = ellipse(x, y - k.mouth_y - 0.115, 0.8 * k.mouth_width, np.float32(0.125))
        chin = np.maximum(chin, face - 0.02)
        strands = wave(x * 9 + y * 3 * np.sign(x))
        tone = 0.42 + 0.25 * strands + 0.2 * texture - 0.3 * (y - k.mouth_y) + 0.5 * k.light * x
        light, dark = k.beard_hair * 0.86 + 0.08, k.beard_hair * 0.5
        level = np.clip(4 * (0.45 - k.beard_hair.mean(0)), 0, 1)
        lines = 1.6 * level - 0.7 + 0.8 * np.maximum(-strands, 0.6 * level)
        ink = np.clip(np.maximum(lines, wash_of(k.beard_hair)), 0, 0.9)
        stubble = 0.26 * step(-jaw, -0.01, 0.07) * k.has("beard", 1)
        w.glaze(stubble * (0.85 + 0.15 * texture), dark)
        for d, kind in ((jaw, 3), (chin, 2)):
            w.fill(
                d,
                light,
                "hair",
                dark=dark,
                tone=tone,
                alpha=k.has("beard", kind),
                ink=ink,
                outline=0.5,
            )
        across = x / (k.mouth_width * 1.12)
        rest = np.square(across)
        lip = y - (k.mouth_y - k.lip - 0.032 - 0.4 * k.mouth_open) - (0.07 - k.smile) * rest
        hairs = np.abs(lip) - 0.036 * (1 - rest)
        hairs -= 0.008 * bump(np.square((np.abs(across) - 0.4) / 0.4))
        w.fill(hairs, light, "hair", dark=dark, tone=tone, alpha=k.moustache, ink=ink, outline=0.6)


def nose(c: Canvas, k: Look) -> None:
    """The nose: mostly light and shadow, a curve where those do not show."""
    w = c.window(-0.22, 0.22, -0.12, 0.42)
    x, y, tip, wide = w.x, w.y, k.nose_y, k.nose_width
    away = x + np.sign(k.light) * 0.055
    side = bump(np.square(away / 0.075) + np.square((y - tip + 0.12) / 0.21))
    w.glaze(0.34 * side, k.skin_dark)
    ball = bump(
        np.square((x + 0.02 * k.light) / (1.1 * wide)) + np.square((y - tip - 0.03) / 0.075)
    )
    w.glaze(0.42 * ball, k.skin_dark)
    lit = bump(np.square((x - 0.012 * k.light) / 0.036) + np.square((y - tip + 0.045) / 0.055))
    ridge = bump(np.square((x - 0.012 * k.light) / 0.035) + np.square((y - tip + 0.15) / 0.17))
    w.glaze(0.55 * lit + 0.30 * ridge, k.skin_light * 0.85 + 0.15)
    curve = ellipse(x, y - tip + 0.035, wide, np.float32(0.062))
    low = step(y - tip, -0.035, 0.01)
    w.stroke(curve, 0.015, k.skin_dark * 0.82, alpha=0.62 * low, ink=0.9)
    hole = ellipse(np.abs(x) - 0.45 * wide, y - tip - 0.012, 0.26 * wide, np.float32(0.012))
    w.fill(hole, k.skin_dark * 0.55, alpha=0.55, ink=0.8, outline=0)


def mouth(c: Canvas, k: Look) -> None:
    """Lips on a parabola from corner to corner; open ones show teeth and tongue."""
    w = c.window(-0.30, 0.30, 0.22, 0.66)
    x, y = w.x, w.y
    m = x / k.mouth_width
    m2 = np.square(m)
    arch = np.maximum(1 - 0.5 * m2 * (1 + m2), -0.2)
    line = k.mouth_y - k.smile * m2
    even = 1 / np.sqrt(1 + np.square(2 * k.smile * m / k.mouth_width))
    gap = k.mouth_open * arch
    bow = 0.85 - 0.30 * bump(m2 / 0.07)
    top, bottom = line - 0.5 * gap, line + 1.7 * gap
    below = bump(
        np.square(x / (0.75 * k.mouth_width)) + np.square((y - bottom - k.lip - 0.055) / 0.05)
    )
    w.glaze(0.40 * below, k.skin_dark)
    lips = np.maximum(top - k.lip * bow * arch - y, y - bottom - 1.15 * k.lip * arch) * even
    lips = np.maximum(lips, np.abs(x) - k.mouth_width)
    tone = 0.35 + 0.65 * step(y - line, -0.02, 0.03)
    w.fill(lips, k.lips * 0.96 + 0.05, "mouth", dark=k.lips * 0.78, tone=tone, ink=0.0, outline=0.0)
    w.stroke(lips, 0.012, k.lips * 0.7, "mouth", alpha=0.31, ink=0.0)
    shine = bump(
        np.square((x - 0.03 * k.light) / 0.07) + np.square((y - bottom - 0.6 * k.lip) / 0.016)
    )
    w.glaze(0.35 * shine * (1 - 0.6 * k.strength), WHITE)
    opened = k.mouth_open > 0.004
    hollow = np.maximum(np.maximum(top - y, y - bottom) * even, np.abs(x) - k.mouth_width)
    w.fill(hollow, (0.33, 0.09, 0.11), "mouth", alpha=opened, ink=0.9, outline=0)
    tongue = np.maximum(
        hollow, ellipse(x, y - bottom, 0.6 * k.mouth_width, 0.9 * k.mouth_open + 0.004)
    )
    w.fill(tongue, (0.80, 0.36, 0.38), alpha=opened, ink=0.5, outline=0)
    teeth = np.maximum(np.maximum(hollow + 0.004, y - top - 0.95 * gap), np.abs(m) - 0.88)
    w.fill(teeth, WHITE, alpha=opened, ink=0.0, outline=0)
    crease = np.maximum(np.abs(y - line) - 0.0085 * (1.25 - m2), np.abs(x) - 1.04 * k.mouth_width)
    w.fill(crease, k.lips * 0.42, "mouth", alpha=~opened, ink=0.95, outline=0)
    corner = bump(
        np.square((np.abs(x) - 1.04 * k.mouth_width) / 0.035) + np.square((y - line) / 0.035)
    )
    w.glaze(0.5 * corner, k.skin_dark * 0.8)


def eye(c: Canvas, k: Look, side: int) -> None:
    """Eye and brow; `side` is -1 for the left of the picture, 1 for the right."""
    w = c.beside(side, 0.02, 0.46, -0.34, 0.26)
    size, open_ = k.eye_size, k.eye_open
    x, y = w.x - side * k.eye_x, w.y - k.eye_y
    u = side * x / size
    u2 = np.square(u)
    high, low = 0.74 * size * open_, 0.56 * size * open_
    lift = 0.03 * u * (1 - k.strength)
    upper = -high * (1 - u2) * (1 + 0.16 * u) - lift
    lower = low * (1 - u2) * (1 + 0.10 * u) - lift
    even = 1 / np.sqrt(1 + np.square(1.6 * high * u / size))
    ball = np.maximum(upper - y, y - lower) * even

    socket = bump(np.square(x / (1.5 * size)) + np.square((y + 0.05) / (1.25 * size)))
    w.glaze(0.20 * socket, k.skin_dark)
    fold = np.abs(y - 1.18 * upper + 0.026) - 0.007
    w.fill(np.maximum(fold, np.abs(u) - 0.95), k.skin_dark * 0.85, alpha=0.5, outline=0, ink=0.0)
    bag = np.abs(y - lower - 0.045) - 0.006
    w.glaze(
        w.cover(np.maximum(bag, np.abs(u - 0.1) - 0.65)) * np.clip(0.75 * k.age - 0.15, 0, 1),
        k.skin_dark,
    )

    shadow = step(y - upper, 0.0, 0.75 * high)
    w.fill(ball, WHITE, "eyes", dark=(0.70, 0.70, 0.76), tone=0.25 + 0.75 * shadow, outline=0)
    gx, gy = x - k.gaze * size, y + 0.10 * high
    far = np.sqrt(np.square(gx) + np.square(gy))
    radius = 0.565 * size * (0.55 + 0.55 * open_)
    iris = rgb(IRIS_COLOURS[k.p.iris])
    glow = 0.25 + 0.75 * step(gy, -0.6 * radius, 0.9 * radius)
    disc = np.maximum(far - radius, ball)
    glow *= step(radius - far, 0.0, 0.30 * radius)  # a dark ring around the iris
    w.fill(disc, iris * 0.95 + 0.1, "eyes", dark=iris * 0.42, tone=glow, ink=0.3, outline=0)
    w.fill(np.maximum(far - 0.50 * radius, ball), (0.05, 0.04, 0.05), ink=0.95, outline=0)
    glint = np.sqrt(
        np.square(gx - 0.36 * radius * np.sign(k.light)) + np.square(gy + 0.36 * radius)
    )
    w.fill(np.maximum(glint - 0.27 * radius, ball), (1.0, 1.0, 1.0), ink=0.0, outline=0)
    thick = (0.009 + 0.008 * (1 - k.strength)) * (1 + 0.45 * u)
    lash = np.maximum(
        (np.abs(y - upper + 0.4 * thick) - thick) * even,
        np.abs(u - 0.06) - 1.10 + 0.06 * k.strength,
    )
    w.fill(lash, LASH, "eyes", ink=0.95, outline=0)
    under = np.maximum(np.abs(y - lower) - 0.005, np.abs(u - 0.1) - 0.85)
    w.fill(under * even, k.skin_dark * 0.6, alpha=0.55, ink=0.0, outline=0)

    rest = u - 0.08
    arc = (
        -high
        - 0.098
        - 0.02 * open_
        + 0.048 * np.square(rest)
        - k.brow_tilt * 0.075 * u * (1 - 0.3 * u)
    )
    heavy = k.brow_size * (1.05 - 0.42 * np.maximum(rest, -0.3)) * (1.0 - 0.22 * np.square(rest))
    brow = np.maximum((np.abs(y - arc) - heavy), np.abs(rest) - 1.22)
    shade = np.minimum(k.beard_hair * 0.62, 0.60)
    bald = k.style == 0
    shade = np.where(bald, np.minimum(shade, 0.22), shade)
    tone = 0.75 + 0.35 * wave(u * 3 + y * 18)
    w.fill(brow, shade, "hair", dark=shade * 0.75, tone=tone, alpha=0.92, ink=0.9, outline=0)
    old = np.clip(1.6 * k.age - 0.7, 0, 1)
    crow = np.abs(np.abs(y - 0.01) - 0.22 * np.maximum(u - 1.12, 0) * size) - 0.005
    w.glaze(w.cover(np.maximum(crow, np.abs(u - 1.4) - 0.22)) * old * 0.6, k.skin_dark)
