"""The verb `project`: the latents of a picture, for models without an encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from progan.cli.encode import AtImages, Device, Run, Weights
from progan.cli.streams import say
from progan.core.errors import ConfigError

__all__ = ["project"]


def project(
    run: Run,
    picture: Annotated[str, typer.Argument(help="A picture; it is made square as the run's were.")],
    out: Annotated[Path | None, typer.Argument(help="Latents to write: .npz.")] = None,
    starts: Annotated[int, typer.Option(help="Latents that are improved side by side.")] = 4,
    tried: Annotated[int, typer.Option(help="Latents drawn, of which the best are.")] = 64,
    steps: Annotated[int, typer.Option(help="Steps of Adam.")] = 200,
    rate: Annotated[float, typer.Option(help="Its first rate, which falls to 0.")] = 0.05,
    extractor: Annotated[
        str | None, typer.Option(help="Compare features too: effnet-lite0, trained:HASH …")
    ] = None,
    features: Annotated[float, typer.Option(help="Weight of features beside pixels.")] = 1.0,
    label: Annotated[
        str | None, typer.Option(help="A class by name or number, or labels such as age=37.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the first latents that are drawn.")] = 0,
    weights: Weights = "average",
    at_images: AtImages = None,
    device: Device = "auto",
) -> None:
    """Look for the latents whose picture is nearest to this one; write them, and a sheet."""
    for name, number, most in (
        *(("starts", starts, 256), ("tried", tried, 100_000), ("steps", steps, 100_000)),
    ):
        if not 1 <= number <= most:
            raise ConfigError(f"--{name} is {number:,}; it must be from 1 to {most:,}.")
    if not 0 < rate <= 100 or not 0 <= features <= 1e6 or not 0 <= seed < 2**62:
        raise ConfigError(
            f"--rate is {rate:g}, --features {features:g} and --seed {seed}; the rate must be "
            "above 0, the others not below: --rate 0.05 --features 1 --seed 0"
        )

    from progan.assemble.writing.files import check_free, free_name

    path = out or free_name(Path(f"{Path(picture).stem or 'picture'}-latents.npz"))
    if path.suffix.lower() != ".npz":
        raise ConfigError(
            f'Latents cannot be written as "{path.name}"; its name must end in .npz. '
            f"For example: {path.stem or 'latents'}.npz"
        )
    sheet = path.with_suffix(".png")
    check_free(path)
    check_free(sheet)

    import numpy as np

    from progan.assemble.encoding.given import Given, run_of
    from progan.assemble.encoding.latent_files import write_latents
    from progan.assemble.encoding.project import Search
    from progan.assemble.encoding.project import project as look
    from progan.assemble.encoding.sheets import bands, write_sheet
    from progan.assemble.models.model import load

    chosen: Any = weights
    model = load(run, at_images=at_images, weights=chosen, device=device)
    for line in model.stored.passed:
        say(f"{line} Using {model.path.name}.")
    asked = None if label is None else model.asked(label, 1)
    given = Given.open(picture, model, run_of(run))
    if given.count != 1:
        raise ConfigError(
            f"{picture} holds {given.count:,} pictures; one is looked for at a time. Name the file "
            "of one: progan project RUN PICTURE.png"
        )
    through = None
    if extractor is not None:
        from progan.extractors.names import lookup

        through = lookup(extractor, device=model.device)
    target = given.pixels([0])
    found = look(
        model,
        target,
        Search(starts=starts, tried=tried, steps=steps, rate=rate, features=features, seed=seed),
        extractor=through,
        label=None if asked is None else asked[0],
    )
    write_latents(
        path,
        {name: np.asarray(value.numpy()) for name, value in found.latents.items()},
        more={"loss": np.array(found.loss)},
    )
    write_sheet(sheet, bands([np.concatenate([target, found.picture])], 2), given.side)
    off = float(np.sqrt(np.square(target.astype(np.float64) - found.picture).mean()))
    say(f"{path}  latents, from {model.path} at {model.trained_images:,} images")
    say(f"{sheet}  the picture, and what the model draws of its latents")
    say(
        f"Loss {found.loss:.4g}, of the best of {max(tried, starts):,} drawn {found.before:.4g}; "
        f"by start {', '.join(f'{one:.4g}' for one in found.losses[:8])}"
    )
    say(f"Off by {off:.1f} of 256 levels (root mean square)")
