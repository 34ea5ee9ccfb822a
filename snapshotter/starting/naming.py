"""What names tell: those of columns (is it a key, a time, a code), and those of files (match, batch time)."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from snapshotter import inbox
from snapshotter.config import DatasetConfig
from snapshotter.contract.times import format_pattern
from snapshotter.spool import Unreadable

_IDS = {"id", "ids", "key", "pk", "uid", "uuid", "guid", "oid"}
_CODES = {"code", "codice", "codigo", "number", "no", "nr", "num", "nummer", "numero", "ref", "reference"}
_CODES |= {"sku", "ean", "isbn", "iban"}
_SCOPES = {"store", "shop", "branch", "outlet", "site", "warehouse", "depot", "plant", "office", "location", "till"}
_SCOPES |= {"register", "terminal", "company", "tenant", "client", "filiale", "negozio", "tienda", "magasin", "kasse"}
_SCOPES |= {"receipt", "invoice", "order", "ticket", "line", "item", "bon", "rechnung", "fattura", "factura"}
_STAGES = {"status", "state", "stage", "phase", "step", "version", "revision", "rev", "operation", "op", "action"}
_STAGES |= {"event", "stato", "estado", "zustand"}
_KEPT_AS_TEXT = {"code", "codice", "codigo", "zip", "zipcode", "postal", "postcode", "plz", "cap", "fips", "barcode"}
_KEPT_AS_TEXT |= {"phone", "telephone", "tel", "fax", "mobile", "account", "iban", "bic", "ean", "gtin", "isbn", "sku"}
_KEPT_AS_TEXT |= {"siren", "siret", "ssn", "vat"}

_CHANGED = {"updated", "update", "modified", "modification", "changed", "change", "timestamp", "ts", "version"}
_TIMES = {"time", "datetime", "date", "data", "datum", "fecha", "recorded", "extracted", "loaded", "exported", "asof"}
_OTHER_TIMES = {"birth", "birthday", "born", "dob", "due", "expiry", "expires", "expiration", "valid", "until"}
_OTHER_TIMES |= {"start", "begin", "end", "ends", "deadline", "joined", "closed", "deleted"}

_CLOCKS = ("T%H%M%SZ", "T%H%M%S", "_%H%M%S", "-%H%M%S", "%H%M%S", "T%H%M", "_%H%M", "")
_DAYS = ("%Y-%m-%d", "%Y_%m_%d", "%Y.%m.%d", "%Y%m%d")
_LOCAL_DAYS = [f"{day}{sign}%Y" for sign in "-_." for day in (f"%d{sign}%m", f"%m{sign}%d")] + ["%d%m%Y", "%m%d%Y"]
_PATTERNS = [day + clock for clock in _CLOCKS for day in _DAYS] + _LOCAL_DAYS + ["%Y-%m", "%Y_%m", "%Y%m"]
_YEARS = range(1980, 2100)  # a number that looks like a date of another year is a number


def words(name: str) -> list[str]:
    """The words of a name, in lower case: `customerID` is customer, id."""
    apart = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3 \2\4", name)
    return [word for word in re.split(r"[\W_]+", apart.lower()) if word]


def key_tier(name: str) -> int:
    """0 for a name that says identifier, 1 for one that says code or number, 2 for any other."""
    ends = {*words(name)[:1], *words(name)[-1:]}
    return 0 if ends & _IDS else 1 if ends & _CODES else 2


def is_scope(name: str) -> bool:
    """Whether a name ends like what gives numbers of its own, such as a shop, or what is numbered, such as receipts."""
    return bool(set(words(name)[-1:]) & _SCOPES)


def is_stage(name: str) -> bool:
    """Whether a name speaks of what changes from one version to the next: a status, a step, a version."""
    return bool(set(words(name)) & _STAGES)


def is_code(name: str) -> bool:
    """Whether a name speaks of what may begin with a zero: codes, postcodes, phone numbers."""
    return bool(_KEPT_AS_TEXT & set(words(name)))


def time_tier(name: str) -> int:
    """0 for a name that says when a row was changed, 1 for a time, 2 for any other, 3 for times of something else."""
    found = set(words(name))
    if found & _OTHER_TIMES:
        return 3
    return 0 if found & _CHANGED else 1 if found & _TIMES else 2


def match_pattern(names: Sequence[str]) -> str:
    """A glob for files like these, by what their names begin with; `*.csv*` where that says too little."""
    stems = [_stem(name) for name in names]
    first, last = min(stems), max(stems)
    size = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    prefix = first[:size]
    if any(_within_word(stem, size) for stem in stems):
        prefix = re.sub(r"[^\W\d_]+$", "", prefix)
    prefix = re.sub(r"\d[\dTZtz._-]*$", "", prefix)  # a date, or the part of one that all have
    pattern = f"{glob.escape(prefix)}*.csv*"
    enough = sum(character.isalpha() for character in prefix) >= 2
    config = DatasetConfig(match=(pattern,))
    return pattern if enough and all(inbox.matches(name, config) for name in names) else "*.csv*"


def _stem(name: str) -> str:
    suffix = max((suffix for suffix in inbox.SUFFIXES if name.endswith(suffix)), key=len)
    return name[: -len(suffix)]


def _within_word(stem: str, size: int) -> bool:
    return 0 < size < len(stem) and stem[size].isalpha() and stem[size - 1].isalpha()


def batch_times(names: Sequence[str]) -> list[str]:
    """The `batch_time` patterns under which all names hold exactly one date.

    Returns:
        None of them; one; or two where day and month can be exchanged.
    """
    for pattern in _PATTERNS:
        if _fits(pattern, names):
            other = pattern.translate({ord("d"): "m", ord("m"): "d"})
            return [pattern, other] if pattern in _LOCAL_DAYS and _fits(other, names) else [pattern]
    return []


def _fits(pattern: str, names: Sequence[str]) -> bool:
    shape = re.compile(rf"(?<!\d){format_pattern(pattern)}(?!\d)")
    years = datetime(_YEARS.start, 1, 1, tzinfo=UTC), datetime(_YEARS.stop, 1, 1, tzinfo=UTC)
    for name in names:
        if not shape.search(name.rpartition("/")[2]):
            return False
        try:
            time = inbox.batch_time(name, pattern)
        except Unreadable:
            return False
        if time is None or not years[0] <= time < years[1]:
            return False
    return True
