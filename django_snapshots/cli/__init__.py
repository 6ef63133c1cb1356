"""What a person types and reads: parser, tables, progress. The only place that formats for people."""
