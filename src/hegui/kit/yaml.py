"""YAML of plain types, read strictly: a key given twice is refused, for one of the two would be dropped without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from hegui.kit.limits import bounded

YAMLError = yaml.YAMLError
if TYPE_CHECKING:
    _Parser = yaml.SafeLoader
else:
    _Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is not everywhere
_MERGE, _TEXT = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:str"


class _Strict(yaml.constructor.SafeConstructor):
    """Builds plain types, once every mapping was seen to have each key once."""

    def construct_document(self, node: yaml.Node) -> Any:  # noqa: ANN401 - YAML of any shape
        """Return the data of a document; raise ConstructorError for a key given twice."""
        met: set[yaml.Node] = set()  # an alias may lead back
        waiting = [node]
        while waiting:
            part = waiting.pop()
            if isinstance(part, yaml.MappingNode) and part not in met:
                self._check_keys(part)
                waiting.extend(value for _, value in part.value)
            elif isinstance(part, yaml.SequenceNode) and part not in met:
                waiting.extend(part.value)
            met.add(part)
        return super().construct_document(node)

    def _check_keys(self, mapping: yaml.MappingNode) -> None:
        seen = set()
        for key, _ in mapping.value:
            # `<<` stands for the keys of another mapping, which the own ones may override.
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                continue
            name = key.value if key.tag == _TEXT else self.construct_object(key)  # 1 and 0x1 are one key
            if name in seen:
                fault = f"键 {key.value} 出现两次 / the key {key.value} stands twice"
                raise yaml.constructor.ConstructorError(None, None, fault, key.start_mark)
            seen.add(name)


class _Careful(_Strict, yaml.SafeLoader):
    """In Python: slow, and nothing that it is given harms the process."""


class _Fast(_Strict, _Parser):
    """In C, ten times faster; data nested some ten thousand deep ends the process."""


def read_yaml(text: str, *, shipped: bool = False) -> Any:  # noqa: ANN401 - YAML of any shape
    """Return the data of a YAML text; raise YAMLError for whatever is wrong with it, a key given twice too.

    `shipped` is for hegui's own files alone: they are read by the faster parser.
    """
    try:
        data = yaml.load(text, Loader=_Fast if shipped else _Careful)  # noqa: S506 - both build plain types alone
        return data if shipped else bounded(data)
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        # What PyYAML lets through: days that are none, tags that do not fit their value, data nested too deep.
        raise YAMLError(str(error) or type(error).__name__) from None
