"""What a store of pictures says of itself: manifest.json, with a checksum of every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from progan.core.errors import DataError
from progan.data.labels import Column, LabelKind

__all__ = ["FORMAT", "Manifest", "damaged", "file_name", "sha256_of"]

FORMAT = 4
"""Version of the layout of files; raised when an older program could not read it. Stores with
vectors of captions are written as version 4, others with captions, and those of one picture in its
own shape, as 3, others whose labels are numbers as 2, all others as 1."""

LABEL_WORDS = ("label_kind", "columns", "captions", "vectors", "vector_width", "encoder")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a pyramid holds."""

    key: str
    """Of the source and the settings it was built from (see `build`)."""
    source: str
    channels: int
    count: int
    classes: tuple[str, ...]
    pictures_per_file: dict[int, int]
    """For each resolution."""
    sha256: dict[str, str]
    """For each file beside the manifest."""
    label_kind: LabelKind = "class"
    columns: tuple[Column, ...] = ()
    """What the numbers of a label are, where it is no class."""
    whole: tuple[int, int] | None = None
    """Height and width of the one picture that lies in the corner of its square."""
    captions: int = 0
    """Bytes of captions.txt; 0 where there is none."""
    vectors: int = 0
    """Rows of vectors.f32: one for each different caption, in the order of captions.txt."""
    vector_width: int = 0
    """Numbers of a row."""
    encoder: str = ""
    """What made them: a name, a colon, and the SHA-256 of its weights."""

    def files(self, resolution: int) -> Iterator[tuple[str, int]]:
        """Names and sizes in bytes of the files of one resolution."""
        per_file, left = self.pictures_per_file[resolution], self.count
        for number in range(-(-self.count // per_file)):
            pictures = min(per_file, left)
            left -= pictures
            yield file_name(resolution, number), pictures * self.channels * resolution**2

    def sizes(self) -> dict[str, int]:
        """Bytes of every file whose size follows from the manifest."""
        sizes = {name: size for r in self.pictures_per_file for name, size in self.files(r)}
        sizes |= {"labels.i32": 4 * self.count} if self.classes else {}
        sizes |= {"captions.txt": self.captions} if self.captions else {}
        sizes |= {"vectors.f32": 4 * self.vectors * self.vector_width} if self.vectors else {}
        return sizes | ({"labels.f32": 4 * self.count * len(self.columns)} if self.columns else {})

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what training sees: shapes, classes and the bytes of pictures and labels."""
        seen = {
            "channels": self.channels,
            "count": self.count,
            "classes": self.classes,
            "files": {name: self.sha256[name] for name in sorted(self.sizes())},
            **{name: v for name, v in self._label_words().items() if name != "encoder"},
            **({} if self.whole is None else {"whole": self.whole}),
        }
        return hashlib.sha256(_canonical(seen)).hexdigest()

    def _label_words(self) -> dict[str, Any]:
        """What is said of captions and of labels that are numbers; nothing of others."""
        words: dict[str, Any] = {"captions": self.captions} if self.captions else {}
        if self.vectors:
            words |= {name: getattr(self, name) for name in LABEL_WORDS[3:]}
        if not self.columns:
            return words
        columns = [[column.name, column.low, column.high] for column in self.columns]
        return {**words, "label_kind": self.label_kind, "columns": columns}

    def json(self) -> bytes:
        """The text of manifest.json, which ends with its own checksum."""
        said = {name: value for name, value in vars(self).items() if name not in LABEL_WORDS}
        said |= self._label_words()
        if self.whole is None:
            del said["whole"]
        third = self.captions or self.whole is not None
        form = FORMAT if self.vectors else 3 if third else 2 if self.columns else 1
        body = {"format": form, **said, "fingerprint": self.fingerprint}
        body["pictures_per_file"] = {str(r): n for r, n in self.pictures_per_file.items()}
        body["checksum"] = hashlib.sha256(_canonical(body)).hexdigest()
        return (json.dumps(body, indent=1) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Parse and check manifest.json.

        Raises: DataError when it is missing, damaged, or of a newer format.
        """
        folder = path.parent
        try:
            body = json.loads(path.read_bytes())
            if not isinstance(body, dict):
                raise TypeError
        except FileNotFoundError:
            raise DataError(
                f"{folder} is no data pyramid: it has no manifest.json. "
                f"Build one: progan data build PICTURES --to {folder}"
            ) from None
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
        except (ValueError, TypeError, RecursionError):
            raise damaged(folder, "manifest.json is not what was written") from None
        if isinstance(body.get("format"), int) and body["format"] > FORMAT:
            raise DataError(
                f"{folder} was built by a newer progan (format {body['format']}; this one reads "
                f"up to {FORMAT}). Update progan, or build the data again."
            )
        checksum = body.pop("checksum", None)
        if checksum != hashlib.sha256(_canonical(body)).hexdigest():
            raise damaged(folder, "the checksum of manifest.json is wrong")
        try:
            body["pictures_per_file"] = {int(r): n for r, n in body["pictures_per_file"].items()}
            body["classes"] = tuple(body["classes"])
            if body.get("whole") is not None:
                height, width = body["whole"]
                body["whole"] = (int(height), int(width))
            body["columns"] = tuple(Column(*column) for column in body.get("columns", ()))
            return cls(**{k: v for k, v in body.items() if k not in ("format", "fingerprint")})
        except (TypeError, KeyError, ValueError, AttributeError):
            raise damaged(folder, "manifest.json does not say what it must") from None


def file_name(resolution: int, number: int) -> str:
    """`r0064-00000.u8`."""
    return f"r{resolution:04d}-{number:05d}.u8"


def sha256_of(path: Path) -> str:
    """Checksum of a file, read in pieces."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise damaged(path.parent, f"{path.name} cannot be read ({error.strerror})") from error


def damaged(folder: Path, what: str) -> DataError:
    """The error for a store that is not what was written."""
    return DataError(
        f"the data in {folder} is damaged: {what}. The pictures it was built from are untouched; "
        f"remove that folder and start again, and it is built anew."
    )


def _canonical(body: object) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
