"""How well models give pictures back."""
