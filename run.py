#!/usr/bin/env python3
"""ASAP's command line: from a folder of images to an analysis, and from an analysis to a page."""

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from asap_core.errors import AsapError

if TYPE_CHECKING:
    from asap_core.demo import DemoSettings
    from asap_core.progress import Clock

HERE = Path(__file__).resolve().parent
COMMANDS = ("open", "build", "serve", "predict", "patterns", "faithfulness", "demo")

EXAMPLES = """\
examples:
  python run.py                            draw the demo collection, build, open the page
  python run.py photos/                    photos/real and photos/fake: build, then open the page
  python run.py build photos/ --out study  build only, into the folder study
  python run.py serve study                show an analysis that was built before
  python run.py predict study new/*.jpg    judge new images with what study has learnt
  python run.py patterns study             what gives its fakes away, found across images
  python run.py faithfulness study         how far study's maps of relevance can be trusted
  python run.py build found/ --unlabelled --using study
                                           explore images of unknown origin with study's detector

what is real? either folders: real/ and fake/ (also 0_real/ 1_fake/, nature/ ai/, REAL/ FAKE/, or a
folder a generator beside real/), at any depth; or a CSV or Parquet file with the columns path and label.
"""


def main(arguments: list[str]) -> int:
    """Run one command; 0 is done, 1 a plain error, 2 a usage error."""
    if not arguments or arguments[0] not in (*COMMANDS, "-h", "--help"):
        arguments = ["open", *arguments]
    options = command_line().parse_args(arguments)
    try:
        return options.run(options)
    except AsapError as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped; nothing is left half written, the same command goes on from here", file=sys.stderr)
    return 1


def command_line() -> argparse.ArgumentParser:
    """The parser, with help that teaches."""
    parser = argparse.ArgumentParser(
        prog="run.py",
        description="ASAP shows what gives AI-generated images away.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(
        title="commands", metavar="[FOLDER] | build | serve | predict | patterns | faithfulness | demo"
    )

    opening = commands.add_parser("open", help="'run.py FOLDER' for short: build if needed, serve, open the page")
    opening.set_defaults(run=open_folder)
    add_source(opening, nargs="?")
    add_server(opening)

    building = commands.add_parser("build", help="build an analysis of a folder or manifest of images")
    building.set_defaults(run=build)
    add_source(building)
    building.add_argument("--out", type=Path, metavar="DIR", help="where to (default: cache/analyses/…)")
    building.add_argument("--json", action="store_true", help="print the summary as JSON")

    serving = commands.add_parser("serve", help="show an analysis in the browser")
    serving.set_defaults(run=serve)
    serving.add_argument("analysis", type=Path, metavar="DIR", help="a folder that 'build' made")
    add_server(serving)

    predicting = commands.add_parser("predict", help="judge new images with the detector of an analysis")
    predicting.set_defaults(run=predict)
    predicting.add_argument("analysis", type=Path, metavar="DIR", help="a folder that 'build' made")
    predicting.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="files or folders")
    predicting.add_argument("--csv", action="store_true", help="print comma-separated values")
    predicting.add_argument("--device", choices=("cpu", "cuda", "mps"), help="where the encoder runs")
    predicting.add_argument("--workers", type=positive, metavar="N", help="threads that read images")

    trying = commands.add_parser("faithfulness", help="measure how far an analysis' token maps can be trusted")
    trying.set_defaults(run=faithfulness)
    trying.add_argument("analysis", type=Path, metavar="DIR", help="a folder that 'build' made")
    methods = "direct,unusual,libra,signed_attention,paper,paper_all"
    trying.add_argument("--methods", default=methods, metavar="A,B", help=f"some of {methods} (default: all)")
    trying.add_argument("--images", type=positive, default=100, metavar="N", help="a seeded sample (default: 100)")
    trying.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed, the same sample and orders")
    trying.add_argument("--json", action="store_true", help="print what was found as JSON")
    trying.add_argument("--device", choices=("cpu", "cuda", "mps"), help="where the encoder runs")
    trying.add_argument("--workers", type=positive, metavar="N", help="threads that read images")

    finding = commands.add_parser("patterns", help="find what recurs across images and moves their verdicts")
    finding.set_defaults(run=patterns)
    finding.add_argument("analysis", type=Path, metavar="DIR", help="a folder that 'build' made")
    finding.add_argument("--of", metavar="PHRASE", help="misses, false-alarms, generator=NAME, cell=PLANE/SIDE/CODE, "
        "… several joined by & (default: all images)")  # fmt: skip
    finding.add_argument("--json", action="store_true", help="print what was found as JSON")
    finding.add_argument("--sheet", type=Path, metavar="FILE", help="draw the exemplars into a picture (.webp, .png)")
    finding.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed, the same patterns")
    finding.add_argument("--device", choices=("cpu", "cuda", "mps"), help="where the encoder runs")
    finding.add_argument("--workers", type=positive, metavar="N", help="threads that read images")

    drawing = commands.add_parser("demo", help="draw portraits, authentic and fake, whose flaws are known")
    drawing.set_defaults(run=demo)
    drawing.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    drawing.add_argument("--count", type=positive, default=1200, metavar="N", help="portraits (default: 1200)")
    drawing.add_argument("--size", type=positive, default=160, metavar="PX", help="pixels a side (default: 160)")
    drawing.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed, the same portraits")
    drawing.add_argument("--workers", type=positive, metavar="N", help="processes (default: one a core)")
    return parser


