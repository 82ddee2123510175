"""What every room stands on and nothing of law: ids, clock, errors, events, settings, tables of text."""
