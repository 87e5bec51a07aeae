"""The notebook's magics: each parses its line and calls its Python twin. Floor 8."""
