"""The example serves no pages; Django only wants to find this module."""

urlpatterns: list[object] = []
