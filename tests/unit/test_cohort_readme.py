"""config/README.md explains every key that the schema takes."""

import re
from pathlib import Path

from trdomics.cohort.config import config_schema

README = (Path(__file__).parents[2] / "config" / "README.md").read_text("utf-8")


def keys(node, path=()):
    """Yield the path of every key of a schema, those behind its references too."""
    schema = config_schema()
    if "$ref" in node:
        yield from keys(schema["$defs"][node["$ref"].rsplit("/", 1)[1]], path)
    for name, child in node.get("properties", {}).items():
        yield (*path, name)
        yield from keys(child, (*path, name))
    for part in node.get("allOf", []) + node.get("anyOf", []):
        yield from keys(part.get("then", part), path)
    for key in ("additionalProperties", "items"):
        if isinstance(node.get(key), dict):
            yield from keys(node[key], path)


def sections():
    """Return the text of each heading: the key it is of → what stands under it."""
    parts = re.split(r"^###? (.*)$", README, flags=re.MULTILINE)
    return {
        re.sub(r"\W.*", "", title.strip("`")): text
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_every_key_is_explained_under_its_own_heading():
    explained = sections()
    found = list(dict.fromkeys(keys(config_schema())))
    assert len(found) > 60
    assert ("layers", "min_prevalence") in found
    missing = []
    for path in found:
        group = explained.get(path[0], explained["General"])
        # a group is explained by its heading
        known = path[0] in explained if len(path) == 1 else False
        if not known and not re.search(rf"`[^`]*\b{re.escape(path[-1])}\b[^`]*`", group):
            missing.append(".".join(path))
    assert missing == []
