#!/usr/bin/env python3
"""ASAP's command line: from a folder of images to an analysis, and from an analysis to a page."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from asap_core import offline
from asap_core.errors import AsapError
from asap_core.options import command_line

if TYPE_CHECKING:
    from asap_core.demo import DemoSettings
    from asap_core.progress import Clock

HERE = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """Run one command; 0 is done, 1 a plain error, 2 a usage error."""
    if not arguments or arguments[0] not in (*COMMANDS, "-h", "--help"):
        arguments = ["open", *arguments]
    options = command_line().parse_args(arguments)
    if getattr(options, "offline", False):
        offline.stay()
    try:
        return COMMANDS[options.command](options)
    except AsapError as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped; nothing is left half written, the same command goes on from here", file=sys.stderr)
    return 1


def build(options: argparse.Namespace) -> int:
    """Build an analysis and print its summary."""
    from asap_core import analysis, pipeline, summary
    from asap_core.progress import Clock
    from asap_core.request import Request

    request = Request(
        source=options.source,
        encoder=options.encoder,
        layers=options.layers,
        device=options.device,
        limit=options.limit,
        workers=options.workers,
        seed=options.seed,
        equalise=options.equalise,
        unlabelled=options.unlabelled,
        using=options.using,
        notes=options.notes,
    )
    clock = Clock(bars=True)
    folder = pipeline.analyse(request, options.cache, options.out, clock)
    if options.relevance:
        explain(folder, options, clock)
    made = analysis.load(folder)
    facts = made.summary
    print(json.dumps(facts, ensure_ascii=False, indent=1) if options.json else summary.text(facts, folder))
    print(f"notes      {made.notes}", file=sys.stderr if options.json else sys.stdout)
    return 0


def explain(folder: Path, options: argparse.Namespace, clock: "Clock") -> None:
    """Compute the token maps and sensitivities that an analysis lacks."""
    from asap_core import explanation

    with clock.stage("relevance") as report:
        skipped = explanation.complete(folder, device=options.device, workers=options.workers, report=report)
    for each in skipped:
        print(f"not explained {each.path}: {each.reason}", file=sys.stderr)


def serve(options: argparse.Namespace) -> int:
    """Serve an analysis until Ctrl-C."""
    from app import server
    from asap_core import analysis

    server.serve(
        analysis.load(options.analysis),
        options.host,
        options.port,
        not options.no_browser,
        options.trusted_host,
        not options.no_token,
    )
    return 0


def open_folder(options: argparse.Namespace) -> int:
    """Build in a process of its own, so that the one that serves stays small; then serve."""
    if options.source is None:
        options.source = demo_collection(options)
    if (options.source / "analysis.json").is_file():
        options.analysis = options.source
        return serve(options)
    command = [sys.executable, str(HERE / "run.py"), "build", str(options.source), "--json", *flags(options)]
    built = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if built.returncode:
        return built.returncode
    options.analysis = options.cache / "analyses" / json.loads(built.stdout)["fingerprint"]
    return serve(options)


def flags(options: argparse.Namespace) -> list[str]:
    """The options of `open` that `build` understands, as they would be typed."""
    flags: list[str] = []
    for name in ("encoder", "layers", "limit", "workers", "device", "seed", "using", "notes", "cache", "relevance"):
        value = getattr(options, name)
        flags += [] if value is None else [f"--{name}", str(value)]
    return flags + [f"--{name}" for name in ("equalise", "unlabelled", "offline") if getattr(options, name)]


def demo(options: argparse.Namespace) -> int:
    """Draw the demo collection into a folder."""
    from asap_core.demo import DemoSettings

    wanted = DemoSettings(options.count, options.size, options.seed, options.workers)
    print(draw(options.folder, wanted))
    return 0


def demo_collection(options: argparse.Namespace) -> Path:
    """The demo collection of this seed, drawn when it is first asked for."""
    from asap_core import cache, demo

    wanted = demo.DemoSettings(seed=options.seed, workers=options.workers)
    folder = (
        options.cache / "demo" / cache.key("demo", demo.VERSION, wanted.count, wanted.size, wanted.seed) / "portraits"
    )
    manifest = folder / "manifest.csv"
    return manifest if manifest.is_file() else draw(folder, wanted)


def draw(folder: Path, wanted: "DemoSettings") -> Path:
    """Draw portraits with a bar; return their manifest."""
    from asap_core import demo
    from asap_core.progress import Clock

    with Clock(bars=True).stage("drawing") as report:
        return demo.draw(folder, wanted, report)


def predict(options: argparse.Namespace) -> int:
    """Judge new images and print a line each."""
    from asap_core import prediction, tables
    from asap_core.progress import Clock

    clock = Clock(bars=True)
    found = prediction.predict(options.analysis, options.images, options.device, options.workers, clock)
    for skipped in found.skipped:
        print(f"skipped {skipped.path}: {skipped.reason}", file=sys.stderr)
    if options.csv:
        tables.print_lines([prediction.COLUMNS, *(row.values() for row in found.predictions)])
    else:
        print(prediction.table(found.predictions))
    return 0


def faithfulness(options: argparse.Namespace) -> int:
    """Try an analysis' token maps and print how far they can be trusted."""
    from asap_core import scrutiny, trust
    from asap_core.progress import Clock

    settings = scrutiny.ScrutinySettings(options.methods.split(","), options.images, options.seed)
    clock = Clock(bars=True)
    with clock.stage("trials") as report, clock.stage("errors") as report_errors:
        found = scrutiny.examine(
            options.analysis, settings, options.device, options.workers, report, report_errors=report_errors
        )
    assert found is not None  # nobody stopped it
    print(json.dumps(found, indent=1) if options.json else trust.text(found))
    return 0


def patterns(options: argparse.Namespace) -> int:
    """Find the patterns of an analysis and print them."""
    from asap_core import analysis, discovery, findings, listing, sheet
    from asap_core.progress import Clock

    settings, made = discovery.DiscoverySettings(seed=options.seed), analysis.load(options.analysis)
    with Clock(bars=True).stage("patterns", unit="steps") as report:
        found = discovery.discover(made.built, options.of, settings, options.device, options.workers, report)
    assert found is not None, "nobody stopped it"
    place = discovery.place_of(made, options.of, settings)
    kept = findings.shown(made, place, found)
    if options.sheet:
        sheet.write(options.sheet, made, kept, found.note)
    said = listing.as_json(found, kept, place.name)
    print(json.dumps(said, ensure_ascii=False, indent=1) if options.json else listing.table(found, kept))
    return 0


def check(options: argparse.Namespace) -> int:
    """Verify all that an analysis holds; 1 where something is broken."""
    from asap_core import inspection
    from asap_core.progress import Clock

    with Clock(bars=True).stage("check", unit="MB", delay=2) as report:
        found = inspection.inspect(options.analysis, report=report)
    said = inspection.as_json(options.analysis, found)
    print(json.dumps(said, ensure_ascii=False, indent=1) if options.json else inspection.text(options.analysis, found))
    return 1 if found.broken else 0


def notes(options: argparse.Namespace) -> int:
    """Print what people wrote, and what of it is not in the analysis."""
    from asap_core import analysis, notes_report

    found = notes_report.report(analysis.load(options.analysis))
    print(json.dumps(found, ensure_ascii=False, indent=1) if options.json else notes_report.text(found))
    return 0


COMMANDS = {
    "open": open_folder,
    "build": build,
    "serve": serve,
    "predict": predict,
    "patterns": patterns,
    "faithfulness": faithfulness,
    "check": check,
    "notes": notes,
    "demo": demo,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
