"""`python -m progan` and the `progan` command."""

from __future__ import annotations

from progan.cli.app import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
