#!/usr/bin/env python3
"""The contract of the socket, held against what was promised before: methods, parameters, results, types, errors.

    tests/lint/contract.py     before a release: adds what is new to tests/vectors/api/contract.json

What stands there may only grow (api.md): nothing leaves, no type of a field changes, a parameter takes what it took,
none becomes required, no error gets another number.
"""
import json
import os
import re

from tree import Problem, check

PROMISED = "tests/vectors/api/contract.json"
METHODS, TYPES, ERRORS = "rpc/schema/methods/", "rpc/schema/types.json", "rpc/errors.def"


def kinds(schema):
    """The JSON types or the named type of a value, sorted."""
    if "$ref" in schema:
        return [schema["$ref"]]
    found = schema.get("type", "any")
    found = found if isinstance(found, list) else [found]
    return sorted(f"array of {'|'.join(kinds(schema['items']))}" if k == "array" and "items" in schema else k for k in found)


def members(schema):
    return {name: kinds(value) for name, value in schema.get("properties", {}).items()}


def contract(files):
    """What the tree promises now."""
    out = {"errors": {}, "types": {}, "params": {}, "required": {}, "results": {}}
    for code, name in re.findall(r"^RPC_ERROR\((-?\d+), (\w+),", files.get(ERRORS, ""), re.M):
        out["errors"][name] = int(code)
    for name, schema in json.loads(files.get(TYPES, "{}")).get("types", {}).items():
        out["types"][name] = members(schema)
    for path, text in files.items():
        if not path.startswith(METHODS):
            continue
        method = json.loads(text)
        name = method["name"]
        out["params"][name] = {p["name"]: kinds(p) for p in method.get("params", [])}
        out["required"][name] = sorted(p["name"] for p in method.get("params", []) if p.get("required"))
        result = method.get("result", {})
        out["results"][name] = {"": kinds(result), **members(result)}
    return out


def broken(was, now):
    """Each promise that is not kept, in words."""
    for name, code in was["errors"].items():
        if now["errors"].get(name) != code:
            yield f"the error {name} was {code}"
    for part in ("types", "results"):
        for owner, fields in was[part].items():
            if owner not in now[part]:
                yield f"{owner} is gone from the {part}"
            for field, kind in fields.items():
                if now[part].get(owner, {field: kind}).get(field) != kind:
                    yield f"{owner}.{field} of the {part} was {kind}"
    for owner, fields in was["params"].items():
        for field, kind in fields.items():
            if not set(kind) <= set(now["params"].get(owner, {field: kind}).get(field, [])):
                yield f"the parameter {field} of {owner} took {kind}"
        more = set(now["required"].get(owner, [])) - set(was["required"].get(owner, []))
        if more:
            yield f"{owner} wants {sorted(more)}, which it did not"


def example():
    method = {"name": "x", "params": [], "result": {"properties": {"n": {"type": "string"}}}}
    was = {"errors": {}, "types": {}, "params": {}, "required": {}, "results": {"x": {"n": ["integer"]}}}
    return {METHODS + "x.json": json.dumps(method), PROMISED: json.dumps(was)}


@check("the contract of the socket keeps what it promised", example())
def promises_are_kept(tree):
    now = contract(tree.files)
    was = json.loads(tree.files.get(PROMISED, "{}"))
    for text in broken(was, now):
        yield Problem(PROMISED, 1, text)


def main():
    from tree import Tree
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    now = contract(Tree.of_git(root).files)
    path = os.path.join(root, PROMISED)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            for text in broken(json.load(f), now):
                raise SystemExit(f"not kept: {text}")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(now, f, indent=1, sort_keys=True)
        f.write("\n")


if __name__ == "__main__":
    main()
