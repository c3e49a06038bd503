"""The program: settings, catalog and plan become components."""
