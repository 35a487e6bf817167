from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from imported import imported
from progan.core.errors import ConfigError, RoomError
from progan.report import build_report, gallery

VOID = {"br", "img", "input", "link", "meta"}
PARTS = [
    *("pictures", "growth", "levels", "walk", "truncation", "curves", "quality", "nearest"),
    *("duplicates", "spectrum", "plan", "decisions", "settings", "environment", "next"),
]


class Walk(HTMLParser):
    """Checks nesting, and collects tags, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"{tag} repeats an attribute"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.tags if name in attrs]


def page_of(run: Path) -> str:
    return build_report(run).read_text(encoding="utf-8")


def sections_of(walk: Walk) -> list[str]:
    return [attrs["id"] or "" for tag, attrs in walk.tags if tag == "section"]


def test_page_is_well_formed_and_holds_all_parts_in_order(fake_run: Path) -> None:
    walk = Walk(page_of(fake_run))
    assert sections_of(walk) == PARTS
    ids = walk.attributes("id")
    assert len(set(ids)) == len(ids)
    assert [link for link in walk.attributes("href") if link[0] == "#"] == [
        "#content",
        *(f"#{part}" for part in PARTS),
    ]
    assert set(walk.attributes("aria-labelledby")) <= set(ids)


def test_numbers_of_the_run_stand_on_the_page(fake_run: Path) -> None:
    said = Walk(page_of(fake_run)).text
    for words in (
        "Recognisable and varied.",
        "Training pictures 1,284",
        "Images drawn 200",
        "Training time 3.0 s",
        "21.4 ± 0.6 (floor 7.9)",
        "MS-SSIM 0.287 – 512",
        "1 near-identical pair among 512 generated pictures",
        "Distance ratio 0.97",
        "8 px alpha 0.50 stage 8 fade 150 images",
        "100 images refit Faster than measured. ratio 1.04",
        "optimizer.lr 0.001",
        "machine.cores 2",
    ):
        assert words in said
    # 100 images in 1 s at 4 px, 100 images in 2 s at 8 px.
    assert "4 4 px 10 100 100 1.0 s done" in said
    assert "8 fade 8 px 5 100 50.0 2.0 s done" in said
    assert "missing from this report" not in said


def test_page_refers_to_nothing_outside_itself(fake_run: Path) -> None:
    page = page_of(fake_run)
    bare = re.sub("data:image/webp;base64,[A-Za-z0-9+/=]+", "", page)
    assert not re.search(r"(?i)https?:|(?<!:)//[a-z]|url\(|@import|\bfetch\(|xmlns", bare)
    walk = Walk(page)
    for source in (*walk.attributes("src"), *walk.attributes("href")):
        assert source.startswith(("data:", "#"))
    tags = {tag for tag, _ in walk.tags}
    assert not tags & {"iframe", "object", "embed", "base", "form"}
    assert not any(name.startswith("on") for _, attrs in walk.tags for name in attrs)
    assert not walk.attributes("style")  # the policy would block it


def test_policy_allows_exactly_the_style_and_script_of_the_page(fake_run: Path) -> None:
    page = page_of(fake_run)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        content = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert content is not None
        digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]


HOSTILE = "</script><img src=x onerror=alert(1)>\"'&\u202eevil http://evil.example"


def test_hostile_words_stay_words(fake_run: Path) -> None:
    review = json.loads((fake_run / "review" / "review.json").read_text())
    review["verdict"] = review["nearest"]["note"] = review["system"] = HOSTILE
    review["weights"] = review["resolution"] = HOSTILE
    review["quality"][0] |= {"metric": HOSTILE, "level": HOSTILE, "note": HOSTILE}
    review["growth"][0]["resolution"] = HOSTILE
    (fake_run / "review" / "review.json").write_text(json.dumps(review))
    for name in ("metrics.jsonl", "quality.jsonl", "decisions.jsonl", "timing.jsonl"):
        line = dict.fromkeys(("stage", "metric", "level", "kind", "text", HOSTILE), HOSTILE)
        with (fake_run / name).open("a") as file:
            record = {"images": 300, "value": 1, f"{HOSTILE}/{HOSTILE}": 1, "seconds": 9}
            file.write(json.dumps({**line, **record}) + "\n")
    for name in ("environment.json", "data.json"):
        (fake_run / name).write_text(json.dumps({HOSTILE: HOSTILE, "command": [HOSTILE]}))
    for name in ("recipe.lock.yaml", "data_report.txt"):
        with (fake_run / name).open("a") as file:
            file.write(f"\n{HOSTILE}: {HOSTILE}\nsystem: '{HOSTILE}'\n")
    hostile = fake_run.rename(fake_run.parent / "<b onclick=x>'\"&猫 #1")
    page = page_of(hostile)
    walk = Walk(page)
    assert sections_of(walk) == PARTS
    tags = [tag for tag, _ in walk.tags]
    assert tags.count("script") == 1
    assert "b" not in tags
    assert not any(name.startswith("on") for _, attrs in walk.tags for name in attrs)
    assert "\u202e" not in page
    assert not re.search("(?i)https?:", page)
    assert "<b onclick=x>'\"&猫 #1" in walk.text


def test_copied_commands_survive_a_shell(fake_run: Path) -> None:
    odd = fake_run.rename(fake_run.parent / "it's; $(a) #1")
    walk = Walk(page_of(odd))
    shown = [word for word in walk.words if word.startswith("progan resume")]
    echoed = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {shown[0]}"], capture_output=True, text=True, check=True
    )
    assert echoed.stdout.splitlines() == ["progan", "resume", str(odd), "--minutes", "20"]


@pytest.mark.parametrize(
    "name",
    [
        "recipe.yaml",
        "recipe.lock.yaml",
        "environment.json",
        "data.json",
        "data_report.txt",
        "metrics.jsonl",
        "timing.jsonl",
        "quality.jsonl",
        "decisions.jsonl",
        "pictures",
        "review",
        "review/walk.webp",
        "review/samples.png",
        "review/nearest.png",
    ],
)
@pytest.mark.parametrize("how", ["gone", "empty", "cut", "noise"])
def test_any_one_thing_may_be_missing_or_damaged(fake_run: Path, name: str, how: str) -> None:
    path = fake_run / name
    content = b"" if path.is_dir() else path.read_bytes()
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    if how != "gone":
        noise = bytes(range(256)) * 3
        path.write_bytes({"empty": b"", "cut": content[: len(content) // 2], "noise": noise}[how])
    walk = Walk(page_of(fake_run))
    assert "next" in sections_of(walk)
    if how == "gone" and name not in ("recipe.yaml", "review", "pictures"):
        assert f"{Path(name).name} is not there" in walk.text


def test_interrupted_run_says_how_far_it_came(fake_run: Path) -> None:
    shutil.rmtree(fake_run / "review")
    lines = (fake_run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (fake_run / "metrics.jsonl").write_text("".join(lines[:20]) + lines[20][:15])
    for name in ("000000200_008px_fade1.00.png", "real.png"):
        (fake_run / "pictures" / name).unlink()
    lines = (fake_run / "timing.jsonl").read_text().splitlines(keepends=True)
    (fake_run / "timing.jsonl").write_text("".join(lines[:20]))
    walk = Walk(page_of(fake_run))
    # Ten steps of 10 images, ten of 5: 150 of 200.
    assert "at 150 images, 75% of the plan" in walk.text
    assert "metrics.jsonl: line 21 is cut or damaged and left out" in walk.text
    assert "latest snapshot, 150 images, 8 px" in walk.text
    assert "8 fade 8 px 5 100 50.0 1.0 s 50%" in walk.text
    assert "Go on exactly where training stopped" in walk.text
    assert "quality" not in sections_of(walk)


@pytest.mark.parametrize("review", ["[]", "{}", '{"quality": 3, "growth": [1, {}], "walk": 5}'])
def test_review_of_odd_types_is_survived(fake_run: Path, review: str) -> None:
    (fake_run / "review" / "review.json").write_text(review)
    Walk(page_of(fake_run))


def test_numbers_that_are_none_are_survived(fake_run: Path) -> None:
    with (fake_run / "metrics.jsonl").open("a") as file:
        file.write('{"images": 205, "critic/real": NaN, "critic/penalty": Infinity}\n')
        file.write('{"images": NaN}\n{"images": true}\n{"images": "9"}\n' + "[" * 5000 + "\n")
        file.write('{"images": 210, "critic/real": 1e999, "critic/penalty": %s}\n' % ("9" * 400))
    page = page_of(fake_run)
    Walk(page)
    assert "nan" not in Walk(page).text.lower().split()
    assert "4 damaged lines are left out" in page


def test_pictures_outside_the_run_folder_are_never_read(fake_run: Path, tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), "red").save(tmp_path / "secret.png")
    (fake_run / "review" / "link.png").symlink_to(tmp_path / "secret.png")
    review = json.loads((fake_run / "review" / "review.json").read_text())
    review |= {"samples": "../../secret.png", "walk": str(tmp_path / "secret.png")}
    review["nearest"]["picture"] = "link.png"
    (fake_run / "review" / "review.json").write_text(json.dumps(review))
    walk = Walk(page_of(fake_run))
    assert "secret.png is not there" in walk.text
    assert "link.png is not there" in walk.text
    assert "walk" not in sections_of(walk)


def test_same_folder_gives_the_same_bytes(fake_run: Path) -> None:
    assert page_of(fake_run) == page_of(fake_run)


@pytest.mark.slow
def test_page_of_a_long_run_stays_below_8_megabytes(fake_run: Path) -> None:
    noise = Image.effect_noise((256, 256), 90).convert("RGB")
    content = fake_run / "noise.png"
    noise.save(content, compress_level=0)
    for index in range(300):
        place = fake_run / "pictures" / f"{1000 + index:09d}_008px.png"
        place.hardlink_to(content)
    for name in ("samples", "real", "growth", "truncation", "nearest"):
        shutil.copy(content, fake_run / "review" / f"{name}.png")
    frames = [noise.rotate(90 * index) for index in range(4)] * 8
    frames[0].save(
        fake_run / "review" / "walk.webp",
        save_all=True,
        append_images=[f.point(lambda v, i=i: (v + i) % 256) for i, f in enumerate(frames[1:])],
        lossless=True,
        method=0,
    )
    page = build_report(fake_run)
    assert page.stat().st_size < 8_000_000
    walk = Walk(page.read_text(encoding="utf-8"))
    assert "240 of 303 snapshots are shown" in walk.text
    assert "walk" in sections_of(walk)


def test_rooms_of_all_pictures_leave_a_megabyte_of_eight() -> None:
    parts = {k: v for k, v in vars(gallery).items() if k.startswith("_ROOM")}
    files = sum(parts.values()) + parts["_ROOM_PAIR"] + parts["_ROOM_WALK"] / 8
    assert files * 4 / 3 < 7_000_000


def test_endless_decisions_do_not_fill_the_page(fake_run: Path) -> None:
    line = json.dumps({"images": 1, "kind": "x", "text": "word " * 100})
    (fake_run / "decisions.jsonl").write_text(f"{line}\n" * 3000)
    page = page_of(fake_run)
    assert len(page) < 500_000
    assert "later ones stand in decisions.jsonl only" in page


def test_a_folder_that_is_no_run_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no recipe.*progan train"):
        build_report(tmp_path)
    with pytest.raises(ConfigError, match="is not a folder"):
        build_report(tmp_path / "nowhere")


def test_no_room_is_said_and_leaves_no_half_page(fake_run: Path) -> None:
    (fake_run / "report.html").mkdir()
    with pytest.raises(RoomError, match=r"report\.html cannot be written"):
        build_report(fake_run)
    assert not list(fake_run.glob(".report*"))


def test_report_needs_neither_torch_nor_numpy() -> None:
    assert imported("import progan.report", "torch", "numpy") == set()


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_contrasts_at_least_4_5_and_lines_3(fake_run: Path) -> None:
    style = page_of(fake_run).split("<style>")[1].split("</style>")[0]
    palettes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    assert len(palettes) == 2

    def contrast(a: str, b: str) -> float:
        low, high = sorted((luminance(a), luminance(b)))
        return (high + 0.05) / (low + 0.05)

    for colours in palettes:
        papers = [colours[name] for name in ("paper", "raised", "sunk")]
        for ink in ("ink", "quiet", "accent"):
            assert min(contrast(colours[ink], paper) for paper in papers) >= 4.5
        assert contrast(colours["warn"], colours["warn-paper"]) >= 4.5
        for line in (f"s{index}" for index in range(8)):
            assert contrast(colours[line], colours["paper"]) >= 3
            assert contrast(colours[line], colours["fade"]) >= 3


def test_every_picture_and_control_has_a_name(fake_run: Path) -> None:
    walk = Walk(page_of(fake_run))
    for tag, attrs in walk.tags:
        if tag == "img":
            assert attrs["alt"]
        if tag == "input" or attrs.get("role") in ("region", "img"):
            assert attrs["aria-label"]
        if attrs.get("tabindex") == "0" and tag == "div":
            assert attrs["role"] == "region"


def test_relative_run_folder_works(
    fake_run: Path, monkeypatch: pytest.MonkeyPatch, run_maker: Callable[[Path], Path]
) -> None:
    monkeypatch.chdir(fake_run.parent)
    walk = Walk(page_of(Path("cats")))
    assert "progan resume cats --minutes 20" in walk.text
    monkeypatch.chdir(fake_run)
    assert "cats" in Walk(page_of(Path())).text
