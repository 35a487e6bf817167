"""What a portrait looks like: shapes painted from back to front on any kind of canvas.

Head coordinates: the origin is the middle of the head, 1 is half the picture, y points down.
"""

from __future__ import annotations

import numpy as np

from progan.data.portraits import face
from progan.data.portraits.hair import Hair
from progan.data.portraits.look import Look, rgb, wash_of
from progan.data.portraits.scene import Canvas, box, bump, ellipse, polygon, step, wave
from progan.data.portraits.tables import CLOTHS, FRAMES, METALS
from progan.data.portraits.truth import Portraits


def paint(c: Canvas, people: Portraits) -> None:
    """Draw everybody on their picture."""
    k = Look(people)
    _background(c, k)
    hair = Hair(c, k)
    hair.behind(c, k)
    _body(c, k)
    _ears(c, k)
    face.head(c, k, hair)
    face.age_lines(c, k)
    face.beard(c, k, hair)
    face.nose(c, k)
    face.mouth(c, k)
    for side in (-1, 1):
        face.eye(c, k, side)
    _glasses(c, k)
    hair.front(c, k)
    _earrings(c, k)
    _hat(c, k)


def _background(c: Canvas, k: Look) -> None:
    soft = (k.scene > 0) * np.float32(0.34)
    tone = 0.5 + soft * c.by + 0.12 * k.light * c.bx
    c.back(k.near, k.far, tone)
    if not c.shaded:
        return
    for part in c.only(k.p.scene == 2):
        j = k.of(k.p.scene == 2)
        for i in range(6):
            x = 0.9 * wave(j.wave * (0.37 + 0.21 * i) + 0.31 * i)
            y = 0.95 * wave(j.wave * (0.53 + 0.13 * i) + 0.17 * i)
            r = 0.16 + 0.045 * i
            d2 = (np.square(part.bx - x) + np.square(part.by - y)) * (1 / r**2)
            disc = 1 - step(d2, 0.72, 1.0)
            part.glaze(disc * (0.20 + 0.22 * np.minimum(d2, 1)), j.accent)
    for part in c.only(k.p.scene == 3):
        j = k.of(k.p.scene == 3)
        x, y = part.bx, part.by
        sun = (np.square(x - 0.68 * np.sign(j.light)) + np.square(y + 0.45)) * 20
        part.glaze(0.55 * bump(sun / 9) + 0.75 * (1 - step(sun, 0.8, 1.0)), j.accent)
        ridge = 0.16 + 0.10 * wave(x * 0.55 + j.wave) + 0.03 * wave(x * 1.7 + j.wave)
        part.fill(ridge - y, j.far * 0.86, dark=j.near, tone=1 - step(y, 0.1, 0.9))
        field = 0.42 + 0.05 * wave(x * 0.4 + 2 * j.wave)
        part.fill(field - y, j.far * 0.66 + j.accent * 0.1, dark=j.far, tone=0.8)


