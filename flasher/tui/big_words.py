"""Words in letters three lines high, for eyes two metres away."""

from __future__ import annotations

HEIGHT = 3
# Five rows a letter; two of them share a line of the screen, as half blocks.
_LETTERS = {
    "A": ".#. #.# ### #.# #.#",
    "B": "##. #.# ##. #.# ##.",
    "C": ".## #.. #.. #.. .##",
    "D": "##. #.# #.# #.# ##.",
    "E": "### #.. ##. #.. ###",
    "F": "### #.. ##. #.. #..",
    "G": ".## #.. #.# #.# .##",
    "H": "#.# #.# ### #.# #.#",
    "I": "# # # # #",
    "J": "..# ..# ..# #.# .#.",
    "K": "#.# #.# ##. #.# #.#",
    "L": "#.. #.. #.. #.. ###",
    "M": "#...# ##.## #.#.# #...# #...#",
    "N": "#..# ##.# #.## #..# #..#",
    "O": ".#. #.# #.# #.# .#.",
    "P": "##. #.# ##. #.. #..",
    "Q": ".##. #..# #..# #.## .###",
    "R": "##. #.# ##. #.# #.#",
    "S": ".## #.. .#. ..# ##.",
    "T": "### .#. .#. .#. .#.",
    "U": "#.# #.# #.# #.# ###",
    "V": "#.# #.# #.# #.# .#.",
    "W": "#...# #...# #.#.# ##.## #...#",
    "X": "#.# #.# .#. #.# #.#",
    "Y": "#.# #.# .#. .#. .#.",
    "Z": "### ..# .#. #.. ###",
    "0": "### #.# #.# #.# ###",
    "1": ".# ## .# .# .#",
    "2": "##. ..# .#. #.. ###",
    "3": "##. ..# .#. ..# ##.",
    "4": "#.# #.# ### ..# ..#",
    "5": "### #.. ##. ..# ##.",
    "6": ".## #.. ### #.# ###",
    "7": "### ..# .#. .#. .#.",
    "8": "### #.# ### #.# ###",
    "9": "### #.# ### ..# ##.",
    "-": ".. .. ## .. ..",
    "_": "... ... ... ... ###",
    ".": ". . . . #",
    "/": "..# ..# .#. #.. #..",
    " ": ".. .. .. .. ..",
}
_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def big(text: str, width: int) -> tuple[str, ...] | None:
    """The text in three lines; None where it does not fit, or has other than these letters."""
    letters = [_LETTERS.get(letter) for letter in text]
    if not letters or None in letters:
        return None
    grids = [letter.split() for letter in letters if letter]
    rows = [".".join(grid[row] for grid in grids) for row in range(5)]
    rows.append("." * len(rows[0]))
    if len(rows[0]) > width:
        return None
    return tuple(_line(rows[at], rows[at + 1]) for at in (0, 2, 4))


def _line(upper: str, lower: str) -> str:
    return "".join(_BLOCKS[a == "#", b == "#"] for a, b in zip(upper, lower, strict=True))
