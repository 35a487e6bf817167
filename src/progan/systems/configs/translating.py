"""What settings of translators share. No torch here."""

from __future__ import annotations

from progan.core.errors import ConfigError

__all__ = ["check_jitter_and_decay"]


def check_jitter_and_decay(jitter: float, decay_from: float) -> None:
    """Raise ConfigError for a `jitter` below 1 or above 2, or a `decay_from` that is no share."""
    if not 1.0 <= jitter <= 2.0:
        raise ConfigError(
            f"jitter is {jitter}; it must be from 1, pictures as they are, to 2: --set jitter=1.1"
        )
    if not 0.0 <= decay_from <= 1.0:
        raise ConfigError(
            f"decay_from is {decay_from}; it must be from 0 to 1, where the rate never falls: "
            "--set decay_from=0.5"
        )