def _body(c: Canvas, k: Look) -> None:
    w = c.window(-9, 9, 0.10, 9)
    x, y = w.bx, w.by
    half = 0.175 + 0.05 * k.strength
    neck = np.maximum(np.abs(x) - half - 0.25 * np.square(np.maximum(y - 0.5, 0)), 0.3 - y)
    chin = step(y - 0.25 * k.light * x, 0.60, 0.92)
    w.fill(neck, k.skin, "skin", dark=k.skin_dark * 0.92, tone=chin)
    body = ellipse(x, y - 1.40, 0.80 + 0.16 * k.strength, np.float32(0.62))
    opening = ellipse(x, y - 0.755, half + 0.07, np.float32(0.125))
    opening = np.where(k.garment == 1, np.abs(x) * 0.775 + 0.62 * (y - 1.08), opening)
    opening += 9 * k.has("garment", 3)
    tone = 0.72 - 0.7 * np.abs(y - 0.95) + 0.35 * k.light * x - 0.25 * bump(np.square(x / 0.5))
    tone += k.stripes * (0.55 - 0.9 * step(wave(y * 5.5 - 0.2 * np.square(x)), 0.0, 0.2))
    light, dark = k.cloth * 0.92 + 0.08, k.cloth * 0.66
    wash = wash_of(k.cloth)
    w.fill(np.maximum(body, -opening), light, "clothes", dark=dark, tone=tone, ink=wash)
    w.fill(np.maximum(body, opening), k.skin, "skin", dark=k.skin_dark, tone=chin, outline=0)
    hem = (k.garment != 2) * step(y, 0.74, 0.80)
    w.stroke(np.maximum(opening, body), 0.034, dark, "clothes", ink=0.0, alpha=hem)

    for part in w.only(k.p.garment == 2):
        j = k.garment.ravel() == 2
        near, py = half[j], part.by
        points = (near - 0.03, 0.66), (near + 0.13, 0.73), (0.21, 1.0), (0.015, 0.92)
        wing = polygon(np.abs(part.bx), py, *points)
        t = 1.15 - 1.4 * (py - 0.68)
        part.fill(wing, light[:, j], "clothes", dark=dark[:, j], tone=t, ink=wash[j])
        part.stroke(wing, 0.012, dark[:, j], ink=0.0, alpha=0.7)
    for part in w.only(k.p.garment == 3):
        j = k.garment.ravel() == 3
        roll = box(part.bx, part.by - 0.80, half[j] + 0.055, np.float32(0.13), 0.06)
        t = 0.75 + 0.2 * wave(part.bx * 8) * (1 - np.abs(part.bx)) - 0.4 * np.abs(part.bx)
        part.fill(roll, light[:, j], "clothes", dark=dark[:, j], tone=t, ink=wash[j])
    for part in w.only(k.p.scarf == 1):
        j = k.of(k.p.scarf == 1)
        wool = 0.55 * j.accent + 0.45 * rgb(CLOTHS[j.p.palette, (j.p.cloth + 1) % 4])
        px, py = part.bx, part.by
        sag = py - 0.10 * (1 - np.square(px * 2))
        loop = box(px, sag - 0.75, half[k.p.scarf == 1] + 0.16, np.float32(0.115), 0.11)
        lean = px - 0.2 * np.sign(j.part) - 0.1 * (py - 0.9)
        tail = box(lean, py - 1.0, np.float32(0.115), np.float32(0.26), 0.03)
        knit = 0.55 + 0.3 * wave(px * 3.5 + sag * 5) + 0.25 * j.light * px
        for d in (tail, loop):
            part.fill(
                d, wool * 0.9 + 0.1, "clothes", dark=wool * 0.62, tone=knit, ink=0.25 * (knit < 0.5)
            )


def _ears(c: Canvas, k: Look) -> None:
    for side in (-1, 1):
        w = c.beside(side, 0.34, 0.68, -0.16, 0.30)
        x, y = w.x - side * (k.width - 0.005), w.y - k.eye_y - 0.06
        ear = ellipse(x, y, np.float32(0.070), np.float32(0.125))
        w.fill(ear, k.skin, "skin", dark=k.skin_dark, tone=0.55 + 0.4 * side * k.light)
        inner = ellipse(x - side * 0.006, y + 0.005, np.float32(0.036), np.float32(0.078))
        w.glaze(0.45 * w.cover(inner), k.skin_dark * 0.9)


def _earrings(c: Canvas, k: Look) -> None:
    for part in c.only(k.p.earrings > 0):
        k = k.of(k.p.earrings > 0)
        metal = rgb(METALS[k.p.cloth % len(METALS)])
        for side in (-1, 1):
            w = part.beside(side, 0.36, 0.70, 0.10, 0.46)
            x, y = w.x - side * (k.width + 0.012), w.y - k.eye_y - 0.185
            stud = np.sqrt(np.square(x) + np.square(y)) - 0.026
            shine = 0.9 - 12 * (y + side * 0.2 * x)
            w.fill(
                stud, metal + 0.12, dark=metal * 0.6, tone=shine, alpha=k.earrings == 1, outline=0.6
            )
            hoop = ellipse(x, y - 0.055, np.float32(0.052), np.float32(0.068))
            w.stroke(hoop, 0.019, metal, alpha=k.earrings == 2)


