"""Tests of settings: what is wrong, what is right, where values come from, what is shown."""
