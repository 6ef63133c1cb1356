"""Database engines made for tests."""
