"""An engine that derives from SQLite, as GIS, pools and wrappers do."""
