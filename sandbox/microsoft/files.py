"""Files as Microsoft Advertising sends them: a ZIP of one CSV with a byte order mark.

What does not belong here: what the lines say (`bulk`, `report`).
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence


def packed(name: str, lines: Iterable[Sequence[str]]) -> bytes:
    """The file of these lines, in which every cell is quoted."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(lines)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as folder:
        # With the fixed date of ZipInfo the same lines always have the same bytes.
        folder.writestr(zipfile.ZipInfo(f"{name}.csv"), b"\xef\xbb\xbf" + text.getvalue().encode())
    return archive.getvalue()
