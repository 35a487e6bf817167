"""TensorBoard, for those who want it: a listener that can never stop a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from progan.core.errors import ConfigError
from progan.engine.events import Decided, Ended, Event, Measured, Pictured, Stepped

__all__ = ["TensorBoard"]


class TensorBoard:
    """Writes terms, quality, pictures and decisions; the step is the count of real images."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ConfigError(
                "TensorBoard is not installed here. Install it: pip install progan[track]"
            ) from error
        self.writer = SummaryWriter(str(folder))

    def hear(self, event: Event) -> None:
        """Write what happened."""
        match event:
            case Stepped(at, terms, _, rate) if terms:
                for name, value in terms.items():
                    self._scalar(name, value, at.images)
                self._scalar("progress/images_per_second", rate, at.images)
                self._scalar("progress/alpha", at.alpha, at.images)
            case Measured(at, metric, level, value, _):
                self._scalar(f"quality/{metric}_{level}", value, at.images)
            case Pictured(at, path):
                from PIL import Image

                with Image.open(path) as picture:
                    array = np.asarray(picture.convert("RGB"))
                self.writer.add_image("pictures", array, at.images, dataformats="HWC")
            case Decided(images, kind, text):
                self.writer.add_text(f"decisions/{kind}", text, images)
            case Ended():
                self.writer.close()
            case _:
                pass

    def _scalar(self, name: str, value: float, images: int) -> None:
        self.writer.add_scalar(name, value, images)
