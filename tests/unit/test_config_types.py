"""The types of the configs have the keys of their schemas."""

import copy
import types
from typing import (
    Any,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from trdomics import config_types
from trdomics.cohort.config import config_schema
from trdomics.schema import load_schema

SCHEMA = config_schema()
# What `resolve_config` fills in is not null.
FILLED_IN = {"layers.id_column"}


def flat(schema: dict[str, Any], block: dict[str, Any]) -> dict[str, Any]:
    """Return a block of a schema with its ``$ref`` replaced."""
    if "$ref" not in block:
        return block
    own = {key: value for key, value in block.items() if key != "$ref"}
    return {**flat(schema, schema["$defs"][block["$ref"].rsplit("/", 1)[1]]), **own}


def unions(hint: Any) -> list[Any]:
    """Return the members of a union, or the type itself, without NotRequired."""
    if get_origin(hint) is NotRequired:
        return unions(get_args(hint)[0])
    return list(get_args(hint)) if get_origin(hint) in (Union, types.UnionType) else [hint]


def may_be_null(block: dict[str, Any]) -> bool:
    """Return whether a block of a schema allows null."""
    return None in block.get("enum", []) or "null" in block.get("type", [])


def differences(
    kind: Any, block: dict[str, Any], schema: dict[str, Any], where: str = ""
) -> list[str]:
    """Return the keys in which a type and a block of a schema differ, nested ones included."""
    hints = get_type_hints(kind, include_extras=True)
    properties = {key: flat(schema, value) for key, value in block["properties"].items()}
    found = [f"{where}{key}: in one only" for key in hints.keys() ^ properties.keys()]
    for key in hints.keys() & properties.keys():
        path, value, options = f"{where}{key}", properties[key], unions(hints[key])
        given = key in block.get("required", []) or "default" in value
        if kind.__total__ and given != (get_origin(hints[key]) is not NotRequired):
            found.append(f"{path}: required in one only")
        if path not in FILLED_IN and may_be_null(value) != (type(None) in options):
            found.append(f"{path}: null in one only")
        nested = [option for option in options if is_typeddict(option)]
        if nested or "properties" in value:
            found += differences(*nested, value, schema, f"{path}.")
    return found


def test_types_have_the_keys_of_the_schemas():
    assert differences(config_types.CohortConfig, SCHEMA, SCHEMA) == []
    for name, kind in (("audit", config_types.AuditConfig), ("meta", config_types.MetaConfig)):
        schema = load_schema(name)
        assert differences(kind, schema["properties"][name], schema) == []


def test_a_key_of_one_only_is_found():
    planted = copy.deepcopy(SCHEMA)
    keys = planted["properties"]["enrichment"]["properties"]["mirna"]["properties"]
    keys["target"] = keys.pop("targets")
    del planted["properties"]["seed"]["default"]
    assert sorted(differences(config_types.CohortConfig, planted, planted)) == [
        "enrichment.mirna.target: in one only",
        "enrichment.mirna.targets: in one only",
        "seed: required in one only",
    ]


def test_a_layer_has_the_keys_of_all_types():
    blocks = [flat(SCHEMA, branch["then"]) for branch in SCHEMA["$defs"]["layer"]["allOf"]]
    keys = {key: value for block in blocks for key, value in block["properties"].items()}
    reads = [
        flat(SCHEMA, block["properties"]["reads"])
        for block in blocks
        if "reads" in block["properties"]
    ]
    units = {key: value for block in reads for key, value in block["properties"].items()}
    whole = {**keys, "reads": {**reads[0], "properties": units}}
    assert differences(config_types.LayerConfig, {"properties": whole}, SCHEMA, "layers.") == []
