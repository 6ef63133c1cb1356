"""No page at all: every request is answered 404."""

urlpatterns: list[object] = []
