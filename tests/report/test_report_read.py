from __future__ import annotations

from pathlib import Path

from progan.report.curves import clock, quality_points, shades
from progan.report.read import read_run
from progan.report.stages import Span


def test_going_back_to_a_checkpoint_takes_back_what_followed(fake_run: Path) -> None:
    (fake_run / "metrics.jsonl").write_text(
        '{"images": 10, "critic/real": 1}\n{"images": 20, "critic/real": 2}\n'
        '{"images": 30, "critic/real": 3}\n{"images": 20, "critic/real": 4}\n'
    )
    run = read_run(fake_run)
    assert [(r["images"], r["critic/real"]) for r in run.metrics] == [(10, 1), (20, 4)]


def test_snapshots_are_read_from_their_names(fake_run: Path) -> None:
    (fake_run / "pictures" / "notes.txt").write_text("")
    found = [(s.images, s.resolution, s.alpha) for s in read_run(fake_run).snapshots]
    assert found == [(100, 4, None), (150, 8, 0.5), (200, 8, 1.0)]


def test_of_several_panels_samples_come_first(fake_run: Path) -> None:
    pictures = fake_run / "pictures"
    (pictures / "000000200_008px_fade1.00.png").rename(pictures / "000000200_008px_inputs.png")
    assert [s.images for s in read_run(fake_run).snapshots] == [100, 150]
    for name in ("000000100_004px", "000000150_008px_fade0.50"):
        (pictures / f"{name}.png").rename(pictures / f"{name}_outputs.png")
    (pictures / "000000300_008px_fade0.25_inputs.png").write_bytes(b"")
    found = [(s.images, s.alpha) for s in read_run(fake_run).snapshots]
    assert found == [(200, None), (300, 0.25)]  # "inputs" stands before "outputs"


def test_a_run_whose_time_was_up_is_finished_there(fake_run: Path) -> None:
    lock = fake_run / "recipe.lock.yaml"
    lock.write_text(lock.read_text().replace("images: 100", "images: 1_000"))
    with (fake_run / "decisions.jsonl").open("a") as file:
        file.write('{"images": 200, "kind": "until", "text": "Time is up."}\n')
    assert read_run(fake_run).finished
    with (fake_run / "metrics.jsonl").open("a") as file:
        file.write('{"images": 210, "stage": "4"}\n')  # it was resumed
    assert not read_run(fake_run).finished


def test_without_a_plan_stages_are_those_that_were_played(fake_run: Path) -> None:
    (fake_run / "recipe.lock.yaml").unlink()
    spans = read_run(fake_run).spans
    assert [(s.name, s.start, s.end, s.resolution, s.fade) for s in spans] == [
        ("4", 0, 100, "4", False),
        ("8 fade", 100, 200, "8", True),
    ]


def test_time_of_a_stage_is_what_the_clock_showed_in_it(fake_run: Path) -> None:
    first, second = read_run(fake_run).spans
    assert (first.measured, round(first.seconds or 0, 6)) == (100, 1.0)
    assert (second.measured, round(second.seconds or 0, 6)) == (100, 2.0)


def test_a_run_that_was_told_to_end_early_is_finished_there(fake_run: Path) -> None:
    lock = fake_run / "recipe.lock.yaml"
    content = lock.read_text().replace("images: 100", "images: 1_000")
    lock.write_text(content)
    assert not read_run(fake_run).finished
    lock.write_text(content.replace("minutes: 10", "minutes: 10, until: 200"))
    assert read_run(fake_run).finished


def test_images_become_seconds_along_the_clock(fake_run: Path) -> None:
    at = clock(read_run(fake_run))
    # 100 images/s up to image 100, then 50: 150 images are over after 1 + 50 / 50 seconds.
    for images, seconds in ((0, 0.0), (50, 0.5), (100, 1.0), (150, 2.0), (152.5, 2.05)):
        found = at(images)
        assert found is not None
        assert abs(found - seconds) < 1e-9
    assert at(201) is None


def test_swd_over_all_levels_is_their_mean_where_no_average_was_written(fake_run: Path) -> None:
    (fake_run / "quality.jsonl").write_text(
        '{"images": 100, "metric": "swd", "level": "8", "value": 10}\n'
        '{"images": 100, "metric": "swd", "level": "4", "value": 99}\n'
        '{"images": 100, "metric": "swd", "level": "4", "value": 20}\n'
        '{"images": 100, "metric": "msssim", "level": "", "value": 0.3}\n'
    )
    assert quality_points(read_run(fake_run), "swd") == [(100.0, 15.0)]


def test_each_resolution_is_named_once_where_there_is_room() -> None:
    spans = [
        Span(name="4", start=0, end=20, resolution="4"),
        Span(name="8 fade", start=20, end=500, resolution="8", fade=True),
        Span(name="8", start=500, end=1000, resolution="8"),
    ]
    # 2 % of the axis is too narrow even for "4".
    assert [shade.label for shade in shades(spans, 1000)] == ["", "8 px", ""]


def test_very_long_files_are_thinned_and_keep_their_range(fake_run: Path) -> None:
    lines = (f'{{"images": {n}, "seconds": {n}}}\n' for n in range(100_000))
    (fake_run / "timing.jsonl").write_text("".join(lines))
    timing = read_run(fake_run).timing
    assert len(timing) <= 40_000
    assert timing[0]["images"] == 0
    assert timing[-1]["images"] > 99_990
