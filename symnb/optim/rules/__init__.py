"""The rules, one module per subject; each exports its rule sets."""
