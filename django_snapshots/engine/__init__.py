"""What is done with snapshots: functions that take everything they use as arguments."""
