"""Text in every plane of Unicode."""

from __future__ import annotations

__all__ = ["PLANES"]

PLANES = ["".join(chr(plane * 0x10000 + place) for place in (0x41, 0xABCD, 0xFFFD)) for plane in range(17)]
"""A text for each of the 17 planes, of a character at its beginning, one in its middle and one near its end."""
