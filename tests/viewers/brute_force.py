"""An independent model of the session engine: keeps every report and works the truth out from all of them, slowly."""

from __future__ import annotations

from dataclasses import dataclass, field

PATIENCE = 15.0
"""three intervals of five seconds"""
LINGER = 5.0
WATCHING = frozenset("sprkw")


@dataclass
class Told:
    """One report that arrived: when, from whom, and what it said."""

    arrived: float
    session: str
    number: int
    clock: float
    state: str
    rate: float


@dataclass(frozen=True)
class Away:
    """The process was killed, and did not know the time between: nobody is given up for it."""

    since: float
    until: float


@dataclass
class Life:
    """Reports of one session without too long a silence."""

    told: list[Told] = field(default_factory=list)
    expires: float = 0.0

    def ordered(self, offset: float) -> list[tuple[float, int, str, float]]:
        return sorted((one.clock + offset, one.number, one.state, one.rate) for one in self.told)


@dataclass
class Truth:
    """What the totals must be."""

    attempts: int = 0
    plays: int = 0
    views: int = 0
    watch: float = 0.0
    stalled: float = 0.0
    stalls: int = 0
    exits: int = 0
    switches: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    peak: int = 0


def lives_of(told: list[Told], away: list[Away]) -> tuple[list[Life], float]:
    """The lives of one session, by its reports in the order of arrival, and its clock's offset."""
    offset = told[0].arrived - told[0].clock
    lives: list[Life] = []
    seen: set[int] = set()
    heard = told[0].arrived
    for one in told:
        if lives:
            lives[-1].expires += _given(away, heard, one.arrived)
        heard = one.arrived
        if lives and one.arrived <= lives[-1].expires:
            life = lives[-1]
        elif one.number in seen or (seen and one.number <= max(seen)) or (lives and one.state in "eq"):
            continue  # an echo of a session that is over, or a goodbye to it
        else:
            life = Life()
            lives.append(life)
        if one.number in seen:
            continue
        seen.add(one.number)
        before = life.ordered(offset)[-1][2] if life.told else ""
        life.told.append(one)
        now = life.ordered(offset)[-1][2]
        if now not in "eq":
            life.expires = one.arrived + PATIENCE
        elif before not in ("e", "q"):
            life.expires = one.arrived + LINGER
    return lives, offset


def truth(arrivals: list[Told], ticks: list[float], away: dict[str, list[Away]]) -> Truth:
    """The totals after all these arrivals and a long silence; ``away``: by session, when its process was killed."""
    found = Truth()
    by_session: dict[str, list[Told]] = {}
    for one in arrivals:
        by_session.setdefault(one.session, []).append(one)
    for session, told in by_session.items():
        _count_session(told, away.get(session, []), found)
    found.peak = _peak(arrivals, ticks, away)
    return found


def _count_session(told: list[Told], away: list[Away], found: Truth) -> None:
    lives, offset = lives_of(told, away)
    played = viewed = False
    found.attempts += 1
    for life in lives:
        points = life.ordered(offset)
        watch = 0.0
        frame = False
        stalling = of_seek = False
        rate = -1.0
        for index, (time, _, state, told_rate) in enumerate(points):
            if told_rate > 0 and told_rate != rate:
                if rate > 0 and frame:
                    found.switches += 1
                rate = told_rate
            seconds = min(points[index + 1][0] - time, 90.0) if index + 1 < len(points) else 0.0
            if state == "p":
                frame = True
                watch += seconds
            if state == "r" and frame:
                if not stalling:
                    of_seek = index > 0 and points[index - 1][2] == "k"
                    found.stalls += not of_seek
                found.stalled += 0.0 if of_seek else seconds
            stalling = state == "r" and frame
        found.watch += watch
        if frame and not played:
            played = True
            found.plays += 1
        if watch >= 3.0 and not viewed:
            viewed = True
            found.views += 1
        last = points[-1][2]
        if not played and points[-1][0] - points[0][0] >= 1.0:
            found.exits += 1
        reason = {"e": "ended", "q": "quit"}.get(last, "timeout")
        found.ended[reason] = found.ended.get(reason, 0) + 1


def _peak(arrivals: list[Told], ticks: list[float], away: dict[str, list[Away]]) -> int:
    """The most sessions that were watching at once, looked at after each arrival and each tick."""
    moments = sorted([(one.arrived, 1, index) for index, one in enumerate(arrivals)] + [(t, 0, -1) for t in ticks])
    most = 0
    watching: dict[str, tuple[bool, float, float]] = {}
    seen: list[Told] = []
    for now, kind, index in moments:
        if kind == 0:  # a tick ends who has been silent for too long
            watching = {
                name: (on, heard, expires)
                for name, (on, heard, expires) in watching.items()
                if now <= expires + _given(away.get(name, []), heard, now)
            }
            continue
        one = arrivals[index]
        seen.append(one)
        lives, offset = lives_of([other for other in seen if other.session == one.session], away.get(one.session, []))
        life = lives[-1]
        if now <= life.expires:
            watching[one.session] = (life.ordered(offset)[-1][2] in WATCHING, now, life.expires)
        most = max(most, sum(on for on, _, _ in watching.values()))
    return most


def _given(away: list[Away], since: float, until: float) -> float:
    """What a session is given for the kills between two moments."""
    return sum(gap.until - gap.since for gap in away if since < gap.until <= until)
