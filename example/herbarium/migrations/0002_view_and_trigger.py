"""A view that counts specimens, and a trigger that keeps a history of labels: objects Django does not know."""

from django.db import migrations

CREATE_VIEW = """
CREATE VIEW herbarium_holdings AS
    SELECT taxon.name AS taxon, count(specimen.id) AS sheets, min(specimen.collected_at) AS oldest
    FROM herbarium_taxon AS taxon LEFT JOIN herbarium_specimen AS specimen ON specimen.taxon_id = taxon.id
    GROUP BY taxon.id
"""
CREATE_HISTORY = """
CREATE TABLE herbarium_label_history (specimen_id INTEGER NOT NULL, old_label TEXT NOT NULL, changed_at TEXT NOT NULL)
"""
CREATE_TRIGGER = """
CREATE TRIGGER herbarium_label_changed AFTER UPDATE OF label ON herbarium_specimen WHEN old.label <> new.label
BEGIN
    INSERT INTO herbarium_label_history VALUES (old.id, old.label, strftime('%Y-%m-%dT%H:%M:%fZ'));
END
"""


class Migration(migrations.Migration):
    """Raw SQL, as projects write it for reports and audits."""

    dependencies = [("herbarium", "0001_initial")]
    operations = [
        migrations.RunSQL(CREATE_VIEW, "DROP VIEW herbarium_holdings"),
        migrations.RunSQL(CREATE_HISTORY, "DROP TABLE herbarium_label_history"),
        migrations.RunSQL(CREATE_TRIGGER, "DROP TRIGGER herbarium_label_changed"),
    ]
