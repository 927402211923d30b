"""Checks every structure rule on this checkout and prints each with its result."""

import sys
from pathlib import Path

from rules import RULES

ROOT = Path(__file__).resolve().parents[2]


def main():
    broken = 0
    for rule in RULES:
        violations = rule(ROOT)
        print(f"{'broken' if violations else 'holds '}  {rule.__doc__}")
        for violation in violations:
            print(f"        {violation}")
        broken += bool(violations)
    print(f"structure: {len(RULES) - broken} of {len(RULES)} rules hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
