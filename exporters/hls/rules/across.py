"""Rules across the renditions of a stream, and of the multivariant playlist that declares them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from exporters.hls.findings import Finding
from exporters.hls.playlist import MediaPlaylist, MultivariantPlaylist, Rendition


def check_renditions(playlists: Mapping[str, MediaPlaylist]) -> list[Finding]:
    """What must be the same in all renditions and is not; the first rendition is the measure.

    Subtitles may be cut otherwise (rfc8216bis §6.2.4), so they are left out.
    """
    playlists = {name: one for name, one in playlists.items() if not name.startswith("subtitles")}
    if len(playlists) < 2:
        return []
    (first_name, first), *others = playlists.items()
    found = []
    for name, one in others:
        pairs = (
            ("variant_target_duration_differs", first.target_duration, one.target_duration),
            ("variant_type_differs", first.type, one.type),
            ("variant_server_control_differs", first.server_control, one.server_control),
        )
        for rule, expected, got in pairs:
            if expected != got:
                found.append(Finding(rule, name, f"{name} has {got!s}, {first_name} has {expected!s}"))
        found += _discontinuities(first_name, first, name, one)
    dated = {name for name, one in playlists.items() if any(row.program_date is not None for row in one.segments)}
    filled = {name for name, one in playlists.items() if one.segments}
    if dated and filled - dated:
        missing = ", ".join(sorted(filled - dated))
        found.append(Finding("variant_pdt_only_some", "", f"no program dates in {missing}, but in others"))
    return found


def _discontinuities(first_name: str, first: MediaPlaylist, name: str, one: MediaPlaylist) -> Iterator[Finding]:
    """The same discontinuity begins at the same date in both, as far as both list that date."""
    known = {row.discontinuity_sequence: row.program_date for row in first.segments if row.discontinuity}
    for row in one.segments:
        date = known.get(row.discontinuity_sequence)
        if not row.discontinuity or row.program_date is None or date is None:
            continue
        if abs(date - row.program_date) > first.target_duration:
            message = f"discontinuity {row.discontinuity_sequence} of {name} is not where {first_name} has it"
            yield Finding("variant_disc_differs", name, message)
            return


def check_multivariant(playlist: MultivariantPlaylist) -> list[Finding]:
    """Findings of the multivariant playlist alone."""
    found = list(playlist.flaws)
    groups = {(one.type, one.group) for one in playlist.renditions}
    for variant in playlist.variants:
        for type, group in (
            ("AUDIO", variant.audio),
            ("VIDEO", variant.video),
            ("SUBTITLES", variant.subtitles),
            ("CLOSED-CAPTIONS", "" if variant.closed_captions == "NONE" else variant.closed_captions),
        ):
            if group and (type, group) not in groups:
                found.append(Finding("group_undefined", f"{type} {group}", f"{type} group {group} is not defined"))
        if not variant.codecs:
            found.append(Finding("codecs_missing", str(variant.bandwidth), f"no CODECS at {variant.bandwidth} bit/s"))
        if not variant.bandwidth:
            found.append(Finding("bandwidth_missing", variant.uri, f"no BANDWIDTH for {variant.uri}"))
    found += _defaults(playlist.renditions)
    return found


def _defaults(renditions: tuple[Rendition, ...]) -> Iterator[Finding]:
    defaults = [(one.type, one.group) for one in renditions if one.default]
    for type, group in sorted(set(defaults)):
        if defaults.count((type, group)) > 1:
            message = f"{type} group {group} has {defaults.count((type, group))} defaults"
            yield Finding("group_two_defaults", f"{type} {group}", message)
