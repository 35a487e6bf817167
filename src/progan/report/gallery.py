"""The parts of a run's report that are pictures."""

from __future__ import annotations

from collections.abc import Sequence

from progan.report.markup import Html, element, join, text
from progan.report.page import Section, film_controls, paragraph, picture, scrolling
from progan.report.pictures import Album, Picture
from progan.report.read import Run
from progan.report.values import Record, number, words
from progan.report.words import count

__all__ = [
    "codes_part",
    "growth_part",
    "levels_part",
    "nearest_part",
    "pair_part",
    "truncation_part",
    "walk_part",
]

# Bytes of picture files for each part. As data: addresses they take a third more, under 7 MB in
# all, which leaves 1 MB for charts and words.
_ROOM_PAIR = 400_000
_ROOM_GROWTH = 2_000_000
_ROOM_LEVELS = 400_000
_ROOM_WALK = 1_100_000
_ROOM_TRUNCATION = 400_000
_ROOM_NEAREST = 250_000
_ROOM_CODES = 150_000
_MOST_SNAPSHOTS = 240
_MOST_ROWS = 64
_SMALL_WALK = 320
"""Width in pixels up to which a walk is one picture, or few: not to be enlarged to a poster."""


def pair_part(run: Run, album: Album) -> Section | None:
    """Real pictures beside generated ones; before the review, the latest snapshot."""
    if run.review.get("translations"):
        return None
    places = [_below(run.review.get(key)) for key in ("real", "samples")]
    real, made = (album.still(place, _ROOM_PAIR) if place else None for place in places)
    real = real or album.still("pictures/real.png", _ROOM_PAIR)
    note = "none chosen by hand"
    if not made and run.snapshots:
        latest = run.snapshots[-1]
        made = album.still(latest.path.relative_to(run.folder), _ROOM_PAIR)
        note = f"latest snapshot, {count(latest.images)} images, {latest.resolution} px"
    figures = []
    if real:
        figures.append(picture(real, "A grid of real training pictures", _caption("Real")))
    if made:
        figures.append(picture(made, "A grid of generated pictures", _caption("Generated", note)))
    if not figures:
        return None
    return Section(
        slug="pictures",
        title="Real beside generated",
        short="Pictures",
        body=[element("div", *figures, class_="pair")],
    )


def growth_part(run: Run, album: Album) -> Section | None:
    """Every snapshot, one at a time under a slider; a strip to scroll where scripts are off."""
    snapshots = list(run.snapshots)
    total = len(snapshots)
    if total > _MOST_SNAPSHOTS:
        keep = {round(i * (total - 1) / (_MOST_SNAPSHOTS - 1)) for i in range(_MOST_SNAPSHOTS)}
        snapshots = [snapshot for index, snapshot in enumerate(snapshots) if index in keep]
    shown = album.series([s.path.relative_to(run.folder) for s in snapshots], _ROOM_GROWTH)
    frames = []
    for snapshot, image in zip(snapshots, shown, strict=True):
        if image is None:
            continue
        begun = [span.name for span in run.spans if span.start < snapshot.images]
        stage = f"stage {begun[-1]}" if begun else ""
        fading = f"alpha {snapshot.alpha:.2f}" if snapshot.alpha is not None else ""
        facts = [f"{snapshot.resolution} px", fading, stage, f"{count(snapshot.images)} images"]
        facts = [fact for fact in facts if fact]
        caption = join((element("span", text(fact)) for fact in facts), " ")
        frames.append(
            element("li", picture(image, f"Generated pictures at {', '.join(facts)}", caption))
        )
    if not frames:
        return None
    same = "pictures" if run.review.get("translations") else "latents"
    hint = f"The same {same} from the first step to the last."
    if total > len(frames):
        hint += f" {len(frames)} of {count(total)} snapshots are shown; all lie in pictures/."
    controls = film_controls(len(frames), "Moment of training")
    film = scrolling("Snapshots", element("ol", *frames), class_="film")
    return Section(
        slug="growth",
        title="Growth",
        body=[paragraph(hint, "quiet"), element("div", controls, film, class_="growth")],
    )


