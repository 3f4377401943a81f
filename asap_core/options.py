"""Options: what can be typed after `run.py`, and the help that teaches it."""

import argparse
from pathlib import Path

CACHE = Path(__file__).resolve().parents[1] / "cache"
EXAMPLES = """\
examples:
  python run.py                            draw the demo collection, build, open the page
  python run.py photos/                    photos/real and photos/fake: build, then open the page
  python run.py build photos/ --out study  build only, into the folder study
  python run.py serve study                show an analysis that was built before
  python run.py predict study new/*.jpg    judge new images with what study has learnt
  python run.py patterns study             what gives its fakes away, found across images
  python run.py notes study                tags, and patterns that were named, merged or hidden
  python run.py faithfulness study         how far study's maps of relevance can be trusted
  python run.py check study                are all its files as they were written?
  python run.py build found/ --unlabelled --using study
                                           explore images of unknown origin with study's detector

what is real? either folders: real/ and fake/ (also 0_real/ 1_fake/, nature/ ai/, REAL/ FAKE/, or a
folder a generator beside real/), at any depth; or a CSV or Parquet file with the columns path and label.
"""


def command_line() -> argparse.ArgumentParser:
    """The parser, with help that teaches."""
    parser = argparse.ArgumentParser(
        prog="run.py",
        description="ASAP shows what gives AI-generated images away.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(
        title="commands",
        dest="command",
        metavar="[FOLDER] | build | serve | predict | patterns | faithfulness | check | notes | demo",
    )

    opening = commands.add_parser("open", help="'run.py FOLDER' for short: build if needed, serve, open the page")
    add_source(opening, nargs="?")
    add_server(opening)

    building = commands.add_parser("build", help="build an analysis of a folder or manifest of images")
    add_source(building)
    building.add_argument("--out", type=Path, metavar="DIR", help="where to (default: cache/analyses/…)")
    building.add_argument("--json", action="store_true", help="print the summary as JSON")

    serving = commands.add_parser("serve", help="show an analysis in the browser")
    add_analysis(serving)
    add_server(serving)
    add_offline(serving)

    predicting = commands.add_parser("predict", help="judge new images with the detector of an analysis")
    add_analysis(predicting)
    predicting.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="files or folders")
    predicting.add_argument("--csv", action="store_true", help="print comma-separated values")
    add_machine(predicting)

    trying = commands.add_parser("faithfulness", help="measure how far an analysis' token maps can be trusted")
    add_analysis(trying)
    methods = "direct,unusual,libra,signed_attention,paper,paper_all"
    trying.add_argument("--methods", default=methods, metavar="A,B", help=f"some of {methods} (default: all)")
    trying.add_argument("--images", type=positive, default=100, metavar="N", help="a seeded sample (default: 100)")
    trying.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed, the same sample and orders")
    trying.add_argument("--json", action="store_true", help="print what was found as JSON")
    add_machine(trying)

    finding = commands.add_parser("patterns", help="find what recurs across images and moves their verdicts")
    add_analysis(finding)
    finding.add_argument("--of", metavar="PHRASE", help="misses, false-alarms, generator=NAME, cell=PLANE/SIDE/CODE, "
        "… several joined by & (default: all images)")  # fmt: skip
    finding.add_argument("--json", action="store_true", help="print what was found as JSON")
    finding.add_argument("--sheet", type=Path, metavar="FILE", help="draw the exemplars into a picture (.webp, .png)")
    finding.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed, the same patterns")
    add_machine(finding)

    checking = commands.add_parser("check", help="verify all files of an analysis; say how broken ones are mended")
    add_analysis(checking)
    checking.add_argument("--json", action="store_true", help="print what was found as JSON")

    noting = commands.add_parser("notes", help="print what people wrote: tags, and what was made of patterns")
    add_analysis(noting)
    noting.add_argument("--json", action="store_true", help="print it as JSON")

    drawing = commands.add_parser("demo", help="draw portraits, authentic and fake, whose flaws are known")
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
    add_machine(parser)
    add("--seed", type=int, default=0, metavar="N", help="the same seed gives the same analysis (default: 0)")
    add(
        "--equalise",
        action="store_true",
        help="re-encode all images alike (size, JPEG quality) before encoding",
    )
    add("--unlabelled", action="store_true", help="the images' origin is unknown; needs --using")
    add("--relevance", choices=("all",), help="compute the token maps of all images, not only of those looked at")
    add("--using", type=Path, metavar="DIR", help="judge with the detector of this analysis")
    add("--notes", type=Path, metavar="DIR", help="where tags and edited patterns are kept (default: DIR/notes with "
        "--out DIR; else with the user's data, or below $ASAP_NOTES)")  # fmt: skip
    add("--cache", type=Path, default=CACHE, metavar="DIR", help="where stages are remembered")


def add_analysis(parser: argparse.ArgumentParser) -> None:
    """Add which analysis is meant."""
    parser.add_argument("analysis", type=Path, metavar="DIR", help="a folder that 'build' made")


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Add what the encoder runs on."""
    add = parser.add_argument
    add("--workers", type=positive, metavar="N", help="threads that read images (default: one a core)")
    add("--device", choices=("cpu", "cuda", "mps"), help="where the encoder runs (default: the best there is)")
    add_offline(parser)


def add_offline(parser: argparse.ArgumentParser) -> None:
    """Add whether an encoder's weights may be fetched."""
    parser.add_argument("--offline", action="store_true", help="ask the network for nothing, not even for weights")


def add_server(parser: argparse.ArgumentParser) -> None:
    """Add where the page is served."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=positive, default=8050, help="the next free one if taken (default: 8050)")
    parser.add_argument("--trusted-host", action="append", default=[], metavar="NAME",
        help="answer to this name too, as visitors or a proxy call this machine; may be repeated")  # fmt: skip
    parser.add_argument("--no-token", action="store_true", help="beyond this machine, let in whoever reaches it")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def positive(text: str) -> int:
    """A whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number
