"""Build the base image: the same for every node, without identity or secret."""

from __future__ import annotations

import argparse
from pathlib import Path

from autosetup.trust import POLICIES
from builder.build import Built, build_base
from builder.formats.pi_gen.recipe import read_images
from builder.formats.pi_image2.recipe import read_image
from builder.recipe import Recipe, load_recipe, start_from, with_rescue, with_trust
from builder.release.files import FORMS, Form, Release
from flasher import paths
from flasher.commands._kept_site import keep_site
from flasher.console import Console
from flasher.errors import BadInput, ExitCode
from flasher.events import CancelFlag
from flasher.images import image_folder
from flasher.progress import readable_seconds, readable_size

EXAMPLE = "flasher build-base --out images --compress xz --sign release.key"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    _add_sources(parser)
    _add_results(parser)
    _add_other_tools(parser.add_argument_group("in place of a recipe, what other tools build"))
    parser.add_argument(
        "--site",
        metavar="NAME",
        help="make a new site of the account, keys and wifi that layers of other formats set: "
        "they are never built in",
    )
    _add_trust(parser)
    parser.add_argument(
        "--no-twins", action="store_true", help="run no native programs in place of emulated ones"
    )


def _add_sources(parser: argparse.ArgumentParser) -> None:
    default = paths.assets() / "recipes" / "base.toml"
    parser.add_argument("recipe", nargs="?", type=Path, default=default, help="TOML; default: base")
    parser.add_argument("--arch", help="arm64, armhf, amd64 or i386; default: as the recipe says")
    parser.add_argument(
        "--from",
        dest="source",
        metavar="SOURCE",
        help="in place of the recipe's own: image:FILE, raspios:NAME, rootfs:FILE, oci:FILE, "
        "build:FOLDER, debian:SUITE, apt:SUITE",
    )
    parser.add_argument("--sha256", default="", help="of that file; needed for an address")
    lock = parser.add_mutually_exclusive_group()
    lock.add_argument(
        "--lock",
        type=Path,
        metavar="FILE",
        help="build from exactly these packages (default: those of the last build in the folder)",
    )
    lock.add_argument("--update", action="store_true", help="take the newest packages")


def _add_results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, help=f"folder for the image (default: {image_folder()})"
    )
    parser.add_argument(
        "--compress", choices=FORMS, help="form of the image to hand out (default: zst)"
    )
    parser.add_argument(
        "--packed-only",
        action="store_true",
        help="make that form alone, no .img beside it: takes far less room on the disk",
    )
    parser.add_argument(
        "--sign", type=Path, metavar="KEY", help="file of the Ed25519 key that signs the checksums"
    )


def _add_trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trust",
        type=Path,
        action="append",
        default=[],
        metavar="KEY",
        help="public key of a site, as `flasher site key` prints it: nodes take payloads of these "
        "sites alone; again for more",
    )
    parser.add_argument(
        "--policy",
        choices=POLICIES,
        help="what nodes do with other payloads, and with edited ones (default: refuse)",
    )
    parser.add_argument(
        "--update-root",
        type=Path,
        metavar="FILE",
        help="root.json of a repository, as `flasher release init` made it: nodes take updates "
        "of this one alone",
    )
    parser.add_argument(
        "--rescue-key",
        type=Path,
        action="append",
        default=[],
        metavar="KEY",
        help="public SSH key that enters nodes, as the user rescue, as long as they are not set "
        "up; again for more",
    )