def _glasses(c: Canvas, k: Look) -> None:
    chosen = k.p.glasses > 0
    for w in c.window(-0.60, 0.60, -0.25, 0.32).only(chosen):
        k = k.of(chosen)
        frame = rgb(FRAMES[(k.p.cloth + k.p.iris) % len(FRAMES)])
        rx, out = k.eye_size * 1.42, np.abs(w.x)
        x, y = out - k.eye_x - 0.006, w.y - k.eye_y - 0.012
        rim = np.where(
            k.glasses == 1,
            ellipse(x, y, rx, k.eye_size * 1.34),
            box(x, y + 0.008, rx * 1.02, k.eye_size * 1.05, 0.055),
        )
        ray = wave(x * np.sign(w.x) * 2.1 * np.sign(k.light) + y * 1.5 + 0.35)
        w.glaze((0.07 + 0.13 * step(ray, 0.45, 0.55)) * w.cover(rim), face.WHITE)
        bow = np.abs(y + 0.022 - 0.9 * np.square(w.x)) - 0.011
        bridge = np.maximum(bow, out - (k.eye_x - rx + 0.004))
        arm = np.maximum(np.abs(y + 0.03) - 0.011, k.eye_x + rx - out)
        arm = np.maximum(arm, out - 0.985 * k.width)
        for d in (bridge, arm):
            w.fill(d, frame, "glasses", ink=0.95, outline=0)
        w.stroke(rim, 0.026, frame, "glasses", ink=0.95)


def _hat(c: Canvas, k: Look) -> None:
    chosen = k.p.hat > 0
    for w in c.window(-9, 9, -9, 0.0).only(chosen):
        k = k.of(chosen)
        colour = rgb(CLOTHS[k.p.palette, (k.p.cloth + 2) % 4])
        pale, deep, wash = colour * 0.9 + 0.1, colour * 0.6, wash_of(colour)
        x, y = w.x, w.y
        beanie, cap, brimmed = (k.has("hat", i) for i in (1, 2, 3))
        wide = k.width + np.maximum(k.s_cap, 0.02) + 0.035
        line = -0.30 + 0.10 * np.square(x / wide) * (0.7 - 1.3 * beanie)
        up = np.minimum(y + 0.34, 0) / (0.50 - 0.04 * brimmed)
        u = x / (wide * (1 - 0.02 * brimmed))
        u2, up2 = np.square(u), np.square(up)
        power = u2 + up2 - (0.1 + 0.35 * brimmed) * u2 * up2
        dome = np.maximum((np.sqrt(np.maximum(power, 1e-6)) - 1) * 0.5, y - line)
        shape = np.sqrt(np.maximum(1 - u2 - up2, 0))
        tone = 0.30 + 0.5 * shape + 0.3 * k.light * u
        knit = 0.14 * beanie * wave(x * 9 / (0.6 + 0.4 * shape))
        seam = -0.5 * cap * bump(np.square((np.abs(u) - 0.35 * shape) / 0.025))
        w.fill(dome, pale, "hat", dark=deep, tone=tone + knit + seam, ink=wash)
        fold = box(x, y - line + 0.02, wide + 0.012, np.float32(0.075), 0.05)
        ribs = tone + 0.15 + 0.2 * wave(x * 9)
        w.fill(fold, pale, "hat", dark=deep, tone=ribs, alpha=beanie, ink=wash * (ribs < 0.6))

        beside = x - 0.10 * np.sign(k.light)
        peak = ellipse(beside, y + 0.29 - 0.20 * np.square(beside), wide * 0.86, np.float32(0.085))
        edge = 1.0 - 7.5 * (y + 0.30 - 0.20 * np.square(beside))
        w.fill(peak, deep * 1.25, "hat", dark=deep * 0.55, tone=edge, alpha=cap, ink=0.8)

        band = np.maximum(dome + 0.006, -0.415 + 0.07 * np.square(x / wide) - y)
        w.fill(band, deep * 0.55, "hat", alpha=brimmed, ink=0.9)
        brim = ellipse(x, y + 0.285 - 0.16 * np.square(x), wide * 1.50, np.float32(0.062))
        lit = 0.6 - 2.2 * (y + 0.28) + 0.2 * k.light * x
        w.fill(brim, pale, "hat", dark=deep, tone=lit, alpha=brimmed, ink=wash)
