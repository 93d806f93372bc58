"""The rule catalogue, and findings: what a rule was found to be broken by.

Rules are those of draft-pantos-hls-rfc8216bis (section in each row), and a few of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "info"]


class Finding(NamedTuple):
    """A broken rule, what broke it (so that it is counted once), and a sentence for people."""

    rule: str
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule's id as the label writes it, how bad breaking it is, and where it is written down."""

    id: str
    severity: Severity
    basis: str


def _rules(severity: Severity, *rows: tuple[str, str]) -> list[Rule]:
    return [Rule(id, severity, basis) for id, basis in rows]


ALL: tuple[Rule, ...] = (
    *_rules(
        "error",
        ("playlist_unavailable", "the playlist cannot be fetched"),
        ("http_status", "the playlist is answered with an error status"),
        ("timeout", "the playlist does not arrive in time"),
        ("not_m3u8", "§4.1: not a playlist, or a tag has a bad value"),
        ("bom", "§4.1: no byte order mark"),
        ("mixed_kind", "§4.1: multivariant and media tags do not mix"),
        ("tag_repeated", "§4.4: these tags appear once"),
        ("target_duration_missing", "§4.4.3.1: required"),
        ("extinf_without_uri", "§4.4.4.1"),
        ("uri_without_extinf", "§4.4.4.1: required for each segment"),
        ("stale_playlist", "§6.2.1: a new segment within 1.5 target durations"),
        ("part_late", "§6.2.1: a new part within the part target"),
        ("segment_too_long", "§4.4.3.1: EXTINF rounds to at most the target duration"),
        ("part_too_long", "§4.4.4.9: a part lasts at most the part target"),
        ("segment_unavailable", "§6.2.1: listed segments can be fetched at once"),
        ("part_unavailable", "§6.2.1: listed parts can be fetched at once"),
        ("playlist_mutated", "§6.2.1: only append, remove from the head, count up, end"),
        ("vod_changed", "§4.4.3.5: a VOD playlist does not change"),
        ("event_removed", "§4.4.3.5: an EVENT playlist only grows"),
        ("live_has_type", "§6.2.2: a playlist that removes segments has no type"),
        ("target_duration_changed", "§6.2.1"),
        ("media_sequence_backwards", "§6.2.2: never decreases"),
        ("media_sequence_mismatch", "§6.2.2: goes up by one for every segment removed"),
        ("discontinuity_sequence_backwards", "§6.2.2: never decreases"),
        ("discontinuity_sequence_mismatch", "§6.2.2: goes up by one for every discontinuity removed"),
        ("discontinuity_sequence_missing", "§6.2.2: needed once discontinuities are removed"),
        ("pdt_backwards", "§6.2.1: program dates go forward"),
        ("daterange_reused_id", "§4.4.5.1: same id, same attributes"),
        ("daterange_removed_early", "§6.2.1: date ranges stay as long as their segments"),
        ("daterange_missing_pdt", "§4.4.5.1: date ranges need a program date"),
        ("key_removed", "§6.2.3: a segment keeps its keys"),
        ("key_over_http", "§10: keys travel over secure channels"),
        ("key_iv", "§4.4.4.4: IV is a 128-bit hexadecimal number"),
        ("fmp4_without_map", "§3.1.2: fragmented MP4 needs EXT-X-MAP"),
        ("variant_target_duration_differs", "§6.2.4"),
        ("variant_type_differs", "§6.2.4"),
        ("variant_disc_differs", "§6.2.4"),
        ("variant_server_control_differs", "§6.2.4"),
        ("variant_pdt_only_some", "§6.2.4"),
        ("variant_missing", "§6.2.4: declared renditions can be played"),
        ("variant_stale", "§6.2.4: renditions go on together"),
        ("group_undefined", "§4.4.6.2.1: groups named by variants are defined"),
        ("server_control_missing", "§4.4.3.8: required with parts"),
        ("part_hold_back_lt_2", "§4.4.3.8: at least twice the part target"),
        ("hold_back_lt_3", "§4.4.3.8: at least three target durations"),
        ("can_skip_until_lt_6", "§4.4.3.8: at least six target durations"),
        ("blocking_reload_early", "§6.2.5.2: answer only when the playlist has what was asked for"),
        ("blocking_reload_hang", "§6.2.5.2: answer 503 after three target durations"),
        ("blocking_reload_bad_request", "§6.2.5.2: answer 400 to impossible requests"),
    ),
    *_rules(
        "warning",
        ("segment_slow_start", "§6.2.1: segments come at full speed"),
        ("window_too_short", "§6.2.2: at least three target durations"),
        ("segment_removed_early", "§6.2.2: removed segments stay for their length and the playlist's"),
        ("pdt_ambiguous", "§4.4.4.6: program dates name their time zone"),
        ("pdt_missing_after_disc", "§6.2.1: a program date after each discontinuity"),
        ("variant_drift", "§6.2.4: live edges within one target duration"),
        ("group_two_defaults", "§4.4.6.1.1: one default in a group"),
        ("codecs_missing", "§4.4.6.2: CODECS on every variant"),
        ("bandwidth_missing", "§4.4.6.2: BANDWIDTH is required"),
        ("part_hold_back_lt_3", "§4.4.3.8: should be three part targets"),
        ("delta_update_wrong", "§6.2.5.1"),
        ("preload_hint_404", "§6.2.6: what is hinted can be requested"),
        ("more_than_one_hint", "§6.2.6: one hint of a type"),
        ("cue_unpaired", "an ad break that begins ends"),
        ("ad_break_delta", "an ad break lasts as long as announced"),
        ("bandwidth_exceeded", "§4.4.6.2: no peak above BANDWIDTH"),
        ("download_ratio_high", "a segment downloads in 0.8 of its duration"),
    ),
    *_rules(
        "info",
        ("gap_present", "§4.4.4.7"),
        ("discontinuity", "§4.4.4.3"),
        ("endlist_on_live", "§4.4.3.4"),
        ("sequence_reset", "the origin started over"),
    ),
)
RULES: dict[str, Rule] = {rule.id: rule for rule in ALL}
