"""Checks values against the schema files of the socket: as much of JSON Schema as rpc/schema/ uses, no more."""
import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "rpc/schema"
TYPES = json.loads((FOLDER / "types.json").read_text())["types"]
METHODS = {f.stem: json.loads(f.read_text()) for f in sorted((FOLDER / "methods").glob("*.json"))}
KINDS = {"string": str, "object": dict, "array": list, "boolean": bool, "integer": int, "number": (int, float)}


def is_kind(value, kind):
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def wrong(value, schema, path):
    """What does not fit, one sentence each."""
    if "$ref" in schema:
        schema = {**TYPES[schema["$ref"]], **{k: v for k, v in schema.items() if k != "$ref"}}
        if "$ref" in schema:
            return wrong(value, schema, path)
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds and not any(is_kind(value, k) for k in kinds):
        return [f"{path}: {json.dumps(value)[:80]} is not {' or '.join(kinds)}"]
    out = []
    if "enum" in schema and value not in schema["enum"]:
        out.append(f"{path}: {value!r} is none of {schema['enum']}")
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        out.append(f"{path}: {value!r} does not match {schema['pattern']}")
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        out += [f"{path}: has no {name}" for name in schema.get("required", []) if name not in value]
        out += [f"{path}.{name}: is not in the schema" for name in value if name not in known]
        for name in value.keys() & known.keys():
            out += wrong(value[name], known[name], f"{path}.{name}")
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            out += wrong(item, schema["items"], f"{path}[{i}]")
    return out


def check(value, schema, path):
    problems = wrong(value, schema, path)
    assert not problems, "\n".join(problems[:10])


def check_result(method, result):
    """The answer of a friendly method; a raw one (it has a dot) follows Telegram's layer instead."""
    if method in METHODS:
        check(result, METHODS[method].get("result", {}), f"{method}.result")


def check_error(error):
    check(error, {"$ref": "Error"}, "error")


def check_event(params):
    check(params, {"$ref": "Event"}, "event")
    kind = params["type"]
    if kind not in ("raw", "heartbeat"):
        kind = {"account": "change"}.get(kind, kind)
        assert kind in params, f"an event of type {kind} without its member: {params}"
