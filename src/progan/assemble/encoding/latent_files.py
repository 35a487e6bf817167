"""Latents in files: npz, or parquet where pyarrow is installed.

npz       an array for each latent field, n × its shape, float32; `label` and `classes`, `name`
parquet   a column for each number of a field (z_0, z_1, …); `label` by name, `name`
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from progan.assemble.writing.containers import MADE_HERE
from progan.assemble.writing.files import check_free, write_out
from progan.core.errors import ConfigError

__all__ = ["check_latents_file", "write_latents"]

SUFFIXES = (".npz", ".parquet")


def check_latents_file(path: Path) -> None:
    """Say before anything is computed that latents cannot be written here.

    Raises: ConfigError for another ending, a place that is taken, or parquet without pyarrow.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            f'Latents cannot be written as "{path.name}"; its name must end in .npz or .parquet. '
            f"For example: progan encode RUN PICTURES {path.stem or 'latents'}.npz"
        )
    check_free(path)
    if path.suffix.lower() == ".parquet":
        _pyarrow("pyarrow")


def _pyarrow(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise ConfigError(
            "Parquet is written by pyarrow, which is not installed: pip install "
            "'progan[parquet]'. Or write an .npz"
        ) from None


def write_latents(
    path: Path,
    latents: Mapping[str, NDArray[Any]],
    *,
    labels: NDArray[np.int64] | None = None,
    classes: Sequence[str] = (),
    names: Sequence[str] = (),
    more: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Write rows of latents, with what is known of the pictures; `more` arrays go into npz alone.

    Raises: as `check_latents_file`; RoomError where there is no room.
    """
    check_latents_file(path)
    made = MADE_HERE.decode()
    if path.suffix.lower() == ".npz":
        arrays: dict[str, NDArray[Any]] = {**latents, **(more or {})}
        if labels is not None:
            arrays |= {"label": labels, "classes": np.array(classes)}
        if names:
            arrays["name"] = np.array(names)
        arrays["software"] = np.array(MADE_HERE)  # last: near the end it is looked for
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        write_out(path, buffer.getvalue())
        return
    arrow = _pyarrow("pyarrow")
    columns: dict[str, Any] = {"name": list(names)} if names else {}
    if labels is not None:
        columns["label"] = [classes[number] for number in labels]
    for field, rows in latents.items():
        numbers = rows.reshape(len(rows), -1)
        alone = rows.ndim == 1
        columns |= {
            field if alone else f"{field}_{place}": numbers[:, place]
            for place in range(numbers.shape[1])
        }
    table = arrow.table(columns).replace_schema_metadata({"software": made})
    stream = arrow.BufferOutputStream()
    _pyarrow("pyarrow.parquet").write_table(table, stream)
    write_out(path, stream.getvalue().to_pybytes())
