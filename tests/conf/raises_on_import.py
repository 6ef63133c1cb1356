"""A plugin's module that fails when it is imported."""

raise RuntimeError("the module is broken")
