"""Files are UTF-8 whatever the locale, so every text that is opened says so."""

import ast
from pathlib import Path

import unalter


def opens_text(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("read_text", "write_text"):
        # ours takes a path and is UTF-8; pathlib's says so by name or place
        return isinstance(call.func, ast.Attribute) and len(call.args) < 1 + (name == "write_text")
    mode = next((one.value for one in call.args[1:2] if isinstance(one, ast.Constant)), "r")
    return name == "open" and isinstance(call.func, ast.Name) and "b" not in str(mode)


def test_every_text_that_is_opened_says_its_encoding():
    without = []
    for source in Path(unalter.__file__).parent.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(source.read_text("utf-8"))) if isinstance(node, ast.Call)]
        named = [call for call in calls if "encoding" in {word.arg for word in call.keywords}]
        without += [f"{source}:{call.lineno}" for call in calls if opens_text(call) and call not in named]
    assert without == []
