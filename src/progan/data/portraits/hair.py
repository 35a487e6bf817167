"""Hair: one family of shapes, whose lengths make the styles."""

from __future__ import annotations

from typing import Any

import numpy as np

from progan.data.portraits.look import Look, wash_of
from progan.data.portraits.scene import Array, Canvas, bump, ellipse, wave


class Hair:
    """Shapes and strands of the hair, worked out once and drawn behind and before the head."""

    def __init__(self, c: Canvas, k: Look) -> None:
        x, y = c.x, c.y
        self.has = np.float32(1) * (k.style > 0)
        curl = np.clip(k.s_curl + 0.12 * wave(k.wave * 0.7), 0, 1)
        self.curl = curl
        across, along = x - k.part, y + 0.78
        root = 1 / np.sqrt(np.square(across) + 0.55 * np.square(along) + 0.03)
        angle = across * root + 0.05 * curl * wave(y * 2.2 + k.wave)
        fine = np.clip(1.4 - 14 * k.scale * c.px, 0, 1)
        strands = 0.45 * wave(angle * 3.1 + k.wave) + 0.30 * wave(angle * 7.7 + 2 * k.wave)
        strands += (0.32 * fine) * wave(angle * 19 + k.wave)
        self.texture = strands
        curly = curl.ravel() > 0.3
        if curly.any():
            x_, y_, bend = x[curly], y[curly], 0.35 * wave(y[curly] * 2.6 + k.wave[curly])
            rings = wave(x_ * 3.9 + bend) * wave(y_ * 3.6 + 0.35 * wave(x_ * 2.9))
            rings += 0.35 * wave(x_ * 7.3 + y_ * 3.1) * wave(y_ * 8.1 - x_ * 2.3)
            strands[curly] += curl[curly] * (rings - strands[curly])
        self.gloss = bump(np.square((root - 1.75 - 0.10 * strands) / 0.42)) * (1 - 0.7 * curl)

        ragged = (0.004 + 0.036 * curl) * self.texture
        up = np.minimum(y + 0.08, 0) / k.s_top
        down = np.maximum(y - k.s_length, 0) / k.s_end
        wide = k.width + k.s_back
        self.back = (np.sqrt(np.square(x / wide) + np.square(up + down)) - 1) * wide + ragged
        cap = ellipse(x, y + 0.05, k.width + k.s_cap, k.s_rise) + ragged
        hatted = k.hat > 0
        self.under_hat = np.where(hatted, -0.30 - y, np.float32(-9))
        self.back = np.maximum(self.back, self.under_hat)
        self.outer = np.minimum(cap, self.back)

        off = x - k.part
        rest = np.abs(x) / k.width
        t = np.clip((rest - k.s_temple) * (1 / 0.24), 0, 1)
        line = k.s_line + k.s_slope * np.abs(off) + k.s_bend * np.square(off)
        line += k.s_tuft * (wave(x * 2.3 + k.wave) + 0.6 * wave(x * 5.1 + 3 * k.wave))
        line += 1.9 * t * t * (3 - 2 * t)
        slope = np.abs(k.s_slope * np.sign(off) + 2 * k.s_bend * off) + 47.5 * t * (1 - t) / k.width
        free = line < k.s_side
        self.below = (y - np.minimum(line, k.s_side)) / np.sqrt(1 + np.square(slope * free))
        """Distance below the hairline: negative where hair lies on the head."""

    def tone(self, c: Canvas, k: Look) -> Array:
        """Light on the hair: strands, gloss and the side the light comes from."""
        return 0.50 + 0.30 * self.texture + 0.46 * self.gloss + 0.22 * k.light * c.x - 0.16 * c.y

    def ink(self, c: Canvas, k: Look, shade: float) -> Any:
        """Dark hair is inked but for its gloss; fair hair shows the gaps between some strands."""
        if not c.inked:
            return 0.0
        dark = np.clip((0.42 - k.hair.mean(0)) * 5, 0, 1)
        level = 1.25 * dark - 0.55 + shade - 0.3 * self.texture - 0.9 * self.gloss
        gaps = 0.75 * np.clip(-7 * (self.texture + 0.58 + 0.27 * self.curl), 0, 1)
        return np.maximum(0.93 * np.clip(5 * level, 0, 1), gaps + wash_of(k.hair) * (1 - gaps))

    def behind(self, c: Canvas, k: Look) -> None:
        """Draw what lies behind the head, and the bun on top."""
        tone = 0.7 * self.tone(c, k) + 0.05
        c.fill(
            self.back,
            k.hair,
            "hair",
            dark=k.hair * 0.4,
            tone=tone,
            alpha=self.has,
            ink=self.ink(c, k, 0.25),
        )
        bun = (k.p.style == 5) & (k.p.hat == 0)
        for w in c.window(-0.42, 0.42, -1.0, -0.5).only(bun):
            j = k.of(bun)
            x, y = w.x - 0.5 * j.part, w.y + 0.725
            d = ellipse(x, y, np.float32(0.19), np.float32(0.155)) + 0.008 * w.cut(self.texture)
            swirl = wave((np.square(x) + np.square(y + 0.04)) * 26 + x * 2)
            tone = 0.55 + 0.22 * swirl - 0.9 * y + 0.6 * j.light * x
            ink = 0.9 * np.clip(3 * (1 - 2.8 * j.hair.mean(0)) - swirl, 0, 1)
            w.fill(d, j.hair_light, "hair", dark=j.hair_dark, tone=tone, ink=ink)

    def front(self, c: Canvas, k: Look) -> None:
        """Draw what lies on the head, down to the hairline and along the face."""
        d = np.maximum(np.maximum(self.outer, self.below), self.under_hat)
        c.fill(
            d, k.hair_light, "hair", dark=k.hair_dark, tone=self.tone(c, k), alpha=self.has,
            ink=self.ink(c, k, 0.0),
        )  # fmt: skip
