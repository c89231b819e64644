"""Pages of labels as files that print in their true size: PDF, and SVG.

PDF: ISO 32000-1; of its fourteen standard fonts Courier-Bold, which every reader has, and which
needs no table of widths. Viewers are asked not to scale. SVG 1.1, with the size in mm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from flasher.rig.labels import Box, Page, Text

_POINTS = 72 / 25.4
_HEADER = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"  # high bytes, so that nobody takes it for text
_FONTS = "Courier New, Courier, DejaVu Sans Mono, monospace"


def to_svg(page: Page) -> str:
    """One page; SVG has no second one."""
    size = f'width="{page.width:g}mm" height="{page.height:g}mm"'
    box = f'viewBox="0 0 {page.width:g} {page.height:g}"'
    lines = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box}>',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<path shape-rendering="crispEdges" d="{"".join(map(_svg_box, page.boxes))}"/>',
        f'<g font-family="{_FONTS}" font-weight="bold">',
        *map(_svg_text, page.texts),
        "</g>",
        "</svg>",
    )
    return "".join(f"{line}\n" for line in lines)


def _svg_box(box: Box) -> str:
    return f"M{box.x:.3f} {box.y:.3f}h{box.width:.3f}v{box.height:.3f}h-{box.width:.3f}z"


def _svg_text(text: Text) -> str:
    place = f'x="{text.x:.3f}" y="{text.y:.3f}" font-size="{text.size:.3f}"'
    return f"<text {place}>{escape(text.text)}</text>"


def to_pdf(pages: Sequence[Page]) -> bytes:
    """All pages in one file; characters that Courier lacks become question marks."""
    first = 4  # after catalogue, tree of pages and font
    numbers = range(first, first + 2 * len(pages), 2)
    kids = " ".join(f"{number} 0 R" for number in numbers)
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in zip(numbers, pages, strict=True):
        size = f"{page.width * _POINTS:.3f} {page.height * _POINTS:.3f}"
        bodies.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size}] /Contents {number + 1} 0 R "
            "/Resources << /Font << /F 3 0 R >> >> >>".encode()
        )
        content = _content(page)
        bodies.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    return _file(bodies)


def _content(page: Page) -> bytes:
    """In millimetres, with the origin below on the left, as PDF has it."""
    lines = [f"{_POINTS:.6f} 0 0 {_POINTS:.6f} 0 0 cm".encode()]
    lines += [_box(page, box) for box in page.boxes]
    lines += [b"f"] if page.boxes else []  # in one go: no seams between the boxes
    lines += [_text(page, text) for text in page.texts]
    return b"\n".join(lines)


def _box(page: Page, box: Box) -> bytes:
    bottom = page.height - box.y - box.height
    return f"{box.x:.3f} {bottom:.3f} {box.width:.3f} {box.height:.3f} re".encode()


def _text(page: Page, text: Text) -> bytes:
    raw = text.text.encode("cp1252", "replace")
    for special in (b"\\", b"(", b")"):
        raw = raw.replace(special, b"\\" + special)
    place = f"BT /F {text.size:.3f} Tf {text.x:.3f} {page.height - text.y:.3f} Td (".encode()
    return place + raw + b") Tj ET"


def _file(bodies: Iterable[bytes]) -> bytes:
    """The objects, numbered from 1, and the table of where they begin."""
    raw, begins = _HEADER, []
    for number, body in enumerate(bodies, 1):
        begins.append(len(raw))
        raw += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % begin for begin in begins)
    count = len(begins) + 1
    return raw + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (count, table, count, len(raw))
    )