def _add_other_tools(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-c",
        "--config",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="config of pi-gen, in the folder of its stages; again for one that is read after it",
    )
    group.add_argument(
        "--stages",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="stage folders, in their order (default: as the config says)",
    )
    group.add_argument(
        "--allow-network", action="store_true", help="let scripts of the stages use the network"
    )
    group.add_argument(
        "--customization",
        type=Path,
        metavar="SCRIPT",
        help="customisation script of pi_image2, in place of stages: an image of its own",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Build what is not yet built; say what came of it."""
    if args.customization:
        _build_customization(args, console)
        return ExitCode.DONE
    if not args.config and not args.stages:
        recipe = load_recipe(args.recipe, args.arch)
        _keep(args.site, recipe, console)
        _build(args, console, recipe, args.compress or "zst")
        return ExitCode.DONE
    images = read_images(
        args.config, args.stages, args.recipe, args.arch, network=args.allow_network
    )
    _keep(args.site, images.recipes[0], console)
    for recipe in images.recipes:
        _build(args, console, recipe, args.compress or images.form)
    return ExitCode.DONE


def _build_customization(args: argparse.Namespace, console: Console) -> None:
    if args.config or args.stages:
        raise BadInput(
            "two-images",
            "--customization and stages of pi-gen are images of their own.",
            "Build them one after the other; or name both in a recipe, a layer each.",
        )
    image = read_image(
        args.customization,
        args.recipe,
        args.arch,
        network=args.allow_network,
        source=args.source or "",
        sha256=args.sha256,
    )
    args.out = args.out or image.folder
    _keep(args.site, image.recipe, console)
    _build(args, console, image.recipe, args.compress or "xz")


def _keep(site: str | None, recipe: Recipe, console: Console) -> None:
    """Make the site that was asked for, before the hours of a build."""
    if site:
        path = keep_site(site, recipe.personal)
        console.say(f"The site {site} lies in {path.parent}.")


def _build(args: argparse.Namespace, console: Console, recipe: Recipe, form: Form) -> None:
    if args.source:
        recipe = start_from(recipe, args.source, args.sha256)
    recipe = with_trust(recipe, args.trust, args.policy, args.update_root)
    recipe = with_rescue(recipe, args.rescue_key)
    with console.progress() as emit:
        built = build_base(
            recipe,
            architecture=args.arch,
            out=(args.out or image_folder()).absolute(),
            store=paths.cache() / "layers",
            lock=args.lock,
            update=args.update,
            twins=not args.no_twins,
            compression=form,
            packed_only=args.packed_only,
            sign_with=args.sign,
            emit=emit,
            cancel=CancelFlag(),
        )
    _say(built, console)
    console.result("image", _as_json(built))


def _say(built: Built, console: Console) -> None:
    width = max(len(layer.name) for layer in built.layers)
    for layer in built.layers:
        state = "reused" if layer.reused else f"made in {readable_seconds(layer.seconds)}"
        console.say(f"layer {layer.name:<{width}}  {layer.key[:12]}  {state}")
    console.say(f"In {built.release.out}:")
    files = _files(built.release)
    width = max(len(path.name) for path in files.values())
    for name, path in files.items():
        size = readable_size(path.stat().st_size)
        console.say(f"{size:>10}  {path.name:<{width}}  {_WORDS[name]}")


_WORDS = {
    "image": "the image",
    "compressed": "the same, to hand out",
    "bmap": "what of it must be written, for bmaptool",
    "packages": "its packages",
    "spdx": "its bill of materials, SPDX",
    "cyclonedx": "its bill of materials, CycloneDX",
    "os_list": "for Raspberry Pi Imager",
    "manifest": "what it was made from",
    "log": "the words of its build",
    "sums": "check with: sha256sum --check SHA256SUMS",
    "signature": "the signature of these checksums",
}


def _files(release: Release) -> dict[str, Path]:
    """What was made, by the names that JSON has for it."""
    raw = {} if release.packed_only else {"image": release.image}
    files = raw | {
        "compressed": release.compressed,
        "bmap": release.bmap,
        "packages": release.packages,
        "spdx": release.spdx,
        "cyclonedx": release.cyclonedx,
        "os_list": release.os_list,
        "manifest": release.manifest,
        "log": release.log,
        "sums": release.sums,
        "signature": release.signature,
    }
    return {name: path for name, path in files.items() if path.exists()}


def _as_json(built: Built) -> dict[str, object]:
    layers = [
        {"name": x.name, "key": x.key, "reused": x.reused, "seconds": round(x.seconds, 1)}
        for x in built.layers
    ]
    files = {name: str(path) for name, path in _files(built.release).items()}
    return {**files, "layers": layers}
