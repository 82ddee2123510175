"""Write the gazetteer of `general/content/personal/divisions.csv` from a list of codes and names (GB/T 2260).

``python scripts/divisions.py list.json`` reads ``{"110000": "北京市", "110101": "东城区", …}``, such as
``list.json`` of https://github.com/mumuy/data_location (MIT), made from the Ministry of Civil Affairs' lists.
Written are province, prefecture and the counties of it, a line each.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

GAZETTEER = Path(__file__).parents[1] / "src/hegui/general/content/personal/divisions.csv"
ENDINGS = tuple("省市区县旗盟州")


def rows(names: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return province, prefecture and counties; places without a division's ending (districts of Hong Kong …) are left out."""
    counties: dict[tuple[str, str], list[str]] = {}
    for code, name in sorted(names.items()):
        province = names[f"{code[:2]}0000"]
        city = names.get(f"{code[:4]}00", "") if code[2:4] != "00" else ""
        under = counties.setdefault((province, city), [])
        if not code.endswith("00") and name.endswith(ENDINGS) and name not in under:
            under.append(name)
    return [(province, city, " ".join(under)) for (province, city), under in counties.items()]


def main() -> None:
    """Read the list that is named and write the gazetteer."""
    names = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    with GAZETTEER.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(rows(names))
    print(f"{GAZETTEER}: {len(names)} places")


main()