def add_source(parser: argparse.ArgumentParser, nargs: str | None = None) -> None:
    """Add what says which images to analyse, and how."""
    add = parser.add_argument
    add(
        "source",
        type=Path,
        nargs=nargs,
        metavar="SOURCE",
        help="a folder of images, or a manifest (CSV, Parquet)",
    )
    add("--encoder", metavar="NAME", help="mini, b32, b16, l14, MODEL/TAG of open_clip, or MODEL/file.safetensors "
        "(default: b32 if its weights can be had, else mini)")  # fmt: skip
    add(
        "--layers",
        choices=("last", "all"),
        help="read the joint embedding, or every block (default: the encoder's)",
    )
    add("--limit", type=positive, metavar="N", help="a seeded sample of N images")
    add("--workers", type=positive, metavar="N", help="threads that read images (default: one a core)")
    add("--device", choices=("cpu", "cuda", "mps"), help="where the encoder runs (default: the best there is)")
    add("--seed", type=int, default=0, metavar="N", help="the same seed gives the same analysis (default: 0)")
    add(
        "--equalise",
        action="store_true",
        help="re-encode all images alike (size, JPEG quality) before encoding",
    )
    add("--unlabelled", action="store_true", help="the images' origin is unknown; needs --using")
    add("--relevance", choices=("all",), help="compute the token maps of all images, not only of those looked at")
    add("--using", type=Path, metavar="DIR", help="judge with the detector of this analysis")
    add("--cache", type=Path, default=HERE / "cache", metavar="DIR", help="where stages are remembered")


def add_server(parser: argparse.ArgumentParser) -> None:
    """Add where the page is served."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=positive, default=8050, help="the next free one if taken (default: 8050)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def positive(text: str) -> int:
    """A whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def build(options: argparse.Namespace) -> int:
    """Build an analysis and print its summary."""
    from asap_core import pipeline, summary
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
    )
    clock = Clock(bars=True)
    folder = pipeline.analyse(request, options.cache, options.out, clock)
    if options.relevance:
        explain(folder, options, clock)
    made = summary.read(folder)
    print(json.dumps(made, ensure_ascii=False, indent=1) if options.json else summary.text(made, folder))
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

    server.serve(analysis.load(options.analysis), options.host, options.port, not options.no_browser)
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
    for name in ("encoder", "layers", "limit", "workers", "device", "seed", "using", "cache", "relevance"):
        value = getattr(options, name)
        flags += [] if value is None else [f"--{name}", str(value)]
    return flags + [f"--{name}" for name in ("equalise", "unlabelled") if getattr(options, name)]


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
    from asap_core import prediction
    from asap_core.progress import Clock

    clock = Clock(bars=True)
    found = prediction.predict(options.analysis, options.images, options.device, options.workers, clock)
    for skipped in found.skipped:
        print(f"skipped {skipped.path}: {skipped.reason}", file=sys.stderr)
    if options.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(prediction.COLUMNS)
        writer.writerows(row.values() for row in found.predictions)
    else:
        print(prediction.table(found.predictions))
    return 0


def faithfulness(options: argparse.Namespace) -> int:
    """Try an analysis' token maps and print how far they can be trusted."""
    from asap_core import scrutiny, trust
    from asap_core.progress import Clock

    settings = scrutiny.ScrutinySettings(options.methods.split(","), options.images, options.seed)
    with Clock(bars=True).stage("trials") as report:
        found = scrutiny.examine(options.analysis, settings, options.device, options.workers, report)
    assert found is not None  # nobody stopped it
    print(json.dumps(found, indent=1) if options.json else trust.text(found))
    return 0


def patterns(options: argparse.Namespace) -> int:
    """Find the patterns of an analysis and print them."""
    from asap_core import analysis, discovery, findings, listing, sheet
    from asap_core.progress import Clock

    settings = discovery.DiscoverySettings(seed=options.seed)
    with Clock(bars=True).stage("patterns", unit="steps") as report:
        found = discovery.discover(options.analysis, options.of, settings, options.device, options.workers, report)
    assert found is not None, "nobody stopped it"
    made = analysis.load(options.analysis)
    place = discovery.place_of(made, options.of, settings)
    kept = findings.shown(made, place, found)
    if options.sheet:
        sheet.write(options.sheet, made, kept, found.note)
    said = listing.as_json(found, kept, place.name)
    print(json.dumps(said, ensure_ascii=False, indent=1) if options.json else listing.table(found, kept))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
