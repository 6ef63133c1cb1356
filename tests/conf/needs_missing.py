"""A plugin's module whose own dependency is not installed."""

import a_package_that_nobody_has  # type: ignore[import-not-found] # noqa: F401


class Storage:
    """Never reached."""
