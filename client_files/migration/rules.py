"""How the fields of an old client file become those of the current form; each field's fate is noted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from client_files.migration.fates import Addition, Ledger
from client_files.migration.known_names import KnownNames, nearest, similar
from client_files.migration.old_fields import NOBODY_READS, reason_for_dropping
from client_files.migration.old_file import OldFile
from client_files.text import Flow, Quoted
from vectora_shared.config.client import ClientConfig, MatchingConfig
from vectora_shared.config.configuration import BONUS_SCOPE_KINDS, DOMAIN_SCOPES, SCOPE_KEYS, SOURCES_KEY, ScopeKind
from vectora_shared.config.values import EVENT_TYPES
from vectora_shared.config.wording import Path, dotted

FREE_TEXTS = ("notes", "note", "description", "comment", "comments")
SORT_ORDERS = ("score_desc", "date_desc")
CATCH_ALL = "*"
LAST_PRIORITY = 999
USUAL_PERIOD_DAYS = 30
MOST_ITEMS = 200
# Fields that mean in the current form what they meant before, at the same place.
_SAME = (
    "client_profile.language",
    "client_profile.frequency",
    "client_profile.active",
    "pipeline.default_period_days",
    "matching_config.sure_domain_score",
    "newsletter_selection.max_items_total",
    "newsletter_selection.min_score",
    "newsletter_selection.deduplication.similarity_threshold",
    "newsletter_selection.deduplication.max_days_apart",
)
_SAME_IN_DOMAINS = ("id", "enabled", *DOMAIN_SCOPES)
_SAME_IN_SECTIONS = ("id", "title", "max_items", "sort_by")
_MAPPINGS = (
    "client_profile",
    "pipeline",
    "source_config",
    "source_config.content_filters",
    "matching_config",
    "matching_config.domain_type_thresholds",
    "scoring_config",
    "scoring_config.event_type_weight_overrides",
    "scoring_config.client_specific_bonuses",
    "newsletter_selection",
    "newsletter_selection.deduplication",
    "newsletter_layout",
    "metadata",
)
_LISTS = (
    "watch_domains",
    "source_config.source_bouquets_enabled",
    "source_config.sources_extra_enabled",
    "source_config.content_filters.exclude_patterns",
    "source_config.content_filters.exclude_titles",
    "newsletter_selection.critical_event_types",
    "newsletter_layout.sections",
)
_LISTS_OF_MAPPINGS = ("watch_domains", "newsletter_layout.sections")


class Rules:
    """Turns one old file's text into the current form; `problems` are sentences on what a person must decide."""

    def __init__(self, file: OldFile, client_id: str, known: KnownNames) -> None:
        self.file = file
        self.text = file.text
        self.ledger = Ledger(file.name, file.text.data)
        self.additions: list[Addition] = []
        self.problems: list[str] = []
        self._client_id = client_id
        self._known = known
        self._written: set[Path] = set()
        self._renames: list[tuple[Path, str]] = []

    def apply(self) -> None:
        self._check_shapes()
        if self.problems:
            return
        self._same_fields()
        self._profile()
        self._pipeline()
        self._domains()
        self._sources()
        self._matching()
        self._event_weights()
        self._bonuses()
        self._selection()
        self._sections()

    def finish(self) -> None:
        """Decide what is left: free texts become comments, the rest goes, with the reason."""
        for path in self.ledger.undecided:
            parent = path[:-1]
            value = self.text.value(path)
            is_note = path[-1] in FREE_TEXTS and isinstance(value, str) and value.strip() and path[0] != "metadata"
            stays = self.ledger.is_in_new_file(parent) or any(at[: len(parent)] == parent for at in self._written)
            if is_note and stays:
                self.text.comment(parent, value)
                self.ledger.keep_as_comment(path, parent)
            else:
                self.ledger.drop(path, reason_for_dropping(path) if value is not None else self._empty(path))
        for path, (happened, to, _after, _reason) in self.ledger.fates.items():
            goes = happened in ("dropped", "comment") or (happened == "changed" and to != path)
            if goes and not any(written[: len(path)] == path for written in self._written):
                self.text.delete(path)
        for path, key in self._renames:
            self.text.rename(path, key)

    def write(self, path: Path, value: Any, **position: Any) -> None:
        """Put a value into the new file."""
        self._written.add(path)
        if len(path) > 1 and not self.text.has(path[:1]):
            nested = value
            for part in reversed(path[1:]):
                nested = {part: nested}
            self.text.insert_section(str(path[0]), nested, list(ClientConfig.model_fields))
        else:
            self.text.set(path, value, **position)

    def add(self, path: Path, value: Any, reason: str, **position: Any) -> None:
        self.write(path, value, **position)
        self.additions.append(Addition(dotted(path), value, reason))

    def change(self, path: Path, after: Any, reason: str, to: Path | None = None) -> None:
        self.write(to or path, after)
        self.ledger.change(path, to or path, after, reason)

    def _empty(self, path: Path) -> str:
        reason = reason_for_dropping(path)
        return "it is empty" if reason == NOBODY_READS else reason

    def _problem(self, path: Path, sentence: str) -> None:
        self.problems.append(f"{self.file.where(path)}: key '{dotted(path)}' {sentence}")

    def _get(self, *path: str | int) -> Any:
        return self.text.value(path)

    # What kind of value stands where

    def _check_shapes(self) -> None:
        for name in _MAPPINGS:
            self._expect(tuple(name.split(".")), dict, "a mapping of keys")
        for name in _LISTS:
            self._expect(tuple(name.split(".")), list, "a list")
        for name in _LISTS_OF_MAPPINGS:
            path = tuple(name.split("."))
            entries = self._get(*path)
            for index in range(len(entries) if isinstance(entries, list) else 0):
                self._expect((*path, index), dict, "a mapping of keys", empty=False)
        for name in self._keys("scoring_config", "client_specific_bonuses"):
            self._expect(("scoring_config", "client_specific_bonuses", name), dict, "a mapping of keys", empty=False)

    def _expect(self, path: Path, kind: type, words: str, *, empty: bool = True) -> None:
        value = self._get(*path)
        if not (isinstance(value, kind) or (empty and value is None)):
            self._problem(path, f"has the value {_shown(value)}: {words} belongs there.")

    def _keys(self, *path: str | int) -> list[str]:
        value = self._get(*path)
        return list(value) if isinstance(value, dict) else []

    def _entries(self, *path: str | int) -> list[Any]:
        value = self._get(*path)
        return value if isinstance(value, list) else []

    def _carry(self, path: Path, to: Path | None = None, reason: str = "") -> None:
        """All of the value at `path`; an empty one is left to the end, which says so."""
        if self._get(*path) is None:
            return
        for field in self.ledger.below(path):
            self.ledger.carry(field, (*to, *field[len(path) :]) if to else None, reason)

    def _same_fields(self) -> None:
        for name in _SAME:
            self._carry(tuple(name.split(".")))

    # client_profile and pipeline

    def _profile(self) -> None:
        client_id = ("client_profile", "client_id")
        if self._get(*client_id) == self._client_id:
            self._carry(client_id)
        elif self._get(*client_id) is None:
            self.add(client_id, self._client_id, "as said with --client-id")
        else:
            self.change(client_id, self._client_id, "stable: the version is no part of it any more")
        self._name()
        if self._get("client_profile", "active") is None:
            self.add(
                ("client_profile", "active"), False, "the file does not say: no schedule makes it until it is true"
            )
        if self._get("client_profile", "frequency") is None:
            frequency = next((word for word in ("daily", "monthly") if word in self._client_id.split("_")), "weekly")
            self.add(("client_profile", "frequency"), frequency, "the file does not say how often")

    def _name(self) -> None:
        path = ("client_profile", "name")
        name = self._get(*path)
        if name is None:
            self.add(path, self._client_id.replace("_", " ").title(), "the file has none: made of the client id")
            return
        short = re.sub(r"[\s\-\u2013\u2014,(\[]*\bv\d+([._]\d+)*\b.*$", "", str(name), flags=re.IGNORECASE).strip()
        if isinstance(name, str) and short and short != name:
            self.change(path, Quoted(short), "the version stands in client_profile.version")
        else:
            self._carry(path)

    def _pipeline(self) -> None:
        if self._get("pipeline", "default_period_days") is None:
            reason = f"the file does not say: {USUAL_PERIOD_DAYS} days are usual"
            self.add(("pipeline", "default_period_days"), USUAL_PERIOD_DAYS, reason)
        if isinstance(self._get("pipeline", "analysis_prompt"), str):
            self._carry(("pipeline", "analysis_prompt"))
            return
        old = ("bedrock_config", "normalization_prompt")
        name = self._get(*old)
        prompts = self._known.prompts
        words = _first_word(name) if isinstance(name, str) else None
        fitting = [prompt for prompt in prompts if words and _first_word(prompt) == words]
        chosen = fitting or list(prompts[:1] if len(prompts) == 1 else [])
        if not chosen:
            self.problems.append(
                f"{self.file.where(old)}: canonical/prompts has no prompt for '{name or self._client_id}': "
                f"add pipeline.analysis_prompt, one of {', '.join(prompts) or 'none'}."
            )
            return
        to = ("pipeline", "analysis_prompt")
        why = "its name begins alike" if fitting else "it is the only one there is"
        if isinstance(name, str):
            self.change(old, chosen[0], f"one prompt analyzes and matches; canonical has {chosen[0]}, {why}", to)
        else:
            self.add(to, chosen[0], f"the prompt that the model is asked with; {why}")

    # watch_domains

    def _domains(self) -> None:
        domains = self._entries("watch_domains")
        if not domains:
            self._problem(("watch_domains",), "is missing: a newsletter needs at least one domain.")
        for index, domain in enumerate(domains):
            path: Path = ("watch_domains", index)
            for field in _SAME_IN_DOMAINS:
                self._carry((*path, field))
            for field, kind in DOMAIN_SCOPES.items():
                self._check_scope((*path, field), [kind])
            technology = self._technology(path, domain, domains)
            if technology:
                self._add_scopes(path, domain, _first_word(technology))

    def _technology(self, path: Path, domain: dict[str, Any], domains: Sequence[dict[str, Any]]) -> str | None:
        """The domain's technology scope, or one that is put there; without any nothing can be recognised."""
        field: Path = (*path, "technology_scope")
        if domain.get("technology_scope") is not None:
            return str(domain["technology_scope"])
        known = self._known.scopes["technologies"]
        prefixes = {_first_word(str(domain[name])) for name in DOMAIN_SCOPES if domain.get(name)}
        siblings = [str(other["technology_scope"]) for other in domains if other.get("technology_scope")]
        found = [name for name in (*siblings, *known) if name in known and (_first_word(name) in prefixes)]
        found = found or [name for name in siblings if name in known]
        if not found:
            self._problem(field, f"is missing: add one of {', '.join(known)}, or take the domain out.")
            return None
        self.add(field, found[0], "a domain is recognised by a technology's words", after="id")
        return found[0]

    def _add_scopes(self, path: Path, domain: dict[str, Any], prefix: str) -> None:
        companies = self._known.scopes["companies"]
        trademarks = self._known.scopes["trademarks"]
        if domain.get("core_company_scope") is None:
            if scope := self._pure_players(companies):
                reason = "the scope of the bonus for pure players: their deals, approvals and trials always count"
                self.add((*path, "core_company_scope"), scope, reason, after="company_scope")
            elif scope := _core(companies, prefix):
                reason = f"canonical's core companies of {prefix}: their deals, approvals and trials always count"
                self.add((*path, "core_company_scope"), scope, reason, after="company_scope")
        if domain.get("core_trademark_scope") is None and (scope := _core(trademarks, prefix)):
            reason = f"canonical's core brands of {prefix}: the name alone says that it is the subject"
            self.add((*path, "core_trademark_scope"), scope, reason, after="trademark_scope")
        indications = f"{prefix}_indications_global"
        if domain.get("indication_scope") is None and indications in self._known.scopes["indications"]:
            self.add(
                (*path, "indication_scope"),
                indications,
                "indications were looked for in every client's items",
                after=self._last_scope(path),
            )
        exclusions: Path = (*path, "exclusion_scopes")
        for field in self.ledger.below(exclusions):
            self.ledger.drop(field, reason_for_dropping(field))
        self.add(
            exclusions,
            list(self._known.scopes["exclusions"]),
            "the old engine applied all exclusions to every client",
            after=self._last_scope(path),
        )

    def _last_scope(self, path: Path) -> str | None:
        """The key of the domain behind which another scope is written."""
        return next((name for name in reversed(DOMAIN_SCOPES) if self.text.has((*path, name))), None)

    def _pure_players(self, companies: Sequence[str]) -> str | None:
        bonuses = self._get("scoring_config", "client_specific_bonuses") or {}
        scopes = (bonus.get("scope") for name, bonus in bonuses.items() if name.startswith("pure_player"))
        return next((scope for scope in scopes if scope in companies), None)

    def _check_scope(self, path: Path, kinds: Sequence[ScopeKind]) -> None:
        name = self._get(*path)
        known = [scope for kind in kinds for scope in self._known.scopes[kind]]
        if isinstance(name, str) and name not in known:
            files = " or ".join(SCOPE_KEYS[kind] for kind in kinds)
            self._problem(path, f"names '{name}', which {files} does not have: {nearest(name, known)}")

    # source_config

    def _sources(self) -> None:
        bouquets = ("source_config", "source_bouquets_enabled")
        self._list_of(bouquets, self._known.bouquets, f"{SOURCES_KEY} has no bouquet of this name", needs_one=True)
        self._list_of(
            ("source_config", "sources_extra_enabled"), self._known.sources, f"{SOURCES_KEY} has no source of this name"
        )
        old, new = (("source_config", "content_filters", key) for key in ("exclude_patterns", "exclude_titles"))
        self._list_of(new, None, "")
        if self._get(*old) is None:
            return
        if self._get(*new) is not None:
            for field in self.ledger.below(old):
                self.ledger.drop(field, "exclude_titles is there too, and decides")
            return
        self._list_of(old, None, "", to=new, reason="entries with exactly such a title are not ingested")
        if self.ledger.is_in_new_file(old):
            self._renames.append((old, "exclude_titles"))

    def _list_of(
        self,
        path: Path,
        known: Sequence[str] | None,
        missing: str,
        *,
        to: Path | None = None,
        reason: str = "",
        needs_one: bool = False,
    ) -> None:
        """Carry the entries that are known, each once; the others are dropped by name."""
        entries = self._get(*path)
        if needs_one and not entries:
            self._problem(path, f"names nothing: at least one of {', '.join(known or ())} must stand there.")
        if not isinstance(entries, list):
            return
        if not entries:
            self.ledger.carry(path, to, reason)
            return
        kept: list[Any] = []
        for index, name in enumerate(entries):
            field: Path = (*path, index)
            if isinstance(name, dict | list):
                self._problem(field, f"has the value {_shown(name)}: a name belongs there.")
            elif name is None or name in kept:
                self.ledger.drop(field, "it is empty" if name is None else "it stands there twice")
            elif known is not None and name not in known:
                self.ledger.drop(field, f"{missing}{similar(str(name), known)}")
            else:
                kept.append(name)
                self.ledger.carry(field, (*(to or path), len(kept) - 1), reason)
        if needs_one and not kept:
            names = ", ".join(map(str, entries))
            self._problem(path, f"names {names}: none of it is known; there are {', '.join(known or ())}.")

    # matching_config and scoring_config

    def _matching(self) -> None:
        """The lowest of the thresholds that were in force for the enabled domains."""
        plain: Path = ("matching_config", "min_domain_score")
        in_force: dict[Path, Any] = {}
        for domain in self._entries("watch_domains"):
            of_type: Path = ("matching_config", "domain_type_thresholds", str(domain.get("type")))
            path = of_type if self._get(*of_type) is not None else plain
            if domain.get("enabled") is not False and self._get(*path) is not None:
                in_force[path] = self._get(*path)
        for path, value in in_force.items():
            if not _is_number(value):
                self._problem(path, f"has the value {_shown(value)}: a number from 0 to 1 belongs there.")
                return
        if not in_force:
            default = MatchingConfig().min_domain_score
            self.add(plain, default, "no threshold was in force for an enabled domain: this is the engine's own")
            return
        lowest = min(in_force, key=lambda path: in_force[path])
        for path in in_force:
            if path != lowest:
                self.ledger.drop(path, f"one threshold is for all domains: the lowest in force, {in_force[lowest]}")
        if lowest == plain:
            self._carry(plain)
            return
        several = ", the lowest in force" if len(in_force) > 1 else ""
        self.change(lowest, in_force[lowest], f"this threshold was in force for domains of the type{several}", plain)
        if self._get(*plain) is not None and plain not in self.ledger.fates:
            self.ledger.drop(plain, f"{dotted(lowest)} went before it")

    def _event_weights(self) -> None:
        weights: Path = ("scoring_config", "event_type_weight_overrides")
        for name in self._keys(*weights):
            if name in EVENT_TYPES:
                self._carry((*weights, name))
            else:
                self._drop_below((*weights, name), _no_event_type(name))

    def _drop_below(self, path: Path, reason: str) -> None:
        for field in self.ledger.below(path):
            self.ledger.drop(field, reason)

    def _bonuses(self) -> None:
        bonuses: Path = ("scoring_config", "client_specific_bonuses")
        names = self._keys(*bonuses)
        first_of_scope: dict[str, str] = {}
        for name in names:
            path: Path = (*bonuses, name)
            scope = self._get(*path, "scope")
            self._check_scope((*path, "scope"), BONUS_SCOPE_KINDS)
            if isinstance(scope, str) and scope in first_of_scope:
                self._merge_bonus(bonuses, first_of_scope[scope], name)
                continue
            shared = self._known.bonus_of_scope.get(scope) if isinstance(scope, str) else None
            new_name = shared if shared and shared not in names else name
            if isinstance(scope, str):
                first_of_scope[scope] = name
            for field in ("scope", "bonus"):
                self._carry((*path, field), (*bonuses, new_name, field))
            if new_name != name:
                self._rename_bonus(path, new_name)

    def _rename_bonus(self, path: Path, name: str) -> None:
        reason = f"canonical calls the bonus for this scope {name}: under two names both would count"
        for field in ("scope", "bonus"):
            if (*path, field) in self.ledger.fates:
                self.ledger.carry((*path, field), (*path[:-1], name, field), reason)
        self._renames.append((path, name))

    def _merge_bonus(self, bonuses: Path, first: str, second: str) -> None:
        """Two bonuses for one scope both counted: now the first has the points of both."""
        points: Path = (*bonuses, first, "bonus")
        more: Path = (*bonuses, second, "bonus")
        _, to, after, _ = self.ledger.fates.get(points, ("carried", points, None, ""))
        one, other = after or self._get(*points), self._get(*more)
        self._drop_below((*bonuses, second), f"{first} is for the same scope")
        if to and _is_number(one) and _is_number(other):
            reason = "two bonuses for one scope both counted: this one has their points together"
            self.write(points, one + other)
            self.ledger.change(points, to, one + other, reason)
            self.ledger.change(more, to, one + other, reason)

    # newsletter_selection

    def _selection(self) -> None:
        at = "newsletter_selection"
        self._most_items((at, "max_items_total"))
        old, new = (at, "min_score_threshold"), (at, "min_score")
        if self._get(*old) is not None and self._get(*new) is None:
            self._carry(old, new, "min_score is its name now")
            self._renames.append((old, "min_score"))
        elif self._get(*old) is not None:
            self._drop_below(old, "min_score is there too, and decides")
        critical: Path = (at, "critical_event_types")
        self._list_of(critical, EVENT_TYPES, "there is no event type of this name")
        enabled: Path = (at, "deduplication", "enabled")
        threshold: Path = (at, "deduplication", "similarity_threshold")
        if self._get(*enabled) is False:
            reason = "deduplication was off: at 1.0 only equal titles are one story"
            self._drop_below(threshold, reason)
            self.change(enabled, 1.0, reason, threshold)

    def _most_items(self, path: Path) -> None:
        if self._get(*path) is not None:
            return
        old: Path = ("scoring_config", "selection_overrides", "max_items_total")
        value = self._get(*old)
        if _is_whole(value):
            self.change(old, value, "newsletter_selection gave no number, so that this one was in force", path)
            return
        limits = [section.get("max_items") for section in self._entries("newsletter_layout", "sections")]
        numbers = [limit for limit in limits if _is_whole(limit)]
        total = min(sum(numbers), MOST_ITEMS) if numbers else 20
        self.add(path, total, "the file does not say: as many as its sections have room for")

    # newsletter_layout

    def _sections(self) -> None:
        at: Path = ("newsletter_layout", "sections")
        sections = self._entries(*at)
        if not sections:
            self._problem(at, "is missing: a newsletter needs at least one section.")
        for index, section in enumerate(sections):
            path: Path = (*at, index)
            for field in _SAME_IN_SECTIONS:
                self._carry((*path, field))
            self._section_defaults(path, section)
            self._event_filter((*path, "filter_event_types"), section.get("filter_event_types"))
        self._priorities(at, sections)

    def _section_defaults(self, path: Path, section: dict[str, Any]) -> None:
        if section.get("title") is None and isinstance(section.get("id"), str):
            title = str(section["id"]).replace("_", " ").title()
            self.add((*path, "title"), title, "the section has none: made of its id", after="id")
        if section.get("max_items") is None:
            self.add((*path, "max_items"), MOST_ITEMS, "the section has no limit: only that of the newsletter counts")
        sort_by = section.get("sort_by")
        if sort_by is None:
            self.add((*path, "sort_by"), "score_desc", "the section does not say: the highest score first")
        elif isinstance(sort_by, str) and sort_by not in SORT_ORDERS:
            reason = "relevance is part of the score" if sort_by.startswith("relevance") else "there is no such order"
            self.change((*path, "sort_by"), "score_desc", f"{reason}: the highest score first")

    def _event_filter(self, path: Path, value: Any) -> None:
        known = (*EVENT_TYPES, CATCH_ALL)
        if value is None or value == []:
            reason = "a section without a filter took every event type"
            if value is None:
                self.add(path, Flow([CATCH_ALL]), reason)
            else:
                self.change(path, Flow([CATCH_ALL]), reason)
        elif isinstance(value, str):
            self.change(path, Flow([value]), "a list is expected")
            if value not in known:
                self._problem(path, f"is '{value}', which is no event type: {nearest(value, known)}")
        elif isinstance(value, list):
            self._list_of(path, known, "there is no event type of this name", needs_one=True)
        else:
            self._problem(path, f"has the value {_shown(value)}: a list of event types belongs there.")

    def _priorities(self, at: Path, sections: Sequence[dict[str, Any]]) -> None:
        """Given ones stay; the others follow the section before them, catch-alls come last."""
        taken: set[int] = set()
        waiting: list[int] = []
        for index, section in enumerate(sections):
            given = section.get("priority")
            if given is None or (_is_whole(given) and given in taken):
                waiting.append(index)
                continue
            self._carry((*at, index, "priority"))
            if _is_whole(given):
                taken.add(given)
        waiting.sort(key=lambda index: _takes_everything(sections[index]))
        before: dict[int, Any] = dict(enumerate(section.get("priority") for section in sections))
        for index in waiting:
            catch_all = _takes_everything(sections[index])
            earlier = [number for place, number in before.items() if place < index and _is_whole(number)]
            start = max(taken, default=0) + 1 if catch_all else max(earlier, default=0) + 1
            priority = _free(start, taken)
            taken.add(priority)
            path: Path = (*at, index, "priority")
            if sections[index].get("priority") is None:
                reason = (
                    "the section has none: catch-alls come last" if catch_all else "the section has none: by position"
                )
                self.add(path, priority, reason)
            else:
                self.change(path, priority, "another section has the same priority")
            before[index] = priority


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or isinstance(value, float)


def _first_word(name: str) -> str:
    return name.split("_")[0]


def _core(scopes: Iterable[str], prefix: str) -> str | None:
    return next((name for name in scopes if name.startswith(f"{prefix}_") and name.endswith("_core")), None)


def _no_event_type(name: str) -> str:
    return f"there is no event type of this name{similar(name, EVENT_TYPES)}"


def _takes_everything(section: dict[str, Any]) -> bool:
    kinds = section.get("filter_event_types")
    return not kinds or kinds == CATCH_ALL or (isinstance(kinds, list) and CATCH_ALL in kinds)


def _free(start: int, taken: set[int]) -> int:
    """The first free number from `start` on; the last free one below when there is none above."""
    above = (number for number in range(max(start, 1), LAST_PRIORITY + 1) if number not in taken)
    below = (number for number in range(LAST_PRIORITY, 0, -1) if number not in taken)
    return next(above, None) or next(below, LAST_PRIORITY)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
