"""What differs between the inputs of two layers, in words."""

from __future__ import annotations

import pytest

from builder.history import differences

ONE, OTHER = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"cwd": "/"}, {"cwd": "/"}, []),
        ({"cwd": "/"}, {"cwd": "/etc"}, ["cwd: / → /etc"]),
        ({}, {"env": {"A": "1"}}, ["env: new"]),
        ({"env": {"A": "1", "B": "2"}}, {"env": {"B": "3"}}, ["env.A: gone", "env.B: 2 → 3"]),
        ({"stdin": ONE}, {"stdin": OTHER}, ["stdin: aaaaaaaaaaaa → bbbbbbbbbbbb"]),
        (
            {"packages": [["vim", "9.0", "arm64", ONE], ["ed", "1", "arm64", ONE]]},
            {"packages": [["vim", "9.1", "arm64", OTHER], ["nano", "8", "arm64", ONE]]},
            [
                "packages ed: gone",
                "packages nano: new",
                f"packages vim: 9.0 → 9.1, {ONE[:12]} → {OTHER[:12]}",
            ],
        ),
        ({"enable": ["a", "b"]}, {"enable": ["b", "c"]}, ["enable: a is gone", "enable: c is new"]),
        ({"argv": ["a", "b"]}, {"argv": ["b", "a"]}, ["argv: in another order"]),
        (
            {"files": {"/etc/x": [420, ONE]}},
            {"files": {"/etc/x": [420, OTHER]}},
            [f"files./etc/x: {ONE[:12]} → {OTHER[:12]}"],
        ),
    ],
)
def test_each_difference_is_a_line(before: object, after: object, told: list[str]):
    assert list(differences(before, after)) == told
