"""Run the transcripts beside this file against a broker (README.md says how they are written).

    python -m tests.conformance.v2 ws://127.0.0.1:8011/v2 --key test

It needs Python and the package `websockets`: `python tests/conformance/v2 URL` does the same without our tests' needs.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # it runs from anywhere, as a module and as a folder

from memory import Differs
from transcript import Run, Unmet

TRANSCRIPTS = Path(__file__).with_name("transcripts")


def main(arguments: list[str] | None = None) -> int:
    """Follow transcripts, and say of each how it went. Gives the exit code: 0 if all went as they should."""
    parser = argparse.ArgumentParser(
        "python -m tests.conformance.v2", description="Tell whether a broker speaks kapokmq.v2."
    )
    parser.add_argument("url", help="where it listens: ws://127.0.0.1:8011/v2")
    parser.add_argument("names", nargs="*", help="transcripts to follow (all)")
    parser.add_argument("--key", default="test", help="its key (test)")
    parser.add_argument("--patience", type=float, default=5.0, help="seconds that any answer may take (5)")
    parser.add_argument("--drain", action="store_true", help="follow the one that ends the broker, too")
    options = parser.parse_args(arguments)
    failed = 0
    files = sorted(TRANSCRIPTS.glob("*.jsonl"), key=lambda file: (file.stem == "drain", file.stem))
    for file in files:
        if options.names and file.stem not in options.names:
            continue
        try:
            run = Run(options.url, options.key, options.patience, may_drain=options.drain)
            run.follow(file.read_text("utf-8").splitlines())
        except Unmet as reason:
            said = f"skipped  {file.stem}: {reason}"
        except (Differs, OSError) as difference:
            failed += 1
            said = f"FAILED   {file.stem}: {difference}"
        else:
            said = f"ok       {file.stem}"
        sys.stdout.write(said + "\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