def levels_part(run: Run, album: Album) -> Section | None:
    """The finished generator, stopped at each resolution."""
    rows = _rows(run.review, "growth")
    shown = album.series([_below(row.get("picture")) for row in rows], _ROOM_LEVELS)
    captions = []
    for row in rows:
        alpha = number(row.get("alpha"))
        faded = f", alpha {alpha:.2f}" if alpha is not None and alpha < 1 else ""
        captions.append(f"{words(row.get('resolution'))} px{faded}")
    strip = _strip("Resolutions", shown, captions, "Generated pictures at")
    if strip is None:
        return None
    hint = (
        "The finished generator, read out at every resolution it grew through. The exits of small "
        "sizes were last trained when the network had that size: colours may have drifted since."
    )
    return Section(slug="levels", title="Resolutions", body=[paragraph(hint, "quiet"), strip])


def walk_part(run: Run, album: Album) -> Section | None:
    """A film that passes smoothly from picture to picture; it can be stopped."""
    place = run.review.get("walk")
    found = album.moving(_below(place), _ROOM_WALK) if place else None
    if found is None:
        return None
    words_ = "An animation that passes smoothly through generated pictures"
    figure = element(
        "div",
        picture(found.moving, words_),
        picture(found.still, "The first frame of the walk"),
        element("button", text("Pause"), type="button", class_="pause", hidden=True),
        class_=("walk", "small") if found.moving.width <= _SMALL_WALK else "walk",
    )
    hint = "A path through the latent space. Smooth change without jumps is a good sign."
    return Section(slug="walk", title="Walk", body=[paragraph(hint, "quiet"), figure])


def truncation_part(run: Run, album: Album) -> Section | None:
    """The same latents drawn towards their mean."""
    rows = _rows(run.review, "truncation")
    shown = album.series([_below(row.get("picture")) for row in rows], _ROOM_TRUNCATION)
    values = [number(row.get("truncation")) for row in rows]
    captions = ["no truncation" if v is None else f"truncation {v:g}" for v in values]
    strip = _strip("Truncation", shown, captions, "Generated pictures with")
    if strip is None:
        return None
    hint = "Smaller values keep to typical latents: safer pictures, less variety."
    return Section(slug="truncation", title="Truncation", body=[paragraph(hint, "quiet"), strip])


def codes_part(run: Run, album: Album) -> Section | None:
    """Each code or label of the generator, swept through its values."""
    rows = _rows(run.review, "codes")
    shown = album.series([_below(row.get("picture")) for row in rows], _ROOM_CODES)
    captions = [words(row.get("code")) for row in rows]
    strip = _strip("Codes and labels", shown, captions, "Generated pictures sweeping")
    if strip is None:
        return None
    hint = "Along a row one code changes, all else stays; each row has a seed of its own."
    return Section(slug="codes", title="Codes and labels", body=[paragraph(hint, "quiet"), strip])


def nearest_part(run: Run, album: Album) -> Section | None:
    """Generated pictures with the training pictures most like them."""
    found = run.review.get("nearest")
    if not isinstance(found, dict):
        return None
    shown = album.still(_below(found.get("picture")), _ROOM_NEAREST)
    ratio = number(found.get("distance_ratio"))
    body = []
    if ratio is not None:
        body.append(paragraph(f"Distance ratio {ratio:.2f}."))
    if words(found.get("note")):
        body.append(paragraph(words(found.get("note")), "quiet"))
    if shown:
        hint = text("Each row: a generated picture, then the training pictures nearest to it.")
        body.append(
            picture(shown, "Generated pictures beside their nearest training pictures", hint)
        )
    if not body:
        return None
    return Section(slug="nearest", title="Nearest training pictures", short="Nearest", body=body)


def _below(name: object) -> str:
    """The place of a picture that review.json names."""
    return f"review/{name}" if isinstance(name, str) else ""


def _rows(review: Record, key: str) -> list[Record]:
    rows = review.get(key)
    if not isinstance(rows, list):
        return []
    found: list[Record] = [row for row in rows if isinstance(row, dict)]
    return found[:_MOST_ROWS]


def _caption(title: str, note: str = "") -> Html:
    strong = element("strong", text(title))
    return Html(strong + text(f" {note}")) if note else strong


def _strip(
    label: str, shown: Sequence[Picture | None], captions: Sequence[str], words_: str
) -> Html | None:
    items = [
        element("li", picture(image, f"{words_} {caption}", text(caption)))
        for image, caption in zip(shown, captions, strict=True)
        if image is not None
    ]
    return scrolling(label, element("ol", *items), class_="strip") if items else None
